"""Whether the tables of a warehouse hold what its ledger says.

Belongs here: comparing the two. Does not: rules of rows (``storage.audit``), what to do about a
difference (``backup`` refuses a copy, ``doctor`` reports).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from customer_segments.storage import Contract, WriteMode
from customer_segments.storage.audit import column_breaches
from customer_segments.storage.content import Content, content
from customer_segments.storage.contracts import quoted
from customer_segments.storage.ledger import PUBLICATIONS, is_there, latest

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def disagreements(con: "Backend", contracts: Mapping[str, Contract]) -> list[str]:
    """Return where tables hold other rows or other revenue than the ledger's newest lines say.

    Reads every row of every table. Digests are not compared: DuckDB's hash may change with its
    version. Tables of other contracts are compared by their number of rows alone.
    """
    if not is_there(con, PUBLICATIONS.table):
        return ["it has no ledger"]
    if column_breaches(PUBLICATIONS, con.get_schema(PUBLICATIONS.table)):
        # Written by another version; its lines cannot be read before a migration.
        return []
    names = con.raw_sql("SELECT DISTINCT table_name FROM publications ORDER BY 1").fetchall()
    return [said for (name,) in names if (said := _disagreement(con, name, contracts.get(name)))]


def _disagreement(con: "Backend", table: str, contract: Contract | None) -> str:
    if not is_there(con, table):
        return f"{table} is in the ledger, but not in the warehouse"
    if contract is None:
        return ""
    ((held,),) = con.raw_sql(f"SELECT count(*) FROM {quoted(table)}").fetchall()
    if contract.write_mode is WriteMode.INSERT_NEW:
        ((rows,),) = con.con.execute(
            "SELECT sum(rows)::BIGINT FROM publications WHERE table_name = ?", [table]
        ).fetchall()
    else:
        lines = latest(con, table)
        rows = sum(line.rows for line in lines.values())
        if not column_breaches(contract, con.get_schema(table)):
            found = content(con, contract, quoted(table))
            for month in sorted(month for month in {*lines, *found} if month):
                said = lines[month] if month in lines else Content()
                there = found.get(month, Content())
                if (said.rows, said.revenue) != (there.rows, there.revenue):
                    return (
                        f"{table} of {month:%Y-%m} holds {there.rows:,} rows with revenue "
                        f"{there.revenue}, the ledger says {said.rows:,} with {said.revenue}"
                    )
    return "" if rows == held else f"{table} holds {held:,} rows, the ledger says {rows:,}"
