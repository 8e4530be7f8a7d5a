"""Whether segments are what they were: their sizes, their shape, who moves, who is typical.

Belongs here: figures per month as Ibis. Does not: thresholds and verdicts (``judging``), running
it (``checks``).
"""

import ibis
from ibis.expr.types import Table

from customer_segments.monitoring.months import Span
from customer_segments.segments.scoring import squared_distance, with_logs
from customer_segments.tables import GONE, NEW


def smallest_segments(segments: Table, model: Table) -> Table:
    """Return the smallest segment's share per snapshot: 0 where nobody is in one of the model's."""
    clusters = model.select("segment", model_version=model.version)
    labels = segments.select("snapshot_month", "segment", "model_version")
    months = labels.select("snapshot_month", "model_version").distinct()
    sizes = labels.group_by("snapshot_month", "segment").agg(customers=labels.count())
    all_sizes = months.inner_join(clusters, "model_version").left_join(
        sizes, ["snapshot_month", "segment"]
    )
    customers = all_sizes.customers.fill_null(0)
    return all_sizes.group_by("snapshot_month").agg(
        smallest=all_sizes.segment.argmin(customers),
        smallest_share=customers.min() / customers.sum(),
    )


def separation(segments: Table, model: Table, months: Span) -> Table:
    """Return the simplified silhouette of each snapshot under the version that labelled it.

    Of the months to judge, and of those that the versions were trained on.

    The silhouette with distances to centroids in place of those to all other customers
    (Hruschka, de Castro and Campello 2004): linear in customers, so that each month can have it.
    It lies above the full one, and is to be compared with itself only.
    """
    logs = with_logs(segments).rename(own_cluster="cluster").drop("segment", "suggested_action")
    pairs = logs.inner_join(model, logs.model_version == model.version)
    pairs = pairs.filter(
        months.covers(pairs.snapshot_month) | (pairs.snapshot_month == pairs.training_month)
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
    return customers.group_by("snapshot_month", "model_version").agg(
        separation=score.mean(), training_month=customers.training_month.max()
    )


def movements(migration: Table) -> Table:
    """Return which share of last month's customers is in another segment, or gone, per month."""
    was_there = migration.from_segment != NEW
    is_there = migration.to_segment != GONE
    has_moved = was_there & is_there & (migration.from_segment != migration.to_segment)
    customers = migration.customers
    before = customers.sum(where=was_there)
    return migration.group_by("snapshot_month").agg(
        moved_share=customers.sum(where=has_moved).fill_null(0) / before,
        gone_share=customers.sum(where=was_there & ~is_there).fill_null(0) / before,
    )


def sizes_before(profiles: Table, rfm: Table) -> Table:
    """Return each segment's customers now, a month and a year before, by one model.

    With all customers of those snapshots: who is in none of the segments that are left was in
    one that is empty now.
    """
    totals = rfm.group_by("snapshot_month").agg(customers=rfm.count())
    figures = profiles.select(
        "snapshot_month", "segment", "customers", "customers_last_month", "customers_last_year"
    )
    for name, months in {"last_month": 1, "last_year": 12}.items():
        # In DuckDB a date and an interval make a timestamp, whatever Ibis takes it for.
        later = totals.snapshot_month + ibis.interval(months=months)
        then = totals.select(
            snapshot_month=later.cast("timestamp").cast("date"), **{f"all_{name}": "customers"}
        )
        figures = figures.left_join(then, "snapshot_month").drop("snapshot_month_right")
    return figures


def typical_customers(profiles: Table) -> Table:
    """Return what a segment's customers spend and order, now and in its snapshot before."""
    version = ibis.window(group_by=["segment", "model_version"], order_by="snapshot_month")
    return profiles.select(
        "snapshot_month",
        "segment",
        "customers",
        monetary=profiles.median_monetary,
        frequency=profiles.mean_frequency,
        month_before=profiles.snapshot_month.lag().over(version),
        customers_before=profiles.customers.lag().over(version),
        monetary_before=profiles.median_monetary.lag().over(version),
        frequency_before=profiles.mean_frequency.lag().over(version),
    )
