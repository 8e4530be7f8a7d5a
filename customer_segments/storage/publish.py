"""Stage, audit, swap in: the one way in which a table is written.

Belongs here: the steps of a publication, inside a transaction that the caller holds. Does
not: what makes rows good (``contracts``, ``audit``), what is remembered (``ledger``).
"""

from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.operations as ops

from customer_segments.errors import UserError
from customer_segments.storage import ledger
from customer_segments.storage.audit import (
    ContractBreach,
    column_breaches,
    row_breaches,
    stored,
)
from customer_segments.storage.content import content
from customer_segments.storage.contracts import Contract, WriteMode, quoted, version_of
from customer_segments.storage.ledger import PUBLICATIONS, is_there
from customer_segments.storage.publication import Publication

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

STAGING = "staging"


class ContractMismatch(UserError):  # noqa: N818 - the field calls it a mismatch
    """A table in the warehouse was written by another version of its contract."""

    def __init__(self, table: str, differences: list[str], *, is_newer: bool = False):
        super().__init__(
            f"{table} in the warehouse was written by {'a newer' if is_newer else 'another'} "
            f"version of its contract: {'; '.join(differences)}.",
            "Nothing was changed. "
            + (
                "Install the version of customer-segments that wrote it, or a later one."
                if is_newer
                else "`customer-segments migrate` brings the warehouse up, after a backup."
            ),
        )


def publish(
    con: "Backend",
    contract: Contract,
    data,
    *,
    months: tuple[date, date] | None = None,
    run_id: str = "",
) -> Publication:
    """Replace what a table holds by ``data``, if it keeps the contract.

    Parameters
    ----------
    con
        Connection inside a transaction.
    data
        An Ibis table (run in the database), an Arrow table or a DataFrame.
    months
        First and last month to replace (mode ``REPLACE_MONTHS``).
    run_id
        For the ledger.

    Raises
    ------
    ContractBreach
        If rows break the contract; names the rule, how many rows, and shows five of them.
    ContractMismatch
        If the table, or one that it reads, was written by another version of its contract.
    UserError
        If a table or a month that it is made from was never published.
    """
    if (contract.write_mode is WriteMode.REPLACE_MONTHS) != (months is not None):
        raise ValueError(f"{contract.table}: months go with {WriteMode.REPLACE_MONTHS}")
    expression = _with_nulls_typed(
        data if isinstance(data, ibis.Table) else ibis.memtable(data), contract
    )
    require_sources(con, contract.table, expression)
    if not is_there(con, PUBLICATIONS.table):
        _run(con, PUBLICATIONS.ddl())
    elif differences := column_breaches(PUBLICATIONS, con.get_schema(PUBLICATIONS.table)):
        raise ContractMismatch(PUBLICATIONS.table, [breach.rule for breach in differences])
    if months and contract.needs_history:
        _require_history(con, contract, last=months[1])

    if breaches := column_breaches(contract, expression.schema()):
        raise ContractBreach(contract.table, breaches)
    # Ibis takes an outer join's columns for not null where they were so before the join.
    nullable = {name: dtype.copy(nullable=True) for name, dtype in expression.schema().items()}
    con.create_table(STAGING, expression, schema=ibis.schema(nullable), temp=True)
    if breaches := row_breaches(con, contract, STAGING, months):
        raise ContractBreach(contract.table, breaches)

    before = _replaced(con, contract, months)
    _swap_in(con, contract, months)
    after = content(con, contract, STAGING)
    lines = ledger.add_lines(con, contract, after, before, months, run_id)
    con.raw_sql(f"DROP TABLE {STAGING}")
    sources = {
        table.name: {name: str(dtype) for name, dtype in table.schema.items()}
        for table in expression.op().find((ops.UnboundTable, ops.InMemoryTable))
    }
    sql = str(con.compile(expression, pretty=True))
    return Publication(contract.table, lines, before, sql, sources)


