"""What a customer may spend in the months to come: a formula, learned from a year and a half.

Belongs here: the forecast of any dates, and what came, as pure Ibis. Does not: the tables
(``customer_value``, ``backtest``).

``expected = share * (revenue_12m * exp(-recency / decay) + base)``: the share of last year's
revenue that fell in these months tells the season, recency who is still there, and the base what
those spend of whom little is expected. Out of time it beat BG/NBD with Gamma-Gamma, boosting and
generalized linear models on UCI's data; nothing is fitted but the base and the interval.
"""

import ibis
from ibis.expr.types import Table

from customer_segments.model.sampling import some_customers
from customer_segments.tables.money import SUM
from customer_segments.value.spent import (
    HORIZONS,
    customers_at,
    daily,
    later,
    seasons_of,
    with_spent,
    years_before,
)

# Of each horizon.
FORETOLD = ("expected", "low", "high", "share", "base")
# Of the customers, those with the least forecasts: the base is what they spent beyond these.
LEAST_SHARE = 0.4
# Of the forecasts, equally many customers in each; and the quantiles of actual / forecast in one.
BANDS = 20
INTERVAL = 0.1, 0.9


def foretold(
    cleaned: Table, states: Table, decay_days: float, window_months: int | None = None
) -> Table:
    """Return what customers may spend from their date on, a row for each of ``HORIZONS``.

    As ``foretold_of_each``, with ``horizon_months``.
    """
    known = foretold_of_each(cleaned, states, decay_days, window_months)
    shared = ("as_of", "customer_id", "revenue_12m", "has_history")
    return ibis.union(
        *(
            known.select(
                *shared,
                horizon_months=ibis.literal(months, "int64"),
                **{name: known[f"{name}_{months}"] for name in FORETOLD},
            )
            for months in HORIZONS
        )
    )


def foretold_of_each(
    cleaned: Table, states: Table, decay_days: float, window_months: int | None = None
) -> Table:
    """Return what customers may spend from their date on, a row for each, of all ``HORIZONS``.

    ``states`` are ``as_of``, ``customer_id`` and ``recency_days``: of a date, all customers of whom
    a sale is known by then, within ``window_months`` if there are any. What is learned is learned
    at the newest first of a month whose horizon is over at ``as_of``, where there are many from
    ``some_customers``; nothing from ``as_of`` on takes part.

    Returns ``as_of``, ``customer_id``, ``revenue_12m`` (net, may be negative) and ``has_history``,
    whether ``LEAST_MONTHS`` were before it; and of each horizon, as ``expected_3`` and so on,
    ``expected``, ``low`` and ``high`` in the currency of the lines, and as of each date ``share``
    (null where no year was before it, or what it is a share of is not above 0) and ``base`` (null
    where nothing could be learned; ``expected`` does without). Of customers with such a forecast at
    most a tenth spent less than ``low``, and a tenth more than ``high``; null without a base, or if
    nothing is expected.
    """
    seasons = seasons_of(cleaned, years_before(states))
    told = seasons_of(cleaned, years_before(seasons.select(as_of="learned_at")))
    told = told.filter(told.share.notnull())
    learning = customers_at(cleaned, told.select("as_of").distinct(), window_months)
    learning = with_spent(cleaned, some_customers(learning, "as_of"))
    bands = _bands(with_actual(cleaned, _with_forecast(learning, told, decay_days)))
    rows = with_spent(cleaned, states)
    for months in HORIZONS:
        season, own = (each.filter(each.horizon_months == months) for each in (seasons, bands))
        season, own = season.drop("horizon_months"), own.drop("horizon_months")
        # Ends of bands side by side: no forecast is paired with twenty of them.
        ends = {f"at_most_{n}": own.at_most.max(where=own.band == n) for n in range(BANDS)}
        ends = own.group_by("learned_at").agg(base=own.base.max(), **ends)
        rows = _with_expected(rows, season.left_join(ends, "learned_at"), own, months, decay_days)
    return rows


