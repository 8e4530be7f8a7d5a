"""Whether the tables of a warehouse hold what its ledger says.

Belongs here: comparing the two. Does not: rules of rows (``storage.audit``), what to do about a
difference (``backup`` refuses a copy, ``doctor`` reports).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from customer_segments.storage import Contract, WriteMode
from customer_segments.storage.audit import column_breaches
from customer_segments.storage.content import content
from customer_segments.storage.contracts import quoted
from customer_segments.storage.ledger import PUBLICATIONS, is_there

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def disagreements(con: "Backend", contracts: Mapping[str, Contract]) -> list[str]:
    """Return where tables hold other rows or other revenue than the ledger's newest lines say.

    Reads every row of every table. Digests are not compared: DuckDB's hash may change with its
    version. Tables of other contracts are compared by their number of rows alone. Of the ledger
    just columns are read that every version had.
    """
    if not is_there(con, PUBLICATIONS.table):
        return ["it has no ledger"]
    names = con.raw_sql("SELECT DISTINCT table_name FROM publications ORDER BY 1").fetchall()
    return [said for (name,) in names if (said := _disagreement(con, name, contracts.get(name)))]


def _disagreement(con: "Backend", table: str, contract: Contract | None) -> str:
    if not is_there(con, table):
        return f"{table} is in the ledger, but not in the warehouse"
    if contract is None:
        return ""
    is_new = contract.write_mode is WriteMode.INSERT_NEW
    lines = con.con.execute(
        f"SELECT month, {'sum(rows)::BIGINT' if is_new else 'last(rows ORDER BY publication)'}, "
        "last(revenue ORDER BY publication) "
        "FROM publications WHERE table_name = ? GROUP BY month ORDER BY month",
        [table],
    ).fetchall()
    if not is_new and not column_breaches(contract, con.get_schema(table)):
        said = {month: (rows, revenue) for month, rows, revenue in lines}
        made = content(con, contract, quoted(table)).items()
        found = {month: (held.rows, held.revenue) for month, held in made}
        for month in sorted(month for month in {*said, *found} if month):
            told, held = said.get(month, (0, None)), found.get(month, (0, None))
            if told != held:
                return (
                    f"{table} of {month:%Y-%m} holds {held[0]:,} rows with revenue {held[1]}, "
                    f"the ledger says {told[0]:,} with {told[1]}"
                )
    ((there,),) = con.raw_sql(f"SELECT count(*) FROM {quoted(table)}").fetchall()
    rows = sum(line[1] for line in lines)
    return "" if rows == there else f"{table} holds {there:,} rows, the ledger says {rows:,}"
