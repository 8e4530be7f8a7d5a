"""Opening the DuckDB file: who may have it, how long to wait, what to say when it cannot be.

Belongs here: connections, locks between threads and processes, errors of the file itself.
Does not: what is written (``publish``).
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import ibis

from customer_segments.errors import UserError
from customer_segments.private import private_files

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    from ibis.backends.duckdb import Backend

    from customer_segments.storage.contracts import Contract
    from customer_segments.storage.ledger import Publication

logger = logging.getLogger(__name__)

# What the system says: disk full, quota used up, limit on a file's size.
DISK_FULL = ("No space left on device", "Disk quota exceeded", "File too large")

# DuckDB cannot mix read-only and read-write connections to one file in one process.
_process_locks: dict[Path, threading.Lock] = {}
_holding_threads: dict[Path, int] = {}
_process_locks_guard = threading.Lock()


class WarehouseUnavailable(UserError):  # noqa: N818 - a state, not a fault in the code
    """The warehouse file cannot be opened, or another process holds it for too long.

    Parameters
    ----------
    holder
        What DuckDB says of the process that holds it; empty if none does.
    """

    def __init__(self, problem: str, remedy: str = "", *, holder: str = ""):
        super().__init__(problem, remedy)
        self.holder = holder


class Warehouse:
    """A DuckDB file that several processes share, one writer or many readers at a time.

    Its lock is the process's (POSIX): whoever else opens and closes the file in this process,
    to copy or to hash it, lets the lock go. Only this class may touch it while it is open.

    Parameters
    ----------
    path
        The file; made by the first writer, in a folder that must exist.
    lock_timeout_seconds
        How long to wait for whoever holds the file before failing.
    """

    def __init__(self, path: str | Path, lock_timeout_seconds: float = 300):
        self.path = Path(path).resolve()
        self.lock_timeout_seconds = lock_timeout_seconds

    @contextmanager
    def reading(self) -> Iterator["Backend"]:
        """Open the file for queries that see one state of it."""
        if not self.path.exists():
            raise WarehouseUnavailable(
                f"There is no warehouse at {self.path} yet.",
                "Materialize raw_transactions, or start `customer-segments run`.",
            )
        with self._open(read_only=True) as con:
            yield con

    @contextmanager
    def writing(self) -> Iterator["Backend"]:
        """Open the file for one transaction: all of it is committed, or nothing."""
        with self.holding() as con, transaction(con):
            yield con

    @contextmanager
    def holding(self) -> Iterator["Backend"]:
        """Open the file for oneself alone, without a transaction yet; it is made if need be."""
        if not self.path.parent.is_dir():
            raise WarehouseUnavailable(
                f"The folder of the warehouse {self.path} does not exist.",
                "Create it, or set CUSTOMER_SEGMENTS_WAREHOUSE to a file in one that does.",
            )
        if self.path.exists() and not self.path.stat().st_mode & 0o222:
            raise WarehouseUnavailable(
                f"The warehouse {self.path} is read-only.", "Allow writing to it: chmod u+w."
            )
        with self._open(read_only=False) as con:
            yield con

    def publish(
        self,
        contract: "Contract",
        data: "ibis.Table | object",
        *,
        months: tuple[date, date] | None = None,
        run_id: str = "",
    ) -> "Publication":
        """Stage, audit and swap in; see ``publish.publish``."""
        from customer_segments.storage.publish import publish

        with self.writing() as con:
            return publish(con, contract, data, months=months, run_id=run_id)

    def query(self, expression: ibis.Table) -> "pd.DataFrame":
        """Run a small query over published tables; a clear error if one is missing."""
        from customer_segments.storage.publish import require_sources

        with self.reading() as con:
            require_sources(con, "This query", expression)
            return con.execute(expression)

    def load(self, contract: "Contract") -> "pd.DataFrame":
        """Return a whole small table, in order of its key; empty if never published."""
        from customer_segments.storage.ledger import is_there
        from customer_segments.storage.publish import require_contract

        empty = contract.schema.to_pyarrow().empty_table().to_pandas()
        if not self.path.exists():
            return empty
        with self.reading() as con:
            if not is_there(con, contract.table):
                return empty
            require_contract(con, contract)
            return con.execute(contract.relation.order_by(list(contract.key)))

    @contextmanager
    def _open(self, *, read_only: bool) -> Iterator["Backend"]:
        if self.path.is_dir():
            raise WarehouseUnavailable(
                f"The warehouse {self.path} is a folder.",
                "Set CUSTOMER_SEGMENTS_WAREHOUSE to a file.",
            )
        # Waiting for oneself would last until the timeout.
        if _holding_threads.get(self.path) == threading.get_ident():
            raise RuntimeError(f"This thread has {self.path} open already: use that connection.")
        with _process_locks_guard:
            lock = _process_locks.setdefault(self.path, threading.Lock())
        # DuckDB's own errors say nothing of other threads of this process.
        if not lock.acquire(timeout=max(self.lock_timeout_seconds, 0.001)):
            raise WarehouseUnavailable(
                f"Another thread of this process has held {self.path} for "
                f"{self.lock_timeout_seconds:g} s.",
                holder="another thread of this process",
            )
        _holding_threads[self.path] = threading.get_ident()
        try:
            with private_files(), self._told_of_full_disk():
                connection = self._connect(read_only=read_only)
                try:
                    yield ibis.duckdb.from_connection(connection)
                finally:
                    connection.close()
        finally:
            del _holding_threads[self.path]
            lock.release()

    @contextmanager
    def _told_of_full_disk(self) -> Iterator[None]:
        """Say so where DuckDB's error is that the disk, or the user's share of it, is full."""
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            if not any(words in str(error) for words in DISK_FULL):
                raise
            raise WarehouseUnavailable(
                f"The disk of the warehouse {self.path} is full.",
                "What was published before is still in place. Free some space and start again: "
                "it goes on from there.",
            ) from error

    def _connect(self, *, read_only: bool) -> "duckdb.DuckDBPyConnection":
        """Connect; while another process holds the file, wait with jitter, saying so."""
        import duckdb
        from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

        waiting = Retrying(
            retry=retry_if_exception(_is_held_by_other),
            stop=stop_after_delay(self.lock_timeout_seconds),
            wait=wait_random(0.1, 0.5),
            before_sleep=self._say_who_holds_it,
            reraise=True,
        )
        if not read_only and not self.path.exists():
            self._create()
        try:
            return waiting(
                duckdb.connect,
                str(self.path),
                read_only=read_only,
                config={"autoinstall_known_extensions": "false"},
            )
        except duckdb.Error as error:
            if _is_held_by_other(error):
                raise WarehouseUnavailable(
                    f"Waited {self.lock_timeout_seconds:g} s for {self.path}: {_holder(error)}.",
                    "Close what holds it (a DuckDB shell, a notebook, another run), or raise "
                    "CUSTOMER_SEGMENTS_LOCK_TIMEOUT_SECONDS.",
                    holder=_holder(error),
                ) from error
            raise WarehouseUnavailable(
                f"The warehouse {self.path} cannot be opened: {error}",
                "If it is damaged, `customer-segments restore` brings back a backup. If it is not "
                "a file of this project, set CUSTOMER_SEGMENTS_WAREHOUSE to another.",
            ) from error

    def _create(self) -> None:
        """Make the empty file under another name first, so that nobody meets half of it.

        Two processes that start at once, or one killed as it starts, would else meet a file
        that DuckDB does not know. Where there are no links DuckDB makes it in place; so too
        beside a log that a file moved away has left behind, which DuckDB then removes.
        """
        import duckdb

        if self.path.with_name(f"{self.path.name}.wal").exists():
            return
        with suppress(OSError), TemporaryDirectory(prefix=".new-", dir=self.path.parent) as folder:
            new = Path(folder, self.path.name)
            duckdb.connect(str(new)).close()
            os.link(new, self.path)

    def _say_who_holds_it(self, retry_state) -> None:
        # Once, and then about every ten seconds: a wait can take minutes.
        if retry_state.attempt_number == 1 or retry_state.attempt_number % 30 == 0:
            error = retry_state.outcome.exception()
            logger.warning("Waiting for %s: %s", self.path, _holder(error))


@contextmanager
def transaction(con: "Backend") -> Iterator[None]:
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


def _is_held_by_other(error: BaseException) -> bool:
    return "Could not set lock" in str(error) or "being used by another process" in str(error)


def _holder(error: BaseException) -> str:
    """Return the part of DuckDB's message that names the process."""
    message = str(error).splitlines()[0]
    return message.partition("Conflicting lock is ")[2].partition(". ")[0] or message
