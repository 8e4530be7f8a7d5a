"""Stage, audit, swap in: the one way in which a table is written.

Belongs here: the steps of a publication, inside a transaction that the caller holds. Does
not: what makes rows good (``contracts``, ``audit``), what is remembered (``ledger``).
"""

from collections.abc import Iterable
from datetime import date

import ibis
import ibis.expr.operations as ops

from customer_segments.storage import ledger, requirements
from customer_segments.storage.audit import Breach, ContractBreach, column_breaches, row_breaches
from customer_segments.storage.connection import Connection
from customer_segments.storage.content import Content, Publication, content
from customer_segments.storage.contracts import Contract, WriteMode, quoted
from customer_segments.storage.ledger import PUBLICATIONS, is_temporary, is_there

STAGING = "staging"


def publish(
    con: Connection,
    contract: Contract,
    data,
    *,
    months: tuple[date, date] | None = None,
    run_id: str = "",
    made_by: str | None = None,
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
    requirements.require_sources(con, contract.table, expression)
    requirements.require_passed(con, contract.table, expression)
    if not is_there(con, PUBLICATIONS.table):
        con.raw_sql(PUBLICATIONS.ddl())
    requirements.require_ledger(con)
    if months and contract.needs_history:
        requirements.require_history(con, contract, last=months[1])

    if breaches := column_breaches(contract, expression.schema()):
        raise ContractBreach(contract.table, breaches)
    sql = _stage(con, expression)
    if breaches := row_breaches(con, contract, STAGING, months):
        raise ContractBreach(contract.table, breaches)

    before = _replaced(con, contract, months)
    _make_table(con, contract, is_new=not before)
    if contract.write_mode is WriteMode.INSERT_NEW:
        _drop_known(con, contract)
    after = content(con, contract, STAGING)
    _swap_in(con, contract, _written(contract, months, before, after))
    by = {"run_id": run_id, "made_by": made_by}
    lines = ledger.add_lines(con, contract, after, before, months, **by)
    con.raw_sql(f"DROP TABLE {STAGING}")
    sources = {
        table.name: {name: str(dtype) for name, dtype in table.schema.items()}
        for table in expression.op().find((ops.UnboundTable, ops.InMemoryTable))
        if not is_temporary(con, table.name)
    }
    return Publication(contract.table, lines, before, sql, sources)


def _stage(con: Connection, expression: ibis.Table) -> str:
    """Put the rows into the staging table; return the SQL that makes them."""
    # Ibis takes an outer join's columns for not null where they were so before the join.
    nullable = {name: dtype.copy(nullable=True) for name, dtype in expression.schema().items()}
    con.create_table(STAGING, schema=ibis.schema(nullable), temp=True)
    sql = str(con.compile(expression, pretty=True))
    if expression.op().find(ops.InMemoryTable):
        con.insert(STAGING, expression)
    else:
        # Compiled once: for Ibis that takes as long as for DuckDB to run it.
        con.raw_sql(f"INSERT INTO {STAGING} {sql}")
    return sql


def empty_outside(
    con: Connection, contract: Contract, first: date, last: date, run_id: str
) -> None:
    """Take the rows of months before ``first`` and after ``last`` out of a table.

    Nobody publishes these months any more, and snapshots would go on adding them up.
    """
    if contract.write_mode is not WriteMode.REPLACE_MONTHS or not is_there(con, contract.table):
        return
    held = {month: line for month, line in ledger.latest(con, contract.table).items() if month}
    for month, line in held.items():
        if line.rows and not first <= month <= last:
            before = content(con, contract, quoted(contract.table), (month, month))
            con.raw_sql(
                f"DELETE FROM {quoted(contract.table)} "
                f"WHERE {quoted(contract.month_column or '')} = DATE '{month}'"
            )
            by = {"run_id": run_id, "made_by": line.made_by}
            ledger.add_lines(con, contract, {}, before, (month, month), **by)


def _replaced(
    con: Connection, contract: Contract, months: tuple[date, date] | None
) -> dict[date | None, Content]:
    """Return what the months hold that are about to be replaced; nothing if not comparable."""
    if contract.write_mode is WriteMode.INSERT_NEW or not is_there(con, contract.table):
        return {}
    is_other = bool(column_breaches(contract, con.get_schema(contract.table)))
    if contract.write_mode is WriteMode.REPLACE:
        is_other = is_other or not requirements.is_made_by(con, contract)
    return {} if is_other else content(con, contract, quoted(contract.table), months)


def _make_table(con: Connection, contract: Contract, is_new: bool) -> None:
    """Have the constrained table, with the rows that stay."""
    if contract.write_mode is WriteMode.REPLACE and (is_new or not contract.month_column):
        # Dropped and made anew inside the transaction: a new contract may differ in its columns.
        con.raw_sql(f"DROP TABLE IF EXISTS {quoted(contract.table)}")
    if is_there(con, contract.table):
        requirements.require_contract(con, contract)
    else:
        con.raw_sql(contract.ddl())


def _written(
    contract: Contract,
    months: tuple[date, date] | None,
    before: dict[date | None, Content],
    after: dict[date | None, Content],
) -> str:
    """Return the condition of the rows that are written."""
    month = quoted(contract.month_column or "")
    if months:
        return f"{month} BETWEEN DATE '{months[0]}' AND DATE '{months[1]}'"
    if contract.write_mode is WriteMode.INSERT_NEW or not contract.month_column:
        return "true"
    # A month that stays as it is need not be written: most are, when a file arrives.
    changed = [each for each in {*before, *after} if before.get(each) != after.get(each)]
    dates = ", ".join(f"DATE '{each}'" for each in changed)
    return f"{month} IN ({dates})" if changed else "false"


def _swap_in(con: Connection, contract: Contract, written: str) -> None:
    """Put the staged rows, by name, into the constrained table."""
    table = quoted(contract.table)
    if contract.write_mode is not WriteMode.INSERT_NEW:
        con.raw_sql(f"DELETE FROM {table} WHERE {written}")
    con.raw_sql(f"INSERT INTO {table} BY NAME SELECT * FROM {STAGING} WHERE {written}")


def _drop_known(con, contract: Contract) -> None:
    """Drop the staged rows that are there already; raise if one is there with other values."""
    table = quoted(contract.table)

    def same(names: Iterable[str]) -> str:
        pairs = (f"s.{quoted(name)} IS NOT DISTINCT FROM t.{quoted(name)}" for name in names)
        return f"EXISTS (SELECT 1 FROM {table} AS t WHERE {' AND '.join(pairs)})"

    con.raw_sql(f"DELETE FROM {STAGING} AS s WHERE {same(contract.schema.names)}")
    key = ", ".join(map(quoted, contract.key))
    clash = con.raw_sql(f"SELECT {key} FROM {STAGING} AS s WHERE {same(contract.key)}").fetchall()
    if clash:
        said = f"({key}) {clash[0]} is there already with other values"
        raise ContractBreach(contract.table, [Breach(said, len(clash))])


def _with_nulls_typed(expression: ibis.Table, contract: Contract) -> ibis.Table:
    """Give columns that hold nothing at all, so that their type is unknown, the contract's."""
    unknown = {
        name: contract.schema[name]
        for name, dtype in expression.schema().items()
        if dtype.is_null() and name in contract.schema
    }
    return expression.cast(unknown) if unknown else expression
