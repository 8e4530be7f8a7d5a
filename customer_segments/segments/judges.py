"""What is looked at in labels, moves and profiles: that segments are what they were.

Belongs here: comparing months, what stands out, what to do then. Does not: the figures
(``figures``), what the tables add up to (``reconciliation``).
"""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from math import log

from customer_segments.months import shift
from customer_segments.quality.evaluation import level
from customer_segments.quality.judge import Judge, Row, Said
from customer_segments.quality.scope import TOO_EARLY, YEAR, Scope
from customer_segments.segments import figures
from customer_segments.segments.reconciliation import COUNTED, LABELLED, MOVED
from customer_segments.tables import CUSTOMER_SEGMENTS, SEGMENT_MIGRATION, SEGMENT_PROFILES

BACK = {"last_month": 1, "last_year": YEAR}


def _after_a_year(rows: list[Row], scope: Scope) -> Iterable[Row]:
    for row in rows:
        yield row if scope.has_a_year(row["month"]) else row | {"why": TOO_EARLY}


def _against_training(rows: list[Row], _scope: Scope) -> Iterable[Row]:
    """Compare each month since the model was trained with its training month.

    Months before it are labelled for comparison; that they fit less well asks for nothing.
    """
    by_month = {(row["model_version"], row["month"]): row["separation"] for row in rows}
    for row in rows:
        now, training_month = row["separation"], row["training_month"]
        trained = by_month.get((row["model_version"], training_month))
        figures = {"month": row["month"], "separation": now, "trained": trained}
        if trained is None or now is None:
            yield figures | {"why": "its training month is not labelled"}
        elif row["month"] < training_month:
            yield figures | {"why": "before the model's training month"}
        else:
            yield figures | {"loss": trained - now}


def _against_before(rows: list[Row], scope: Scope) -> Iterable[Row]:
    """Compare segment sizes with those of a month and of a year before, by one model.

    By the population stability index, the sum of (now - then) * ln(now / then) over shares
    (Siddiqi 2006, who takes .10 and .25 for the limits). Snapshots with less than a year behind
    them are not compared with.
    """
    for month, sizes in _by_month(rows):
        now = [row["customers"] for row in sizes]
        found = {
            f"psi_{name}": psi(
                now, [row[f"customers_{name}"] for row in sizes], sizes[0][f"all_{name}"]
            )
            for name, back in BACK.items()
            if sizes[0][f"customers_{name}"] is not None and scope.has_a_year(shift(month, -back))
        }
        why = "" if scope.is_complete(month) else "the month is not complete"
        yield {"month": month, "why": why if found else TOO_EARLY} | found


def psi(now: list[int], then: list[int], all_then: int) -> float:
    """Return the population stability index of two sets of counts over the same segments.

    Parameters
    ----------
    now, then
        Customers of each segment.
    all_then
        All customers then; who is in none of the segments was in one that is empty now.
    """
    now, then = [*now, 0], [*then, all_then - sum(then)]
    pairs = [(a, b) for a, b in zip(now, then, strict=True) if a or b]
    # Half a customer where there is none: the logarithm of nothing is no number.
    shares = [(max(a, 0.5) / sum(now), max(b, 0.5) / sum(then)) for a, b in pairs]
    return sum((a - b) * log(a / b) for a, b in shares)


def _against_last_month(rows: list[Row], scope: Scope) -> Iterable[Row]:
    for month, segments in _by_month(rows):
        if not scope.has_a_year(shift(month, -1)):
            yield {"month": month, "why": TOO_EARLY}
            continue
        factors = {}
        for row in segments:
            customers = min(row["customers"], row["customers_before"] or 0)
            is_next = row["month_before"] == shift(month, -1)
            for name in ("monetary", "frequency"):
                now, then = row[name], row[f"{name}_before"]
                if is_next and customers >= scope.checks.least_customers and min(now, then) > 0:
                    factors[f"{name} of {row['segment']}"] = now / then
        yield {"month": month} | factors


def _says_typical(row: Row, scope: Scope) -> Said:
    for what, factor in row.items():
        said = f"{what} is {factor:.2f} times last month's"
        yield level(max(factor, 1 / factor), scope.checks.typical), said


def _by_month(rows: list[Row]) -> Iterable[tuple[date, list[Row]]]:
    rows = sorted(rows, key=lambda row: row["month"])
    return ((month, list(group)) for month, group in groupby(rows, key=lambda row: row["month"]))


SEGMENTS = (
    Judge(CUSTOMER_SEGMENTS, "smallest_segment", figures.smallest_segments, _after_a_year),
    Judge(CUSTOMER_SEGMENTS, "separation", figures.separation, _against_training),
)
MOVEMENT = Judge(SEGMENT_MIGRATION, "movement", figures.movements)
PROFILES = (
    Judge(SEGMENT_PROFILES, "drift", figures.sizes_before, _against_before),
    Judge(
        SEGMENT_PROFILES,
        "typical_customer",
        figures.typical_customers,
        _against_last_month,
        _says_typical,
    ),
)
CHECKED = ((SEGMENTS, LABELLED), ((MOVEMENT,), MOVED), (PROFILES, COUNTED))
