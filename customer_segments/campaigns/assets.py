"""The asset of this stage, on request: the job ``campaign``, and no other."""

import dagster as dg

from customer_segments import tables
from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.policy.model import Campaigns, launched_month
from customer_segments.storage.dagster_metadata import asset_attributes, figures_table


class Campaign(Campaigns):
    """Which lists are judged, and how their groups were drawn."""

    list_month: str = launched_month(
        "Snapshot month of the lists, YYYY-MM; empty for the newest one that three complete months "
        "follow."
    )


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    policy, query = installed.policy, installed.warehouse.query
    made_from = (tables.CUSTOMER_SEGMENTS, tables.CLEANED_TRANSACTIONS, tables.CUSTOMER_RFM)

    @dg.asset(
        group_name="evaluation",
        deps=[contract.table for contract in made_from],
        **asset_attributes(tables.CAMPAIGN_RESULT, "pandas"),
    )
    @launchpad(Campaign, policy.campaigns)
    def campaign_result(context: dg.AssetExecutionContext, config: Campaign) -> object:
        """Compare the test and control groups of a past month's lists on the three months since.

        Return rate and revenue per customer, by segment, each with the 95 % interval of the
        difference. It is what a campaign did only if somebody used the lists: turned to the test
        group, and left the control group alone.
        """
        from customer_segments.campaigns.result import CAVEAT, compared, followed, list_month
        from customer_segments.model.names import in_order

        month = list_month(query, config.list_month, policy.source.today())
        shared = {"list_month": month, "control_share": config.control_share}
        customers = query(followed(month, config.control_share))
        table = tables.CAMPAIGN_RESULT.arrow([shared | row for row in compared(customers)])
        frame = table.to_pandas().drop(columns=[*shared])
        names = in_order(frame["segment"])
        figures = figures_table(frame.set_index("segment").loc[names].reset_index())
        said = {"list_month": f"{month:%Y-%m}", "caveat": CAVEAT, "result": figures}
        context.add_output_metadata(said)
        return table

    return dg.Definitions(assets=[campaign_result])
