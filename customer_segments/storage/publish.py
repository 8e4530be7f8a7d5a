"""Stage, audit, swap in: the one way in which a table is written.

Belongs here: the steps of a publication, inside a transaction that the caller holds. Does
not: what makes rows good (``contracts``, ``audit``), what is remembered (``ledger``).
"""

from datetime import date

import ibis
import ibis.expr.operations as ops

from customer_segments.months import between
from customer_segments.storage import ledger, requirements
from customer_segments.storage.audit import ContractBreach, column_breaches, row_breaches
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.content import Content, Publication, content
from customer_segments.storage.contracts import Contract, WriteMode, quoted
from customer_segments.storage.in_file import STAGING
from customer_segments.storage.lake import Lake, placed
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.storage.relations import named


def publish(
    con: Connection,
    contract: Contract,
    data,
    *,
    months: tuple[date, date] | None = None,
    run_id: str = "",
    made_by: str | None = None,
    lake: Lake | None = None,
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
    lake
        Where tables lie whose contract says so; in the file without one.

    Raises
    ------
    ContractBreach
        If rows break the contract; names the rule, how many rows, and shows five of them.
    ContractMismatch
        If the table, or one that it reads, was written by another version of its contract.
    UserError
        If a table or a month that it is made from was never published, or the table lies elsewhere.
    """
    if (contract.write_mode is WriteMode.REPLACE_MONTHS) != (months is not None):
        raise ValueError(f"{contract.table}: months go with {WriteMode.REPLACE_MONTHS}")
    expression = _with_nulls_typed(
        data if isinstance(data, ibis.Table) else ibis.memtable(data), contract
    )
    there = Catalog.of(con)
    requirements.require_sources(there, contract.table, expression)
    requirements.require_passed(con, there, contract.table, expression)
    if PUBLICATIONS.table in there:
        requirements.require_ledger(there)
    else:
        con.raw_sql(PUBLICATIONS.ddl())
    if months and contract.needs_history:
        requirements.require_history(con, contract, last=months[1])

    if breaches := column_breaches(contract, expression.schema()):
        raise ContractBreach(contract.table, breaches)
    place = placed(there, contract, lake)
    query = con.compiler.to_sqlglot(expression)
    sql = query.sql(con.dialect, pretty=True, copy=False)
    before, after = _replaced(con, there, contract, months), None
    draft, draft_sql = expression, sql
    # Month by month, where the table has such rows already.
    is_compared = bool(before and contract.month_column and not months)
    if is_compared and not expression.op().find(ops.InMemoryTable):
        draft, after = _of_changed_months(con, contract, expression, before)
        draft_sql = con.compile(draft)
    staged = place.stage(con, contract, draft, draft_sql)
    if breaches := row_breaches(con, contract, STAGING, months):
        raise ContractBreach(contract.table, breaches)

    place.prepare(con, contract, is_new=not before)
    after = after or content(con, contract, STAGING)
    by = {"run_id": run_id, "made_by": made_by}
    lines = ledger.add_lines(con, contract, after, before, months, **by)
    written = list(between(*months)) if months else None
    if is_compared:
        written = _changed(before, after)
    place.swap(con, contract, staged, written, lines[-1].publication)
    sources = {
        table.name: {name: str(dtype) for name, dtype in table.schema.items()}
        for table in expression.op().find((ops.UnboundTable, ops.InMemoryTable))
        if table.name not in there.temporary
    }
    return Publication(contract.table, lines, before, query, sql, sources)


def empty_outside(
    con: Connection,
    contract: Contract,
    first: date,
    last: date,
    run_id: str,
    lake: Lake | None = None,
) -> None:
    """Take the rows of months before ``first`` and after ``last`` out of a table.

    Nobody publishes these months any more, and snapshots would go on adding them up.
    """
    if contract.write_mode is not WriteMode.REPLACE_MONTHS:
        return
    there = Catalog.of(con)
    if contract.table not in there:
        return
    place = placed(there, contract, lake)
    held = {month: line for month, line in ledger.latest(con, contract.table).items() if month}
    for month, line in held.items():
        if line.rows and not first <= month <= last:
            before = content(con, contract, quoted(contract.table), (month, month))
            by = {"run_id": run_id, "made_by": line.made_by}
            (added,) = ledger.add_lines(con, contract, {}, before, (month, month), **by)
            place.swap(con, contract, None, [month], added.publication)


def _replaced(
    con: Connection, there: Catalog, contract: Contract, months: tuple[date, date] | None
) -> dict[date | None, Content]:
    """Return what the months hold that are about to be replaced; nothing if not comparable."""
    if contract.write_mode is WriteMode.INSERT_NEW or contract.table not in there:
        return {}
    is_other = bool(column_breaches(contract, there.schemas[contract.table]))
    if contract.write_mode is WriteMode.REPLACE:
        is_other = is_other or not requirements.is_made_by(con, contract)
    return {} if is_other else content(con, contract, quoted(contract.table), months)


def _of_changed_months(
    con: Connection, contract: Contract, rows: ibis.Table, before: dict[date | None, Content]
) -> tuple[ibis.Table, dict[date | None, Content]]:
    """Return the rows that have to be staged and audited, and what all of them hold of each month.

    A month that stays as it is need not be: most do, when a file arrives. Rows without a month are
    for the audit to refuse.
    """
    draft = named(con, rows, "draft")
    after = content(con, contract, "draft")
    month = draft[contract.month_column]
    return draft.filter(month.isin(_changed(before, after)) | month.isnull()), after


def _changed(before: dict[date | None, Content], after: dict[date | None, Content]) -> list[date]:
    """Return the months whose content is another."""
    return sorted(
        month for month in {*before, *after} if month and before.get(month) != after.get(month)
    )


def _with_nulls_typed(expression: ibis.Table, contract: Contract) -> ibis.Table:
    """Give columns that hold nothing at all, so that their type is unknown, the contract's."""
    unknown = {
        name: contract.schema[name]
        for name, dtype in expression.schema().items()
        if dtype.is_null() and name in contract.schema
    }
    return expression.cast(unknown) if unknown else expression
