"""The assets of this stage."""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import ibis

from customer_segments.installation import Installation
from customer_segments.months import months_of, shift
from customer_segments.quality.freshness import with_freshness
from customer_segments.quality.runner import stage_checks
from customer_segments.rfm.assets import months_before
from customer_segments.segments.actions import unusual_segments, with_action
from customer_segments.segments.judges import CHECKED
from customer_segments.segments.migration import segment_migration
from customer_segments.segments.profiles import EARLIER, segment_profiles
from customer_segments.segments.scoring import champion_version, label, most_clusters
from customer_segments.segments.tiers import with_account_tier
from customer_segments.storage import Contract
from customer_segments.storage.dagster_metadata import asset_attributes
from customer_segments.tables import CUSTOMER_SEGMENTS, SEGMENT_MIGRATION, SEGMENT_PROFILES

# Labels of the months wanted, snapshots from before them on, models, and their most clusters.
Figures = Callable[[ibis.Table, ibis.Table, ibis.Table, int], ibis.Table]
MIGRATION = """Count customers and money that moved from segment to segment since last month.

Last month is judged by the model that labelled this month: a refit moves nobody. First
purchases come from "New"; who is in no snapshot any more goes to "Gone". A month whose
month before was never scored has no rows."""
PROFILES = """How many customers each segment has, what they are like, and what to do about them.

A month and a year before are counted by the same model as the month itself."""


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    partitions = installed.months.partitions()
    monthly: Any = {
        "group_name": "segments",
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }

    @dg.asset(**monthly, **asset_attributes(CUSTOMER_SEGMENTS, "ibis"))
    def customer_segments(
        context: dg.AssetExecutionContext,
        customer_rfm: ibis.Table,
        kmeans_model: ibis.Table,
        champion_model: ibis.Table,
    ) -> ibis.Table:
        """Every customer at every month's end with a segment and a suggested action.

        All months are labelled by one model version, the champion's: a customer who moved
        between segments has moved, not the model. Who spends far more than others is marked as
        wholesale (``account_tier``), and kept. The action is that of the first line of the
        policy's ``[[actions]]`` that matches, else the segment's.
        """
        snapshots = _between(customer_rfm, *months_of(context.partition_keys))
        champion = champion_version(kmeans_model, champion_model)
        labelled = label(snapshots, champion, most_clusters(installed.warehouse.query))
        actions = installed.policy.actions
        if (own := unusual_segments(actions)) and (
            strange := own - {*installed.warehouse.query(champion)["segment"]}
        ):
            said = ", ".join(sorted(strange))
            context.log.warning(f"[[actions]] for {said}: no model has such a segment.")
        told = with_action(with_account_tier(labelled), actions)
        return told.select(*CUSTOMER_SEGMENTS.schema.names)

    def compared(
        contract: Contract, figures: Figures, months_back: int, description: str
    ) -> dg.AssetsDefinition:
        """Return an asset that sees the months before those that it is made for, too."""

        @dg.asset(
            name=contract.table,
            description=description,
            ins={"customer_rfm": dg.AssetIn(partition_mapping=months_before(months_back))},
            **monthly,
            **asset_attributes(contract, "ibis"),
        )
        def asset(
            context: dg.AssetExecutionContext,
            customer_segments: ibis.Table,
            customer_rfm: ibis.Table,
            kmeans_model: ibis.Table,
        ) -> ibis.Table:
            first, last = months_of(context.partition_keys)
            labels = _between(customer_segments, first, last)
            snapshots = _between(customer_rfm, shift(first, -months_back), last)
            most = most_clusters(installed.warehouse.query)
            return figures(labels, snapshots, kmeans_model, most)

        return asset

    assets = [
        customer_segments,
        compared(SEGMENT_MIGRATION, segment_migration, 1, MIGRATION),
        compared(SEGMENT_PROFILES, segment_profiles, max(EARLIER.values()), PROFILES),
    ]
    return dg.Definitions(
        assets=with_freshness(assets, installed), asset_checks=stage_checks(CHECKED, installed)
    )


def _between(table: ibis.Table, first: date, last: date) -> ibis.Table:
    return table.filter(table.snapshot_month.between(ibis.date(first), ibis.date(last)))
