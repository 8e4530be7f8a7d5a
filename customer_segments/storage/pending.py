"""What the ledger says is still to be done: months that wait for a run, tables never published.

Belongs here: questions to the ledger that compare tables. Does not: its lines (``ledger``).
"""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from customer_segments.storage.contracts import Contract

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def pending_months(con: "Backend", contract: Contract) -> list[date]:
    """Return months whose upstream table changed after they were last published.

    A month that was never published is pending once its upstream table has it.
    """
    upstream = "u.month <= m.month" if contract.needs_history else "u.month = m.month"
    rows = con.con.execute(
        f"""
        WITH months AS (SELECT DISTINCT month FROM publications
                        WHERE table_name = $upstream AND month IS NOT NULL)
        SELECT m.month FROM months AS m
        JOIN publications AS u ON u.table_name = $upstream AND u.is_changed AND {upstream}
        LEFT JOIN (SELECT month, max(publication) AS published FROM publications
                   WHERE table_name = $own GROUP BY month) AS own ON own.month = m.month
        GROUP BY m.month HAVING max(u.publication) > coalesce(any_value(own.published), 0)
        ORDER BY m.month
        """,
        {"upstream": contract.built_from, "own": contract.table},
    ).fetchall()
    return [month for (month,) in rows]


def months_waiting(con: "Backend", contracts: Iterable[Contract]) -> tuple[date, date] | None:
    """Return the months that a run has to cover for all tables to be up to date, first and last.

    From the first month that waits in any table to the newest of the workbooks: a snapshot adds
    up all months before it. ``None`` if nothing waits.
    """
    monthly = [c for c in contracts if c.month_column and c.built_from]
    waiting = [month for contract in monthly for month in pending_months(con, contract)]
    ((newest,),) = con.raw_sql(
        "SELECT max(month) FROM publications WHERE table_name = 'raw_transactions'"
    ).fetchall()
    return (min(waiting), max(*waiting, newest)) if waiting else None


def tables_missing(con: "Backend", contracts: Iterable[Contract]) -> list[str]:
    """Return the tables that were never published."""
    rows = con.raw_sql("SELECT DISTINCT table_name FROM publications").fetchall()
    published = {name for (name,) in rows}
    return [contract.table for contract in contracts if contract.table not in published]
