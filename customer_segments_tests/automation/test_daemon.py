"""The daemon: one sensor starts what is due, one step after the other, until nothing is."""

import json
import os
from datetime import date, datetime

import dagster as dg
import pytest

from customer_segments.automation.agenda import of_run
from customer_segments.automation.facts import look
from customer_segments.errors import UserError
from customer_segments.settings import Settings
from customer_segments.shown import report_path
from customer_segments_tests.automation.daemon import RECOMMEND, Daemon
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World

INGEST = ("ingest", None, None)
NEXT = date(2010, 5, 10)


def publications(world: World, table: str) -> list[tuple]:
    return ask(
        world.settings,
        "SELECT strftime(month, '%Y-%m'), is_changed FROM publications "
        f"WHERE table_name = '{table}' ORDER BY publication",
    )


def test_a_first_run_fits_labels_and_reports(labelled_shop, world):
    assert [tuple(run) for run in json.loads((labelled_shop / "ran.json").read_text())] == [
        INGEST,
        ("full_refresh", "2010-01", "2010-03"),
        ("report", "2010-03", "2010-03"),
        RECOMMEND,
        ("report", "2010-03", "2010-03"),
    ]
    assert world.daemon.tick().said == "Nothing is due."
    assert world.is_quiet()  # The command line agrees.
    assert report_path(world.settings.reports_path, shop.month(2)).is_file()
    shown = world.instance.get_latest_materialization_event(dg.AssetKey("agenda"))
    assert shown.asset_materialization.metadata["due"].value == "Nothing is due."


def test_the_next_month_is_scored_alone_and_events_do_not_matter(world):
    world.today = NEXT
    shop.deliver(world.source, 3)
    before = {
        table: len(publications(world, table)) for table in ("customer_rfm", "customer_segments")
    }
    months = "2010-04", "2010-04"
    for due in (INGEST, ("score", *months), ("report", *months)):
        assert world.daemon.tick().runs == [due]
        world.forget_events()
    assert world.is_quiet()
    for table, count in before.items():
        assert publications(world, table)[count:] == [("2010-04", True)]


def test_a_changed_line_and_a_file_that_went_away_restate_their_months_and_those_after(world):
    """Once the file is whole: while it is being copied it is left alone."""
    rows = shop.rows(1, 0)
    rows[0][3] += 1000  # quantity
    (world.source / "2010-03.csv").unlink()
    for size in (10, len(rows)):
        shop.put(world.source / "2010-02.csv", rows[:size], is_quiet=False)
        tick = world.daemon.tick()
        assert (tick.runs, tick.said) == ([], "Still being written: 2010-02.csv.")
    assert world.daemon.tick().runs == [INGEST]
    assert world.daemon.tick().runs == [("score", "2010-02", "2010-03")]
    for table in ("cleaned_transactions", "customer_rfm"):
        assert publications(world, table)[-2:] == [("2010-02", True), ("2010-03", True)]
    for table, column in (
        ("cleaned_transactions", "month"),
        ("segment_profiles", "snapshot_month"),
    ):
        assert ask(world.settings, f"SELECT max({column}) FROM {table}") == [(shop.month(1),)]
    assert world.daemon.tick().runs == [("report", "2010-02", "2010-02")]
    assert world.is_quiet()


@pytest.mark.slow  # the agenda's table has the decisions, test_cli promotes
@pytest.mark.parametrize("what", ["import", "ingest", "promote"])
def test_what_a_command_began_is_caught_up(world, what):
    relabel = ("relabel", "2010-01", "2010-03")
    if what == "ingest":
        shop.deliver(world.source, 1, seed=1)
        world.launch("ingest")
        assert world.daemon.until_quiet()[0] == ("score", "2010-02", "2010-03")
        return
    world.import_model(shop.model(3), promote=what == "import")
    if what == "promote":
        (version,) = {*world.versions()} - {world.state.champion}
        ops = {"champion_model": {"config": {"version": version}}}
        world.launch("promote", config={"ops": ops})
    assert world.daemon.until_quiet() == [relabel, ("report", "2010-03", "2010-03"), RECOMMEND]


def test_a_file_that_is_touched_is_not_read_again(world):
    os.utime(world.source / "2010-02.csv", (9, 9))
    assert world.daemon.tick().said == "Nothing is due."


def test_a_missing_folder_fails_the_tick(world):
    elsewhere = world.source.with_name("elsewhere")
    world.source.rename(elsewhere)
    with pytest.raises(UserError, match="does not exist"):
        world.daemon.tick()
    elsewhere.rename(world.source)
    assert world.daemon.tick().runs == []


def test_a_deleted_warehouse_is_made_anew(world):
    world.settings.warehouse_path.unlink()
    assert [str(step) for step in of_run(look(world.installed))] == ["ingest"]


def test_a_first_workbook_beside_the_loaded_sample_asks_for_a_reload(
    tmp_path, monkeypatch, instance
):
    monkeypatch.setattr("customer_segments.settings.project_root", lambda: tmp_path)
    monkeypatch.setattr("customer_segments.settings.SAMPLE", tmp_path / "data/sample")
    for folder in ("sample", "source"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    shop.put(tmp_path / "data/sample/sample.csv", shop.rows(0, 0))
    daemon = Daemon(Settings(_env_file=None), instance)
    shop.put(tmp_path / "data/source/mine.csv", shop.rows(1, 0))
    with pytest.raises(UserError, match="but the sample is loaded"):
        daemon.tick()
    reloaded = Daemon(Settings(_env_file=None), instance)
    assert reloaded.tick().runs == [INGEST]
    assert (tmp_path / "data/warehouse.duckdb").exists()


def test_the_schedule_asks_for_ingestion_and_says_what_it_expects(world):
    """Which is all that a lost file of states costs."""
    world.installed.warehouse.state_path.unlink()
    tick = world.daemon.tick_schedule("monthly_refresh", datetime(2031, 1, 2, 5))
    assert tick.runs == [INGEST]
    assert world.instance.get_runs(limit=1)[0].tags["expected_month"] == "2030-12"
    assert world.daemon.tick().said == "Nothing is due."


def test_months_go_on_without_a_reload_once_the_feed_is_live(world):
    """The partitions of a live feed are open at the end."""
    keys = world.daemon.repository.get_job("score").partitions_def.get_partition_keys()
    assert (keys[0], keys[-1]) == ("2010-01-01", f"{date.today():%Y-%m}-01")


@pytest.mark.parametrize("is_on", [True, False])
def test_it_is_on_when_the_settings_say_so(world, is_on):
    settings = world.settings.model_copy(update={"automation": is_on})
    sensor = Daemon(settings, world.instance).repository.get_sensor_def("agenda")
    assert (sensor.default_status is dg.DefaultSensorStatus.RUNNING) == is_on


def test_it_is_the_only_one_that_starts_runs(world):
    sensors = world.daemon.repository.sensor_defs
    assert [sensor.name for sensor in sensors if sensor.targets] == ["agenda"]
