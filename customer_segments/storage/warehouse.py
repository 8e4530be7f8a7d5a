"""The DuckDB file as the rest of the package uses it: reading, writing, publishing.

Belongs here: what may be done to it. Does not: locks and errors of the file (``connection``), how
a table is written (``publish``).
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from customer_segments.private import make_folder
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import (
    Connection,
    WarehouseUnavailable,
    connected,
    transaction,
)
from customer_segments.storage.content import Publication
from customer_segments.storage.contracts import Contract
from customer_segments.storage.lake import Lake
from customer_segments.storage.publish import empty_outside, publish
from customer_segments.storage.requirements import require_contract, require_sources
from customer_segments.storage.state import State

if TYPE_CHECKING:
    import pandas as pd


class Warehouse:
    """A DuckDB file that several processes share, one writer or many readers at a time.

    Its lock is the process's (POSIX): whoever else opens and closes the file in this process,
    to copy or to hash it, lets the lock go. Only this class may touch it while it is open.

    Parameters
    ----------
    path
        The file; made by the first writer, in a folder that must exist.
    memory
        What DuckDB may take; what needs more goes to its folder of temporary files.
    spill_dir
        That folder; one beside the file by default.
    lake
        Where the large tables are, if not in the file.
    lock_timeout_seconds
        How long to wait for whoever holds the file before failing.
    """

    def __init__(
        self,
        path: str | Path,
        lock_timeout_seconds: float = 300,
        memory: str = "1GB",
        spill_dir: Path | None = None,
        lake: Lake | None = None,
    ):
        self.path = Path(path).resolve()
        self.lock_timeout_seconds = lock_timeout_seconds
        self.memory = memory
        self.spill_dir = spill_dir
        self.lake = lake

    @property
    def state_path(self) -> Path:
        """Small file beside the warehouse that says what it holds, for who may not open it."""
        return self.path.with_name(f"{self.path.name}.state.json")

    def last_state(self) -> State:
        """Return what the file beside the warehouse says, without opening that."""
        return State.load(self.state_path) if self.path.exists() else State()

    def state(self) -> State:
        """Return what the warehouse holds; the file beside it says so from now on."""
        if not self.path.exists():
            return State()
        with self.reading() as con:
            state = State.read(con, State.load(self.state_path))
        state.save(self.state_path)
        return state

    def reading(self) -> AbstractContextManager[Connection]:
        """Open the file for queries that see one state of it."""
        if not self.path.exists():
            raise WarehouseUnavailable(
                f"There is no warehouse at {self.path} yet.",
                "Materialize raw_transactions, or start `customer-segments run`.",
            )
        return self._connected(read_only=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the file for one transaction: all of it is committed, or nothing."""
        with self.holding() as con:
            with transaction(con):
                yield con
            State.read(con, State.load(self.state_path)).save(self.state_path)

    def holding(self) -> AbstractContextManager[Connection]:
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
        return self._connected(read_only=False)

    def _connected(self, *, read_only: bool) -> AbstractContextManager[Connection]:
        limits = {"memory_limit": self.memory}
        if self.spill_dir:
            make_folder(self.spill_dir)
            limits["temp_directory"] = str(self.spill_dir)
        elsewhere = self.lake.delta.store if self.lake else None
        waits = self.lock_timeout_seconds
        return connected(self.path, limits, waits, read_only=read_only, elsewhere=elsewhere)

    def publish(self, contract: Contract, data: object, **options: Any) -> Publication:
        """Stage, audit and swap in; see ``publish.publish``."""
        with self.writing() as con:
            return publish(con, contract, data, lake=self.lake, **options)

    def empty_outside(
        self, contracts: Iterable[Contract], first: date, last: date, run_id: str
    ) -> None:
        """Take the rows of months that are not covered any more out of all tables with months."""
        with self.writing() as con:
            for contract in contracts:
                empty_outside(con, contract, first, last, run_id, self.lake)

    def query(self, expression: ibis.Table) -> "pd.DataFrame":
        """Run a small query over published tables; a clear error if one is missing."""
        with self.reading() as con:
            return query(con, expression)

    def load(self, contract: Contract) -> "pd.DataFrame":
        """Return a whole small table, in order of its key; empty if never published."""
        if not self.path.exists():
            return contract.arrow([]).to_pandas()
        with self.reading() as con:
            return load(con, contract)


def query(con: Connection, expression: ibis.Table) -> "pd.DataFrame":
    """Run a small query as an open connection sees the tables; see ``Warehouse.query``."""
    require_sources(Catalog.of(con), "This query", expression)
    return con.execute(expression)


def load(con: Connection, contract: Contract) -> "pd.DataFrame":
    """Return a whole small table as an open connection sees it; see ``Warehouse.load``."""
    there = Catalog.of(con)
    if contract.table not in there:
        return contract.arrow([]).to_pandas()
    require_contract(con, there, contract)
    return con.execute(contract.relation.order_by(list(contract.key)))
