"""What a customer may spend in the months to come: a formula, learned from a year and a half.

Belongs here: the forecast of any dates, and what came, as pure Ibis. Does not: the tables
(``customer_value``, ``backtest``).

``expected = share * (revenue_12m * exp(-recency / decay) + base)``: the share of last year's
revenue that fell in these months tells the season, recency who is still there, and the base what
those spend of whom little is expected. Out of time it beat BG/NBD with Gamma-Gamma, boosting and
generalized linear models on UCI's data; nothing is fitted but the base and the interval.
"""

from sys import float_info

import ibis
from ibis.expr.types import DateValue, Table

from customer_segments.months import LAST_DAYS
from customer_segments.tables.money import SUM

# Months ahead that are foretold.
HORIZONS = (3, 6)
YEAR = 12
# A year for the shares at the date that the base is learned at, and the longest horizon since.
LEAST_MONTHS = YEAR + max(HORIZONS)
# Of the customers, those with the least forecasts: the base is what they spent beyond these.
LEAST_SHARE = 0.4
# Of the forecasts, equally many customers in each; and the quantiles of actual / forecast in one.
BANDS = 20
INTERVAL = 0.1, 0.9
# The largest float: bands have no end below and above.
ANY = float_info.max


def foretold(
    cleaned: Table, states: Table, decay_days: float, window_months: int | None = None
) -> Table:
    """Return what customers may spend from their date on, a row for each of ``HORIZONS``.

    ``states`` are ``as_of``, ``customer_id`` and ``recency_days``: of a date, all customers of whom
    a sale is known by then, within ``window_months`` if there are any. What is learned is learned
    at the newest first of a month whose horizon is over at ``as_of``; nothing from ``as_of`` on
    takes part.

    Returns ``as_of``, ``customer_id``, ``horizon_months``, ``revenue_12m`` (net, may be negative),
    ``expected``, ``low`` and ``high`` in the currency of the lines, and as of each date ``share``
    (null where no year was before it, or what it is a share of is not above 0), ``base`` (null
    where nothing could be learned; ``expected`` does without) and ``has_history``, whether
    ``LEAST_MONTHS`` were before it. The interval holds four customers of five, if the months to
    come are like those before; it is null without a base, and where nothing is expected at all.
    """
    days = _days(cleaned)
    rows = _seasonal(days, states, decay_days)
    learning = rows.select(as_of="learned_at").distinct()
    known = _seasonal(days, _states(cleaned, learning, window_months), decay_days)
    known = with_actual(cleaned, known.filter(known.share.notnull()))
    bases = _bases(known)
    known = _with_base(known, bases, "as_of")
    bands = _bands(known)
    rows = _with_base(rows, bases, "learned_at")
    of_band = _in_band(rows, bands, "learned_at")
    interval = {
        name: (of_band.forecast.nullif(0.0) * of_band[f"{name}_ratio"]).cast(SUM)
        for name in ("low", "high")
    }
    return of_band.select(
        *("as_of", "customer_id", "horizon_months", "revenue_12m", "share", "base", "has_history"),
        expected=of_band.forecast.cast(SUM),
        **interval,
    )


def with_actual(cleaned: Table, rows: Table) -> Table:
    """Add ``actual``: what customers spent in the horizon of their row, at least 0.

    ``rows`` have ``as_of``, ``customer_id`` and ``horizon_months``.
    """
    spans = rows.select("as_of", "horizon_months").distinct()
    until = [(spans.horizon_months == months, later(spans.as_of, months)) for months in HORIZONS]
    spans = spans.mutate(until=ibis.cases(*until))
    days = _days(cleaned)
    since = days.join(spans, [days.day >= spans.as_of, days.day < spans.until])
    spent = since.group_by("as_of", "horizon_months", "customer_id").agg(spent=since.revenue.sum())
    joined = rows.left_join(spent, ["as_of", "horizon_months", "customer_id"])
    actual = ibis.greatest(joined.spent.fill_null(0), 0).cast(SUM)
    return joined.select(*rows.columns, actual=actual)


def later(day: DateValue, months: int) -> DateValue:
    """Return the date so many months after another one, before it if negative."""
    return (day + ibis.interval(months=months)).cast("date")


def _days(cleaned: Table) -> Table:
    """Add lines up, a row per customer and day."""
    known = cleaned.filter(cleaned.customer_id.notnull())
    by_day = known.group_by("customer_id", day=known.invoice_date.date())
    return by_day.agg(revenue=known.revenue.sum().cast(SUM))


def _states(cleaned: Table, dates: Table, window_months: int | None) -> Table:
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


