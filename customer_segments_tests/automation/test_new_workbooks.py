"""The sensor on the source folder: once per content, not while a file is being written."""

import os

import pytest

from customer_segments.errors import UserError
from customer_segments.settings import Settings
from customer_segments_tests.automation.daemon import Daemon
from customer_segments_tests.automation.shop import LONG_AGO, lines, put

INGEST = [("ingest", None, None)]


@pytest.fixture
def watched(installed, instance) -> Daemon:
    put(installed.source_dir / "a.csv", lines(3))
    daemon = Daemon(installed, instance)
    assert daemon.tick("new_workbooks").runs == INGEST
    assert daemon.last_run_succeeded()
    return daemon


def test_it_asks_once_for_each_content(watched):
    source = watched.settings.source_dir
    assert "those that were last read" in watched.tick("new_workbooks").said
    os.utime(source / "a.csv", (LONG_AGO + 9, LONG_AGO + 9))
    assert "No workbook changed" in watched.tick("new_workbooks").said
    put(source / "b.csv", lines(2))
    assert watched.tick("new_workbooks").runs == INGEST
    put(source / "b.csv", lines(2)[1:])
    assert watched.tick("new_workbooks").runs == INGEST
    (source / "b.csv").unlink()
    assert watched.tick("new_workbooks").runs == INGEST
    put(source / "b.csv", lines(2))
    assert watched.tick("new_workbooks").runs == INGEST
    assert watched.tick("new_workbooks").runs == []


def test_a_file_that_is_being_copied_is_left_alone(watched):
    path = watched.settings.source_dir / "b.csv"
    for size in (10, 20):
        put(path, lines(2)[:size], is_quiet=False)
        tick = watched.tick("new_workbooks")
        assert (tick.runs, tick.said) == ([], "Still being written: b.csv.")
    assert watched.tick("new_workbooks").runs == INGEST


def test_a_file_that_failed_is_tried_again_only_when_it_changes(watched):
    path = watched.settings.source_dir / "b.csv"
    put(path, [["too", "few"]])
    path.write_text("no,header\n1,2\n")
    os.utime(path, (LONG_AGO, LONG_AGO))
    assert watched.tick("new_workbooks").runs == INGEST
    assert not watched.last_run_succeeded()
    for _ in range(3):
        assert watched.tick("new_workbooks").runs == []
    put(path, lines(2))
    assert watched.tick("new_workbooks").runs == INGEST
    assert watched.last_run_succeeded()


def test_what_was_ingested_by_others_is_not_asked_for(watched):
    watched.cursors.clear()
    assert "those that were last read" in watched.tick("new_workbooks").said


def test_a_deleted_warehouse_is_made_anew(watched):
    assert watched.tick("new_workbooks").runs == []
    watched.settings.warehouse_path.unlink()
    assert watched.tick("new_workbooks").runs == INGEST
    assert watched.last_run_succeeded()
    assert watched.tick("new_workbooks").runs == []


def test_a_missing_folder_fails_the_tick(watched):
    source = watched.settings.source_dir
    source.rename(source.with_name("elsewhere"))
    with pytest.raises(UserError, match="does not exist"):
        watched.tick("new_workbooks")
    source.with_name("elsewhere").rename(source)
    assert watched.tick("new_workbooks").runs == []


def test_a_first_workbook_beside_the_loaded_sample_asks_for_a_reload(
    tmp_path, monkeypatch, instance
):
    monkeypatch.setattr("customer_segments.settings.project_root", lambda: tmp_path)
    for folder in ("sample", "source"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    put(tmp_path / "data/sample/sample.csv", lines(3))
    daemon = Daemon(Settings(_env_file=None), instance)
    assert daemon.tick("new_workbooks").runs == INGEST
    put(tmp_path / "data/source/mine.csv", lines(2))
    with pytest.raises(UserError, match="but the sample is loaded"):
        daemon.tick("new_workbooks")
    reloaded = Daemon(Settings(_env_file=None), instance)
    assert reloaded.tick("new_workbooks").runs == INGEST
    assert (tmp_path / "data/warehouse.duckdb").exists()