def _with_expected(
    rows: Table, season: Table, bands: Table, months: int, decay_days: float
) -> Table:
    """Add what is expected of one horizon, and what that was learned from."""
    before = [name for name in rows.columns if name != "has_history"]
    joined = _with_forecast(rows.select(before), season, decay_days)
    forecast = joined.forecast + joined.share * joined.base.fill_null(0.0)
    joined = joined.mutate(forecast=forecast)
    of_year = (joined.forecast / joined.share).fill_null(0.0)
    # Nobody is beyond the last band, nor where there are none.
    is_within = [(of_year <= joined[f"at_most_{n}"]).fill_null(True) for n in range(BANDS)]
    joined = joined.mutate(band=ibis.cases(*((each, n) for n, each in enumerate(is_within))))
    ratios = bands.select("learned_at", "band", "low_ratio", "high_ratio")
    # Where nothing could be learned there are no bands.
    joined = joined.left_join(ratios, ["learned_at", "band"])
    ends = {"low": joined.low_ratio, "high": joined.high_ratio}
    interval = {
        f"{name}_{months}": (joined.forecast.nullif(0.0) * ratio).cast(SUM)
        for name, ratio in ends.items()
    }
    return joined.select(
        *before,
        "has_history",
        **{f"{name}_{months}": joined[name] for name in ("share", "base")},
        **{f"expected_{months}": joined.forecast.cast(SUM)},
        **interval,
    )


def with_actual(cleaned: Table, rows: Table) -> Table:
    """Add ``actual``: what customers spent in the horizon of their row, at least 0.

    ``rows`` have ``as_of``, ``customer_id`` and ``horizon_months``.
    """
    spans = rows.select("as_of", "horizon_months").distinct()
    until = [(spans.horizon_months == months, later(spans.as_of, months)) for months in HORIZONS]
    spans = spans.mutate(until=ibis.cases(*until))
    days = daily(cleaned)
    # Few first: engines keep the left side at hand.
    since = spans.join(days, [days.day >= spans.as_of, days.day < spans.until])
    spent = since.group_by("as_of", "horizon_months", "customer_id").agg(spent=since.revenue.sum())
    joined = rows.left_join(spent, ["as_of", "horizon_months", "customer_id"])
    actual = ibis.greatest(joined.spent.fill_null(0), 0).cast(SUM)
    return joined.select(*rows.columns, actual=actual)


def _with_forecast(states: Table, seasons: Table, decay_days: float) -> Table:
    """Add seasons, and the forecast without a base, as ``forecast``."""
    rows = states.inner_join(seasons, "as_of")
    spent_last = ibis.greatest(rows.revenue_12m, 0).cast("float64")
    stays = (-rows.recency_days.cast("float64") / decay_days).exp()
    return rows.mutate(forecast=rows.share * spent_last * stays)


def _bands(known: Table) -> Table:
    """Return what is learned at each date: the base, and how actual and forecast compare.

    The base is what those with the least forecasts spent beyond them, on average and at least 0.
    With it, bands of the forecasts, counted from 0, each above the one before it and up to
    ``at_most``, which is of a whole year: of three months it would be another in each season.
    Who has the same forecast is in the same band.
    """
    key = ["as_of", "horizon_months"]
    known = known.mutate(most=known.forecast.quantile(LEAST_SHARE).over(group_by=key))
    # As decimals, whose sum is the same in any order.
    beyond = known.actual - known.forecast.cast(SUM)
    known = known.mutate(beyond=ibis.ifelse(known.forecast <= known.most, beyond, None))
    total, customers = (
        each.over(group_by=key) for each in (known.beyond.sum(), known.beyond.count())
    )
    mean = total.cast("float64") / customers.cast("float64")
    known = known.mutate(base=ibis.greatest(mean / known.share, 0.0))
    known = known.mutate(forecast=known.forecast + known.share * known.base)
    rank = ibis.rank().over(group_by=key, order_by="forecast")
    known = known.mutate(band=rank * BANDS // known.count().over(group_by=key))
    ratio = known.actual.cast("float64") / known.forecast.nullif(0.0)
    low, high = INTERVAL
    bands = known.group_by(*key, "band").agg(
        base=known.base.max(),
        at_most=(known.forecast / known.share).max(),
        low_ratio=ratio.quantile(low),
        high_ratio=ratio.quantile(high),
    )
    order = {"group_by": key, "order_by": "band"}
    return bands.select(
        "horizon_months",
        "base",
        "low_ratio",
        "high_ratio",
        learned_at="as_of",
        band=ibis.row_number().over(**order),
        # Nobody is beyond the last band.
        at_most=ibis.ifelse(bands.at_most.lead().over(**order).isnull(), None, bands.at_most),
    )
