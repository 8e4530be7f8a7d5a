"""Checks of ``raw_transactions``.

Every row that the sheets have is there, with its money; the month that is due has arrived, the
newest is whole; no two sheets tell an invoice apart.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from customer_segments import months
from customer_segments.ingestion.arrivals import awaited_message, conflicting_invoices
from customer_segments.ingestion.reuse import in_raw, in_sheets
from customer_segments.monitoring.history import reported
from customer_segments.monitoring.months import newest_date
from customer_segments.monitoring.spine import (
    all_passed,
    judge_contract,
    judge_reconciliation,
    spine_specs,
)
from customer_segments.monitoring.verdicts import Judged, Level, Verdict
from customer_segments.policy import Policy
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import RAW_TRANSACTIONS, SOURCE_SHEETS

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
        "complete_month",
        asset=RAW_TRANSACTIONS.table,
        description="The newest month of a historical file reaches the month's last days.",
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
    policy: dg.ResourceParam[Policy],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; every sheet's rows and revenue arrived; so did the month that is due."""
    raw, sheets = RAW_TRANSACTIONS.relation, SOURCE_SHEETS.relation
    with warehouse.reading() as con:
        judged = [
            judge_contract(con, RAW_TRANSACTIONS),
            judge_reconciliation(con, RAW_TRANSACTIONS, in_sheets(sheets), in_raw(raw)),
        ]
        if all_passed(judged):
            judged += [*_judge_arrival(con, settings, policy), _judge_conflicts(con)]
    yield from reported(context, warehouse, judged)


def _judge_arrival(con: "Backend", settings: Settings, policy: Policy) -> list[Judged]:
    newest, today = newest_date(con), policy.source.today()
    covered = months.Months.load(settings, today)
    awaited = covered.awaited(newest)
    month = months.month_of(newest)
    # Of a live feed the month that goes on is never whole, and one that is over is awaited.
    is_known = newest > date.min
    is_cut = is_known and not covered.is_open and not months.is_complete(month, newest, today)
    figures = {"newest_date": str(newest)}
    verdicts = {
        # No month, for the sentence names it.
        "awaited_month": Verdict.of(
            None,
            Level.WARN if awaited else Level.OK,
            awaited_message(awaited, newest, settings) if awaited else "",
            figures,
        ),
        "complete_month": Verdict.of(
            month,
            Level.WARN if is_cut else Level.OK,
            f"the data ends on {newest}, these are the figures of a part of the month",
            figures,
        ),
    }
    return [
        Judged(
            RAW_TRANSACTIONS.table,
            check,
            (verdict,),
            all_is_well=f"Nothing is due: the newest row is of {newest}.",
            metadata=figures,
        )
        for check, verdict in verdicts.items()
    ]


def _judge_conflicts(con: "Backend") -> Judged:
    conflicts = conflicting_invoices(RAW_TRANSACTIONS.relation)
    count = int(con.execute(conflicts.count()))
    shown = con.execute(conflicts.order_by("invoice").limit(SHOWN_INVOICES))
    said = f"{count:,} invoices stand in several sheets with different lines; the last sheet counts"
    level = Level.WARN if count else Level.OK
    verdict = Verdict.of(None, level, said, {"invoices": count})
    return Judged(
        RAW_TRANSACTIONS.table,
        "conflicting_invoices",
        (verdict,),
        "Look whether it is a correction.",
        all_is_well="Where an invoice stands in several sheets, they agree.",
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
