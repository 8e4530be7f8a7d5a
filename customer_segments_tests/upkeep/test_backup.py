"""Backups are whole whatever goes on beside them, and bad ones never become the warehouse."""

import multiprocessing
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from customer_segments.errors import UserError
from customer_segments.storage import Warehouse
from customer_segments.storage.connection import WarehouseUnavailable
from customer_segments.storage.requirements import ContractMismatch
from customer_segments.storage.state import State
from customer_segments.upkeep.backup import back_up, check_backup
from customer_segments.upkeep.restore import restore
from customer_segments_tests.storage.processes import (
    CONTEXT,
    PATIENCE,
    die_after_commit,
    held_by_other,
    publish_generations,
    start,
)
from customer_segments_tests.storage.samples import CLEANED, MODEL, RAW, arrow, raw_row, rows_of
from customer_segments_tests.upkeep.conftest import MONTHS, everything


def without_notes(path: Path) -> dict:
    return {
        name: [row for row in rows if row[0] != "backup_notes"]
        for name, rows in everything(path).items()
        if name != "backup_notes"
    }


def test_a_backup_holds_all_that_the_warehouse_does(installed):
    umask = os.umask(0)
    try:
        path, notes = back_up(installed)
    finally:
        os.umask(umask)
    assert without_notes(path) == everything(installed.warehouse.path)
    assert (notes.months, notes.differences) == (MONTHS, [])
    assert check_backup(path) == notes
    assert path.parent == installed.warehouse.path.parent / "backups"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(duckdb.ConstraintException), duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE cleaned_transactions SET quantity = 0")


def test_where_no_folder_can_be_made_another_is_asked_for(installed):
    (installed.warehouse.path.parent / "backups").touch()
    with pytest.raises(UserError, match="backups cannot be made: File exists"):
        back_up(installed)


def test_two_backups_at_once_have_two_names(installed):
    paths = {back_up(installed)[0] for _ in range(3)}
    assert len(paths) == 3
    with pytest.raises(UserError, match="exists already"):
        back_up(installed, paths.pop())


def test_what_a_killed_process_had_committed_is_in_the_backup(installed):
    process = start(die_after_commit, str(installed.warehouse.path))
    process.join(PATIENCE)
    assert installed.warehouse.path.with_name("warehouse.duckdb.wal").stat().st_size
    path, _ = back_up(installed)
    assert rows_of(path, "SELECT model_version FROM kmeans_model ORDER BY 1") == [
        ("a",),
        ("second",),
    ]


def test_backups_while_another_process_writes_and_one_reads(installed):
    """Every one is of a state that there was: a generation is there whole, with its line."""
    receiving, sending = multiprocessing.Pipe(duplex=False)
    writer = start(publish_generations, str(installed.warehouse.path), 0, 3, sending)
    stop = CONTEXT.Event()
    reader = start(read_until, str(installed.warehouse.path), stop)
    assert receiving.poll(PATIENCE)
    generations = set()
    while writer.is_alive():
        path, notes = back_up(installed)
        assert notes.differences == []
        check_backup(path)
        written = rows_of(path, "SELECT DISTINCT quantity, note FROM cleaned_transactions")
        generations.add(written[0])
        assert len(written) == 1
    stop.set()
    for process in (writer, reader):
        process.join(PATIENCE)
        assert process.exitcode == 0
    assert generations


def read_until(path: str, stop) -> None:
    warehouse = Warehouse(path, PATIENCE)
    while not stop.is_set():
        with warehouse.reading() as con:
            assert con.raw_sql("SELECT count(*) FROM kmeans_model").fetchall() == [(1,)]


def test_a_restore_brings_all_back_and_keeps_what_was_there(installed):
    before, before_state = everything(installed.warehouse.path), state_beside(installed)
    backup, _ = back_up(installed)
    installed.warehouse.publish(RAW, arrow(RAW, [raw_row(9)]))
    installed.settings.months_path.write_text(MONTHS.replace("02-01", "12-01"))
    later = everything(installed.warehouse.path)
    assert later != before

    kept, months_changed = restore(installed, backup)
    assert everything(installed.warehouse.path) == before
    assert state_beside(installed) == installed.warehouse.state()
    assert installed.settings.months_path.read_text() == MONTHS
    assert installed.renewed().months.last.month == 2
    assert kept
    assert (kept.stem.endswith("before-restore"), months_changed) == (True, True)
    assert without_notes(kept) == later
    assert stat.S_IMODE(installed.warehouse.path.stat().st_mode) == 0o600
    # And forward again; the backup that was restored is still there.
    assert restore(installed, kept)[1]
    assert everything(installed.warehouse.path) == later
    assert state_beside(installed) == installed.warehouse.state() != before_state
    check_backup(backup)
    left = {path.name for path in installed.warehouse.path.parent.iterdir()}
    assert left == {
        *("warehouse.duckdb", "warehouse.duckdb.months.json", "warehouse.duckdb.state.json"),
        "backups",
    }


def state_beside(installed) -> State:
    """What the daemon takes the warehouse to hold; it never opens it."""
    return State.load(installed.warehouse.state_path)


