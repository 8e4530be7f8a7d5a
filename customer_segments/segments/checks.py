"""Checks of ``customer_segments``: every customer of a snapshot is labelled, once, by one model."""

from collections.abc import Iterator

import dagster as dg
from ibis.expr.types import Table

from customer_segments.model.contracts import KMEANS_MODEL
from customer_segments.rfm.contracts import CUSTOMER_RFM
from customer_segments.segments.contracts import CUSTOMER_SEGMENTS
from customer_segments.storage import Warehouse
from customer_segments.storage.checks import (
    contract_result,
    reconciliation_result,
    selected,
    spine_specs,
)
from customer_segments.storage.ledger import pending_months

EXACT = "decimal(38, 4)"


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


@dg.multi_asset_check(specs=spine_specs(CUSTOMER_SEGMENTS), can_subset=True)
def customer_segments_checks(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; customers, orders and money agree with ``customer_rfm``."""
    expected = in_rfm(CUSTOMER_RFM.relation)
    actual = in_segments(CUSTOMER_SEGMENTS.relation, KMEANS_MODEL.relation)
    with warehouse.reading() as con:
        pending = pending_months(con, CUSTOMER_SEGMENTS)
        results = [
            contract_result(con, CUSTOMER_SEGMENTS),
            reconciliation_result(con, CUSTOMER_SEGMENTS, expected, actual, pending),
        ]
    yield from selected(context, results)
