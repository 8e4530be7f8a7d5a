"""Who may have the file, how long the others wait, and what cannot be waited for.

No test sleeps: whoever holds the file lets go when the one who waits has said so.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from customer_segments.errors import UserError
from customer_segments.storage import Warehouse
from customer_segments.storage.connection import WarehouseUnavailable
from customer_segments_tests.storage.processes import (
    CONTEXT,
    MONTHS,
    PATIENCE,
    held_by_other,
    insert_models,
    start,
)
from customer_segments_tests.storage.samples import (
    COUNTRIES,
    MODEL,
    RAW,
    arrow,
    content,
    numbered,
    raw_row,
    rows_of,
)

EIRE = pd.DataFrame({"country": ["Eire"], "customers": [1]})
# Far below the lock timeout, which is a minute, and far above what an error takes.
AT_ONCE_SECONDS = 10


@contextmanager
def at_once() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < AT_ONCE_SECONDS


@contextmanager
def when_it_waits(act: Callable[[], None]) -> Iterator[None]:
    """Do something as soon as the warehouse has logged that it waits."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            act()

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("customer_segments.storage.connection")
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)


# --- other processes


@pytest.mark.parametrize(
    ("they", "we"), [("reading", "writing"), ("writing", "writing"), ("writing", "reading")]
)
def test_we_wait_for_another_process_and_say_who_it_is(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture, they: str, we: str
):
    warehouse.publish(COUNTRIES, EIRE)
    with held_by_other(warehouse, they) as (pid, release), when_it_waits(release.set):
        if we == "writing":
            warehouse.publish(COUNTRIES, EIRE.assign(customers=2))
        else:
            assert len(warehouse.query(COUNTRIES.relation)) == 1

    (said,) = caplog.messages
    assert said.startswith(f"Waiting for {warehouse.path}: held in ")
    assert f"(PID {pid})" in said
    assert "See also" not in said
    assert content(warehouse, COUNTRIES) == [("Eire", 2 if we == "writing" else 1)]


def test_readers_of_several_processes_do_not_wait(warehouse: Warehouse, caplog):
    warehouse.publish(COUNTRIES, EIRE)
    with held_by_other(warehouse, "reading"), held_by_other(warehouse, "reading"):
        assert len(warehouse.query(COUNTRIES.relation)) == 1
    assert caplog.messages == []


@pytest.mark.parametrize(("they", "we"), [("reading", "writing"), ("writing", "reading")])
def test_a_lock_held_too_long_is_an_error_that_names_the_process(
    warehouse: Warehouse, they: str, we: str
):
    warehouse.publish(COUNTRIES, EIRE)
    hasty = Warehouse(warehouse.path, lock_timeout_seconds=0.5)
    with held_by_other(warehouse, they) as (pid, _):
        started = time.monotonic()
        with pytest.raises(WarehouseUnavailable) as error, getattr(hasty, we)():
            pytest.fail("opened a file that another process holds")
        waited = time.monotonic() - started

    assert 0.4 < waited < AT_ONCE_SECONDS
    message = str(error.value)
    assert f"Waited 0.5 s for {warehouse.path}: held in " in message
    assert f"(PID {pid})" in message
    assert "Close what holds it" in message
    assert content(warehouse, COUNTRIES) == [("Eire", 1)]


@pytest.mark.parametrize("writers", [2, 3])
def test_processes_that_write_at_once_all_succeed(warehouse: Warehouse, writers: int):
    """From the first moment: the file is not there yet when they start."""
    ready = CONTEXT.Barrier(writers)
    names = [[f"{writer}-{n}" for n in range(3)] for writer in range(writers)]
    running = []
    for own in names:
        results, theirs = CONTEXT.Pipe(duplex=False)
        running.append((start(insert_models, str(warehouse.path), own, ready, theirs), results))
        theirs.close()

    told = {}
    for process, results in running:
        process.join(PATIENCE)
        assert process.exitcode == 0
        while results.poll():
            try:
                name, publication = results.recv()
            except EOFError:
                break
            told[publication] = name

    everything = sorted(name for own in names for name in own)
    assert [row[0] for row in content(warehouse, MODEL)] == everything
    assert sorted(told) == list(range(1, 3 * writers + 1))
    ledger = rows_of(warehouse.path, "SELECT publication, run_id FROM publications")
    assert dict(ledger) == told


