"""The assets of this stage; the back-test is part of the job ``evaluate`` alone."""

import dagster as dg
import ibis

from customer_segments import tables
from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.months import month_of, months_of, shift
from customer_segments.policy.rules import Value
from customer_segments.quality.runner import stage_checks
from customer_segments.rfm.assets import months_before
from customer_segments.storage.dagster_metadata import asset_attributes, figures_table
from customer_segments.value import backtest
from customer_segments.value.customer_value import customer_value
from customer_segments.value.judges import CHECKED
from customer_segments.value.spent import LEAST_MONTHS


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    query, policy = installed.warehouse.query, installed.policy
    rfm, lines = tables.CUSTOMER_RFM.relation, tables.CLEANED_TRANSACTIONS.relation
    # The first snapshot with enough months, its own among them.
    first_expected = shift(installed.months.first, LEAST_MONTHS - 1)

    @dg.asset(
        name="customer_value",
        group_name="customers",
        partitions_def=installed.months.partitions(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        # What is expected is learned from the year and a half before, recency from all months.
        ins={"cleaned_transactions": dg.AssetIn(partition_mapping=months_before(600))},
        **asset_attributes(tables.CUSTOMER_VALUE, "ibis"),
    )
    @launchpad(Value, policy.value)
    def customer_value_asset(
        context: dg.AssetExecutionContext,
        config: Value,
        cleaned_transactions: ibis.Table,
        customer_rfm: ibis.Table,
    ) -> ibis.Table:
        """Revenue of the last twelve months, and what to expect in the next three and six.

        By a formula on last year's season, the customer's last twelve months and recency. What
        they would spend anyway: it says nothing of what a campaign changes.
        """
        first, last = months_of(context.partition_keys)
        if first < first_expected:
            said = f"Nothing is expected before {first_expected:%Y-%m}: it takes {LEAST_MONTHS} "
            context.add_output_metadata({"not_expected": f"{said}months of data."})
        window = policy.rfm.window_months
        tables_read = cleaned_transactions, customer_rfm
        return customer_value(*tables_read, first, last, config.decay_days, window)

    contracts = (tables.VALUE_BACKTEST, tables.SEGMENT_VALUE_BACKTEST)
    descriptions = (
        "How well the formula foretold what came, beside last year's revenue pro rata.",
        "How far totals of segments were off; those that are good enough are to be shown.",
    )

    @dg.multi_asset(
        name="backtest_of_value",
        group_name="evaluation",
        outs={
            contract.table: dg.AssetOut(description=said, **asset_attributes(contract, "ibis"))
            for contract, said in zip(contracts, descriptions, strict=True)
        },
        deps=[t.table for t in (tables.CUSTOMER_RFM, tables.CLEANED_TRANSACTIONS)]
        + [t.table for t in (tables.CUSTOMER_SEGMENTS, tables.CHAMPION_MODEL)],
    )
    @launchpad(Value, policy.value)
    def backtest_of_value(
        context: dg.AssetExecutionContext, config: Value
    ) -> tuple[object, object]:
        """Foretell the months after past dates by what was known then, and compare.

        Empty where no date has a year before it and complete months after it.
        """
        known = query(rfm.group_by("snapshot_month").agg(last=rfm.last_purchase_date.max()))
        dates, measured, totals = [], [], []
        if len(known):
            months, last_sale = known["snapshot_month"].map(month_of), known["last"].max().date()
            dates = backtest.dates_followed(months, last_sale, policy.source.today())
        if dates:
            window = policy.rfm.window_months
            followed = backtest.followed(lines, rfm, dates, config.decay_days, window)
            measured = query(backtest.value_backtest(followed))
            labels = tables.CUSTOMER_SEGMENTS.relation, tables.CHAMPION_MODEL.relation
            totals = query(backtest.segment_value_backtest(followed, *labels))
        if len(measured):
            means = {"means": figures_table(backtest.means(measured))}
            context.add_output_metadata(means, output_name=tables.VALUE_BACKTEST.table)
        else:
            context.log.warning(
                "No date to look back to yet: it takes 12 months before it and 3 complete months "
                "after it. value_backtest is empty."
            )
        return tables.VALUE_BACKTEST.arrow(measured), tables.SEGMENT_VALUE_BACKTEST.arrow(totals)

    return dg.Definitions(
        assets=[customer_value_asset, backtest_of_value],
        asset_checks=stage_checks(CHECKED, installed),
    )
