"""The asset of this stage."""

import dagster as dg
import ibis

from customer_segments.months import months_of
from customer_segments.segments.contracts import CUSTOMER_SEGMENTS
from customer_segments.segments.scoring import champion_version, label
from customer_segments.storage.dagster_metadata import asset_attributes


def segment_assets(partitions: dg.MonthlyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the asset of this stage over the months given."""

    @dg.asset(
        group_name="segments",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        **asset_attributes(CUSTOMER_SEGMENTS, "ibis"),
    )
    def customer_segments(
        context: dg.AssetExecutionContext,
        customer_rfm: ibis.Table,
        kmeans_model: ibis.Table,
        champion_model: ibis.Table,
    ) -> ibis.Table:
        """Every customer at every month's end with a segment and a suggested action.

        All months are labelled by one model version, the champion's: a customer who moved
        between segments has moved, not the model.
        """
        first, last = months_of(context.partition_keys)
        snapshots = customer_rfm.filter(
            customer_rfm.snapshot_month.between(ibis.date(first), ibis.date(last))
        )
        return label(snapshots, champion_version(kmeans_model, champion_model))

    return [customer_segments]
