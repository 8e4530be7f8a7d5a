"""Who moved from which segment to which since last month, judged under one model.

Belongs here: pairing each month's labels with last month's snapshot, scored again, as pure
Ibis. Does not: scoring itself (``scoring``), how segments changed in size (``profiles``).
"""

import ibis
from ibis.expr.types import Table

from customer_segments.policy.model import MOST_CLUSTERS
from customer_segments.segments.scoring import label_by_version
from customer_segments.tables import GONE, NEW, SEGMENT_MIGRATION
from customer_segments.tables.money import SUM

KEY = ["snapshot_month", "customer_id"]


def segment_migration(
    segments: Table, rfm: Table, kmeans_model: Table, most: int = MOST_CLUSTERS
) -> Table:
    """Return how many customers, with how much money, moved between segments each month.

    Last month is judged by the version that labelled this month: a refit moves nobody. No rows for
    a month without labels, or one that ``comparable_months`` leaves out. ``segments`` are the
    months wanted, ``rfm`` those and the one before; a version has at most ``most`` clusters.
    """
    moves = customer_moves(segments, rfm, kmeans_model, most)
    totals = moves.group_by("snapshot_month", "from_segment", "to_segment").agg(
        customers=moves.count(),
        revenue_before=moves.revenue_before.sum().cast(SUM),
        revenue=moves.revenue.sum().cast(SUM),
    )
    totals = totals.mutate(revenue_moved=(totals.revenue - totals.revenue_before).cast(SUM))
    totals = totals.inner_join(versions_of(segments), "snapshot_month")
    return totals.select(*SEGMENT_MIGRATION.schema.names)


def customer_moves(segments: Table, rfm: Table, kmeans_model: Table, most: int) -> Table:
    """Return where each customer was last month and is now: a row per customer and month.

    Months as ``segment_migration`` has them. Columns ``snapshot_month``, ``customer_id``,
    ``from_segment``, ``to_segment``, ``revenue_before``, ``revenue``.
    """
    months, before = _months_before(segments, rfm, kmeans_model, most)
    after = segments.semi_join(months, "snapshot_month")
    after = after.select(*KEY, to_segment="segment", revenue="monetary")
    moves = after.outer_join(before, KEY)
    return moves.select(
        **{name: ibis.coalesce(moves[name], moves[f"{name}_right"]) for name in KEY},
        from_segment=moves.from_segment.fill_null(NEW),
        to_segment=moves.to_segment.fill_null(GONE),
        revenue_before=moves.revenue_before.fill_null(0),
        revenue=moves.revenue.fill_null(0),
    )


def with_origin(segments: Table, rfm: Table, kmeans_model: Table, most: int) -> Table:
    """Add ``from_segment``, as ``customer_moves`` has it: of who is there alone.

    Null where there is no month to compare with.
    """
    months, before = _months_before(segments, rfm, kmeans_model, most)
    known = segments.left_join(before.drop("revenue_before"), KEY).left_join(
        months.select("snapshot_month", is_compared=True), "snapshot_month"
    )
    origin = ibis.ifelse(known.is_compared, known.from_segment.fill_null(NEW), None)
    return known.select(*segments.columns, from_segment=origin)


def _months_before(
    segments: Table, rfm: Table, kmeans_model: Table, most: int
) -> tuple[Table, Table]:
    """Return the months to compare, and their customers of the month before, by their version.

    Who was labelled by the same version then is not scored again.
    """
    versions = versions_of(segments)
    months = versions.semi_join(comparable_months(rfm), "snapshot_month")
    of = ["snapshot_month", "model_version"]
    labelled = versions.select("model_version", snapshot_month=next_month(versions))
    same, others = months.semi_join(labelled, of), months.anti_join(labelled, of)
    told = segments.mutate(snapshot_month=next_month(segments)).semi_join(same, "snapshot_month")
    judged = rfm.mutate(snapshot_month=next_month(rfm)).inner_join(others, "snapshot_month")
    judged = label_by_version(judged, kmeans_model, most)
    both = (
        each.select(*KEY, from_segment="segment", revenue_before="monetary")
        for each in (told, judged)
    )
    return months, ibis.union(*both)


def versions_of(segments: Table) -> Table:
    """Return the model version of each month's labels."""
    return segments.group_by("snapshot_month").agg(model_version=segments.model_version.max())


def comparable_months(rfm: Table) -> Table:
    """Return the snapshot months that can be compared with the month before.

    A month without a snapshot before it is comparable if all its customers are new. If not,
    the month before was never taken, and to call everybody new would be wrong.
    """
    months = rfm.group_by("snapshot_month").agg(oldest=rfm.first_purchase_date.min())
    following = months.select(snapshot_month=next_month(months), has_before=True)
    months = months.left_join(following, "snapshot_month")
    is_first = months.oldest >= months.snapshot_month
    return months.filter(months.has_before.notnull() | is_first).select("snapshot_month")


def next_month(snapshots: Table, by: int = 1) -> ibis.Value:
    """Return the month after each snapshot's, or so many after it, or before if negative."""
    # In DuckDB a date and an interval make a timestamp, whatever Ibis takes it for.
    return (snapshots.snapshot_month + ibis.interval(months=by)).cast("timestamp").cast("date")
