"""Checks of ``customer_rfm``: its customers, orders and money are those of the cleaned lines."""

from collections.abc import Iterator

import dagster as dg
import ibis
from ibis.expr.types import Table

from customer_segments.monitoring.history import reported
from customer_segments.monitoring.months import span
from customer_segments.monitoring.spine import (
    all_passed,
    judge_contract,
    judge_reconciliation,
    spine_specs,
)
from customer_segments.rfm.monitoring import (
    RfmThresholds,
    judge_customers,
    judge_negative_monetary,
    snapshots,
)
from customer_segments.storage import Warehouse
from customer_segments.storage.pending import pending_months
from customer_segments.storage.state import State
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM

EXACT = "decimal(38, 4)"


def in_snapshots(rfm: Table) -> Table:
    """Return customers, orders and money per snapshot as the table has them."""
    return rfm.group_by("snapshot_month").agg(
        customers=rfm.count(),
        orders=rfm.frequency.sum().cast("int64"),
        revenue=rfm.monetary.cast(EXACT).sum(),
    )


def in_lines(cleaned: Table, rfm: Table) -> Table:
    """Return the same from the lines: each snapshot adds up the months it looks back on."""
    windows = rfm.select("snapshot_month", "window_months").distinct()
    lines = cleaned.filter(cleaned.customer_id.notnull())
    sale = ~lines.is_credit
    months = lines.group_by("customer_id", "month").agg(
        revenue=lines.revenue.cast(EXACT).sum(), sales=sale.sum()
    )
    customers = _looked_back_on(months, windows).group_by("snapshot_month", "customer_id")
    customers = customers.agg(revenue=ibis._.revenue.sum(), sales=ibis._.sales.sum())
    bought = customers.filter(customers.sales > 0)
    orders = lines.filter(sale).select("customer_id", "invoice", "month").distinct()
    orders = _looked_back_on(orders, windows).select("snapshot_month", "customer_id", "invoice")
    orders = orders.distinct().group_by("snapshot_month").agg(orders=ibis._.count())
    totals = bought.group_by("snapshot_month").agg(
        customers=bought.count(), revenue=bought.revenue.sum()
    )
    return totals.inner_join(orders, "snapshot_month").select(
        "snapshot_month", "customers", "orders", revenue=totals.revenue.cast(EXACT)
    )


def _looked_back_on(rows: Table, windows: Table) -> Table:
    """Pair rows with the snapshots that look back on their month."""
    pairs = rows.join(windows, rows.month <= windows.snapshot_month)
    # Months between the two, counted, since an interval of variable length is no constant.
    age = (pairs.snapshot_month.year() - pairs.month.year()) * 12 + (
        pairs.snapshot_month.month() - pairs.month.month()
    )
    return pairs.filter(pairs.window_months.isnull() | (age < pairs.window_months))


SPECS = [
    dg.AssetCheckSpec(
        "customers",
        asset=CUSTOMER_RFM.table,
        description="A snapshot has about as many customers as that of the month before.",
    ),
    dg.AssetCheckSpec(
        "negative_monetary",
        asset=CUSTOMER_RFM.table,
        description="Few customers have returned all that they bought.",
    ),
]


@dg.multi_asset_check(specs=[*spine_specs(CUSTOMER_RFM), *SPECS], can_subset=True)
def customer_rfm_checks(
    context: dg.AssetCheckExecutionContext,
    config: RfmThresholds,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; customers, orders and money agree with the cleaned lines."""
    rfm = CUSTOMER_RFM.relation
    expected = in_lines(CLEANED_TRANSACTIONS.relation, rfm)
    with warehouse.reading() as con:
        pending = pending_months(State.read(con), CUSTOMER_RFM)
        judged = [
            judge_contract(con, CUSTOMER_RFM),
            judge_reconciliation(con, CUSTOMER_RFM, expected, in_snapshots(rfm), pending),
        ]
        if all_passed(judged):
            rows, months = con.to_pyarrow(snapshots(rfm)).to_pylist(), span(context, con)
            judged += [
                judge_customers(rows, months, config),
                judge_negative_monetary(rows, months, config),
            ]
    yield from reported(context, warehouse, judged)
