"""What is asked of the warehouse for a month's view, as pure Ibis.

Belongs here: expressions over published tables. Does not: running them (``reading``).
"""

from datetime import date
from typing import Any

import ibis
from ibis.expr.types import Table

from customer_segments import tables
from customer_segments.months import shift
from customer_segments.segments.migration import KEY, next_month
from customer_segments.storage import Contract

# In place of a reason, of the rows that count.
KEPT = "kept"
# Where the transactions are not: the answer to ``rows_by_reason``, and their invoices, as tables.
ROWS_BY_REASON, ORDERS = "rows_by_reason", "customer_orders"
YEAR = 12
# Months after a snapshot in which customers may come back, for retention.
MONTHS_AFTER = 12
# Of a large month, in each list of the workbook: more is for a machine to read.
LISTED = 2_000
# Months ahead that totals of segments are shown of; products of each list that people read.
HORIZON, MOST_OFFERED = 6, 3


def of(table: Table, *months: date) -> Table:
    """Return the rows of some snapshot months."""
    return table.filter(table.snapshot_month.isin([ibis.date(month) for month in months]))


def up_to(month: date, contract: Contract) -> Table:
    """Return the rows of a table of snapshot months up to one, in order of their key."""
    table = contract.relation.filter(lambda table: table.snapshot_month <= ibis.date(month))
    return table.order_by(list(contract.key))


def customers_of(segments: Table, rfm: Table) -> Table:
    """Return all that is known of each customer at each month's end.

    That is columns of ``CUSTOMER_SEGMENTS``, with ``from_segment`` behind the segment, and the
    other columns of ``CUSTOMER_RFM``. ``segments`` have that column: last month's as
    ``customer_moves`` judges it, by this month's model, "New" for who was not there, null where
    there is no month to compare with.
    """
    names = [name for name in segments.columns if name != "from_segment"]
    more = [name for name in rfm.columns if name not in names]
    known = segments.inner_join(rfm.select(*KEY, *more), KEY)
    return known.select(*names[:3], "from_segment", *names[3:], *more)


def with_value(people: Table, value: Table) -> Table:
    """Add what each customer spent in twelve months, and what to expect of the next, or why not."""
    more = [name for name in value.columns if name not in KEY]
    return people.left_join(value.select(*KEY, *more), KEY).select(*people.columns, *more)


def expected_by_segment(segments: Table, value: Table, judged: Table) -> Table:
    """Add up what to expect in six months of segments whose total was near enough in the past."""
    near = judged.filter(judged.is_shown, judged.horizon_months == HORIZON)
    labels = segments.semi_join(near, ["segment", "model_version"])
    both = labels.inner_join(value.select(*KEY, "expected_6m"), KEY)
    totals = both.group_by("segment").agg(expected=both.expected_6m.sum().cast("float64"))
    return totals.filter(totals.expected.notnull())


def listed(people: Table) -> Table:
    """Return who stands first in the lists of a large month: of each segment, and who moved.

    Those who spent most, ``LISTED`` in each list.
    """
    # These columns alone: whoever is ranked is sorted.
    known = people.select("customer_id", "segment", "from_segment", "monetary")
    first: dict[str, Any] = {"order_by": [known.monetary.desc(), known.customer_id]}
    has_moved = (known.from_segment != known.segment).fill_null(False)
    ranked = known.mutate(
        place=ibis.row_number().over(group_by=known.segment, **first),
        moved_place=ibis.row_number().over(group_by=has_moved, **first),
        has_moved=has_moved,
    )
    is_listed = (ranked.place < LISTED) | (ranked.has_moved & (ranked.moved_place < LISTED))
    return people.semi_join(ranked.filter(is_listed), "customer_id")


def offers() -> Table:
    """Name the first products of each customer's two lists, and why the first new one."""
    offered = tables.PRODUCT_RECOMMENDATIONS.relation
    named = offered.filter(offered["rank"] <= MOST_OFFERED)
    what = ibis.coalesce(named.description, named.stock_code)
    is_new = named["list"] == "new for you"
    return named.group_by("customer_id").agg(
        buy_again=what.group_concat("; ", where=~is_new, order_by=named["rank"]),
        new_for_you=what.group_concat("; ", where=is_new, order_by=named["rank"]),
        offer_reason=named.reason.max(where=is_new & (named["rank"] == 1)),
    )


def with_contacts(people: Table, fields: list[str]) -> Table:
    """Add what lists pass on of each customer, a column for each field that is known of anybody."""
    if not fields:
        return people
    known = tables.CUSTOMER_CONTACTS.relation
    values = {each: known["value"].max(where=known.field == each) for each in fields}
    by_customer = known.filter(known.is_newest).group_by("customer_id").agg(**values)
    return people.left_join(by_customer, "customer_id").select(*people.columns, *fields)


