"""What the tables of this stage should add up to, and what they do.

Belongs here: pairs of relations that hold the same rows if all is well, as pure Ibis. Does not:
comparing them (``checks``).
"""

from datetime import date
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments.segments.migration import comparable_months, next_month
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.tables import CUSTOMER_RFM, GONE, NEW, SEGMENT_MIGRATION

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

EXACT = "decimal(38, 4)"
# In place of a segment: what is compared is a whole snapshot.
ALL = "(all of last month)"


def in_rfm(rfm: Table) -> Table:
    """Return customers, orders and money per snapshot; all of them need a known label."""
    return rfm.group_by("snapshot_month").agg(
        customers=rfm.count(),
        labelled=rfm.count(),
        orders=rfm.frequency.sum().cast("int64"),
        revenue=rfm.monetary.cast(EXACT).sum(),
    )


def in_segments(segments: Table, model: Table) -> Table:
    """Return the same of the labelled customers; labels count if their model version has them."""
    known = model.select(
        "segment", "cluster", model_version=model.version, known_segment=model.segment
    )
    rows = segments.left_join(known, ["model_version", "cluster", "segment"])
    return rows.group_by("snapshot_month").agg(
        customers=rows.count(),
        labelled=rows.known_segment.count(),
        orders=rows.frequency.sum().cast("int64"),
        revenue=rows.monetary.cast(EXACT).sum(),
    )


def by_segment(rows: Table) -> Table:
    """Return customers and money per snapshot and segment."""
    return rows.group_by("snapshot_month", "segment").agg(
        customers=rows.count(), revenue=rows.monetary.cast(EXACT).sum()
    )


def in_profiles(profiles: Table) -> Table:
    """Return the same as the profiles have it."""
    return profiles.select(
        "snapshot_month", "segment", "customers", revenue=profiles.revenue.cast(EXACT)
    )


def both_months(segments: Table, rfm: Table) -> Table:
    """Return each segment of a month, and the whole snapshot of the month before it."""
    months = segments.select("snapshot_month").distinct()
    months = months.semi_join(comparable_months(rfm), "snapshot_month")
    last_month = rfm.select("monetary", snapshot_month=next_month(rfm), segment=ibis.literal(ALL))
    sides = by_segment(segments), by_segment(last_month)
    return _sides(*(side.semi_join(months, "snapshot_month") for side in sides))


def in_migration(migration: Table) -> Table:
    """Return the same from the moves: those to each segment, and all that do not start as new."""
    arrived = migration.filter(migration.to_segment != GONE)
    left = migration.filter(migration.from_segment != NEW)
    return _sides(
        arrived.group_by("snapshot_month", segment="to_segment").agg(
            customers=arrived.customers.sum().cast("int64"),
            revenue=arrived.revenue.cast(EXACT).sum(),
        ),
        left.group_by("snapshot_month", segment=ibis.literal(ALL)).agg(
            customers=left.customers.sum().cast("int64"),
            revenue=left.revenue_before.cast(EXACT).sum(),
        ),
    )


def _sides(after: Table, before: Table) -> Table:
    """Put figures of this month and of last month below each other, in columns of their own."""
    nobody, nothing = ibis.literal(0, "int64"), ibis.literal(0, EXACT)
    keys = ["snapshot_month", "segment"]
    figures = ["customers", "revenue"]
    return after.select(*keys, *figures, customers_before=nobody, revenue_before=nothing).union(
        before.select(
            *keys,
            customers=nobody,
            revenue=nothing,
            customers_before="customers",
            revenue_before="revenue",
        )
    )


def months_after_a_change(con: "Backend") -> list[date]:
    """Return months of the migration whose last month's snapshot changed since they were made."""
    lines = PUBLICATIONS.relation
    snapshots = lines.filter(lines.table_name == CUSTOMER_RFM.table, lines.is_changed)
    snapshots = snapshots.select("publication", snapshot_month="month")
    changed = snapshots.select("publication", snapshot_month=next_month(snapshots))
    changed = changed.group_by("snapshot_month").agg(changed=changed.publication.max())
    own = lines.filter(lines.table_name == SEGMENT_MIGRATION.table)
    own = own.group_by(snapshot_month="month").agg(made=own.publication.max())
    both = own.inner_join(changed, "snapshot_month")
    rows = con.to_pyarrow(both.filter(both.changed > both.made).select("snapshot_month"))
    return rows["snapshot_month"].to_pylist()
