"""The chain from a changed folder to labelled months: once, over the months that it concerns."""

from datetime import date, datetime

import dagster as dg
import pytest
from customer_segments.automation.sensors import CHAIN_TAG

from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.months import shift
from customer_segments_tests.automation.daemon import Daemon
from customer_segments_tests.automation.shop import deliver, lines, month, put
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.installations import evaluate_checks

NOW = datetime(2031, 1, 2, 5)


def key(ago: int) -> str:
    return f"{month(ago):%Y-%m}"


def published(
    daemon: Daemon, table: str, since: int = 0, *, changed_only: bool = True
) -> list[str]:
    """Months of a table that were published since a publication, those that changed."""
    condition = "AND is_changed" if changed_only else ""
    rows = ask(
        daemon.settings,
        f"SELECT DISTINCT month FROM publications WHERE table_name = '{table}' "
        f"AND publication > {since} {condition} ORDER BY 1",
    )
    return [f"{row[0]:%Y-%m}" for row in rows]


def newest(daemon: Daemon) -> int:
    return ask(daemon.settings, "SELECT max(publication) FROM publications")[0][0]


def test_a_first_run_fits_and_labels_all_months(daemon):
    assert published(daemon, "customer_segments") == [key(ago) for ago in range(14, 1, -1)]
    assert ask(daemon.settings, "SELECT verdict FROM champion_model") == [("first fit",)]


def test_the_next_month_is_scored_alone(daemon):
    before = newest(daemon)
    deliver(daemon.settings.source_dir, [1])
    assert daemon.until_quiet() == [("ingest", None, None), ("score", key(1), key(1))]
    for table in ("cleaned_transactions", "customer_rfm", "customer_segments", "segment_profiles"):
        assert published(daemon, table, before, changed_only=False) == [key(1)]


def test_the_schedule_asks_for_ingestion_and_says_what_it_expects(daemon):
    tick = daemon.tick_schedule("monthly_refresh", NOW)
    assert tick.runs == [("ingest", None, None)]
    run = daemon.instance.get_runs(limit=1)[0]
    assert run.tags["expected_month"] == "2030-12"
    tick = daemon.tick("score_changed_months")
    assert tick.runs == []
    assert tick.said.startswith("Nothing changed, no month is scored. The data of " + key(1))


def test_a_month_that_is_due_is_said_and_nothing_is_published_for_it(daemon):
    check = evaluate_checks(daemon.settings, "raw_transactions")["awaited_month"]
    assert not check.passed
    assert f"The data of {key(1)} is not all there" in (check.description or "")
    assert published(daemon, "customer_segments", changed_only=False)[-1] == key(2)
    deliver(daemon.settings.source_dir, [1])
    daemon.until_quiet()
    assert evaluate_checks(daemon.settings, "raw_transactions")["awaited_month"].passed


def test_what_was_missed_is_caught_up_in_one_run(daemon):
    put(daemon.settings.source_dir / f"{key(5)}.csv", lines(5)[1:])
    assert daemon.tick("new_workbooks").runs == [("ingest", None, None)]
    deliver(daemon.settings.source_dir, [1])
    assert daemon.tick("new_workbooks").runs == [("ingest", None, None)]
    # Two ingestions before the next tick: the last one's materialization speaks for both.
    assert daemon.until_quiet() == [("score", key(5), key(1))]


def test_a_score_run_that_failed_is_caught_up_with_the_next(daemon):
    deliver(daemon.settings.source_dir, [1])
    daemon.tick("new_workbooks")
    daemon.settings.warehouse_path.chmod(0o400)
    assert daemon.tick("score_changed_months").runs == [("score", key(1), key(1))]
    assert not daemon.last_run_succeeded()
    daemon.settings.warehouse_path.chmod(0o600)
    put(daemon.settings.source_dir / "more.csv", lines(1)[:2])
    assert daemon.until_quiet() == [("ingest", None, None), ("score", key(1), key(1))]
    assert published(daemon, "customer_segments")[-1] == key(1)


def test_a_changed_line_restates_its_month_and_the_snapshots_after_it(daemon):
    before, ago = newest(daemon), 9
    rows = lines(ago)
    rows[0][3] += 1000  # quantity
    put(daemon.settings.source_dir / f"{key(ago)}.csv", rows)
    runs = daemon.until_quiet()
    assert runs == [("ingest", None, None), ("score", key(ago), key(2))]
    assert published(daemon, "raw_transactions", before) == [key(ago)]
    assert published(daemon, "cleaned_transactions", before) == [key(ago)]
    # The months after it were published again, and came out identical.
    every = [key(n) for n in range(ago, 1, -1)]
    assert published(daemon, "cleaned_transactions", before, changed_only=False) == every
    assert published(daemon, "customer_rfm", before) == every
    added = 1000 * float(rows[0][5])
    event = daemon.instance.get_latest_materialization_event(dg.AssetKey("cleaned_transactions"))
    metadata = event.asset_materialization.metadata
    assert float(metadata["restated_revenue"].value.replace(",", "")) == pytest.approx(added)
    (restated,) = metadata["restated"].records
    assert restated.data["month"] == key(ago)