def gone_of(rfm: Table, moves: Table) -> Table:
    """Return who was in last month's snapshot and is in this one no more, with the segment then."""
    moves = moves.filter(moves.to_segment == tables.GONE)
    then = rfm.select("customer_id", "country", snapshot_month=next_month(rfm))
    gone = moves.inner_join(then, KEY).select("customer_id", "from_segment", "country")
    return gone.order_by("customer_id")


def rows_by_reason() -> Table:
    """Count rows kept and rejected, with their money, of each month; ``newest``, their last day."""
    cleaned, rejected = tables.CLEANED_TRANSACTIONS.relation, tables.REJECTED_TRANSACTIONS.relation
    reasons = ((cleaned, ibis.literal(KEPT)), (rejected, rejected.reason.cast("string")))
    totals = [
        lines.group_by("month", reason=reason).agg(
            rows=ibis._.count(),
            revenue=ibis._.revenue.sum().cast("float64").fill_null(0),
            newest=ibis._.invoice_date.max(),
        )
        for lines, reason in reasons
    ]
    return ibis.union(*totals).order_by("month", "reason")


def year_by_segment(segments: Table, value: Table) -> Table:
    """Add up what each segment's customers brought in twelve months, as their lists have it."""
    both = segments.inner_join(value.select(*KEY, "revenue_12m"), KEY)
    return both.group_by("segment").agg(revenue=both.revenue_12m.sum().cast("float64"))


def credits_only(bought: Table, month: date, window_months: int | None) -> Table:
    """Count the customers whom a snapshot leaves out for having no sale, and their revenue.

    Of lines that count, or of invoices.
    """
    lines = bought.filter(bought.customer_id.notnull(), bought.month <= ibis.date(month))
    if window_months:
        lines = lines.filter(lines.month > ibis.date(shift(month, -window_months)))
    sales = (~lines.is_credit).sum()
    customers = lines.group_by("customer_id").agg(revenue=lines.revenue.sum(), sales=sales)
    left_out = customers.filter(customers.sales == 0)
    revenue = left_out.revenue.sum().cast("float64").fill_null(0)
    return left_out.agg(customers=left_out.count(), revenue=revenue)


def findings_of(month: date | None = None) -> Table:
    """Return the newest verdicts that stand out: on tables as a whole, and on a month or on all."""
    history = tables.CHECK_HISTORY.relation
    if month:
        history = history.filter(history.month.isnull() | (history.month == ibis.date(month)))
    newest = history.group_by("table_name", "check_name", "month").agg(
        level=history.level.argmax(history.verdict), said=history.said.argmax(history.verdict)
    )
    found = newest.filter(newest.level != "ok")
    return found.order_by("level", "table_name", "check_name", "month")


def retention(segments: Table, rfm: Table, month: date) -> Table:
    """Count how many customers of each segment bought again, as far as is known by ``month``.

    Every past month's end is a cohort. So many months after it count if each of them has its
    snapshot by then: a customer bought in a month if the last sale by its end is of that month.
    All cohorts are added up, by ``segment`` and ``months_after`` (1 to 12): ``customers`` of the
    cohorts, and ``returned``, those of them with a sale in so many months after their cohort's.
    """
    known = rfm.filter(rfm.snapshot_month <= ibis.date(month))
    month_of, customer = known.snapshot_month, known.customer_id
    bought = ibis.ifelse(known.last_purchase_date >= month_of, month_of, ibis.null("date"))
    following = ibis.window(group_by=customer, order_by=month_of, rows=(1, None))
    back = known.select("customer_id", "snapshot_month", back=bought.min().over(following))
    labelled = segments.select("segment", "customer_id", "snapshot_month")
    cohorts = labelled.inner_join(back, KEY).group_by("segment", "snapshot_month", "back")
    cohorts = cohorts.agg(customers=ibis._.count())
    # Each snapshot month with each number of months that all have a snapshot after it.
    months = known.select("snapshot_month").distinct()
    pairs = months.cross_join(months.select(later="snapshot_month"))
    pairs = pairs.filter(pairs.later > pairs.snapshot_month).mutate(
        months_after=ibis._.later.delta(ibis._.snapshot_month, unit="month"),
        nth=ibis.row_number().over(group_by="snapshot_month", order_by="later") + 1,
    )
    reached = pairs.filter(pairs.months_after == pairs.nth, pairs.nth <= MONTHS_AFTER)
    followed = cohorts.inner_join(reached, "snapshot_month")
    months_until = followed.back.delta(followed.snapshot_month, unit="month")
    is_back = (months_until <= followed.months_after).fill_null(False)
    counts = followed.group_by("segment", "months_after").agg(
        customers=followed.customers.sum().cast("int64"),
        returned=followed.customers.sum(where=is_back).fill_null(0).cast("int64"),
    )
    return counts.order_by("segment", "months_after")
