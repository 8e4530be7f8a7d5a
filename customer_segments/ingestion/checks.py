"""Checks of ``raw_transactions``: every row that the sheets have is there, with its money."""

from collections.abc import Iterator

import dagster as dg
from ibis.expr.types import Table

from customer_segments.ingestion.contracts import RAW_TRANSACTIONS, SOURCE_SHEETS
from customer_segments.storage import Warehouse
from customer_segments.storage.checks import (
    contract_result,
    reconciliation_result,
    selected,
    spine_specs,
)


def in_sheets(sheets: Table) -> Table:
    """Return rows and revenue per sheet as counted when it was read."""
    return sheets.filter(sheets.row_count > 0).select(
        "workbook", "sheet", rows=sheets.row_count, revenue=sheets.revenue
    )


def in_raw(raw: Table) -> Table:
    """Return rows and revenue per sheet as the table has them."""
    return raw.group_by("workbook", "sheet").agg(
        rows=raw.count(), revenue=(raw.quantity * raw.price).cast("decimal(38, 4)").sum()
    )


@dg.multi_asset_check(specs=spine_specs(RAW_TRANSACTIONS), can_subset=True)
def raw_transactions_checks(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; every sheet's rows and revenue arrived."""
    raw, sheets = RAW_TRANSACTIONS.relation, SOURCE_SHEETS.relation
    with warehouse.reading() as con:
        results = [
            contract_result(con, RAW_TRANSACTIONS),
            reconciliation_result(con, RAW_TRANSACTIONS, in_sheets(sheets), in_raw(raw)),
        ]
    yield from selected(context, results)