def test_a_backup_of_before_a_migration_leaves_no_state_to_be_believed(installed):
    with duckdb.connect(str(installed.warehouse.path)) as connection:
        connection.execute("ALTER TABLE publications DROP COLUMN made_by")
    restore(installed, back_up(installed)[0])
    assert not installed.warehouse.state_path.exists()
    with pytest.raises(ContractMismatch, match="`customer-segments migrate` brings"):
        installed.warehouse.state()


def test_into_an_installation_that_has_nothing(installed):
    backup, _ = back_up(installed, installed.warehouse.path.parent / "kept.duckdb")
    before = everything(installed.warehouse.path)
    installed.warehouse.path.unlink()
    installed.settings.months_path.unlink()
    assert restore(installed, backup)[0] is None
    assert everything(installed.warehouse.path) == before
    assert installed.settings.months_path.read_text() == MONTHS


def test_a_backup_never_becomes_the_samples_warehouse(installed, monkeypatch):
    backup, _ = back_up(installed)
    monkeypatch.setitem(installed.settings.__dict__, "uses_sample", True)
    with pytest.raises(UserError, match=r"become the sample's warehouse.* First put the files"):
        restore(installed, backup)


def test_a_plain_copy_of_a_warehouse_is_a_backup_without_months(installed, tmp_path):
    plain = tmp_path / "plain.duckdb"
    plain.write_bytes(installed.warehouse.path.read_bytes())
    assert not restore(installed, plain)[1]
    assert installed.settings.months_path.read_text() == MONTHS


def flip_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # The header says where all else is; behind it are blocks with checksums.
    for position in range(12_288, len(content), 4096):
        content[position] ^= 0xFF
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def lose_a_row(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM cleaned_transactions WHERE row_number = 1")


def lose_a_table(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE kmeans_model")


def be_no_database(path: Path) -> None:
    path.write_text("A shopping list.")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (flip_bytes, "damaged|cannot be read|cannot be opened"),
        (cut_short, "damaged|cannot be read|cannot be opened"),
        (lose_a_row, "cleaned_transactions holds 2 rows, the ledger says 3"),
        (lose_a_table, "kmeans_model is in the ledger, but not in the warehouse"),
        (be_no_database, "cannot be opened"),
        (Path.unlink, "There is no backup"),
    ],
)
def test_a_bad_backup_never_becomes_the_warehouse(
    installed, spoil: Callable[[Path], object], message: str
):
    backup, _ = back_up(installed)
    spoil(backup)
    before = installed.warehouse.path.read_bytes()
    with pytest.raises(UserError, match=message):
        restore(installed, backup)
    assert installed.warehouse.path.read_bytes() == before


def test_a_warehouse_that_disagrees_with_its_ledger_can_be_backed_up_and_restored(installed):
    lose_a_row(installed.warehouse.path)
    before = everything(installed.warehouse.path)
    backup, notes = back_up(installed)
    assert notes.differences == ["cleaned_transactions holds 2 rows, the ledger says 3"]
    restore(installed, backup)
    assert everything(installed.warehouse.path) == before


@pytest.mark.parametrize("spoil", [flip_bytes, be_no_database])
def test_a_damaged_warehouse_is_put_aside_with_its_log(installed, spoil):
    backup, _ = back_up(installed)
    whole = everything(installed.warehouse.path)
    spoil(installed.warehouse.path)
    log = installed.warehouse.path.with_name("warehouse.duckdb.wal")
    log.write_bytes(b"what was not taken in")
    damaged = installed.warehouse.path.read_bytes()
    kept, _ = restore(installed, backup)
    assert kept
    assert kept.stem.endswith("-damaged")
    assert kept.read_bytes() == damaged
    assert not log.exists()
    assert everything(installed.warehouse.path) == whole


def test_a_damaged_warehouse_gives_no_backup(installed):
    flip_bytes(installed.warehouse.path)
    with pytest.raises(UserError):
        back_up(installed)
    assert not list(installed.warehouse.path.parent.glob("backups/*"))


@pytest.mark.parametrize("how", ["reading", "writing"])
def test_a_restore_waits_for_whoever_holds_the_warehouse(installed, how):
    backup, _ = back_up(installed)
    before = installed.warehouse.path.read_bytes()
    hasty = replace(installed, warehouse=Warehouse(installed.warehouse.path, 0.3))
    with (
        held_by_other(installed.warehouse, how) as (pid, _),
        pytest.raises(WarehouseUnavailable, match=f"PID {pid}"),
    ):
        restore(hasty, backup)
    assert installed.warehouse.path.read_bytes() == before
    restore(hasty, backup)


def test_readers_meet_the_one_or_the_other(installed):
    backup, _ = back_up(installed)
    stop = CONTEXT.Event()
    reader = start(read_until, str(installed.warehouse.path), stop)
    for _ in range(2):
        restore(installed, backup)
    stop.set()
    reader.join(PATIENCE)
    assert reader.exitcode == 0


def test_what_is_restored_can_be_written_to(installed):
    restore(installed, back_up(installed)[0])
    row = {"model_version": "b", "cluster": 0, "centre": 1.5}
    installed.warehouse.publish(MODEL, arrow(MODEL, [row]))
    assert len(rows_of(installed.warehouse.path, f"FROM {MODEL.table}")) == 2
    assert CLEANED.table in everything(installed.warehouse.path)
