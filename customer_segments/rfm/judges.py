"""What is looked at in ``customer_rfm``: that snapshots grow as they should, and money makes sense.

Belongs here: figures per snapshot as Ibis, what stands out; that customers, orders and money are
those of the cleaned lines. Does not: taking snapshots (``rfm``).
"""

from collections.abc import Iterable

import ibis
from ibis.expr.types import Table

from customer_segments.months import shift
from customer_segments.quality.evaluation import level
from customer_segments.quality.judge import Judge, Row, Said
from customer_segments.quality.scope import Scope
from customer_segments.quality.spine import Spine
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM
from customer_segments.tables.money import SUM


def in_snapshots(rows: Table, *keys: str, **figures: ibis.Value) -> Table:
    """Return customers, more figures of them, and money per snapshot and whatever else."""
    return rows.group_by("snapshot_month", *keys).agg(
        customers=rows.count(), **figures, revenue=rows.monetary.cast(SUM).sum()
    )


def in_lines(cleaned: Table, rfm: Table) -> Table:
    """Return the same from the lines: each snapshot adds up the months it looks back on."""
    windows = rfm.select("snapshot_month", "window_months").distinct()
    lines = cleaned.filter(cleaned.customer_id.notnull())
    sale = ~lines.is_credit
    revenue = lines.revenue.cast(SUM).sum()
    months = lines.group_by("customer_id", "month").agg(revenue=revenue, sales=sale.sum())
    customers = _looked_back_on(months, windows).group_by("snapshot_month", "customer_id")
    customers = customers.agg(revenue=ibis._.revenue.sum(), sales=ibis._.sales.sum())
    bought = customers.filter(customers.sales > 0)
    day = lines.invoice_date.date()
    orders = lines.filter(sale).select("customer_id", "invoice", "month", day=day).distinct()
    orders = _looked_back_on(orders.group_by("month").agg(orders=ibis._.count()), windows)
    orders = orders.group_by("snapshot_month").agg(orders=ibis._.orders.sum().cast("int64"))
    revenue = bought.revenue.sum().cast(SUM)
    totals = bought.group_by("snapshot_month").agg(customers=bought.count(), revenue=revenue)
    totals = totals.inner_join(orders, "snapshot_month")
    return totals.select("snapshot_month", "customers", "orders", "revenue")


def _looked_back_on(rows: Table, windows: Table) -> Table:
    """Pair rows with the snapshots that look back on their month."""
    pairs = rows.join(windows, rows.month <= windows.snapshot_month)
    # Months between the two, counted, since an interval of variable length is no constant.
    years = pairs.snapshot_month.year() - pairs.month.year()
    age = years * 12 + pairs.snapshot_month.month() - pairs.month.month()
    return pairs.filter(pairs.window_months.isnull() | (age < pairs.window_months))


def snapshots(_scope: Scope) -> Table:
    """Return customers, and the share of them with no money left, per snapshot."""
    rfm = CUSTOMER_RFM.relation
    return rfm.group_by(month="snapshot_month").agg(
        customers=rfm.count(), negative_share=(rfm.monetary <= 0).cast("float64").mean()
    )


def _against_last_month(rows: list[Row], scope: Scope) -> Iterable[Row]:
    customers = {row["month"]: row["customers"] for row in rows}
    for month, count in customers.items():
        row = {"month": month, "customers": count}
        if before := customers.get(shift(month, -1)):
            row |= {"customers_last_month": before, "growth": count / before - 1}
            yield row | {"is_first_year": not scope.has_a_year(shift(month, -1))}
        else:
            yield row | {"why": "no snapshot a month before"}


def _says_customers(row: Row, scope: Scope) -> Said:
    """In the first year customers may come as they like."""
    growth, how = row["growth"], "more" if row["growth"] > 0 else "fewer"
    said = f"{row['customers']:,} customers, {abs(growth):.1%} {how} than a month before"
    if growth <= 0:
        yield level(-growth, scope.checks.loss), said
    elif not row["is_first_year"]:
        yield level(growth, scope.checks.growth), said


_rfm = CUSTOMER_RFM.relation
JUDGES = (
    Judge(CUSTOMER_RFM, "customers", snapshots, _against_last_month, _says_customers),
    Judge(CUSTOMER_RFM, "negative_monetary", snapshots),
)
SPINE = Spine(
    (CUSTOMER_RFM,),
    in_lines(CLEANED_TRANSACTIONS.relation, _rfm),
    in_snapshots(_rfm, orders=_rfm.frequency.sum().cast("int64")),
)
CHECKED = ((JUDGES, SPINE),)