def test_an_invoice_delivered_again_with_a_later_date_changes_both_months(daemon):
    before = newest(daemon)
    moved = lines(9)[0]
    moved[4] = f"{key(8)}-15 10:00"
    put(daemon.settings.source_dir / "z corrections.csv", [moved])
    assert daemon.until_quiet() == [("ingest", None, None), ("score", key(9), key(2))]
    assert published(daemon, "cleaned_transactions", before) == [key(9), key(8)]
    assert ask(
        daemon.settings,
        f"SELECT month, reason FROM rejected_transactions WHERE invoice = '{moved[0]}'",
    ) == [(month(9), "overlapping_invoice")]
    check = evaluate_checks(daemon.settings, "raw_transactions")["conflicting_invoices"]
    assert check.passed  # moved, but with the same lines
    moved[3] += 1
    put(daemon.settings.source_dir / "z corrections.csv", [moved])
    daemon.until_quiet()
    check = evaluate_checks(daemon.settings, "raw_transactions")["conflicting_invoices"]
    assert not check.passed
    assert check.metadata["invoices"].value == 1


@pytest.mark.parametrize("how", ["removed", "empty"])
def test_a_file_that_went_away_or_came_empty_empties_its_month(daemon, how):
    path = daemon.settings.source_dir / f"{key(2)}.csv"
    if how == "removed":
        path.unlink()
    else:
        put(path, [])
    assert daemon.until_quiet() == [("ingest", None, None), ("score", key(2), key(2))]
    for table in ("cleaned_transactions", "customer_rfm", "customer_segments", "segment_profiles"):
        column = "month" if table == "cleaned_transactions" else "snapshot_month"
        ((last,),) = ask(daemon.settings, f"SELECT max({column}) FROM {table}")
        assert last == month(3)
    lines_of_month = ask(
        daemon.settings,
        "SELECT rows FROM publications WHERE table_name = 'customer_segments' AND "
        f"month = DATE '{month(2)}' ORDER BY publication",
    )
    assert lines_of_month[-1] == (0,)


def test_a_code_location_that_does_not_know_the_months_yet_says_so(installed, instance):
    daemon = Daemon(installed, instance)
    deliver(installed.source_dir, range(14, 1, -1))
    daemon.tick("new_workbooks")
    for _ in range(2):
        with pytest.raises(UserError, match="Reload it"):
            daemon.tick("score_changed_months")
    daemon.reload()
    assert daemon.tick("score_changed_months").runs == [("full_refresh", key(14), key(2))]
    assert daemon.last_run_succeeded()


def test_what_the_command_line_ingested_is_left_to_it(daemon):
    deliver(daemon.settings.source_dir, [1])
    job = build_defs(Installation.of(daemon.settings)).resolve_job_def("ingest")
    job.execute_in_process(instance=daemon.instance, tags={CHAIN_TAG: "command line"})
    assert "The command" in daemon.tick("score_changed_months").said


@pytest.mark.parametrize("relabel", ["all", "new"])
def test_a_new_champion_labels_all_months_in_one_run_if_the_settings_want_it(daemon, relabel):
    daemon.settings.relabel = relabel
    fit = {"kmeans_model": {"config": {"n_clusters": 3}}}
    job = build_defs(Installation.of(daemon.settings)).resolve_job_def("refit")
    result = job.execute_in_process(instance=daemon.instance, run_config={"ops": fit})
    materialization = result.asset_materializations_for_node("kmeans_model")[0]
    version = materialization.metadata["model_version"].value
    assert daemon.tick("relabel_by_new_champion").runs == []
    choice = {"champion_model": {"config": {"version": version, "reason": "three will do"}}}
    job = build_defs(Installation.of(daemon.settings)).resolve_job_def("promote")
    job.execute_in_process(instance=daemon.instance, run_config={"ops": choice})
    runs = [("relabel", key(14), key(2))] if relabel == "all" else []
    assert daemon.tick("relabel_by_new_champion").runs == runs
    labels = ask(daemon.settings, "SELECT DISTINCT model_version FROM customer_segments")
    assert (labels == [(version,)]) == (relabel == "all")


def test_months_go_on_without_a_reload_once_the_feed_is_live(daemon):
    """The partitions of a live feed are open at the end."""
    keys = daemon.repository.get_job("score").partitions_def.get_partition_keys()
    assert keys[-1] == f"{date.today():%Y-%m}-01"
    assert keys[0] == f"{shift(month(0), -14)}"
