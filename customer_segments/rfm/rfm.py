"""Recency, frequency and monetary value of every customer at every month's end.

The newest month, while it is not complete, ends for this purpose with the data's last day: days
that nobody has data of would age everybody.

Belongs here: the one expression that computes all snapshots at once, as pure Ibis. Does not:
what counts as a sale (``cleaning``), or transforming features for a model (``model``).
"""

from datetime import date

import ibis
from ibis.expr.types import Table

from customer_segments.months import has_all, shift
from customer_segments.tables import CUSTOMER_RFM
from customer_segments.tables.money import SUM


def customer_rfm(
    cleaned: Table, first: date, last: date, today: date, window_months: int | None = None
) -> Table:
    """Return the snapshots of the months ``first`` to ``last``, as ``today`` has them.

    Lines are added up to months first, a row per customer and month, and the months of each
    snapshot after that: the work on transactions does not grow with the number of snapshots. There
    is no snapshot after the last month with data. ``window_months`` are those that a snapshot looks
    back on; ``None`` for all.
    """
    known = cleaned.filter(cleaned.customer_id.notnull())
    # Of all data, not of that up to ``last``: a month alone and out of a range are the same.
    newest = known.agg(newest=known.month.max(), last_day=known.invoice_date.max().date())
    snapshots = _snapshots(newest, first, last, today)
    lines = known.filter(known.month <= ibis.date(last))
    if window_months:
        lines = lines.filter(lines.month > ibis.date(shift(first, -window_months)))
    totals = _totals(_in_window(_customer_months(lines), snapshots, window_months))
    key = ["snapshot_month", "customer_id"]
    joined = totals.left_join(_products(lines, snapshots, window_months), key)
    return joined.mutate(
        recency_days=joined.snapshot_date.delta(joined.last_purchase_date, unit="day"),
        monetary=(joined.sales - joined.credits).cast(SUM),
        average_order_value=(joined.sales / joined.frequency).round(4).cast(SUM),
        credit_share=ibis.ifelse(
            (joined.sales > 0) & (joined.credits > 0),
            joined.credits.cast("float64") / joined.sales.cast("float64"),
            0.0,
        ),
        window_months=ibis.literal(window_months, "int64"),
    ).select(*CUSTOMER_RFM.schema.names)


def _snapshots(newest: Table, first: date, last: date, today: date) -> Table:
    """Return the months to take snapshots of, up to the newest one that has data.

    With the ``snapshot_date`` of each, as ``months.snapshot_date`` has it.
    """
    start, end = (ibis.timestamp(month.isoformat()) for month in (first, shift(last, 1)))
    months = ibis.range(start, end, ibis.interval(months=1)).unnest().name("snapshot_month")
    months = months.as_table().mutate(snapshot_month=ibis._.snapshot_month.cast("date"))
    months = months.join(newest, months.snapshot_month <= newest.newest)
    after = (months.snapshot_month + ibis.interval(months=1)).cast("date")
    cut = (months.last_day + ibis.interval(days=1)).cast("date")
    is_complete = has_all(after, months.last_day, today)
    return months.select("snapshot_month", snapshot_date=ibis.ifelse(is_complete, after, cut))


def _in_window(rows: Table, snapshots: Table, window_months: int | None) -> Table:
    """Pair rows that have a ``month`` with every snapshot that looks back on it."""
    conditions = [rows.month <= snapshots.snapshot_month]
    if window_months:
        forgotten = rows.month + ibis.interval(months=window_months)
        conditions.append(forgotten > snapshots.snapshot_month)
    return rows.join(snapshots, conditions)


def _customer_months(lines: Table) -> Table:
    """Add lines up, a row per customer and month.

    An order is invoice, customer and day, so that those of months add up: a till's receipts may
    start at 1 again each month.
    """
    sale = ~lines.is_credit
    last_sale = lines.invoice_date.max(where=sale).over(group_by=["customer_id", "month"])
    lines = lines.mutate(last_sale=last_sale)
    sale = ~lines.is_credit
    key = ["customer_id", "month"]
    days = lines.filter(sale).select(*key, "invoice", day=lines.invoice_date.date()).distinct()
    orders = days.group_by(key).agg(orders=days.count())
    months = lines.group_by(key).agg(
        sales=lines.revenue.sum(where=sale).fill_null(0).cast(SUM),
        credits=(-lines.revenue.sum(where=lines.is_credit)).fill_null(0).cast(SUM),
        units=lines.quantity.sum(),
        first_sale=lines.invoice_date.min(where=sale),
        last_sale=lines.last_sale.max(),
        # Two sales in the same minute from two countries: the first by name, on any machine.
        country=lines.country.min(where=sale & (lines.invoice_date == lines.last_sale)),
    )
    return months.left_join(orders, key).select(*months.columns, "orders")


def _totals(months: Table) -> Table:
    """Add the months of each snapshot up, for customers who have a sale in them."""
    totals = months.group_by("snapshot_month", "customer_id").agg(
        snapshot_date=months.snapshot_date.max(),
        sales=months.sales.sum(),
        credits=months.credits.sum(),
        units=months.units.sum().cast(SUM),
        frequency=months.orders.sum().cast("int64"),
        first_purchase_date=months.first_sale.min().date(),
        last_purchase_date=months.last_sale.max().date(),
        country=months.country.argmax(months.last_sale),
        months_active=months.last_sale.count(),
    )
    return totals.filter(totals.months_active > 0)


def _products(lines: Table, snapshots: Table, window_months: int | None) -> Table:
    """Count the distinct products that each customer bought, by snapshot; none where none is named.

    A product counts in its first month only, which makes counts of months additive; under a
    window it has to be counted anew for each snapshot.
    """
    sales = lines.filter(~lines.is_credit, lines.stock_code.notnull())
    if window_months:
        each = sales.select("customer_id", "month", "stock_code").distinct()
        seen = _in_window(each, snapshots, window_months)
        count = seen.stock_code.nunique()
    else:
        first_seen = sales.group_by("customer_id", "stock_code").agg(month=sales.month.min())
        new = first_seen.group_by("customer_id", "month").agg(new=first_seen.count())
        seen = _in_window(new, snapshots, None)
        count = seen.new.sum().cast("int64")
    return seen.group_by("snapshot_month", "customer_id").agg(products=count)
