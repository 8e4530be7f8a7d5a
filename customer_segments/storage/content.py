"""What a table holds of each month, and what one write made of it.

Belongs here: summing up content, staged or published, and what follows from it for whoever reports
a write. Does not: writing (``publish``), remembering it (``ledger``).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlglot.expressions as sge

from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import Contract, quoted


@dataclass(frozen=True)
class Content:
    """What a table holds of a month: fields as in ``ledger.PUBLICATIONS``; by default nothing."""

    rows: int = 0
    revenue: Decimal | None = None
    digest: str = "0"
    model_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class LedgerLine(Content):
    """A month of a table as one run published it; fields as in ``ledger.PUBLICATIONS``."""

    publication: int
    table_name: str
    month: date | None
    published_at: datetime
    run_id: str
    raw_version: str
    is_changed: bool
    contract: str
    code_version: str
    made_by: str | None


@dataclass(frozen=True)
class Publication:
    """What one write published: a ledger line per month, and what the months held before.

    The ``query`` made the rows, ``sql`` in words; ``sources`` are columns and types of the tables
    that it reads.
    """

    table: str
    lines: list[LedgerLine]
    replaced: dict[date | None, Content]
    query: sge.Expression
    sql: str
    sources: dict[str, dict[str, str]]

    @property
    def rows(self) -> int:
        """Rows written, over all months."""
        return sum(line.rows for line in self.lines)

    @property
    def raw_version(self) -> str:
        """Version of raw_transactions that it was made from."""
        return self.lines[0].raw_version

    @property
    def changed_months(self) -> list[date]:
        """Months whose content differs from what was there before."""
        return [line.month for line in self.lines if line.is_changed and line.month]

    @property
    def tables_read(self) -> set[str]:
        """Tables of the warehouse that the query reads; none if rows were handed over."""
        return {name for name in self.sources if not name.startswith("ibis_")}

    @property
    def restated(self) -> list[tuple[LedgerLine, Content]]:
        """Months that held other rows before, each with what it held."""
        return [
            (line, before)
            for line in self.lines
            if line.is_changed and (before := self.replaced.get(line.month, Content())).rows
        ]


def content(
    con: Connection, contract: Contract, relation: str, months: tuple[date, date] | None = None
) -> dict[date | None, Content]:
    """Return what a relation holds of each month, all of them or those from first to last.

    The digest adds up a hash per row, so that order does not matter and repeated rows count.
    DuckDB's own hash takes a thirtieth of md5's time, but may change with DuckDB's version: so
    what is published is compared with the table it replaces, not with an older line's digest.
    ``relation`` is the quoted name of a table with the contract's columns.
    """
    columns = ", ".join(map(quoted, contract.columns))
    month = quoted(contract.month_column) if contract.month_column else "NULL"
    revenue = f"CAST(sum({contract.revenue}) AS DECIMAL(38, 4))" if contract.revenue else "NULL"
    versions = "string_agg(DISTINCT model_version, ', ' ORDER BY model_version)"
    model = versions if "model_version" in contract.schema else "NULL"
    where = f"WHERE {month} BETWEEN DATE '{months[0]}' AND DATE '{months[1]}'" if months else ""
    rows = con.raw_sql(
        # Hashed twice: the first mixes in a row's last column by XOR alone.
        f"SELECT {month}, count(*), {revenue}, sum(hash(hash({columns})))::VARCHAR, {model} "
        f"FROM {relation} {where} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {row[0]: Content(*row[1:]) for row in rows}
