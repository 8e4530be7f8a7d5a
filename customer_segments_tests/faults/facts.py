"""What a warehouse holds, in a form that two runs of the same input have in common.

Belongs here: reading tables and ledger. Does not: judging them (``verdict``).
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.content import Content, content
from customer_segments.storage.contracts import quoted
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.tables import CONTRACTS

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# The only columns that differ between two runs of the same input.
VOLATILE = {
    "champion_model": ("decided_at", "run_id"),
    "check_history": ("evaluated_at", "run_id", "publication"),
}

# Table, month, rows, revenue, digest (empty where it is volatile), raw version, number of the write
# that entered it: the lines of one publication have one moment in common.
Line = tuple[str, date | None, int, Decimal | None, str, str, int]


@dataclass(frozen=True)
class Facts:
    """Content of each table by month, and the lines of the ledger in order of publication."""

    tables: dict[str, dict[date | None, Content]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def rows(self, table: str) -> int:
        """Return rows of a table, all months; 0 if it is not there."""
        return sum(month.rows for month in self.tables.get(table, {}).values())


def facts(settings: Settings) -> Facts:
    """Read the warehouse of an installation; nothing if it has none."""
    warehouse = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
    if not warehouse.path.exists():
        return Facts()
    with warehouse.reading() as con:
        return facts_of(con)


def facts_of(con: "Backend") -> Facts:
    """Read an open warehouse."""
    there = Catalog.of(con)
    tables = {
        table: _comparable(con, table, content(con, contract, quoted(table)))
        for table, contract in CONTRACTS.items()
        if table in there
    }
    if PUBLICATIONS.table not in there:
        return Facts(tables)
    lines = con.raw_sql(
        "SELECT table_name, month, rows, revenue, digest, raw_version, "
        "dense_rank() OVER (ORDER BY published_at, table_name) FROM publications "
        "ORDER BY publication"
    ).fetchall()
    return Facts(tables, [_comparable_line(line) for line in lines])


def _comparable(con: "Backend", table: str, held: dict) -> dict:
    if table not in VOLATILE:
        return held
    rows = con.raw_sql(
        f"SELECT count(*), string_agg(t::VARCHAR, ' ' ORDER BY t) FROM (SELECT * EXCLUDE "
        f"({', '.join(VOLATILE[table])}) FROM {quoted(table)}) AS t"
    ).fetchall()
    return {None: Content(rows[0][0], None, rows[0][1] or "")}


def _comparable_line(line: Line) -> Line:
    return (*line[:4], "", *line[5:]) if line[0] in VOLATILE else line
