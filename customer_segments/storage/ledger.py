"""The ledger of publications: what was written, when, from what, and whether it changed.

Belongs here: the table ``publications``, its lines, and whether tables hold what they say. Does
not: writing the tables themselves (``publish``), what waits for a run (``state``).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, fields
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from customer_segments.months import between
from customer_segments.storage.audit import column_breaches
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.content import Content, LedgerLine, content
from customer_segments.storage.contracts import Contract, WriteMode, declared, quoted

PUBLICATIONS = declared(Path(__file__).with_name("publications.toml"))["publications"]
Entry = tuple[date | None, Content, Content]
_COLUMNS = [field.name for field in fields(LedgerLine)]


@cache
def code_version() -> str:
    """Return the version of this package."""
    return version("customer-segments")


def add_lines(
    con: Connection,
    contract: Contract,
    after: dict[date | None, Content],
    before: dict[date | None, Content],
    months: tuple[date, date] | None,
    **by: str | None,
) -> list[LedgerLine]:
    """Enter what is published into the ledger, a line per month.

    ``after`` is published and replaces ``before``, as ``content`` returns them; of ``months``, also
    where they have no row, ``None`` for all there are; ``by`` are ``run_id`` and ``made_by``.
    """
    if contract.built_from:
        raw_version = newest_raw_version(con, contract.built_from)
    else:
        digests = {month: held.digest for month, held in after.items()}
        raw_version = hashlib.sha256(repr(digests).encode()).hexdigest()[:12]
    if contract.month_column is None:
        covered: Iterable[date | None] = [None]
    elif months:
        covered = between(*months)
    else:
        # Those that lose all their rows, too. And an empty table has its line: it was published.
        covered = sorted(month for month in {*after, *before} if month) or [None]
    nothing = Content()
    entries = [(month, after.get(month, nothing), before.get(month, nothing)) for month in covered]
    return _enter(con, contract, entries, raw_version=raw_version, **by)


def add_migration(con: Connection, contract: Contract) -> None:
    """Enter that a table was brought up to its contract: its rows say what they said before.

    One line for the whole table, without a month, so that what waits goes on waiting and nothing
    that does not wait is made anew. It has rows only where the table's other lines have no month
    either, and hold all of it.
    """
    is_whole = contract.month_column is None and contract.write_mode is WriteMode.REPLACE
    held = content(con, contract, quoted(contract.table)).get(None) if is_whole else None
    entry = None, held or Content(), held or Content()
    raw_version = newest_raw_version(con, contract.table)
    made_by = newest(con, contract.table, "made_by")
    _enter(con, contract, [entry], raw_version=raw_version, run_id="migrate", made_by=made_by)


def _enter(con: Connection, contract: Contract, months: list[Entry], **by: Any) -> list[LedgerLine]:
    """Add lines, each of a month, what it holds, and what it held before."""
    ((last,),) = con.raw_sql("SELECT coalesce(max(publication), 0) FROM publications").fetchall()
    # One publication, one moment.
    now = datetime.now(UTC).replace(tzinfo=None)
    lines = [
        LedgerLine(
            publication=number,
            table_name=contract.table,
            month=month,
            published_at=now,
            is_changed=held.digest != before.digest,
            contract=contract.label,
            code_version=code_version(),
            **by,
            **asdict(held),
        )
        for number, (month, held, before) in enumerate(months, last + 1)
    ]
    columns, values = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
    insert = f"INSERT INTO publications ({columns}) VALUES ({values})"
    con.con.executemany(insert, [astuple(line) for line in lines])
    return lines


def latest(con: Connection, table: str) -> dict[date | None, LedgerLine]:
    """Return the newest ledger line of each month of a table, in order of months.

    Nothing where nothing was ever published: a first publication that failed leaves a file
    without a ledger.
    """
    if PUBLICATIONS.table not in Catalog.of(con):
        return {}
    rows = con.con.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM publications WHERE table_name = ? QUALIFY "
        "row_number() OVER (PARTITION BY month ORDER BY publication DESC) = 1 ORDER BY month",
        [table],
    ).fetchall()
    lines = (LedgerLine(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)
    return {line.month: line for line in lines}


def newest_raw_version(con: Connection, table: str) -> str:
    """Return the raw version that a table was last made from; empty if it never was."""
    return newest(con, table, "raw_version") or ""


def newest(con: Connection, table: str, column: str) -> str | None:
    """Return what the newest line of a table says, in a warehouse that has a ledger."""
    said = f"SELECT arg_max({column}, publication) FROM publications WHERE table_name = ?"
    ((value,),) = con.con.execute(said, [table]).fetchall()
    return value


def disagreements(con: Connection, contracts: Mapping[str, Contract]) -> list[str]:
    """Return where tables hold other rows or other revenue than the ledger's newest lines say.

    Reads every row of every table. Digests are not compared: DuckDB's hash may change with its
    version. Tables of other contracts are compared by their number of rows alone. Of the ledger
    just columns are read that every version had.
    """
    there = Catalog.of(con)
    if PUBLICATIONS.table not in there:
        return ["it has no ledger"]
    names = con.raw_sql("SELECT DISTINCT table_name FROM publications ORDER BY 1").fetchall()
    found = (_disagreement(con, there, name, contracts.get(name)) for (name,) in names)
    return [said for said in found if said]


def _disagreement(con: Connection, there: Catalog, table: str, contract: Contract | None) -> str:
    if table not in there:
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
    if not is_new and not column_breaches(contract, there.schemas[table]):
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
