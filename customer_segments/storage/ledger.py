"""The ledger of publications: what was written, when, from what, and whether it changed.

Belongs here: the table ``publications``, its lines, and the questions it answers. Does not:
writing the tables themselves (``publish``).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from customer_segments.storage.contracts import Column, Contract, WriteMode, quoted

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

PUBLICATIONS = Contract(
    table="publications",
    grain="a month of a table (or a table without months) as one run published it",
    columns=(
        Column("publication", "!int64", "Running number; a later publication has a larger one."),
        Column("table_name", "!string", "Table that was written."),
        Column("month", "date", "First day of the month written; null where there are none."),
        Column("published_at", "!timestamp(6)", "When it was written, UTC."),
        Column("run_id", "!string", "Dagster run that wrote it."),
        Column("raw_version", "!string", "Version of raw_transactions it was made from."),
        Column("rows", "!int64", "Rows of that month; for insert-only tables, rows added."),
        Column("revenue", "decimal(38, 4)", "Their revenue, in the currency of the workbooks."),
        Column("digest", "!string", "Their content's, whatever the order; by DuckDB's version."),
        Column("is_changed", "!boolean", "Whether the content differs from the one before."),
        Column("contract", "!string", "Fingerprint of the table's contract."),
        Column("code_version", "!string", "Version of this package."),
        Column("model_version", "string", "Model version that labelled the rows."),
    ),
    key=("publication",),
    write_mode=WriteMode.INSERT_NEW,
)


@dataclass(frozen=True)
class Content:
    """What a table holds of a month: fields as in ``PUBLICATIONS``; by default nothing."""

    rows: int = 0
    revenue: Decimal | None = None
    digest: str = "0"
    model_version: str | None = None


@dataclass(frozen=True)
class LedgerLine:
    """A month of a table as one run published it; fields as in ``PUBLICATIONS``."""

    publication: int
    table_name: str
    month: date | None
    published_at: datetime
    run_id: str
    raw_version: str
    rows: int
    revenue: Decimal | None
    digest: str
    is_changed: bool
    contract: str
    code_version: str
    model_version: str | None


@dataclass(frozen=True)
class Publication:
    """What one write published.

    Parameters
    ----------
    lines
        A ledger line per month.
    replaced
        What the months held before.
    sql
        The query that made the rows.
    sources
        Columns and types of the tables that the query reads, by table name.
    """

    table: str
    lines: list[LedgerLine]
    replaced: dict[date | None, Content]
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


@cache
def code_version() -> str:
    """Return the version of this package."""
    return version("customer-segments")


def add_lines(
    con: "Backend",
    contract: Contract,
    after: dict[date | None, Content],
    before: dict[date | None, Content],
    months: tuple[date, date] | None,
    run_id: str,
) -> list[LedgerLine]:
    """Enter what is published into the ledger, a line per month.

    Parameters
    ----------
    after, before
        What is published, and what it replaces, as ``content`` returns it.
    months
        Months that are published, also where they have no row; ``None`` for all there are.
    """
    raw_version = _raw_version(con, contract, after)
    ((last,),) = con.raw_sql("SELECT coalesce(max(publication), 0) FROM publications").fetchall()
    now = datetime.now(UTC).replace(tzinfo=None)
    lines = []
    for number, month in enumerate(_covered_months(contract, months, after, before), 1):
        held = after.get(month, Content())
        is_new = contract.write_mode is WriteMode.INSERT_NEW
        replaced = Content() if is_new else before.get(month, Content())
        lines.append(
            LedgerLine(
                publication=last + number,
                table_name=contract.table,
                month=month,
                published_at=now,
                run_id=run_id,
                raw_version=raw_version,
                rows=held.rows,
                revenue=held.revenue,
                digest=held.digest,
                is_changed=held.digest != replaced.digest,
                contract=contract.fingerprint,
                code_version=code_version(),
                model_version=held.model_version,
            )
        )
    columns = ", ".join(column.name for column in PUBLICATIONS.columns)
    placeholders = ", ".join("?" * len(PUBLICATIONS.columns))
    con.con.executemany(
        f"INSERT INTO publications ({columns}) VALUES ({placeholders})",
        [list(asdict(line).values()) for line in lines],
    )
    return lines


def is_there(con: "Backend", table: str) -> bool:
    """Tell whether the warehouse has a table."""
    found = "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()"
    return bool(con.con.execute(f"{found} AND table_name = ?", [table]).fetchall())


def latest(con: "Backend", table: str) -> dict[date | None, LedgerLine]:
    """Return the newest ledger line of each month of a table, in order of months.

    Nothing where nothing was ever published: a first publication that failed leaves a file
    without a ledger.
    """
    if not is_there(con, PUBLICATIONS.table):
        return {}
    columns = ", ".join(column.name for column in PUBLICATIONS.columns)
    rows = con.con.execute(
        f"SELECT {columns} FROM publications WHERE table_name = ? QUALIFY "
        "row_number() OVER (PARTITION BY month ORDER BY publication DESC) = 1 ORDER BY month",
        [table],
    ).fetchall()
    return {line.month: line for line in (LedgerLine(*row) for row in rows)}


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


def _covered_months(contract, months, after, before) -> list[date | None]:
    """Return the months that get a line: those asked for, or all that have or lose rows."""
    if contract.month_column is None:
        return [None]
    if months is None:
        # Those that lose all their rows, too. And an empty table has its line: it was published.
        return sorted({*after, *before}) or [None]
    first, last = months
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1)
        for n in range(count)
    ]


def _raw_version(con, contract: Contract, after: dict[date | None, Content]) -> str:
    """Return the raw version handed on by the table it is built from, or its own."""
    if contract.built_from is None:
        digests = {month: held.digest for month, held in after.items()}
        return hashlib.sha256(repr(digests).encode()).hexdigest()[:12]
    return newest_raw_version(con, contract.built_from)


def newest_raw_version(con: "Backend", table: str) -> str:
    """Return the raw version that a table was last made from; empty if it never was."""
    ((raw_version,),) = con.con.execute(
        "SELECT arg_max(raw_version, publication) FROM publications WHERE table_name = ?", [table]
    ).fetchall()
    return raw_version or ""


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
