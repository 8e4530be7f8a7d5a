"""What customers and a shop's seasons had spent by a date.

Belongs here: sums of lines as of any dates, as pure Ibis. Does not: what they say of the months to
come (``formula``).
"""

import ibis
from ibis.expr.types import DateValue, Table

from customer_segments.months import LAST_DAYS
from customer_segments.tables.money import SUM

# Months ahead that are foretold.
HORIZONS = (3, 6)
YEAR = 12
# A year for the shares at the date that the base is learned at, and the longest horizon since.
LEAST_MONTHS = YEAR + max(HORIZONS)


def later(day: DateValue, months: int) -> DateValue:
    """Return the date so many months after another one, before it if negative."""
    return (day + ibis.interval(months=months)).cast("date")


def daily(cleaned: Table) -> Table:
    """Add lines up, a row per customer and day."""
    known = cleaned.filter(cleaned.customer_id.notnull())
    by_day = known.group_by("customer_id", day=known.invoice_date.date())
    return by_day.agg(revenue=known.revenue.sum().cast(SUM))


def customers_at(cleaned: Table, dates: Table, window_months: int | None) -> Table:
    """Return the customers of first days of months, as ``customer_rfm`` would have them."""
    sales = cleaned.filter(cleaned.customer_id.notnull(), ~cleaned.is_credit)
    months = sales.group_by("customer_id", "month").agg(last=sales.invoice_date.max().date())
    conditions = [months.month < dates.as_of]
    if window_months:
        conditions.append(months.month >= later(dates.as_of, -window_months))
    seen = months.join(dates, conditions)
    last = seen.group_by("as_of", "customer_id").agg(last=seen["last"].max())
    recency_days = last.as_of.delta(last["last"], unit="day")
    return last.select("as_of", "customer_id", recency_days=recency_days)


def years_before(states: Table) -> Table:
    """Return the dates of states, and since when each date's year is."""
    dates = states.select("as_of").distinct()
    return dates.mutate(since=later(dates.as_of, -YEAR))


def with_spent(cleaned: Table, states: Table) -> Table:
    """Add ``revenue_12m`` to states."""
    dates, days = years_before(states), daily(cleaned)
    in_year = days.join(dates, [days.day >= dates.since, days.day < dates.as_of])
    spent = in_year.group_by("as_of", "customer_id").agg(revenue_12m=in_year.revenue.sum())
    joined = states.left_join(spent, ["as_of", "customer_id"])
    return joined.select(*states.columns, revenue_12m=joined.revenue_12m.fill_null(0).cast(SUM))


def seasons_of(cleaned: Table, dates: Table) -> Table:
    """Return ``share``, ``learned_at`` and ``has_history`` of each date and horizon.

    A first month whose data starts after its first week is not counted as history.
    """
    known = cleaned.filter(cleaned.customer_id.notnull())
    days = known.group_by(day=known.invoice_date.date()).agg(revenue=known.revenue.sum().cast(SUM))
    first = days.day.min()
    is_whole = first.day() <= LAST_DAYS
    start = ibis.ifelse(is_whole, first.truncate("M"), later(first.truncate("M"), 1))
    dates = dates.cross_join(days.agg(start=start))
    in_year = days.join(dates, [days.day >= dates.since, days.day < dates.as_of])
    seasons = []
    for months in HORIZONS:
        is_ahead = in_year.day < later(in_year.since, months)
        each = in_year.group_by("as_of", "since", "start").agg(
            year=in_year.revenue.sum(), ahead=in_year.revenue.sum(where=is_ahead)
        )
        month = each.as_of.truncate("M")
        is_told = (each.since >= each.start) & (each.year > 0) & (each.ahead > 0)
        share = each.ahead.cast("float64") / each.year.cast("float64")
        seasons.append(
            each.select(
                "as_of",
                horizon_months=ibis.literal(months, "int64"),
                share=ibis.ifelse(is_told, share, None),
                learned_at=later(month, -months),
                has_history=later(month, -LEAST_MONTHS) >= each.start,
            )
        )
    return ibis.union(*seasons)
