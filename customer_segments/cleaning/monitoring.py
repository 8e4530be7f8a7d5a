"""Whether a month has about as much as usual, and rejects about as much.

Belongs here: figures per month as Ibis, what is usual, and the thresholds. Does not: running it
(``checks``), the rules that reject rows (``rules``).
"""

from datetime import date
from math import inf, log
from statistics import median

import dagster as dg
from ibis.expr.types import Table
from pydantic import Field

from customer_segments.monitoring.months import LEAST_MONTHS, YEAR, Span
from customer_segments.monitoring.verdicts import Judged, Level, Verdict, level, worst
from customer_segments.months import shift
from customer_segments.tables import CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS

VOLUMES = ("rows", "revenue", "customers")


class CleaningThresholds(dg.Config):
    """From where on a month stands out."""

    volume_warn_factor: float = Field(
        default=2,
        gt=1,
        description="Warn where rows, revenue or customers of a month are this many times what is "
        "usual, or usual is this many times them. A Christmas season doubles a gift shop's sales.",
    )
    volume_fail_factor: float = Field(default=4, gt=1, description="The same, as an error.")
    rejected_warn_points: float = Field(
        default=0.10,
        ge=0,
        le=1,
        description="Warn where the share of rows that a reason rejects is above the median of the "
        "twelve months before by this much.",
    )
    rejected_fail_points: float = Field(
        default=0.40, ge=0, le=1, description="The same, as an error."
    )


def volumes(cleaned: Table) -> Table:
    """Return rows, revenue and customers per month, of months with any row."""
    return cleaned.group_by("month").agg(
        rows=cleaned.count(),
        revenue=cleaned.revenue.sum().cast("float64"),
        customers=cleaned.customer_id.nunique(),
    )


def judge_volume(
    rows: list[dict], published: list[date], span: Span, thresholds: CleaningThresholds
) -> Judged:
    """Compare each month with the twelve before it and with the same month a year before.

    Of the two, the nearer counts: a season that comes each year is usual. A month that is not
    complete may have less.

    Parameters
    ----------
    rows
        As ``volumes`` returns them.
    published
        Months that were published, also those without a row.
    """
    nothing = dict.fromkeys(VOLUMES, 0)
    volume = dict.fromkeys(sorted(published), nothing) | {row["month"]: row for row in rows}
    verdicts = []
    for month in filter(span.__contains__, volume):
        earlier = [volume[m] for m in volume if shift(month, -YEAR) <= m < month]
        figures = {name: volume[month][name] for name in VOLUMES}
        if len(earlier) < LEAST_MONTHS:
            verdicts.append(Verdict.not_judged(month, "too few months before it", figures))
            continue
        levels, said = [], []
        for name in VOLUMES:
            usual = median(float(other[name]) for other in earlier)
            last_year = volume.get(shift(month, -YEAR), {}).get(name)
            factor = _nearest_to_one(float(figures[name]), usual, last_year)
            figures[f"{name}_factor"] = factor
            is_low = factor < 1
            size = (1 / factor if factor > 0 else inf) if is_low else factor
            judged = level(
                size, warn=thresholds.volume_warn_factor, fail=thresholds.volume_fail_factor
            )
            if judged is not Level.OK and not (is_low and not span.is_complete(month)):
                levels.append(judged)
                said.append(f"{name} {figures[name]:,.0f}, {factor:.1f} times the usual")
        verdicts.append(Verdict.of(month, worst(levels), ", ".join(said), figures))
    return Judged(
        CLEANED_TRANSACTIONS.table,
        "volume",
        tuple(verdicts),
        "Look whether a workbook is cut short, there twice under other invoice numbers, or of "
        "another shop.",
        thresholds.model_dump(include={"volume_warn_factor", "volume_fail_factor"}),
    )


def reject_rates(rejected: Table, raw: Table) -> Table:
    """Return the share of a month's rows that each reason rejects, of those that reject any."""
    reasons = rejected.group_by("month", "reason").agg(rejected=rejected.count())
    months = raw.group_by("month").agg(rows=raw.count())
    both = reasons.inner_join(months, "month")
    return both.select("month", "reason", rate=both.rejected / both.rows)


def judge_reject_rate(
    rows: list[dict], published: list[date], span: Span, thresholds: CleaningThresholds
) -> Judged:
    """Compare what each reason rejects of a month with the median of the twelve before it.

    Parameters
    ----------
    rows
        As ``reject_rates`` returns them.
    published
        Months that were published, also those without a row.
    """
    rates = {(row["month"], row["reason"]): row["rate"] for row in rows}
    reasons = sorted({reason for _, reason in rates})
    verdicts = []
    for month in filter(span.__contains__, sorted(published)):
        earlier = [m for m in published if shift(month, -YEAR) <= m < month]
        figures = {reason: rates.get((month, reason), 0.0) for reason in reasons}
        if len(earlier) < LEAST_MONTHS:
            verdicts.append(Verdict.not_judged(month, "too few months before it", figures))
            continue
        levels, said = [], []
        for reason in reasons:
            usual = median(rates.get((other, reason), 0.0) for other in earlier)
            judged = level(
                figures[reason] - usual,
                warn=thresholds.rejected_warn_points,
                fail=thresholds.rejected_fail_points,
            )
            if judged is not Level.OK:
                levels.append(judged)
                said.append(f"{reason} {figures[reason]:.1%} of the rows, usually {usual:.1%}")
        verdicts.append(Verdict.of(month, worst(levels), ", ".join(said), figures))
    return Judged(
        REJECTED_TRANSACTIONS.table,
        "reject_rate",
        tuple(verdicts),
        "Look at rows of that reason: `customer-segments check FILE` shows some of a workbook.",
        thresholds.model_dump(include={"rejected_warn_points", "rejected_fail_points"}),
    )


def _nearest_to_one(value: float, usual: float, last_year: float | None) -> float:
    """Return ``value`` as a multiple of what is usual, or was a year before: the nearer."""
    factors = [value / other for other in (usual, float(last_year or 0)) if other > 0]
    return min(factors, key=lambda f: abs(log(f)) if f > 0 else inf, default=1.0)
