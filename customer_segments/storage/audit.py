"""Judging rows against a contract, by query, so that a breach can be shown and mended.

Belongs here: finding breaches in any relation, staged or published. Does not: what happens
then (``publish`` refuses, a check reports).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import ibis.expr.datatypes as dt

from customer_segments.errors import UserError
from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import Contract, quoted
from customer_segments.texts import plural

SAMPLE_ROWS = 5


@dataclass(frozen=True)
class Breach:
    """A rule that rows break: its name, how many rows, and up to five of them.

    A breach by the columns themselves has no rows.
    """

    rule: str
    rows: int
    examples: list[dict] = field(default_factory=list)

    def __str__(self) -> str:
        """One line for a log, then a line per example."""
        if not self.rows:
            return self.rule
        shown = "".join(f"\n    {example}" for example in self.examples)
        return f"{self.rule}: {self.rows:,} {plural(self.rows, 'row')}{shown}"


class ContractBreach(UserError):  # noqa: N818 - the field calls it a breach
    """Rows that were to be published break their contract; nothing was published."""

    def __init__(self, table: str, breaches: list[Breach]):
        self.breaches = breaches
        super().__init__(
            f"{table} was not published, its contract is broken:\n  "
            + "\n  ".join(map(str, breaches))
            + "\nWhat was published before is still in place."
        )


def column_breaches(contract: Contract, given: Mapping[str, dt.DataType]) -> list[Breach]:
    """Return what is wrong with the columns: missing, not in the contract, of another type."""
    wanted = contract.schema
    wrong = [f"column {name} is missing" for name in wanted if name not in given]
    wrong += [f"column {name} is not in the contract" for name in given if name not in wanted]
    wrong += [
        f"column {name} is {stored(given[name])}, the contract says {stored(dtype)}"
        for name, dtype in wanted.items()
        if name in given and stored(given[name]) != stored(dtype)
    ]
    return [Breach(rule, 0) for rule in wrong]


def stored(dtype: dt.DataType) -> dt.DataType:
    """Return the type that the database reports for a column declared so, nullability aside."""
    if isinstance(dtype, dt.Timestamp) and dtype.scale is None:
        dtype = dtype.copy(scale=6)
    return dtype.copy(nullable=True)


def row_breaches(
    con: Connection, contract: Contract, relation: str, months: tuple[date, date] | None = None
) -> list[Breach]:
    """Return the rules that rows of ``relation`` break.

    It is the quoted name of a table with the contract's columns, whose rows may belong to the first
    to the last of ``months``; ``None`` for any.
    """
    conditions = {f"{name} is null": f"{quoted(name)} IS NULL" for name in contract.required} | {
        name: f"NOT ({sql})" for name, sql in contract.rules.items()
    }
    if contract.month_column:
        month = quoted(contract.month_column)
        conditions[f"{contract.month_column} is the first day of a month"] = (
            f"{month} <> date_trunc('month', {month})"
        )
        if months:
            first, last = months
            conditions[f"{contract.month_column} from {first:%Y-%m} to {last:%Y-%m}"] = (
                f"{month} NOT BETWEEN DATE '{first}' AND DATE '{last}'"
            )
    hidden = {*contract.personal} - {*contract.key}
    # Fetched whole: a result that is read in part blocks the connection.
    counted = ", ".join(f"count(*) FILTER ({sql})" for sql in conditions.values())
    (counts,) = con.raw_sql(f"SELECT {counted} FROM {relation}").fetchall()
    columns = ", ".join(quoted(name) for name in contract.schema if name not in hidden)
    examples = f"SELECT {columns} FROM {relation} WHERE {{}} LIMIT {SAMPLE_ROWS}"
    breaches = [
        Breach(name, count, _rows(con, examples.format(condition)))
        for (name, condition), count in zip(conditions.items(), counts, strict=True)
        if count
    ]
    return breaches + _key_breaches(con, contract, relation)


def _key_breaches(con, contract: Contract, relation: str) -> list[Breach]:
    """Return the breach of uniqueness; its examples are keys that stand more than once."""
    key = ", ".join(map(quoted, contract.key))
    # As many hashes as rows: no key repeats, told in a quarter of the time.
    distinct = f"SELECT count(*) = count(DISTINCT hash({key})) FROM {relation}"
    if con.raw_sql(distinct).fetchall() == [(True,)]:
        return []
    repeated = f"FROM {relation} GROUP BY {key} HAVING count(*) > 1"
    ((rows,),) = con.raw_sql(f"SELECT sum(n) FROM (SELECT count(*) AS n {repeated})").fetchall()
    if not rows:
        return []
    examples = _rows(con, f"SELECT {key}, count(*) AS rows {repeated} LIMIT {SAMPLE_ROWS}")
    return [Breach(f"key ({', '.join(contract.key)}) is unique", int(rows), examples)]


def _rows(con, sql: str) -> list[dict]:
    cursor = con.raw_sql(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
