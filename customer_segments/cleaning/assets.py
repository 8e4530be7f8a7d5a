"""The assets of this stage: kept and rejected rows, of the same months and rules."""

import dagster as dg
import ibis

from customer_segments.cleaning.judges import CHECKED
from customer_segments.cleaning.rules import cleaned, rejected
from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.months import months_of
from customer_segments.policy.rules import Cleaning
from customer_segments.quality.runner import stage_checks
from customer_segments.storage.dagster_metadata import asset_attributes
from customer_segments.tables import CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    partitions = installed.months.partitions()

    # One step makes both tables, so that they can never be cleaned by different rules.
    @dg.multi_asset(
        name="clean_transactions",
        group_name="transactions",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        outs={
            "cleaned_transactions": dg.AssetOut(
                description=(
                    "Sale and credit lines that count, with exact revenue. Credit notes are "
                    "netted later, not dropped; repeated lines are flagged."
                ),
                **asset_attributes(CLEANED_TRANSACTIONS, "ibis"),
            ),
            "rejected_transactions": dg.AssetOut(
                description="Every other row of the workbooks, each with the one reason why.",
                **asset_attributes(REJECTED_TRANSACTIONS, "ibis"),
            ),
        },
    )
    @launchpad(Cleaning, installed.policy.cleaning)
    def clean_transactions(
        context: dg.AssetExecutionContext, config: Cleaning, raw_transactions: ibis.Table
    ) -> tuple[ibis.Table, ibis.Table]:
        """Give every raw row of the months its place."""
        first, last = months_of(context.partition_keys)
        return (
            cleaned(raw_transactions, config, first, last),
            rejected(raw_transactions, config, first, last),
        )

    return dg.Definitions(
        assets=[clean_transactions], asset_checks=stage_checks(CHECKED, installed)
    )
