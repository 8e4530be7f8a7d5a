"""What has to be there before a table is written or read: the right contract, sources, history.

Belongs here: raising where the warehouse is not as the code takes it to be. Does not: judging
rows (``audit``), writing (``publish``).
"""

from collections.abc import Iterable
from datetime import date

import ibis
import ibis.expr.operations as ops

from customer_segments.errors import UserError
from customer_segments.storage import ledger
from customer_segments.storage.audit import column_breaches, stored
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import Contract, version_of
from customer_segments.storage.ledger import PUBLICATIONS

# Checks of which no table may be built on that does not pass them.
BLOCKING = ("contract", "reconciliation")


class ContractMismatch(UserError):  # noqa: N818 - the field calls it a mismatch
    """A table in the warehouse was written by another version of its contract."""

    def __init__(self, table: str, differences: list[str], *, is_newer: bool = False):
        super().__init__(
            f"{table} in the warehouse was written by {'a newer' if is_newer else 'another'} "
            f"version of its contract: {'; '.join(differences)}.",
            "Nothing was changed. Install the version of customer-segments that wrote it, or a "
            "later one."
            if is_newer
            else "Nothing was changed. `customer-segments migrate` brings the warehouse up, after "
            "a backup.",
        )


def require_ledger(there: Catalog) -> None:
    """Raise if another version of the code wrote the ledger."""
    if differences := column_breaches(PUBLICATIONS, there.schemas[PUBLICATIONS.table]):
        raise ContractMismatch(PUBLICATIONS.table, [breach.rule for breach in differences])


def require_contract(con: Connection, there: Catalog, contract: Contract) -> None:
    """Raise unless the published table exists and has the contract's columns and rules."""
    if contract.table not in there:
        raise UserError(
            f"The warehouse has no table {contract.table} yet.",
            "Materialize it first, or start `customer-segments run`.",
        )
    breaches = column_breaches(contract, there.schemas[contract.table])
    differences = [breach.rule for breach in breaches]
    # Whoever wrote last made the table, or found it made by the same contract.
    has_ledger = PUBLICATIONS.table in there
    label = ledger.newest(con, contract.table, "contract") if has_ledger else None
    if label is None:
        differences = differences or ["the ledger has no line of it"]
    elif not differences and not contract.is_labelled(label):
        differences = ["its rules, its key, its nullability or its write mode changed"]
    if differences:
        is_newer = label is not None and version_of(label) > contract.version
        raise ContractMismatch(contract.table, differences, is_newer=is_newer)


def require_in_file(con: Connection, contracts: Iterable[Contract]) -> None:
    """Raise if one of some tables, which are to be migrated, is in the lake."""
    there = Catalog.of(con)
    if in_lake := [each.table for each in contracts if each.table in there.in_lake]:
        raise UserError(
            f"{', '.join(in_lake)} in the lake was written by another version of its contract.",
            "Nothing was changed: a migration leaves the lake alone. Name another warehouse and "
            "another lake, which are made from the files again; `customer-segments models` takes "
            "the model over.",
        )


def is_made_by(con: Connection, contract: Contract) -> bool:
    """Tell whether a published table was made by this very contract."""
    label = ledger.newest(con, contract.table, "contract")
    return label is not None and contract.is_labelled(label)


def require_sources(there: Catalog, reader: str, expression: ibis.Expr) -> None:
    """Raise unless every table that the expression reads is there as declared; names the reader."""
    for source in expression.op().find(ops.UnboundTable):
        if source.name in there.temporary:
            continue
        if source.name not in there:
            raise UserError(
                f"{reader} reads {source.name}, which the warehouse does not have.",
                f"Materialize {source.name} first, or start `customer-segments run`.",
            )
        actual = there.schemas[source.name]
        differences = [
            f"column {name} is {stored(actual[name]) if name in actual else 'missing'}, "
            f"{reader} expects {stored(dtype)}"
            for name, dtype in source.schema.items()
            if name not in actual or stored(actual[name]) != stored(dtype)
        ]
        if differences:
            raise ContractMismatch(source.name, differences)


def judgements(con: Connection, there: Catalog) -> tuple[dict[str, int], dict[str, str]]:
    """Return by table what its blocking checks were evaluated on last, and what is wrong with it.

    The first is the number of the publication; the second has those tables alone whose newest
    publication did not pass.
    """
    judged: dict[str, int] = {}
    failed: dict[str, str] = {}
    if "check_history" not in there:
        return judged, failed
    names = ", ".join(f"'{name}'" for name in BLOCKING)
    for table, check, publication, level, said, newest in con.raw_sql(
        "SELECT table_name, check_name, coalesce(last(publication ORDER BY verdict), 0), "
        "last(level ORDER BY verdict), last(said ORDER BY verdict), any_value(newest) "
        "FROM check_history LEFT JOIN (SELECT table_name, max(publication) AS newest "
        "FROM publications GROUP BY 1) USING (table_name) "
        f"WHERE check_name IN ({names}) GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall():
        judged[table] = min(judged.get(table, publication), publication)
        if level == "error" and publication >= (newest or 0):
            failed[table] = f"{check}: {said}"
    return judged, failed


def require_passed(con: Connection, there: Catalog, reader: str, expression: ibis.Expr) -> None:
    """Raise if a table that the expression reads did not pass its blocking checks."""
    _, failed = judgements(con, there)
    for source in expression.op().find(ops.UnboundTable):
        if source.name in failed and source.name != reader:
            raise UserError(
                f"{reader} is not made, for {source.name} did not pass its check "
                f"{failed[source.name]}",
                f"Mend the cause and materialize {source.name} again.",
            )


def require_history(con, contract: Contract, last: date) -> None:
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