def test_the_file_is_never_seen_half_made(tmp_path: Path):
    """A second process would else take it for a file that is not DuckDB's."""
    sizes: set[int] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for path in tmp_path.glob("*.duckdb"):
                sizes.add(path.stat().st_size)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for n in range(6):
        with Warehouse(tmp_path / f"{n}.duckdb").writing():
            pass
    stop.set()
    watcher.join()
    assert sizes
    assert min(sizes) >= 3 * 4096
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{n}.duckdb{suffix}" for n in range(6) for suffix in ("", ".state.json")
    }


# --- threads of one process


def test_threads_that_read_and_write_at_once_see_whole_tables(warehouse: Warehouse):
    rows = 2_000

    def write(generation: int) -> int:
        return warehouse.publish(RAW, numbered(RAW, rows, generation, MONTHS)).rows

    def read(_: int) -> tuple[int, int, int]:
        raw = RAW.relation
        quantity = raw.quantity
        seen = warehouse.query(raw.agg(n=raw.count(), low=quantity.min(), high=quantity.max()))
        n, low, high = map(int, seen.iloc[0])
        return n, low, high

    write(0)
    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write, generation) for generation in range(1, 7)]
        reads = [pool.submit(read, n) for n in range(12)]
        assert {write.result() for write in writes} == {rows * len(MONTHS)}
        seen = {read.result() for read in reads}

    assert {n for n, _, _ in seen} == {rows * len(MONTHS)}
    assert all(low == high for _, low, high in seen)
    assert rows_of(warehouse.path, "SELECT max(publication) FROM publications") == [(21,)]


def test_a_thread_that_waits_too_long_for_another_says_so(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, EIRE)
    hasty = Warehouse(warehouse.path, lock_timeout_seconds=0.2)
    with (
        warehouse.reading(),
        ThreadPoolExecutor(1) as pool,
        pytest.raises(WarehouseUnavailable, match=r"Another thread .* for 0\.2 s"),
    ):
        pool.submit(hasty.publish, COUNTRIES, EIRE).result()
    hasty.publish(COUNTRIES, EIRE)


def test_a_thread_does_not_wait_for_itself(warehouse: Warehouse, tmp_path: Path):
    warehouse.publish(COUNTRIES, EIRE)
    link = tmp_path / "link.duckdb"
    link.symlink_to(warehouse.path)
    with (
        at_once(),
        warehouse.reading(),
        pytest.raises(RuntimeError, match="open already: use that connection"),
    ):
        Warehouse(link, lock_timeout_seconds=1).publish(COUNTRIES, EIRE)
    warehouse.publish(COUNTRIES, EIRE)


# --- what cannot be waited for


def no_folder(path: Path) -> Path:
    return path / "nowhere" / "warehouse.duckdb"


def a_folder(path: Path) -> Path:
    return path


def text_file(path: Path) -> Path:
    file = path / "warehouse.duckdb"
    file.write_text("Invoice,StockCode\n" * 1000)
    return file


def empty_file(path: Path) -> Path:
    file = path / "warehouse.duckdb"
    file.touch()
    return file


