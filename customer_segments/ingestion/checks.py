"""Checks of ``raw_transactions``: every row that the sheets have is there, with its money."""

from collections.abc import Iterator

import dagster as dg

from customer_segments.ingestion.contracts import RAW_TRANSACTIONS, SOURCE_SHEETS
from customer_segments.ingestion.reuse import in_raw, in_sheets
from customer_segments.storage import Warehouse
from customer_segments.storage.checks import (
    contract_result,
    reconciliation_result,
    selected,
    spine_specs,
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
