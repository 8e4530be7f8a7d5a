"""How well the formula foretold what came, beside the naive forecast: last year's, pro rata.

Belongs here: the dates that can be looked back to, the measures of each, and the errors of
segments' totals, as pure Ibis. Does not: the forecast (``formula``).
"""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import FloatingValue, Table

from customer_segments.months import followed_by, shift
from customer_segments.tables import SEGMENT_VALUE_BACKTEST, VALUE_BACKTEST
from customer_segments.tables.money import SUM
from customer_segments.value.formula import foretold, with_actual
from customer_segments.value.spent import HORIZONS, YEAR

if TYPE_CHECKING:
    import pandas as pd

FORMULA, NAIVE = "formula", "pro rata"
DATE = ["as_of", "horizon_months"]
MEASURES = ["bias", "mae", "spearman", "decile_error", "top_tenth_share", "coverage"]
# Dates that are looked back to, the newest: each season once.
MOST_DATES = YEAR
# A mean error of fewer dates is luck.
LEAST_DATES = 3
# Mean error of a segment's total from which on it is not shown.
MAX_TOTAL_ERROR = 0.20
TENTHS = 10
# Of what is no exact sum: others differ by the order in which an engine adds up.
DIGITS = 6


def dates_followed(months: Iterable[date], last_sale: date, today: date) -> list[tuple[date, int]]:
    """Return the dates, with the horizon, of which all is known that came: first days of months.

    ``months`` are those of the snapshots, ``last_sale`` is the day of the newest sale.
    """
    return [
        (shift(month, 1), horizon)
        for horizon in HORIZONS
        for month in followed_by(horizon, months, last_sale, today)[-MOST_DATES:]
    ]


def followed(
    cleaned: Table,
    rfm: Table,
    dates: list[tuple[date, int]],
    decay_days: float,
    window_months: int | None = None,
) -> Table:
    """Return customers as of the ``dates``: as ``foretold`` has them, and ``actual``.

    Dates without a year before them are left out.
    """
    states = rfm.select("customer_id", "recency_days", as_of="snapshot_date")
    states = states.filter(states.as_of.isin(sorted({as_of for as_of, _ in dates})))
    rows = foretold(cleaned, states, decay_days, window_months)
    wanted = [(rows.as_of == as_of) & (rows.horizon_months == months) for as_of, months in dates]
    return with_actual(cleaned, rows.filter(rows.share.notnull() & ibis.or_(*wanted)))


def value_backtest(followed: Table) -> Table:
    """Return how good each forecast was at each date, as ``VALUE_BACKTEST`` has it."""
    is_inside = followed.actual.between(followed.low, followed.high).cast("float64")
    pro_rata = ibis.greatest(followed.revenue_12m, 0).cast("float64") * followed.horizon_months / 12
    naive = followed.mutate(
        forecast=ibis.literal(NAIVE), expected=pro_rata.cast(SUM), share=None, base=None
    )
    formula = followed.mutate(forecast=ibis.literal(FORMULA), is_inside=is_inside)
    naive = naive.mutate(is_inside=None).cast({"share": "float64", "base": "float64"})
    rows = formula.union(naive.cast({"is_inside": "float64"}).select(*formula.columns))
    key = ["forecast", *DATE]
    ranked = rows.mutate(
        # Who is at the border of a tenth with the same forecast is in either by name.
        tenth=ibis.ntile(TENTHS).over(group_by=key, order_by=["expected", "customer_id"]),
        rank=_rank(rows, [*key, "expected"]),
        rank_actual=_rank(rows, [*key, "actual"]),
    )
    miss = (ranked.expected - ranked.actual).abs()
    tenths = ranked.group_by(*key, "tenth").agg(
        expected=ranked.expected.sum(), actual=ranked.actual.sum()
    )
    tenths = tenths.group_by(key).agg(
        missed=(tenths.expected - tenths.actual).abs().sum(),
        top=tenths.actual.sum(where=tenths.tenth == TENTHS - 1),
    )
    totals = ranked.group_by(key).agg(
        customers=ranked.count(),
        expected=ranked.expected.sum().cast(SUM),
        actual=ranked.actual.sum().cast(SUM),
        mae=miss.sum().cast("float64") / ranked.count().cast("float64"),
        spearman=ranked["rank"].corr(ranked.rank_actual, how="pop").round(DIGITS),
        coverage=ranked.is_inside.mean(),
        share=ranked.share.max(),
        base=ranked.base.max(),
    )
    rows = totals.inner_join(tenths, key)
    spent = rows.actual.nullif(0).cast("float64")
    return rows.mutate(
        bias=rows.expected.cast("float64") / spent - 1.0,
        decile_error=rows.missed.cast("float64") / spent,
        top_tenth_share=rows.top.cast("float64") / spent,
    ).select(*VALUE_BACKTEST.schema.names)


def segment_value_backtest(followed: Table, segments: Table, champion_model: Table) -> Table:
    """Return how far the totals of segments were off, as ``SEGMENT_VALUE_BACKTEST`` has it.

    ``segments`` are labels of the snapshots, of which those by the champion count.
    """
    newest = champion_model.filter(champion_model.decision == champion_model.decision.max())
    labels = segments.semi_join(newest, segments.model_version == newest.version)
    as_of = (labels.snapshot_month + ibis.interval(months=1)).cast("date")
    labels = labels.select("customer_id", "segment", "model_version", as_of=as_of)
    rows = followed.inner_join(labels, ["as_of", "customer_id"])
    totals = rows.group_by("segment", "model_version", *DATE).agg(
        expected=rows.expected.sum(), actual=rows.actual.sum()
    )
    off = totals.expected.cast("float64") / totals.actual.nullif(0).cast("float64") - 1.0
    totals = totals.mutate(off=off.abs())
    errors = totals.group_by("segment", "model_version", "horizon_months").agg(
        dates=totals.count(),
        error=totals.off.mean().round(DIGITS),
        worst_error=totals.off.max().round(DIGITS),
    )
    is_good = (errors.dates >= LEAST_DATES) & (errors.error < MAX_TOTAL_ERROR)
    return errors.mutate(is_shown=is_good.fill_null(False)).select(
        *SEGMENT_VALUE_BACKTEST.schema.names
    )


def means(backtest: "pd.DataFrame") -> "pd.DataFrame":
    """Return the means over the dates of each forecast and horizon; of bias, of its size."""
    sizes = backtest.assign(bias=backtest["bias"].abs())
    return sizes.groupby(["forecast", "horizon_months"])[MEASURES].mean().reset_index()


def _rank(rows: Table, of: list[str]) -> FloatingValue:
    """Return the rank of a column, the last of some, within the others; ties have their mean."""
    *key, column = of
    first = ibis.rank().over(group_by=key, order_by=column)
    same = rows.count().over(group_by=of)
    return first.cast("float64") + (same - 1).cast("float64") / 2.0