def cut_off_file(path: Path) -> Path:
    whole = Warehouse(path / "whole.duckdb")
    whole.publish(RAW, arrow(RAW, [raw_row(n) for n in range(100)]))
    file = path / "warehouse.duckdb"
    file.write_bytes(whole.path.read_bytes()[:5000])
    return file


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_folder, "does not exist"),
        (a_folder, "is a folder"),
        (text_file, "not a valid DuckDB database"),
        (empty_file, "not a valid DuckDB database"),
        (cut_off_file, "cannot be opened"),
    ],
)
def test_writing_to_what_cannot_work_fails_at_once(tmp_path: Path, make, message: str):
    path = make(tmp_path)
    for _ in range(2):
        with at_once(), pytest.raises(WarehouseUnavailable) as error:
            Warehouse(path, lock_timeout_seconds=60).publish(COUNTRIES, EIRE)
        assert message in str(error.value)
        assert str(path) in str(error.value)
        assert "CUSTOMER_SEGMENTS_WAREHOUSE" in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_folder, "There is no warehouse at"),
        (lambda path: path / "warehouse.duckdb", "There is no warehouse at"),
        (a_folder, "is a folder"),
        (text_file, "not a valid DuckDB database"),
        (empty_file, "not a valid DuckDB database"),
        (cut_off_file, "cannot be opened"),
    ],
)
def test_reading_what_cannot_be_read_fails_at_once(tmp_path: Path, make, message: str):
    path = make(tmp_path)
    with at_once(), pytest.raises(WarehouseUnavailable) as error:
        Warehouse(path, lock_timeout_seconds=60).query(COUNTRIES.relation)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert not (tmp_path / "warehouse.duckdb").exists() or path.exists()


def test_a_read_only_file_can_be_read_and_not_written(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, EIRE)
    warehouse.path.chmod(0o444)
    with at_once(), pytest.raises(WarehouseUnavailable, match=r"is read-only\. Allow writing"):
        warehouse.publish(COUNTRIES, EIRE.assign(customers=2))
    assert len(warehouse.query(COUNTRIES.relation)) == 1

    warehouse.path.chmod(0o644)
    warehouse.publish(COUNTRIES, EIRE.assign(customers=3))
    assert content(warehouse, COUNTRIES) == [("Eire", 3)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into any folder")
def test_a_folder_that_may_not_be_written_to_fails_at_once(tmp_path: Path):
    tmp_path.chmod(0o555)
    try:
        with at_once(), pytest.raises(WarehouseUnavailable, match=r"(?s)opened.*Allow writing"):
            Warehouse(tmp_path / "warehouse.duckdb", 60).publish(COUNTRIES, EIRE)
    finally:
        tmp_path.chmod(0o755)


def test_a_file_put_right_works_in_the_same_process(tmp_path: Path):
    path = text_file(tmp_path)
    warehouse = Warehouse(path)
    with pytest.raises(WarehouseUnavailable):
        warehouse.publish(COUNTRIES, EIRE)
    path.unlink()
    warehouse.publish(COUNTRIES, EIRE)
    assert content(warehouse, COUNTRIES) == [("Eire", 1)]


def test_reading_cannot_write(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, EIRE)
    with warehouse.reading() as con, pytest.raises(duckdb.InvalidInputException):
        con.raw_sql("DELETE FROM countries")


def test_what_memory_cannot_hold_goes_to_the_folder_that_is_named(warehouse, tmp_path):
    spill = tmp_path / "spill" / "here"
    spilling = Warehouse(warehouse.path, memory="100MB", spill_dir=spill)
    with spilling.writing() as con:
        con.raw_sql("CREATE TEMP TABLE large AS SELECT random() AS r FROM range(30_000_000)")
        assert [file.name for file in spill.iterdir()]
        assert not warehouse.path.with_name(f"{warehouse.path.name}.tmp").exists()


def test_the_engine_takes_no_more_memory_than_it_may(warehouse):
    modest = Warehouse(warehouse.path, memory="300MB")
    with modest.writing() as con:
        con.raw_sql("CREATE TABLE a(b INTEGER)")
    said = r"300MB of memory .* CUSTOMER_SEGMENTS_MEMORY to more"
    with pytest.raises(UserError, match=said), modest.reading() as con:
        con.raw_sql("SELECT list(range) FROM range(100_000_000)").fetchall()
