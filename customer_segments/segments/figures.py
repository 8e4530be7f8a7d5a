"""What is looked at in labels: segments' sizes, their shape, who moves, who is typical.

Belongs here: figures per month as Ibis. Does not: what stands out in them (``judges``).
"""

import ibis
from ibis.expr.types import Table

from customer_segments.model.features import with_logs
from customer_segments.quality.scope import Scope
from customer_segments.segments.scoring import squared_distance
from customer_segments.tables import (
    CUSTOMER_RFM,
    CUSTOMER_SEGMENTS,
    GONE,
    KMEANS_MODEL,
    NEW,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)


def smallest_segments(scope: Scope) -> Table:
    """Return the smallest segment's share per snapshot: 0 where nobody is in one of the model's."""
    segments, model = CUSTOMER_SEGMENTS.relation, KMEANS_MODEL.relation
    segments = segments.filter(scope.covers(segments.snapshot_month))
    clusters = model.select("segment", model_version=model.version)
    labels = segments.select("snapshot_month", "segment", "model_version")
    months = labels.select("snapshot_month", "model_version").distinct()
    sizes = labels.group_by("snapshot_month", "segment").agg(customers=labels.count())
    all_sizes = months.inner_join(clusters, "model_version").left_join(
        sizes, ["snapshot_month", "segment"]
    )
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
    It lies above the full one, and is to be compared with itself only.
    """
    segments, model = CUSTOMER_SEGMENTS.relation, KMEANS_MODEL.relation
    logs = with_logs(segments).rename(own_cluster="cluster").drop("segment", "suggested_action")
    pairs = logs.inner_join(model, logs.model_version == model.version)
    pairs = pairs.filter(
        scope.covers(pairs.snapshot_month) | (pairs.snapshot_month == pairs.training_month)
    )
    distance = squared_distance(pairs).sqrt()
    is_own = pairs.cluster == pairs.own_cluster
    pairs = pairs.mutate(own=ibis.ifelse(is_own, distance, None))
    pairs = pairs.mutate(other=ibis.ifelse(is_own, None, distance))
    customers = pairs.group_by("snapshot_month", "model_version", "customer_id").agg(
        own=pairs.own.min(), other=pairs.other.min(), training_month=pairs.training_month.max()
    )
    larger = ibis.greatest(customers.own, customers.other)
    score = (customers.other - customers.own) / larger.nullif(0)
    return customers.group_by("model_version", month="snapshot_month").agg(
        separation=score.mean(), training_month=customers.training_month.max()
    )


def movements(_scope: Scope) -> Table:
    """Return which share of last month's customers is in another segment, or gone, per month."""
    migration = SEGMENT_MIGRATION.relation
    was_there = migration.from_segment != NEW
    is_there = migration.to_segment != GONE
    has_moved = was_there & is_there & (migration.from_segment != migration.to_segment)
    customers = migration.customers
    before = customers.sum(where=was_there)
    moved = customers.sum(where=has_moved).fill_null(0) / before
    gone = customers.sum(where=was_there & ~is_there).fill_null(0) / before
    return migration.group_by(month="snapshot_month").agg(
        moved_share=moved, gone_share=gone, moved_or_gone=moved + gone
    )


def sizes_before(_scope: Scope) -> Table:
    """Return each segment's customers now, a month and a year before, by one model.

    With all customers of those snapshots: who is in none of the segments that are left was in
    one that is empty now.
    """
    profiles, rfm = SEGMENT_PROFILES.relation, CUSTOMER_RFM.relation
    totals = rfm.group_by("snapshot_month").agg(customers=rfm.count())
    then = ["customers_last_month", "customers_last_year"]
    figures = profiles.select("segment", "customers", *then, month="snapshot_month")
    for name, months in {"last_month": 1, "last_year": 12}.items():
        # In DuckDB a date and an interval make a timestamp, whatever Ibis takes it for.
        later = totals.snapshot_month + ibis.interval(months=months)
        later = later.cast("timestamp").cast("date")
        totals_then = totals.select(**{"month": later, f"all_{name}": "customers"})
        figures = figures.left_join(totals_then, "month").drop("month_right")
    return figures


def typical_customers(_scope: Scope) -> Table:
    """Return what a segment's customers spend and order, now and in its snapshot before."""
    profiles = SEGMENT_PROFILES.relation
    version = ibis.window(group_by=["segment", "model_version"], order_by="snapshot_month")
    figures = {
        "month": profiles.snapshot_month,
        "customers": profiles.customers,
        "monetary": profiles.median_monetary,
        "frequency": profiles.mean_frequency,
    }
    before = {f"{name}_before": figure.lag().over(version) for name, figure in figures.items()}
    return profiles.select("segment", **figures, **before)
