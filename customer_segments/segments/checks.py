"""Checks of this stage.

Every customer of a snapshot is labelled, once, and counted, once; segments are what they were.
"""

from collections.abc import Iterator

import dagster as dg

from customer_segments.monitoring.history import reported
from customer_segments.monitoring.months import span
from customer_segments.monitoring.spine import (
    all_passed,
    judge_contract,
    judge_reconciliation,
    spine_specs,
)
from customer_segments.segments import monitoring
from customer_segments.segments import reconciliation as sides
from customer_segments.segments.judging import (
    judge_drift,
    judge_movement,
    judge_separation,
    judge_smallest,
    judge_typical,
)
from customer_segments.segments.thresholds import (
    MigrationThresholds,
    ProfileThresholds,
    SegmentThresholds,
)
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import latest
from customer_segments.storage.pending import pending_months
from customer_segments.storage.state import State
from customer_segments.tables import (
    CUSTOMER_RFM,
    CUSTOMER_SEGMENTS,
    KMEANS_MODEL,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)

SEGMENT_SPECS = [
    dg.AssetCheckSpec(
        "smallest_segment",
        asset=CUSTOMER_SEGMENTS.table,
        description="No segment has hardly any customers.",
    ),
    dg.AssetCheckSpec(
        "separation",
        asset=CUSTOMER_SEGMENTS.table,
        description="Customers lie as clearly in their segments as those the model was fitted on.",
    ),
]
MIGRATION_SPECS = [
    dg.AssetCheckSpec(
        "movement",
        asset=SEGMENT_MIGRATION.table,
        description="No more customers than usual moved to another segment since last month.",
    ),
]
PROFILE_SPECS = [
    dg.AssetCheckSpec(
        "drift",
        asset=SEGMENT_PROFILES.table,
        description="Segments are about as large as a month and a year before.",
    ),
    dg.AssetCheckSpec(
        "typical_customer",
        asset=SEGMENT_PROFILES.table,
        description="A segment's customers spend and order about as much as a month before.",
    ),
]


@dg.multi_asset_check(specs=[*spine_specs(CUSTOMER_SEGMENTS), *SEGMENT_SPECS], can_subset=True)
def customer_segments_checks(
    context: dg.AssetCheckExecutionContext,
    config: SegmentThresholds,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; customers, orders and money agree with ``customer_rfm``."""
    segments, model = CUSTOMER_SEGMENTS.relation, KMEANS_MODEL.relation
    expected, actual = sides.in_rfm(CUSTOMER_RFM.relation), sides.in_segments(segments, model)
    with warehouse.reading() as con:
        pending = pending_months(State.read(con), CUSTOMER_SEGMENTS)
        judged = [
            judge_contract(con, CUSTOMER_SEGMENTS),
            judge_reconciliation(con, CUSTOMER_SEGMENTS, expected, actual, pending),
        ]
        if all_passed(judged):
            months = span(context, con)
            snapshots = [*filter(None, latest(con, CUSTOMER_RFM.table))]
            own = segments.filter(months.covers(segments.snapshot_month))
            smallest = con.to_pyarrow(monitoring.smallest_segments(own, model)).to_pylist()
            separation = con.to_pyarrow(monitoring.separation(segments, model, months)).to_pylist()
            judged += [
                judge_smallest(smallest, snapshots, months, config),
                judge_separation(separation, months, config),
            ]
    yield from reported(context, warehouse, judged)


@dg.multi_asset_check(specs=[*spine_specs(SEGMENT_MIGRATION), *MIGRATION_SPECS], can_subset=True)
def segment_migration_checks(
    context: dg.AssetCheckExecutionContext,
    config: MigrationThresholds,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; moves add up to last month's snapshot and to this month's segments."""
    migration = SEGMENT_MIGRATION.relation
    expected = sides.both_months(CUSTOMER_SEGMENTS.relation, CUSTOMER_RFM.relation)
    actual = sides.in_migration(migration)
    with warehouse.reading() as con:
        pending = {
            *pending_months(State.read(con), SEGMENT_MIGRATION),
            *sides.months_after_a_change(con),
        }
        judged = [
            judge_contract(con, SEGMENT_MIGRATION),
            judge_reconciliation(con, SEGMENT_MIGRATION, expected, actual, sorted(pending)),
        ]
        if all_passed(judged):
            moves = con.to_pyarrow(monitoring.movements(migration)).to_pylist()
            judged.append(judge_movement(moves, span(context, con), config))
    yield from reported(context, warehouse, judged)


@dg.multi_asset_check(specs=[*spine_specs(SEGMENT_PROFILES), *PROFILE_SPECS], can_subset=True)
def segment_profiles_checks(
    context: dg.AssetCheckExecutionContext,
    config: ProfileThresholds,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; customers and money of each segment are those labelled so."""
    profiles, rfm = SEGMENT_PROFILES.relation, CUSTOMER_RFM.relation
    expected, actual = sides.by_segment(CUSTOMER_SEGMENTS.relation), sides.in_profiles(profiles)
    with warehouse.reading() as con:
        pending = pending_months(State.read(con), SEGMENT_PROFILES)
        judged = [
            judge_contract(con, SEGMENT_PROFILES),
            judge_reconciliation(con, SEGMENT_PROFILES, expected, actual, pending),
        ]
        if all_passed(judged):
            months, snapshots = span(context, con), [*filter(None, latest(con, CUSTOMER_RFM.table))]
            sizes = con.to_pyarrow(monitoring.sizes_before(profiles, rfm)).to_pylist()
            typical = con.to_pyarrow(monitoring.typical_customers(profiles)).to_pylist()
            judged += [
                judge_drift(sizes, snapshots, months, config),
                judge_typical(typical, snapshots, months, config),
            ]
    yield from reported(context, warehouse, judged)
