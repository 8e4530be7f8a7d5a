"""Dagster's event log with connections that stay open: the same records, live, in bounded files."""

import threading
from contextlib import suppress
from pathlib import Path

import dagster as dg
import pytest

from customer_segments.event_log import MOST_OPEN, PooledEventLog
from customer_segments.instance import HEADING, prepare_dagster_home
from customer_segments.settings import project_root


@pytest.fixture
def home(tmp_path) -> Path:
    """A Dagster home as commands and the UI prepare it."""
    return prepare_dagster_home(tmp_path)


def test_storages_that_a_project_names_itself_stay(tmp_path):
    postgres = "storage: {postgres: {postgres_url: {env: URL}}}\n"
    (tmp_path / "dagster.yaml").write_text(postgres)
    assert (prepare_dagster_home(tmp_path) / "dagster.yaml").read_text() == HEADING + postgres


def test_a_home_that_is_named_is_ours_if_nobody_had_it_before(tmp_path, monkeypatch):
    ours, others, moved = (tmp_path / name for name in ("ours", "others", "moved"))
    (others / "history").mkdir(parents=True)

    def prepared(home: Path) -> str:
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        return (prepare_dagster_home() / "dagster.yaml").read_text()

    assert f"{ours}/history/runs" in prepared(ours)
    ours.rename(moved)
    assert f"{moved}/history/runs" in prepared(moved)
    # Who keeps it for himself takes the heading out.
    kept = (moved / "dagster.yaml").read_text().removeprefix(HEADING) + "# kept\n"
    (moved / "dagster.yaml").write_text(kept)
    assert prepared(moved) == kept
    assert prepared(others) == (project_root() / "dagster.yaml").read_text()


@dg.asset(check_specs=[dg.AssetCheckSpec("has_rows", asset="counted")])
def counted():
    yield dg.MaterializeResult(metadata={"rows": 3})
    yield dg.AssetCheckResult(passed=True)


def test_the_project_uses_it_and_dagsters_own_storage_reads_what_it_wrote(home):
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance.event_log_storage, PooledEventLog)
        run = dg.materialize([counted], instance=instance)
    assert run.success

    # Where a project has no such configuration: what was written before stays readable, and back.
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert not isinstance(instance.event_log_storage, PooledEventLog)
        kinds = [entry.dagster_event_type for entry in instance.all_logs(run.run_id)]
        (newest,) = instance.fetch_materializations(counted.key, limit=1).records
    assert kinds[-1] is dg.DagsterEventType.RUN_SUCCESS
    assert dg.DagsterEventType.ASSET_CHECK_EVALUATION in kinds
    assert newest.asset_materialization.metadata["rows"].value == 3


def test_a_live_run_is_seen_from_another_process_as_its_events_are_written(home):
    """The UI watches the file of a run's events, which SQLite itself leaves alone for a while."""
    with (
        dg.DagsterInstance.from_config(str(home)) as writer,
        dg.DagsterInstance.from_config(str(home)) as ui,
    ):
        run_id = dg.materialize([counted], instance=writer).run_id
        seen, arrived = [], threading.Event()

        def told(entry, _cursor) -> None:
            seen.append(entry.message)
            if "again" in entry.message:
                arrived.set()

        ui.watch_event_logs(run_id, None, told)
        run = writer.get_run_by_id(run_id)
        writer.report_engine_event("again", run)
        assert arrived.wait(20), seen


def test_many_runs_are_read_with_few_open_files(home):
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = [
            dg.materialize([counted], instance=instance).run_id for _ in range(MOST_OPEN // 4 + 1)
        ]
        for number in range(MOST_OPEN):
            instance.all_logs(f"none{number}")
        assert all(len(list(instance.all_logs(run_id))) > 5 for run_id in runs)
        open_files = set()
        for descriptor in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the one that lists them
                open_files.add(descriptor.readlink())
        assert sum(home in file.parents for file in open_files) <= 3 * (MOST_OPEN + 2)

        instance.wipe()
        assert instance.get_records_for_run(runs[0]).records == []
