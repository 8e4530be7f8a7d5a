"""Rules, bounds and models that change between two runs: just what they concern is made again."""

from datetime import UTC, date, datetime

import dagster as dg
from dagster._core.test_utils import freeze_time
from typer.testing import CliRunner

from customer_segments.automation.agenda import of_run
from customer_segments.automation.facts import look
from customer_segments.commands.app import app
from customer_segments.installation import Installation
from customer_segments.policy import Policy, rules
from customer_segments.storage.io_manager import departures
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM, KMEANS_MODEL
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.installations import execute, install
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World

ALL = ("score", "2010-01", "2010-03")


def made_by(world: World, table: str) -> set[str | None]:
    """Fingerprints of the rules that made the months of a table that have rows."""
    return {held.made_by for held in world.state.months(table).values() if held.rows}


def test_a_changed_rule_and_a_first_month_give_what_a_fresh_warehouse_gives(world):
    """Months before the first were counted still, and `score` stayed green; the command died.

    And a run that was killed breaks nothing: the next one goes on.
    """
    labels, snapshots = (
        f"FROM {of} WHERE snapshot_month > '2010-01-01' ORDER BY ALL"
        for of in ("customer_segments", "customer_rfm")
    )
    before = {sql: ask(world.settings, sql) for sql in (labels, snapshots)}
    cleaned = made_by(world, "cleaned_transactions")
    world.set_rule("cleaning", "non_products", {"ZEBRA": "A zebra"})
    assert str(of_run(look(world.installed))[0]) == "score 2010-01 to 2010-03"
    world.set_bounds(first_month="2010-02")
    # Inside the write of labels: what they are made of is committed.
    world.kill(10, "inside")
    world.run()
    assert ask(world.settings, labels) == before[labels]
    assert ask(world.settings, snapshots) != before[snapshots]
    world.run()
    assert world.is_quiet()
    made = made_by(world, "cleaned_transactions")
    assert made == {world.installed.made_by(CLEANED_TRANSACTIONS)} != cleaned
    assert ask(world.settings, labels) != before[labels]
    assert world.differences() == {}


def test_a_changed_action_labels_again_and_changes_nothing_else_but_reports_of_before(world):
    world.launch("report", (shop.month(1), shop.month(1)))
    assert world.is_quiet()
    ((before,),) = ask(world.settings, "SELECT max(publication) FROM publications")
    with world.settings.config.open("a") as file:
        file.write('\n[[actions]]\nsegment = "Champoins"\naction = "Thank them."\n')
        file.write('[[actions]]\naction = "Say hello."\nchannel = "pigeon"\n')
    assert world.daemon.tick().runs == [ALL]
    run = world.instance.get_runs(limit=1)[0]
    messages = [entry.user_message for entry in world.instance.all_logs(run.run_id)]
    assert "[[actions]] for Champoins: no model has such a segment." in messages
    told = "SELECT DISTINCT suggested_action, channel, why FROM customer_segments"
    assert ask(world.settings, told) == [("Say hello.", "pigeon", "")]
    changed = f"FROM publications WHERE is_changed AND month IS NOT NULL AND publication > {before}"
    changed = ask(world.settings, f"SELECT DISTINCT table_name {changed}")
    assert set(changed) - {("check_history",)} == {("customer_segments",)}
    assert world.daemon.tick().runs == [("report", "2010-02", "2010-03")]
    assert world.is_quiet()


def test_a_launch_that_departs_from_the_policy_says_so_and_holds_until_the_next(world):
    before = ask(world.settings, "FROM cleaned_transactions ORDER BY ALL")
    config = {"ops": {"clean_transactions": {"config": {"drop_credit_notes": True}}}}
    world.launch("clean", (shop.month(1), shop.month(2)), config=config)
    said = (
        "cleaning.drop_credit_notes is True, the policy says False. "
        "The next refresh makes these months again by the policy"
    )
    event = world.instance.get_latest_materialization_event(dg.AssetKey("cleaned_transactions"))
    assert event.asset_materialization.metadata["departs_from_policy"].value == said
    run = world.instance.get_runs(limit=1)[0]
    messages = [entry.user_message for entry in world.instance.all_logs(run.run_id)]
    assert f"This launch departs from the policy: {said}." in messages
    assert ask(world.settings, "FROM cleaned_transactions ORDER BY ALL") != before
    assert str(of_run(look(world.installed))[0]) == "score 2010-02 to 2010-03"
    world.launch("clean", (shop.month(1), shop.month(2)))
    assert ask(world.settings, "FROM cleaned_transactions ORDER BY ALL") == before


def test_what_a_launch_says_of_a_month_to_train_on_is_no_departure():
    launched = {"training_month": "2010-02", "n_clusters": 2}
    _, said = departures(Policy(), KMEANS_MODEL, launched)
    assert said.startswith("model.n_clusters is 2, the policy says 'auto'")
    assert "training_month" not in said


def test_a_month_that_is_asked_for_is_made_reported_and_printed(world, monkeypatch):
    monkeypatch.setattr(Installation, "here", lambda: world.installed)
    """After those before it, which its snapshot adds up; no other is scored."""
    world.set_rule("cleaning", "drop_missing_customer", False)
    (remembered := world.settings.months_path).unlink()
    done = CliRunner().invoke(app, ["run", "--months", "2010-02"])
    assert done.exit_code == 0, done.output
    assert remembered.is_file()
    assert "2010-01 come first" in done.output
    assert "Segments of 2010-02" in done.output
    assert "segment_report_2010-02.html" in done.output
    assert "Segments of 2010-03" not in done.output
    for contract, again in ((CLEANED_TRANSACTIONS, [0, 1]), (CUSTOMER_RFM, [1])):
        wanted, held = world.installed.made_by(contract), world.state.months(contract.table)
        made = [month for month in held if held[month].made_by == wanted]
        assert made == [shop.month(index) for index in again]


def test_sales_of_the_morning_of_the_first_are_kept_where_the_day_begins_early(
    tmp_path, monkeypatch
):
    """1 April, 8 o'clock in Tokyo: by UTC it is March."""
    now = datetime(2010, 3, 31, 23, 0, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now.astimezone(tz)

    monkeypatch.setattr(rules, "datetime", Clock)
    (tmp_path / "source").mkdir()
    settings = install(tmp_path, tmp_path / "source")
    settings.config.write_text("[source]\ntime_zone = 'Asia/Tokyo'")
    sale = ["1", "85048", "LIGHTS", 1, "2010-04-01 07:30", "2.50", "7", "Japan"]
    shop.put(settings.source_dir / "a.csv", [*shop.rows(1, 0), *shop.rows(2, 0), sale])
    april = date(2010, 4, 1)
    with freeze_time(now):
        execute(settings, "ingest", checks=False)
        covered = Installation.of(settings).months
        assert covered.newest == april
        keys = covered.partitions().get_partition_keys()
        assert keys[-1] == "2010-04-01"
        execute(settings, "clean", covered.first, april, checks=False)
    kept = ask(settings, "SELECT invoice FROM cleaned_transactions WHERE month = '2010-04-01'")
    assert kept == [("1",)]
    assert ask(settings, "FROM rejected_transactions WHERE reason = 'outside_months'") == []
