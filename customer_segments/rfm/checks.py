"""Checks of ``customer_rfm``: its customers, orders and money are those of the cleaned lines."""

from collections.abc import Iterator

import dagster as dg
import ibis
from ibis.expr.types import Table

from customer_segments.cleaning.contracts import CLEANED_TRANSACTIONS
from customer_segments.rfm.contracts import CUSTOMER_RFM
from customer_segments.storage import Warehouse
from customer_segments.storage.checks import (
    contract_result,
    reconciliation_result,
    selected,
    spine_specs,
)
from customer_segments.storage.pending import pending_months

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
    snapshots = rfm.select("snapshot_month", "window_months").distinct()
    lines = cleaned.filter(cleaned.customer_id.notnull())
    sale = ~lines.is_credit
    months = lines.group_by("customer_id", "month").agg(
        revenue=lines.revenue.cast(EXACT).sum(), sales=sale.sum()
    )
    customers = _looked_back_on(months, snapshots).group_by("snapshot_month", "customer_id")
    customers = customers.agg(revenue=ibis._.revenue.sum(), sales=ibis._.sales.sum())
    bought = customers.filter(customers.sales > 0)
    orders = lines.filter(sale).select("customer_id", "invoice", "month").distinct()
    orders = _looked_back_on(orders, snapshots).select("snapshot_month", "customer_id", "invoice")
    orders = orders.distinct().group_by("snapshot_month").agg(orders=ibis._.count())
    totals = bought.group_by("snapshot_month").agg(
        customers=bought.count(), revenue=bought.revenue.sum()
    )
    return totals.inner_join(orders, "snapshot_month").select(
        "snapshot_month", "customers", "orders", revenue=totals.revenue.cast(EXACT)
    )


def _looked_back_on(rows: Table, snapshots: Table) -> Table:
    """Pair rows with the snapshots that look back on their month."""
    pairs = rows.join(snapshots, rows.month <= snapshots.snapshot_month)
    # Months between the two, counted, since an interval of variable length is no constant.
    age = (pairs.snapshot_month.year() - pairs.month.year()) * 12 + (
        pairs.snapshot_month.month() - pairs.month.month()
    )
    return pairs.filter(pairs.window_months.isnull() | (age < pairs.window_months))


@dg.multi_asset_check(specs=spine_specs(CUSTOMER_RFM), can_subset=True)
def customer_rfm_checks(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; customers, orders and money agree with the cleaned lines."""
    rfm = CUSTOMER_RFM.relation
    expected = in_lines(CLEANED_TRANSACTIONS.relation, rfm)
    with warehouse.reading() as con:
        pending = pending_months(con, CUSTOMER_RFM)
        results = [
            contract_result(con, CUSTOMER_RFM),
            reconciliation_result(con, CUSTOMER_RFM, expected, in_snapshots(rfm), pending),
        ]
    yield from selected(context, results)
