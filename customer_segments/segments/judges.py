"""What is looked at in labels, moves and profiles: that segments are what they were.

Belongs here: figures per month as Ibis, comparing months, what stands out. Does not: what the
tables add up to (``reconciliation``).
"""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from math import log

import ibis
from ibis.expr.types import Table

from customer_segments import tables
from customer_segments.model.sampling import some_customers
from customer_segments.months import shift
from customer_segments.quality.evaluation import level
from customer_segments.quality.judge import Judge, Row, Said
from customer_segments.quality.scope import TOO_EARLY, Scope
from customer_segments.segments.migration import next_month
from customer_segments.segments.profiles import EARLIER
from customer_segments.segments.reconciliation import COUNTED, LABELLED, MOVED
from customer_segments.segments.scoring import pairs_by_version

# Of a snapshot: a mean of more would differ by a standard error of .002, as that of silhouettes.
MOST_JUDGED = 20_000


def smallest_segments(scope: Scope) -> Table:
    """Return the smallest segment's share per snapshot: 0 where nobody is in one of the model's."""
    segments, model = tables.CUSTOMER_SEGMENTS.relation, tables.KMEANS_MODEL.relation
    segments = segments.filter(scope.covers(segments.snapshot_month))
    clusters = model.select("segment", model_version=model.version)
    labels = segments.select("snapshot_month", "segment", "model_version")
    months = labels.select("snapshot_month", "model_version").distinct()
    sizes = labels.group_by("snapshot_month", "segment").agg(customers=labels.count())
    all_sizes = months.inner_join(clusters, "model_version")
    all_sizes = all_sizes.left_join(sizes, ["snapshot_month", "segment"])
    customers = all_sizes.customers.fill_null(0)
    return all_sizes.group_by(month="snapshot_month").agg(
        smallest=all_sizes.segment.argmin(customers),
        smallest_share=customers.min() / customers.sum(),
    )


def separation(scope: Scope) -> Table:
    """Return the simplified silhouette of each snapshot under the version that labelled it.

    Of the months to judge, and of those that the versions were trained on.

    The silhouette with distances to centroids in place of those to all other customers
    (Hruschka, de Castro and Campello 2004): linear in customers, so that each month can have it.
    It lies above the full one, and is to be compared with itself only. Of large snapshots it is
    taken of a sample, as the full one is.
    """
    segments, model = tables.CUSTOMER_SEGMENTS.relation, tables.KMEANS_MODEL.relation
    own = segments.rename(own_cluster="cluster").drop("segment", "suggested_action")
    trained_on = model.select(model_version="version", month="training_month").distinct()
    own = own.inner_join(trained_on, "model_version")
    own = own.filter(scope.covers(own.snapshot_month) | (own.snapshot_month == own.month))
    pairs = pairs_by_version(
        some_customers(own.drop("month"), "snapshot_month", most=MOST_JUDGED), model
    )
    distance = pairs.distance.sqrt()
    is_own = pairs.cluster == pairs.own_cluster
    pairs = pairs.mutate(own=ibis.ifelse(is_own, distance, None))
    pairs = pairs.mutate(other=ibis.ifelse(is_own, None, distance))
    customers = pairs.group_by("snapshot_month", "version", "customer_id").agg(
        own=pairs.own.min(), other=pairs.other.min(), training_month=pairs.training_month.max()
    )
    larger = ibis.greatest(customers.own, customers.other)
    score = (customers.other - customers.own) / larger.nullif(0)
    return customers.group_by(model_version="version", month="snapshot_month").agg(
        separation=score.mean().round(6), training_month=customers.training_month.max()
    )


def movements(scope: Scope) -> Table:
    """Return which share of last month's customers is in another segment, or gone, per month.

    Of fewer than ``least_customers`` it says nothing: a few make a large share.
    """
    migration = tables.SEGMENT_MIGRATION.relation
    was_there = migration.from_segment != tables.NEW
    is_there = migration.to_segment != tables.GONE
    has_moved = was_there & is_there & (migration.from_segment != migration.to_segment)
    customers = migration.customers
    before = customers.sum(where=was_there)
    moved = customers.sum(where=has_moved).fill_null(0) / before
    gone = customers.sum(where=was_there & ~is_there).fill_null(0) / before
    return migration.group_by(month="snapshot_month").agg(
        moved_share=moved,
        gone_share=gone,
        moved_or_gone=(before >= scope.checks.least_customers).ifelse(moved + gone, None),
    )


def sizes_before(_scope: Scope) -> Table:
    """Return each segment's customers now, a month and a year before, by one model.

    With all customers of those snapshots: who is in none of the segments that are left was in
    one that is empty now.
    """
    profiles, rfm = tables.SEGMENT_PROFILES.relation, tables.CUSTOMER_RFM.relation
    totals = rfm.group_by("snapshot_month").agg(customers=rfm.count())
    then = ["customers_last_month", "customers_last_year"]
    figures = profiles.select("segment", "customers", *then, month="snapshot_month")
    for name, months in EARLIER.items():
        later = next_month(totals, months)
        totals_then = totals.select(**{"month": later, f"all_{name}": "customers"})
        figures = figures.left_join(totals_then, "month").drop("month_right")
    return figures


def typical(_scope: Scope) -> Table:
    """Return what a segment's customers spend and order, now and in its snapshot before."""
    profiles = tables.SEGMENT_PROFILES.relation
    version = ibis.window(group_by=["segment", "model_version"], order_by="snapshot_month")
    figures = {
        "month": profiles.snapshot_month,
        "customers": profiles.customers,
        "monetary": profiles.median_monetary,
        "frequency": profiles.mean_frequency,
    }
    before = {f"{name}_before": figure.lag().over(version) for name, figure in figures.items()}
    return profiles.select("segment", **figures, **before)


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
        found = {}
        for name, back in EARLIER.items():
            now, then = ([row[at] for row in sizes] for at in ("customers", f"customers_{name}"))
            if then[0] is not None and scope.has_a_year(shift(month, -back)):
                found[f"psi_{name}"] = psi(now, then, sizes[0][f"all_{name}"])
        why = "" if scope.is_complete(month) else "the month is not complete"
        yield {"month": month, "why": why if found else TOO_EARLY} | found


def psi(now: list[int], then: list[int], all_then: int) -> float:
    """Return the population stability index of two sets of counts over the same segments.

    Of ``all_then``, all customers then, who is in none of the segments was in one that is empty
    now.
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
    Judge(tables.CUSTOMER_SEGMENTS, "smallest_segment", smallest_segments, _after_a_year),
    Judge(tables.CUSTOMER_SEGMENTS, "separation", separation, _against_training),
)
MOVEMENT = Judge(tables.SEGMENT_MIGRATION, "movement", movements)
PROFILES = (
    Judge(tables.SEGMENT_PROFILES, "drift", sizes_before, _against_before),
    Judge(tables.SEGMENT_PROFILES, "typical_customer", typical, _against_last_month, _says_typical),
)
CHECKED = ((SEGMENTS, LABELLED), ((MOVEMENT,), MOVED), (PROFILES, COUNTED))
