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
from customer_segments.tables.money import SUM, average

CUSTOMER_MONTH = ["customer_id", "month"]


def customer_rfm(
    cleaned: Table, first: date, last: date, today: date, window_months: int | None = None
) -> Table:
    """Return the snapshots of the months ``first`` to ``last``, as ``today`` has them.

    Lines are added up to months first, a row per customer and month, and the months of each
    snapshot after that: the work on transactions does not grow with the number of snapshots, nor
    the work on months where a snapshot looks back on all of them. There is no snapshot after the
    last month with data. ``window_months`` are those that a snapshot looks back on; ``None`` for
    all.
    """
    known = cleaned.filter(cleaned.customer_id.notnull())
    # Of all data, not of that up to ``last``: a month alone and out of a range are the same.
    newest = known.agg(newest=known.month.max(), last_day=known.invoice_date.max().date())
    snapshots = _snapshots(newest, first, last, today)
    lines = known.filter(known.month <= ibis.date(last))
    if window_months:
        lines = lines.filter(lines.month > ibis.date(shift(first, -window_months)))
    months, key = _customer_months(lines), ["snapshot_month", "customer_id"]
    if window_months:
        totals = _with_ratios(_totals(_in_window(months, snapshots, window_months)))
        joined = totals.left_join(_products_of(lines, snapshots, window_months), key)
    else:
        joined = _so_far(months.left_join(_new_products(lines), CUSTOMER_MONTH), snapshots)
    joined = joined.mutate(
        recency_days=joined.snapshot_date.delta(joined.last_purchase_date, unit="day"),
        monetary=(joined.sales - joined.credits).cast(SUM),
        window_months=ibis.literal(window_months, "int64"),
    )
    # Who reads a month, or joins tables of months, finds its customers side by side.
    return joined.select(*CUSTOMER_RFM.schema.names).order_by(key)


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


def _in_window(rows: Table, snapshots: Table, window_months: int) -> Table:
    """Pair rows that have a ``month`` with every snapshot that looks back on it."""
    forgotten = rows.month + ibis.interval(months=window_months)
    is_within = forgotten > snapshots.snapshot_month
    return rows.join(snapshots, [rows.month <= snapshots.snapshot_month, is_within])


def _customer_months(lines: Table) -> Table:
    """Add lines up, a row per customer and month.

    An order is invoice, customer and day, so that those of months add up: a till's receipts may
    start at 1 again each month.
    """
    # The lines of an order are of one moment, as a rule, and are sorted no more than once. Texts
    # are keys and not the smallest of a group: those the engine could not write to its disk.
    moment = ["invoice", "invoice_date", "is_credit", "country"]
    moments = lines.group_by(*CUSTOMER_MONTH, *moment).agg(
        revenue=lines.revenue.sum().cast(SUM), quantity=lines.quantity.sum().cast(SUM)
    )
    # Two sales in the same minute from two countries: the first by name, on any machine.
    sales_last = [moments.is_credit, moments.invoice_date.desc(), moments.country]
    by_month = ibis.window(group_by=CUSTOMER_MONTH, order_by=sales_last)
    has_sale = ~moments.is_credit.first().over(by_month)
    last = {
        name: ibis.ifelse(has_sale, moments[of].first().over(by_month), ibis.null())
        for name, of in {"last_sale": "invoice_date", "country": "country"}.items()
    }
    moments = moments.mutate(**last)
    sale = ~moments.is_credit
    day = moments.invoice_date.date()
    days = moments.filter(sale).select(*CUSTOMER_MONTH, "invoice", day=day).distinct()
    orders = days.group_by(CUSTOMER_MONTH).agg(orders=days.count())
    months = moments.group_by(*CUSTOMER_MONTH, *last).agg(
        sales=moments.revenue.sum(where=sale).fill_null(0).cast(SUM),
        credits=(-moments.revenue.sum(where=moments.is_credit)).fill_null(0).cast(SUM),
        units=moments.quantity.sum().cast(SUM),
        first_sale=moments.invoice_date.min(where=sale),
    )
    return months.left_join(orders, CUSTOMER_MONTH).select(*months.columns, "orders")


def _so_far(months: Table, snapshots: Table) -> Table:
    """Return the snapshots of customers who have a sale by then, with all months before each.

    ``months`` have the ``new`` products, too. A customer's months are added up as they come, and
    what they come to stands in all snapshots until there is another.
    """
    by_customer = {"group_by": "customer_id", "order_by": "month"}
    so_far = ibis.cumulative_window(**by_customer)
    running = months.select(
        "customer_id",
        "month",
        "country",
        is_sale=months.last_sale.notnull(),
        until=months.month.lead().over(**by_customer),
        **{name: months[name].sum().over(so_far).cast(SUM) for name in ("sales", "credits")},
        units=months.units.sum().over(so_far).cast(SUM),
        frequency=months.orders.sum().over(so_far).cast("int64"),
        first_purchase_date=months.first_sale.min().over(so_far).date(),
        last_purchase_date=months.last_sale.max().over(so_far).date(),
        months_active=months.last_sale.count().over(so_far),
        products=months.new.sum().over(so_far).cast("int64"),
    )
    # Of months without a sale, which have no country, the one before.
    sales = running.filter(running.is_sale).select("customer_id", "months_active", "country")
    running = running.drop("country", "is_sale").inner_join(sales, ["customer_id", "months_active"])
    running = _with_ratios(running)
    is_later = snapshots.snapshot_month >= running.month
    is_until = running.until.isnull() | (snapshots.snapshot_month < running.until)
    return running.join(snapshots, [is_later, is_until]).drop("month", "until")


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


def _with_ratios(totals: Table) -> Table:
    """Add what is divided, before months become snapshots, of which there are many more.

    And some engines raise where a division is of no rows, which joins by ranges come to.
    """
    return totals.mutate(
        average_order_value=average(totals.sales, totals.frequency),
        credit_share=ibis.ifelse(
            (totals.sales > 0) & (totals.credits > 0),
            totals.credits.cast("float64") / totals.sales.cast("float64"),
            # Not 0.0, which some engines take for a decimal, and the other side for one too.
            ibis.literal("0").cast("float64"),
        ),
    )


def _new_products(lines: Table) -> Table:
    """Count the products that each customer bought for the first time, by month."""
    sales = lines.filter(~lines.is_credit, lines.stock_code.notnull())
    first_seen = sales.group_by("customer_id", "stock_code").agg(month=sales.month.min())
    return first_seen.group_by(CUSTOMER_MONTH).agg(new=first_seen.count())


def _products_of(lines: Table, snapshots: Table, window_months: int) -> Table:
    """Count the distinct products that each customer bought, by snapshot; none where none is named.

    Under a window they have to be counted anew for each snapshot.
    """
    sales = lines.filter(~lines.is_credit, lines.stock_code.notnull())
    each = sales.select(*CUSTOMER_MONTH, "stock_code").distinct()
    seen = _in_window(each, snapshots, window_months)
    by_snapshot = seen.group_by("snapshot_month", "customer_id")
    return by_snapshot.agg(products=seen.stock_code.nunique())
