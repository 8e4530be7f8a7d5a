"""The asset of this stage."""

import dagster as dg
import ibis

from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.months import months_of
from customer_segments.policy.rules import Rfm
from customer_segments.quality.runner import stage_checks
from customer_segments.rfm.judges import CHECKED
from customer_segments.rfm.rfm import customer_rfm
from customer_segments.storage.dagster_metadata import asset_attributes
from customer_segments.tables import CUSTOMER_RFM


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    partitions = installed.months.partitions()

    @dg.asset(
        name="customer_rfm",
        group_name="customers",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        # A snapshot looks back on every month before it, not on its own alone.
        ins={"cleaned_transactions": dg.AssetIn(partition_mapping=months_before(600))},
        **asset_attributes(CUSTOMER_RFM, "ibis"),
    )
    @launchpad(Rfm, installed.policy.rfm)
    def customer_rfm_asset(
        context: dg.AssetExecutionContext, config: Rfm, cleaned_transactions: ibis.Table
    ) -> ibis.Table:
        """Recency, frequency and monetary value of each customer at the end of each month.

        The newest month, while it is not complete, is the state after the data's last day.
        Credit notes are netted, so that a giant order that was taken back minutes later makes
        nobody a champion.
        """
        first, last = months_of(context.partition_keys)
        today = installed.policy.source.today()
        return customer_rfm(cleaned_transactions, first, last, today, config.window_months)

    return dg.Definitions(
        assets=[customer_rfm_asset], asset_checks=stage_checks(CHECKED, installed)
    )


def months_before(months: int) -> dg.PartitionMapping:
    """Return how a month needs of a table itself and so many months before it."""
    return dg.TimeWindowPartitionMapping(
        start_offset=-months, allow_nonexistent_upstream_partitions=True
    )
