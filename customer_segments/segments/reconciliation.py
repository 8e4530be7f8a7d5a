"""What the tables of this stage should add up to, and what they do.

Belongs here: pairs of relations that hold the same rows if all is well, as pure Ibis. Does not:
comparing them (``quality.spine``).
"""

from datetime import date

import ibis
from ibis.expr.types import Table

from customer_segments import tables
from customer_segments.months import shift
from customer_segments.quality.spine import Spine
from customer_segments.rfm.judges import in_snapshots
from customer_segments.segments.migration import comparable_months, next_month
from customer_segments.storage.state import State
from customer_segments.tables.money import SUM

# In place of a segment: what is compared is a whole snapshot.
ALL = "(all of last month)"


def with_known(segments: Table, model: Table) -> Table:
    """Return labelled customers, with the label as ``known`` if their model version has it."""
    labels = model.select("segment", "cluster", model_version="version", known="segment")
    return segments.left_join(labels, ["model_version", "cluster", "segment"])


def both_months(segments: Table, rfm: Table) -> Table:
    """Return each segment of a month, and the whole snapshot of the month before it."""
    months = segments.select("snapshot_month").distinct()
    months = months.semi_join(comparable_months(rfm), "snapshot_month")
    last_month = rfm.select("monetary", snapshot_month=next_month(rfm), segment=ibis.literal(ALL))
    sides = in_snapshots(segments, "segment"), in_snapshots(last_month, "segment")
    return _sides(*(side.semi_join(months, "snapshot_month") for side in sides))


def in_migration(migration: Table) -> Table:
    """Return the same from the moves: those to each segment, and all that do not start as new."""
    arrived = migration.filter(migration.to_segment != tables.GONE)
    left = migration.filter(migration.from_segment != tables.NEW)
    sides = (
        (arrived, arrived.to_segment, arrived.revenue),
        (left, ibis.literal(ALL), left.revenue_before),
    )
    totals = []
    for moves, segment, revenue in sides:
        figures = {"customers": moves.customers.sum().cast("int64")}
        by_segment = moves.group_by("snapshot_month", segment=segment)
        totals.append(by_segment.agg(**figures, revenue=revenue.cast(SUM).sum()))
    return _sides(*totals)


def _sides(after: Table, before: Table) -> Table:
    """Put figures of this month and of last month below each other, in columns of their own."""
    nobody, nothing = ibis.literal(0, "int64"), ibis.literal(0, SUM)
    after = after.mutate(customers_before=nobody, revenue_before=nothing)
    before = before.rename(customers_before="customers", revenue_before="revenue")
    before = before.mutate(customers=nobody, revenue=nothing)
    return after.union(before.select(*after.columns))


def months_after_a_change(state: State) -> list[date]:
    """Return months of the migration whose last month's snapshot changed since they were made."""
    snapshots = state.months(tables.CUSTOMER_RFM.table)
    moves = state.months(tables.SEGMENT_MIGRATION.table).items()
    before = ((month, snapshots.get(shift(month, -1)), held) for month, held in moves)
    return [month for month, last, held in before if last and last.changed > held.publication]


_rfm, _segments = tables.CUSTOMER_RFM.relation, tables.CUSTOMER_SEGMENTS.relation
_profiles = tables.SEGMENT_PROFILES.relation
_known = with_known(_segments, tables.KMEANS_MODEL.relation)
# All customers need a known label.
LABELLED = Spine(
    (tables.CUSTOMER_SEGMENTS,),
    *(
        in_snapshots(rows, labelled=labels.count(), orders=rows.frequency.sum().cast("int64"))
        for rows, labels in ((_rfm, _rfm.customer_id), (_known, _known.known))
    ),
)
MOVED = Spine(
    (tables.SEGMENT_MIGRATION,),
    both_months(_segments, _rfm),
    in_migration(tables.SEGMENT_MIGRATION.relation),
    also_waiting=months_after_a_change,
)
COUNTED = Spine(
    (tables.SEGMENT_PROFILES,),
    in_snapshots(_segments, "segment"),
    _profiles.select("snapshot_month", "segment", "customers", revenue=_profiles.revenue.cast(SUM)),
)
