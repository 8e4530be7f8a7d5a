"""Checks of this stage: kept and rejected rows add up to the raw ones, month by month."""

from collections.abc import Iterator

import dagster as dg
from ibis.expr.types import Table

from customer_segments.cleaning.contracts import CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments.ingestion.contracts import RAW_TRANSACTIONS
from customer_segments.storage import Warehouse
from customer_segments.storage.checks import (
    contract_result,
    reconciliation_result,
    selected,
    spine_specs,
)
from customer_segments.storage.pending import pending_months

EXACT = "decimal(38, 4)"


def raw_months(raw: Table) -> Table:
    """Return rows and revenue per month of the raw rows."""
    return raw.group_by("month").agg(
        rows=raw.count(),
        revenue=(raw.quantity * raw.price).cast(EXACT).sum().fill_null(0).cast(EXACT),
    )


def settled_months(cleaned: Table, rejected: Table) -> Table:
    """Return rows and revenue per month of kept and rejected rows together."""
    both = cleaned.select("month", "revenue").union(rejected.select("month", "revenue"))
    return both.group_by("month").agg(
        rows=both.count(), revenue=both.revenue.cast(EXACT).sum().fill_null(0).cast(EXACT)
    )


@dg.multi_asset_check(
    specs=spine_specs(CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS), can_subset=True
)
def cleaning_checks(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contracts; raw = kept + rejected in rows and money."""
    contracts = (CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS)
    expected = raw_months(RAW_TRANSACTIONS.relation)
    actual = settled_months(CLEANED_TRANSACTIONS.relation, REJECTED_TRANSACTIONS.relation)
    with warehouse.reading() as con:
        pending = sorted({month for c in contracts for month in pending_months(con, c)})
        results = [contract_result(con, contract) for contract in contracts]
        results += [
            reconciliation_result(con, contract, expected, actual, pending)
            for contract in contracts
        ]
    yield from selected(context, results)
