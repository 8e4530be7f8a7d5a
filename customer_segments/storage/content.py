"""What a table holds of each month: rows, revenue, and a digest that tells change.

Belongs here: summing up content, staged or published. Does not: remembering it (``ledger``).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from customer_segments.storage.contracts import Contract, quoted

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True)
class Content:
    """What a table holds of a month: fields as in ``PUBLICATIONS``; by default nothing."""

    rows: int = 0
    revenue: Decimal | None = None
    digest: str = "0"
    model_version: str | None = None


def content(
    con: "Backend", contract: Contract, relation: str, months: tuple[date, date] | None = None
) -> dict[date | None, Content]:
    """Return what a relation holds of each month, all of them or those from first to last.

    The digest adds up a hash per row, so that order does not matter and repeated rows count.
    DuckDB's own hash takes a thirtieth of md5's time, but may change with DuckDB's version: so
    what is published is compared with the table it replaces, not with an older line's digest.

    Parameters
    ----------
    relation
        Quoted name of a table with the contract's columns.
    """
    columns = ", ".join(quoted(column.name) for column in contract.columns)
    month = quoted(contract.month_column) if contract.month_column else "NULL"
    revenue = f"CAST(sum({contract.revenue}) AS DECIMAL(38, 4))" if contract.revenue else "NULL"
    model = (
        "string_agg(DISTINCT model_version, ', ' ORDER BY model_version)"
        if "model_version" in contract.schema
        else "NULL"
    )
    where = f"WHERE {month} BETWEEN DATE '{months[0]}' AND DATE '{months[1]}'" if months else ""
    rows = con.raw_sql(
        # Hashed twice: the first mixes in a row's last column by XOR alone.
        f"SELECT {month}, count(*), {revenue}, sum(hash(hash({columns})))::VARCHAR, {model} "
        f"FROM {relation} {where} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {row[0]: Content(*row[1:]) for row in rows}
