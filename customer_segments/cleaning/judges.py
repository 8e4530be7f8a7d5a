"""What is looked at in kept and rejected rows: about as many of a month as usual.

Belongs here: figures per month as Ibis, what is usual, what stands out; that raw rows are the kept
and the rejected ones. Does not: the rules that reject rows (``rules``).
"""

from collections.abc import Iterable
from math import inf, log
from statistics import median

from ibis.expr.types import Table

from customer_segments.months import shift
from customer_segments.quality.evaluation import level
from customer_segments.quality.judge import Judge, Row, Said
from customer_segments.quality.scope import LEAST_MONTHS, YEAR, Scope, year_before
from customer_segments.quality.spine import Spine
from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments.tables.money import SUM, total_revenue

VOLUMES = ("rows", "revenue", "customers")
TOO_FEW = "too few months before it"


def raw_months(raw: Table) -> Table:
    """Return rows and revenue per month of the raw rows."""
    return raw.group_by("month").agg(
        rows=raw.count(),
        revenue=total_revenue(raw).fill_null(0).cast(SUM),
    )


def settled_months(cleaned: Table, rejected: Table) -> Table:
    """Return rows and revenue per month of kept and rejected rows together."""
    both = cleaned.select("month", "revenue").union(rejected.select("month", "revenue"))
    return both.group_by("month").agg(
        rows=both.count(), revenue=both.revenue.cast(SUM).sum().fill_null(0).cast(SUM)
    )


def volumes(scope: Scope) -> Table:
    """Return rows, revenue and customers per month that was published."""
    cleaned = CLEANED_TRANSACTIONS.relation
    cleaned = cleaned.filter(scope.covers(cleaned.month, back=YEAR))
    figures = cleaned.group_by("month").agg(
        rows=cleaned.count(),
        revenue=cleaned.revenue.sum().cast("float64"),
        customers=cleaned.customer_id.nunique(),
    )
    months = scope.published(CLEANED_TRANSACTIONS, back=YEAR).left_join(figures, "month")
    return months.select("month", **{name: months[name].fill_null(0) for name in VOLUMES})


def _against_usual(rows: list[Row], scope: Scope) -> Iterable[Row]:
    """Compare each month with the twelve before it and with the same month a year before.

    Of the two, the nearer counts: a season that comes each year is usual.
    """
    volume = {row["month"]: row for row in rows}
    for month, row in volume.items():
        earlier = [volume[other] for other in year_before(month, volume)]
        if len(earlier) < LEAST_MONTHS:
            yield row | {"why": TOO_FEW}
            continue
        factors = {}
        for name in VOLUMES:
            usual = median(other[name] for other in earlier)
            last_year = volume.get(shift(month, -YEAR), {}).get(name, 0)
            factors[f"{name}_factor"] = _nearest_to_one(row[name], usual, last_year)
        yield row | factors | {"is_complete": scope.is_complete(month)}


def _nearest_to_one(value: float, *others: float) -> float:
    """Return a value as a multiple of others, of which the nearest counts."""
    factors = [value / other for other in others if other > 0]
    return min(factors, key=lambda f: abs(log(f)) if f > 0 else inf, default=1.0)


def says_volume(row: Row, scope: Scope) -> Said:
    """Say what there is too much of, or, of a month that is complete, too little."""
    for name in VOLUMES:
        factor = row[f"{name}_factor"]
        if factor >= 1 or row["is_complete"]:
            size = max(factor, 1 / factor if factor > 0 else inf)
            said = f"{name} {row[name]:,.0f}, {factor:.1f} times the usual"
            yield level(size, scope.checks.volume), said


def reject_rates(scope: Scope) -> Table:
    """Return the share of a month's rows that each reason rejects, of months published.

    A month that nothing is rejected of has a row without a reason. Rows from outside the months
    stand in the first or the last one, and say nothing of it: ``misread_dates`` has them.
    """
    rejected, raw = REJECTED_TRANSACTIONS.relation, RAW_TRANSACTIONS.relation
    rejected = rejected.filter(
        scope.covers(rejected.month, back=YEAR), rejected.reason != "outside_months"
    )
    raw = raw.filter(scope.covers(raw.month, back=YEAR))
    reasons = rejected.group_by("month", "reason").agg(rejected=rejected.count())
    both = reasons.inner_join(raw.group_by("month").agg(rows=raw.count()), "month")
    rates = both.select("month", "reason", rate=both.rejected / both.rows)
    months = scope.published(REJECTED_TRANSACTIONS, back=YEAR).left_join(rates, "month")
    return months.select("month", "reason", "rate")


def _against_median(rows: list[Row], _scope: Scope) -> Iterable[Row]:
    rates = {(row["month"], row["reason"]): row["rate"] for row in rows}
    months = sorted({month for month, _ in rates})
    reasons = sorted({reason for _, reason in rates if reason})
    for month in months:
        figures = {reason: rates.get((month, reason), 0.0) for reason in reasons}
        if len(earlier := year_before(month, months)) < LEAST_MONTHS:
            yield {"month": month, "why": TOO_FEW} | figures
            continue
        usual = {
            f"{reason}_usual": median(rates.get((other, reason), 0.0) for other in earlier)
            for reason in reasons
        }
        yield {"month": month} | figures | usual


def _says_rejected(row: Row, scope: Scope) -> Said:
    for reason in [name for name in row if f"{name}_usual" in row]:
        rate, usual = row[reason], row[f"{reason}_usual"]
        said = f"{reason} {rate:.1%} of the rows, usually {usual:.1%}"
        yield level(rate - usual, scope.checks.reject_rate), said


JUDGES = (
    Judge(CLEANED_TRANSACTIONS, "volume", volumes, _against_usual, says_volume),
    Judge(REJECTED_TRANSACTIONS, "reject_rate", reject_rates, _against_median, _says_rejected),
)
SPINE = Spine(
    (CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS),
    raw_months(RAW_TRANSACTIONS.relation),
    settled_months(CLEANED_TRANSACTIONS.relation, REJECTED_TRANSACTIONS.relation),
)
CHECKED = ((JUDGES, SPINE),)
