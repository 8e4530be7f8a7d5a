"""What is looked at in labels, moves and profiles: that segments are what they were.

Belongs here: comparing months, what stands out, what to do then. Does not: the figures
(``figures``), what the tables add up to (``reconciliation``).
"""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from math import log

import dagster as dg

from customer_segments.months import shift
from customer_segments.quality.evaluation import level
from customer_segments.quality.judge import Judge, Row, Said
from customer_segments.quality.runner import table_checks
from customer_segments.quality.scope import TOO_EARLY, YEAR, Scope
from customer_segments.quality.spine import Spine
from customer_segments.segments import figures
from customer_segments.segments import reconciliation as sides
from customer_segments.tables import (
    CUSTOMER_RFM,
    CUSTOMER_SEGMENTS,
    KMEANS_MODEL,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)

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


def _says_drift(row: Row, scope: Scope) -> Said:
    for name, limits in zip(BACK, (scope.checks.drift_month, scope.checks.drift_year), strict=True):
        if (index := row.get(f"psi_{name}")) is not None:
            said = f"segment sizes drift (PSI {index:.2f} against {name.replace('_', ' ')})"
            yield level(index, limits), said


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
    Judge(
        CUSTOMER_SEGMENTS,
        "smallest_segment",
        "No segment has hardly any customers.",
        figures.smallest_segments,
        limits=("smallest_segment",),
        figure="smallest_share",
        sentence="{smallest} has {smallest_share:.1%} of the customers",
        rows=_after_a_year,
        advice="A segment that hardly anybody is in carries no campaign: refit, or fit fewer "
        "clusters.",
    ),
    Judge(
        CUSTOMER_SEGMENTS,
        "separation",
        "Customers lie as clearly in their segments as those the model was fitted on.",
        figures.separation,
        limits=("separation_loss",),
        figure="loss",
        sentence="separation {separation:.2f}, {trained:.2f} where the model was trained",
        rows=_against_training,
        advice="Customers no longer fall into the model's segments: refit on a newer month.",
    ),
)
MOVEMENT = Judge(
    SEGMENT_MIGRATION,
    "movement",
    "No more customers than usual moved to another segment since last month.",
    figures.movements,
    limits=("movement",),
    figure="moved_or_gone",
    sentence="{moved_or_gone:.1%} of last month's customers are in another segment, or gone",
    advice="Look at the moves of that month before a campaign follows them: the data of one of "
    "the two months may not be whole.",
)
PROFILES = (
    Judge(
        SEGMENT_PROFILES,
        "drift",
        "Segments are about as large as a month and a year before.",
        figures.sizes_before,
        limits=("drift_month", "drift_year"),
        rows=_against_before,
        says=_says_drift,
        advice="A season, or another clientele: compare the sizes in segment_profiles before a "
        "campaign counts on them. If it stays, refit.",
    ),
    Judge(
        SEGMENT_PROFILES,
        "typical_customer",
        "A segment's customers spend and order about as much as a month before.",
        figures.typical_customers,
        limits=("typical", "least_customers"),
        rows=_against_last_month,
        says=_says_typical,
        advice="The segment's name stayed, its customers did not: look at the month's data.",
    ),
)

_segments, _rfm = CUSTOMER_SEGMENTS.relation, CUSTOMER_RFM.relation
LABELLED = Spine(
    (CUSTOMER_SEGMENTS,), sides.in_rfm(_rfm), sides.in_segments(_segments, KMEANS_MODEL.relation)
)
MOVED = Spine(
    (SEGMENT_MIGRATION,),
    sides.both_months(_segments, _rfm),
    sides.in_migration(SEGMENT_MIGRATION.relation),
    also_waiting=sides.months_after_a_change,
)
COUNTED = Spine(
    (SEGMENT_PROFILES,),
    sides.by_segment(_segments),
    sides.in_profiles(SEGMENT_PROFILES.relation),
)


def segment_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """Return the checks of labels, moves and profiles."""
    return [
        table_checks(*SEGMENTS, spine=LABELLED, partitions=partitions),
        table_checks(MOVEMENT, spine=MOVED, partitions=partitions),
        table_checks(*PROFILES, spine=COUNTED, partitions=partitions),
    ]
