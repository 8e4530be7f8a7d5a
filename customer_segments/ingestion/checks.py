"""Checks of ``raw_transactions``.

Every row that the sheets have is there, with its money; the month that is due has arrived; no two
sheets tell an invoice apart.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from customer_segments import months
from customer_segments.ingestion.arrivals import awaited_message, conflicting_invoices
from customer_segments.ingestion.contracts import RAW_TRANSACTIONS, SOURCE_SHEETS
from customer_segments.ingestion.reuse import in_raw, in_sheets
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.checks import (
    contract_result,
    reconciliation_result,
    selected,
    spine_specs,
)

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

SHOWN_INVOICES = 10
SPECS = [
    dg.AssetCheckSpec(
        "awaited_month",
        asset=RAW_TRANSACTIONS.table,
        description="The data of the last calendar month that is over has arrived (live feeds).",
    ),
    dg.AssetCheckSpec(
        "conflicting_invoices",
        asset=RAW_TRANSACTIONS.table,
        description="No invoice stands in two sheets with different lines. The last one counts.",
    ),
]


@dg.multi_asset_check(specs=[*spine_specs(RAW_TRANSACTIONS), *SPECS], can_subset=True)
def raw_transactions_checks(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; every sheet's rows and revenue arrived; so did the month that is due."""
    raw, sheets = RAW_TRANSACTIONS.relation, SOURCE_SHEETS.relation
    with warehouse.reading() as con:
        results = [
            contract_result(con, RAW_TRANSACTIONS),
            reconciliation_result(con, RAW_TRANSACTIONS, in_sheets(sheets), in_raw(raw)),
        ]
        if all(result.passed for result in results):
            results += [_awaited_result(con, settings), _conflicts_result(con)]
    yield from selected(context, results)


def _awaited_result(con: "Backend", settings: Settings) -> dg.AssetCheckResult:
    newest = con.execute(SOURCE_SHEETS.relation.last_date.max())
    awaited = months.load(settings).awaited(newest.date(), date.today())
    return dg.AssetCheckResult(
        asset_key=RAW_TRANSACTIONS.table,
        check_name="awaited_month",
        passed=awaited is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=awaited_message(awaited, newest.date(), settings)
        if awaited
        else f"Nothing is due: the newest row is of {newest.date()}.",
        metadata={"newest_date": str(newest.date())},
    )


def _conflicts_result(con: "Backend") -> dg.AssetCheckResult:
    conflicts = conflicting_invoices(RAW_TRANSACTIONS.relation)
    count = int(con.execute(conflicts.count()))
    shown = con.execute(conflicts.order_by("invoice").limit(SHOWN_INVOICES))
    return dg.AssetCheckResult(
        asset_key=RAW_TRANSACTIONS.table,
        check_name="conflicting_invoices",
        passed=not count,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{count:,} invoices stand in several sheets with different lines; "
        "the last sheet counts. Look whether it is a correction."
        if count
        else "Where an invoice stands in several sheets, they agree.",
        metadata={
            "invoices": count,
            "first_invoices": dg.MetadataValue.md(
                "\n".join(
                    f"- {row.invoice}: in {row.sheets} sheets, {row.least:,.4f} to {row.most:,.4f}"
                    for row in shown.itertuples()
                )
                or "none"
            ),
        },
    )