def require_contract(con: "Backend", contract: Contract) -> None:
    """Raise unless the published table exists and has the contract's columns and rules."""
    if not is_there(con, contract.table):
        raise UserError(
            f"The warehouse has no table {contract.table} yet.", "Materialize it first."
        )
    differences = [
        breach.rule for breach in column_breaches(contract, con.get_schema(contract.table))
    ]
    # Whoever wrote last made the table, or found it made by the same contract.
    lines = ledger.latest(con, contract.table).values()
    newest = max(lines, key=lambda line: line.publication, default=None)
    if not differences:
        if newest is None:
            differences = ["the ledger has no line of it"]
        elif not contract.is_labelled(newest.contract):
            differences = ["its rules, its key, its nullability or its write mode changed"]
    if differences:
        is_newer = newest is not None and version_of(newest.contract) > contract.version
        raise ContractMismatch(contract.table, differences, is_newer=is_newer)


def _replaced(con, contract: Contract, months: tuple[date, date] | None) -> dict:
    """Return what the months hold that are about to be replaced; nothing if not comparable."""
    is_comparable = (
        contract.write_mode is not WriteMode.INSERT_NEW
        and is_there(con, contract.table)
        and not column_breaches(contract, con.get_schema(contract.table))
    )
    return content(con, contract, quoted(contract.table), months) if is_comparable else {}


def _swap_in(con, contract: Contract, months: tuple[date, date] | None) -> None:
    """Put the staged rows, by name, into the constrained table."""
    table = quoted(contract.table)
    if contract.write_mode is WriteMode.REPLACE:
        # Dropped and made anew inside the transaction: a new contract may differ in its columns.
        con.raw_sql(f"DROP TABLE IF EXISTS {table}")
    if is_there(con, contract.table):
        require_contract(con, contract)
    else:
        _run(con, contract.ddl())
    if months:
        assert contract.month_column
        month = quoted(contract.month_column)
        con.raw_sql(
            f"DELETE FROM {table} WHERE {month} BETWEEN DATE '{months[0]}' AND DATE '{months[1]}'"
        )
    if contract.write_mode is WriteMode.INSERT_NEW:
        key = " AND ".join(f"s.{quoted(name)} = t.{quoted(name)}" for name in contract.key)
        con.raw_sql(
            f"DELETE FROM {STAGING} AS s WHERE EXISTS (SELECT 1 FROM {table} AS t WHERE {key})"
        )
    con.raw_sql(f"INSERT INTO {table} BY NAME SELECT * FROM {STAGING}")


def require_sources(con: "Backend", reader: str, expression: ibis.Expr) -> None:
    """Raise unless every table that the expression reads is there as it is declared.

    Parameters
    ----------
    reader
        Who reads them, for the message.
    """
    for source in expression.op().find(ops.UnboundTable):
        if not is_there(con, source.name):
            raise UserError(
                f"{reader} reads {source.name}, which the warehouse does not have.",
                f"Materialize {source.name} first.",
            )
        actual = con.get_schema(source.name)
        differences = [
            f"column {name} is {stored(actual[name]) if name in actual else 'missing'}, "
            f"{reader} expects {stored(dtype)}"
            for name, dtype in source.schema.items()
            if name not in actual or stored(actual[name]) != stored(dtype)
        ]
        if differences:
            raise ContractMismatch(source.name, differences)


def _require_history(con, contract: Contract, last: date) -> None:
    """Raise if a month up to ``last`` that the raw data has was not published before it."""
    assert contract.built_from
    published = ledger.latest(con, contract.built_from)
    missing = [
        month
        for month, line in ledger.latest(con, "raw_transactions").items()
        if month and month <= last and line.rows and month not in published
    ]
    if missing:
        raise UserError(
            f"{contract.table} up to {last:%Y-%m} needs all months of {contract.built_from}; "
            f"not there yet: {', '.join(f'{month:%Y-%m}' for month in missing)}.",
            f"Materialize {contract.built_from} for them first.",
        )


def _with_nulls_typed(expression: ibis.Table, contract: Contract) -> ibis.Table:
    """Give columns that hold nothing at all, so that their type is unknown, the contract's."""
    unknown = {
        name: contract.schema[name]
        for name, dtype in expression.schema().items()
        if dtype.is_null() and name in contract.schema
    }
    return expression.cast(unknown) if unknown else expression


def _run(con, statements: list[str]) -> None:
    for statement in statements:
        con.raw_sql(statement)