def _seasonal(days: Table, states: Table, decay_days: float) -> Table:
    """Return the forecast without a base, as ``forecast``, for each state and horizon."""
    dates = states.select("as_of").distinct()
    dates = dates.mutate(since=later(dates.as_of, -YEAR), month=dates.as_of.truncate("M"))
    in_year = days.join(dates, [days.day >= dates.since, days.day < dates.as_of])
    spent = in_year.group_by("as_of", "customer_id").agg(revenue_12m=in_year.revenue.sum())
    joined = states.left_join(spent, ["as_of", "customer_id"])
    states = joined.select(*states.columns, revenue_12m=joined.revenue_12m.fill_null(0).cast(SUM))
    rows = states.inner_join(_seasons(in_year, days, dates), "as_of")
    spent_last = ibis.greatest(rows.revenue_12m, 0).cast("float64")
    stays = (-rows.recency_days.cast("float64") / decay_days).exp()
    return rows.mutate(forecast=rows.share * spent_last * stays)


def _seasons(in_year: Table, days: Table, dates: Table) -> Table:
    """Return ``share``, ``learned_at`` and ``has_history`` of each date and horizon.

    A first month whose data starts after its first week is not counted as history.
    """
    first = days.day.min()
    is_whole = first.day() <= LAST_DAYS
    start = ibis.ifelse(is_whole, first.truncate("M"), later(first.truncate("M"), 1))
    dates = dates.cross_join(days.agg(start=start))
    seasons = []
    for months in HORIZONS:
        is_ahead = in_year.day < later(in_year.since, months)
        totals = in_year.group_by("as_of").agg(
            year=in_year.revenue.sum(), ahead=in_year.revenue.sum(where=is_ahead)
        )
        each = dates.left_join(totals, "as_of")
        is_told = (each.since >= each.start) & (each.year > 0) & (each.ahead > 0)
        share = each.ahead.cast("float64") / each.year.cast("float64")
        seasons.append(
            each.select(
                "as_of",
                horizon_months=ibis.literal(months, "int64"),
                share=ibis.ifelse(is_told, share, None),
                learned_at=later(each.month, -months),
                has_history=later(each.month, -LEAST_MONTHS) >= each.start,
            )
        )
    return ibis.union(*seasons)


def _bases(known: Table) -> Table:
    """Return what those with the least forecasts spent beyond them, on average and at least 0."""
    least = known.group_by("as_of", "horizon_months").agg(most=known.forecast.quantile(LEAST_SHARE))
    rows = known.inner_join(least, ["as_of", "horizon_months"])
    rows = rows.filter(rows.forecast <= rows.most)
    # As decimals, whose sum is the same in any order.
    beyond = rows.actual - rows.forecast.cast(SUM)
    mean = beyond.sum().cast("float64") / rows.count().cast("float64")
    bases = rows.group_by("as_of", "horizon_months").agg(mean=mean, share=rows.share.max())
    base = ibis.greatest(bases["mean"] / bases.share, 0.0)
    return bases.select("horizon_months", learned_at="as_of", base=base)


def _with_base(rows: Table, bases: Table, date: str) -> Table:
    """Add the base that was learned at a row's ``date`` to its forecast."""
    on = [rows[date] == bases.learned_at, rows.horizon_months == bases.horizon_months]
    joined = rows.left_join(bases, on, rname="{name}_base")
    forecast = joined.forecast + joined.share * joined.base.fill_null(0.0)
    return joined.select(
        *(name for name in rows.columns if name != "forecast"), "base", forecast=forecast
    )


def _bands(known: Table) -> Table:
    """Return bands of the forecasts of each date, and how actual and forecast compare in them.

    A band is above ``above`` and at most ``at_most``.
    """
    key = ["as_of", "horizon_months"]
    tile = ibis.ntile(BANDS).over(group_by=key, order_by="forecast")
    edges = known.mutate(tile=tile).group_by(*key, "tile").agg(at_most=ibis._.forecast.max())
    edges = edges.select(*key, "at_most").distinct()
    order = {"group_by": key, "order_by": "at_most"}
    edges = edges.mutate(
        above=edges.at_most.lag().over(**order).fill_null(-ANY),
        at_most=ibis.ifelse(edges.at_most.lead().over(**order).isnull(), ANY, edges.at_most),
    )
    rows = _in_band(known, edges, "as_of")
    ratio = rows.actual.cast("float64") / rows.forecast.nullif(0.0)
    low, high = INTERVAL
    return rows.group_by(*key, "above", "at_most").agg(
        low_ratio=ratio.quantile(low), high_ratio=ratio.quantile(high)
    )


def _in_band(rows: Table, bands: Table, date: str) -> Table:
    """Join rows with the band that they are in, of those made at a ``date`` of theirs.

    Where no bands were made the row stays, without.
    """
    bands = bands.rename(band_of="as_of")
    on = [(date, "band_of"), "horizon_months"]
    joined = rows.left_join(bands, on, rname="{name}_band")
    forecast = joined.forecast.fill_null(0.0)
    is_in = (forecast > joined.above) & (forecast <= joined.at_most)
    return joined.filter(is_in | joined.above.isnull())
