"""Connections to the DuckDB file: who may have it, how long to wait, what its errors mean.

Belongs here: locks between threads and processes, making the file, errors of the file itself.
Does not: what is read and written through a connection (``warehouse``, ``publish``).
"""

import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ibis

from customer_segments.errors import INTERRUPTED, UserError
from customer_segments.private import private_files

if TYPE_CHECKING:
    import duckdb
    from fsspec import AbstractFileSystem
    from ibis.backends.duckdb import Backend as Connection
else:
    # Loading it takes a while, and who only passes one on does not need it.
    Connection = Any

logger = logging.getLogger(__name__)

# What the system says: disk full, quota used up, limit on a file's size.
DISK_FULL = ("No space left on device", "Disk quota exceeded", "File too large")

# A file of the lake is gone, or what reads an object store raised something.
OF_LAKE = re.compile(
    r"(No files found that match .*?/__part=.*?\")|^Traceback .*?^(\w+: [^\n]*?)\.?$",
    re.DOTALL | re.MULTILINE,
)

# DuckDB cannot mix read-only and read-write connections to one file in one process.
_process_locks: dict[Path, threading.Lock] = {}
_holding_threads: dict[Path, int] = {}


class WarehouseUnavailable(UserError):  # noqa: N818 - a state, not a fault in the code
    """The warehouse file cannot be opened, or another process holds it for too long.

    ``holder`` is what DuckDB says of that process; empty if none holds it.
    """

    def __init__(self, problem: str, remedy: str = "", *, holder: str = ""):
        super().__init__(problem, remedy)
        self.holder = holder


@contextmanager
def connected(
    path: Path,
    limits: dict[str, str],
    timeout_seconds: float,
    *,
    read_only: bool,
    elsewhere: "AbstractFileSystem | None" = None,
) -> Iterator[Connection]:
    """Open a DuckDB file, alone in this process; to write, it is made if need be.

    DuckDB keeps to ``limits``, settings of its own such as ``memory_limit``, and reads files that
    are not on its disks through ``elsewhere``. A WarehouseUnavailable says that somebody holds the
    file for longer than the timeout, that it cannot be opened, or that the disk is full.
    """
    if path.is_dir():
        raise WarehouseUnavailable(
            f"The warehouse {path} is a folder.", "Set CUSTOMER_SEGMENTS_WAREHOUSE to a file."
        )
    # Waiting for oneself would last until the timeout.
    if _holding_threads.get(path) == threading.get_ident():
        raise RuntimeError(f"This thread has {path} open already: use that connection.")
    lock = _process_locks.setdefault(path, threading.Lock())
    # DuckDB's own errors say nothing of other threads of this process.
    if not lock.acquire(timeout=max(timeout_seconds, 0.001)):
        raise WarehouseUnavailable(
            f"Another thread of this process has held {path} for {timeout_seconds:g} s.",
            holder="another thread of this process",
        )
    _holding_threads[path] = threading.get_ident()
    try:
        with private_files(), translated(path, limits["memory_limit"]):
            connection = _connect(path, limits, timeout_seconds, read_only)
            try:
                # Commands and pages say themselves how far they are.
                connection.execute("SET enable_progress_bar = false")
                if elsewhere:
                    connection.register_filesystem(elsewhere)
                yield ibis.duckdb.from_connection(connection)
            finally:
                connection.close()
    finally:
        del _holding_threads[path]
        lock.release()


@contextmanager
def transaction(con: Connection) -> Iterator[None]:
    """Commit all of what is done within, or nothing."""
    import duckdb

    con.raw_sql("BEGIN")
    try:
        yield
    except BaseException:
        # After a fatal error nothing runs any more, and closing drops the transaction too.
        with suppress(duckdb.Error):
            con.raw_sql("ROLLBACK")
        raise
    con.raw_sql("COMMIT")


@contextmanager
def translated(path: Path, memory: str) -> Iterator[None]:
    """Say what DuckDB's error means: no disk or memory is left, or somebody stopped the query.

    ``path`` is on the disk that the engine writes to, ``memory`` what it may take.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        published = "What was published before is still in place."
        if any(words in str(error) for words in DISK_FULL):
            raise WarehouseUnavailable(
                f"The disk of {path} is full.",
                f"{published} Free some space and start again: it goes on from there.",
            ) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise UserError(
                f"The {memory} of memory that DuckDB may take are too little for this.",
                f"{published} Set CUSTOMER_SEGMENTS_MEMORY to more, up to half of the machine's, "
                "and start again: it goes on from there.",
            ) from error
        if said := OF_LAKE.search(str(error)):
            raise WarehouseUnavailable(
                f"The lake does not give what {path} names: {said[1] or said[2]}.",
                f"{published} Put it back, or see that the object store runs and who may read it "
                "(AWS_ACCESS_KEY_ID and its like).",
            ) from error
        raise
    except RuntimeError as error:
        if str(error) != INTERRUPTED:
            raise
        raise KeyboardInterrupt from error


def _connect(
    path: Path, limits: dict[str, str], timeout_seconds: float, read_only: bool
) -> "duckdb.DuckDBPyConnection":
    """Connect; while another process holds the file, wait with jitter, saying so."""
    import duckdb
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random

    def say_who_holds_it(state: RetryCallState) -> None:
        # Once, and then about every ten seconds: a wait can take minutes.
        if state.outcome and (state.attempt_number == 1 or state.attempt_number % 30 == 0):
            logger.warning("Waiting for %s: %s", path, _holder(state.outcome.exception()))

    waiting = Retrying(
        retry=retry_if_exception(_is_held_by_other),
        stop=stop_after_delay(timeout_seconds),
        wait=wait_random(0.1, 0.5),
        before_sleep=say_who_holds_it,
        reraise=True,
    )
    if not read_only and not path.exists():
        _create(path)
    config = {"autoinstall_known_extensions": "false"} | limits
    try:
        return waiting(duckdb.connect, str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        if _is_held_by_other(error):
            raise WarehouseUnavailable(
                f"Waited {timeout_seconds:g} s for {path}: {_holder(error)}.",
                "Close what holds it (a DuckDB shell, a notebook, another run), or raise "
                "CUSTOMER_SEGMENTS_LOCK_TIMEOUT_SECONDS.",
                holder=_holder(error),
            ) from error
        raise WarehouseUnavailable(
            f"The warehouse {path} cannot be opened: {error}",
            "Allow writing to the file and its folder for the user that runs this."
            if "Permission denied" in str(error)
            else "Is it damaged? `customer-segments restore` brings a backup back; delete a "
            "serving copy, and the next run makes it. Else set CUSTOMER_SEGMENTS_WAREHOUSE.",
        ) from error


def _create(path: Path) -> None:
    """Make the empty file under another name first, so that nobody meets half of it.

    Two processes that start at once, or one killed as it starts, would else meet a file
    that DuckDB does not know. Where there are no links DuckDB makes it in place; so too
    beside a log that a file moved away has left behind, which DuckDB then removes.
    """
    import duckdb

    if path.with_name(f"{path.name}.wal").exists():
        return
    with suppress(OSError), TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
        new = Path(folder, path.name)
        duckdb.connect(str(new)).close()
        os.link(new, path)


def _is_held_by_other(error: BaseException) -> bool:
    return "Could not set lock" in str(error) or "being used by another process" in str(error)


def _holder(error: BaseException | None) -> str:
    """Return the part of DuckDB's message that names the process."""
    message = str(error).splitlines()[0]
    return message.partition("Conflicting lock is ")[2].partition(". ")[0] or message
