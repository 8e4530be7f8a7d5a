"""What other processes do to a warehouse while a test looks on.

Belongs here: functions that run in a child process. They start from a server that has the
libraries loaded, so that a child costs milliseconds, and that has no threads to be forked.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from typing import Any

import pyarrow as pa

from customer_segments.storage import Warehouse
from customer_segments.storage.publish import publish
from customer_segments_tests.storage.samples import (
    CLEANED,
    FEBRUARY,
    JANUARY,
    MARCH,
    MODEL,
    RAW,
    arrow,
    numbered,
)

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        *(__name__, "customer_segments_tests.hostile.measured"),
        *("duckdb", "ibis.backends.duckdb", "tenacity"),
    ]
)

MONTHS = [JANUARY, FEBRUARY, MARCH]
ROWS_PER_MONTH = 25_000
# For a child to end or to report: far beyond what it takes, so that a hang is an error.
PATIENCE = 60


def start(target: Callable, *arguments: Any) -> ForkServerProcess:
    process = CONTEXT.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


@contextmanager
def held_by_other(warehouse: Warehouse, how: str) -> Iterator[tuple[int, Event]]:
    """Have another process hold the file, ``reading`` or ``writing``, until the event is set.

    Yields its process id and the event.
    """
    is_open, release = CONTEXT.Event(), CONTEXT.Event()
    process = start(_hold, str(warehouse.path), how, is_open, release)
    try:
        assert is_open.wait(PATIENCE)
        assert process.pid
        yield process.pid, release
    finally:
        release.set()
        process.join(PATIENCE)
    assert process.exitcode == 0


def _hold(path: str, how: str, is_open: Event, release: Event) -> None:
    with getattr(Warehouse(path, PATIENCE), how)():
        is_open.set()
        assert release.wait(PATIENCE)


def insert_models(path: str, names: list[str], ready, results: Connection) -> None:
    """Publish a model version per name, as soon as the others are ready as well."""
    warehouse = Warehouse(path, PATIENCE)
    ready.wait(PATIENCE)
    for name in names:
        row = {"model_version": name, "cluster": 0, "centre": 0.5}
        (line,) = warehouse.publish(MODEL, arrow(MODEL, [row]), run_id=name).lines
        results.send((name, line.publication))
    results.close()


def publish_generations(path: str, first: int, last: int, progress: Connection) -> None:
    """Publish one generation after the other into two tables, telling before and after each."""
    warehouse = Warehouse(path, PATIENCE)
    for generation in range(first, last):
        for contract in (CLEANED, RAW):
            progress.send(("begin", contract.table, generation))
            publish_generation(warehouse, contract.table, generation)
            progress.send(("done", contract.table, generation))


def publish_generation(warehouse: Warehouse, table: str, generation: int) -> None:
    contract = {CLEANED.table: CLEANED, RAW.table: RAW}[table]
    warehouse.publish(
        contract,
        numbered(contract, ROWS_PER_MONTH, generation, MONTHS),
        months=(MONTHS[0], MONTHS[-1]) if contract is CLEANED else None,
        run_id=f"generation {generation}",
    )


def die_before_commit(path: str) -> None:
    with Warehouse(path).writing() as con:
        publish(con, MODEL, _second_model())
        os.kill(os.getpid(), signal.SIGKILL)


def die_after_commit(path: str) -> None:
    """Die before the connection is closed: what was written is in the log beside the file."""
    with Warehouse(path).writing() as con:
        publish(con, MODEL, _second_model())
        con.raw_sql("COMMIT")
        os.kill(os.getpid(), signal.SIGKILL)


def _second_model() -> pa.Table:
    return arrow(MODEL, [{"model_version": "second", "cluster": 0, "centre": 0.5}])
