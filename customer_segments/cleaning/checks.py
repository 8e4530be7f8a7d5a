"""Checks of this stage.

Kept and rejected rows add up to the raw ones, month by month; a month keeps and rejects about as
much as usual.
"""

from collections.abc import Iterator

import dagster as dg
from ibis.expr.types import Table

from customer_segments.cleaning.monitoring import (
    CleaningThresholds,
    judge_reject_rate,
    judge_volume,
    reject_rates,
    volumes,
)
from customer_segments.monitoring.history import reported
from customer_segments.monitoring.months import YEAR, span
from customer_segments.monitoring.spine import (
    all_passed,
    judge_contract,
    judge_reconciliation,
    spine_specs,
)
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import latest
from customer_segments.storage.pending import pending_months
from customer_segments.storage.state import State
from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS, REJECTED_TRANSACTIONS

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


SPECS = [
    dg.AssetCheckSpec(
        "volume",
        asset=CLEANED_TRANSACTIONS.table,
        description="A month has about as many rows, customers and revenue as usual.",
    ),
    dg.AssetCheckSpec(
        "reject_rate",
        asset=REJECTED_TRANSACTIONS.table,
        description="No reason rejects a much larger share of a month's rows than usual.",
    ),
]


@dg.multi_asset_check(
    specs=[*spine_specs(CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS), *SPECS], can_subset=True
)
def cleaning_checks(
    context: dg.AssetCheckExecutionContext,
    config: CleaningThresholds,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contracts; raw = kept + rejected in rows and money; months are as usual."""
    contracts = (CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS)
    raw, cleaned, rejected = (c.relation for c in (RAW_TRANSACTIONS, *contracts))
    expected, actual = raw_months(raw), settled_months(cleaned, rejected)
    with warehouse.reading() as con:
        pending = sorted({month for c in contracts for month in pending_months(State.read(con), c)})
        judged = [judge_contract(con, contract) for contract in contracts]
        judged += [
            judge_reconciliation(con, contract, expected, actual, pending) for contract in contracts
        ]
        if all_passed(judged):
            published = [list(filter(None, latest(con, c.table))) for c in contracts]
            months = span(context, con)
            kept, dropped, read = (
                table.filter(months.covers(table.month, back=YEAR))
                for table in (cleaned, rejected, raw)
            )
            volume = con.to_pyarrow(volumes(kept)).to_pylist()
            rates = con.to_pyarrow(reject_rates(dropped, read)).to_pylist()
            judged += [
                judge_volume(volume, published[0], months, config),
                judge_reject_rate(rates, published[1], months, config),
            ]
    yield from reported(context, warehouse, judged)
