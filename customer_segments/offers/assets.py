"""The assets of this stage: part of the jobs ``recommend`` and ``evaluate``, not of a run."""

from datetime import timedelta

import dagster as dg

from customer_segments import tables
from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.policy.rules import Recommend
from customer_segments.storage.dagster_metadata import asset_attributes

GROUP = "outputs"
DAY = timedelta(days=1)
NO_PRODUCTS = "The files name no products (stock_code), so there is nothing to offer: {} is empty."


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    policy, warehouse = installed.policy, installed.warehouse
    cleaned, lines = tables.CLEANED_TRANSACTIONS.relation, tables.CLEANED_TRANSACTIONS.table
    labels = tables.CUSTOMER_SEGMENTS

    @dg.asset(
        group_name=GROUP,
        deps=[lines],
        **asset_attributes(tables.PRODUCT_RECOMMENDATIONS, "ibis", "numpy"),
    )
    @launchpad(Recommend, policy.recommend)
    def product_recommendations(context: dg.AssetExecutionContext, config: Recommend) -> object:
        """List what to offer each customer next: products to buy again, and products new to them.

        By all that is known on the day after the newest sale. Empty where files name no products.
        """
        from customer_segments.offers.history import history, newest_sale
        from customer_segments.offers.lists import lists, recommendations
        from customer_segments.offers.similarity import similarity

        with warehouse.reading() as con:
            newest = newest_sale(con, cleaned)
            known = history(con, cleaned, newest + DAY) if newest else None
        if not known:
            context.log.warning(NO_PRODUCTS.format("product_recommendations"))
            return tables.PRODUCT_RECOMMENDATIONS.arrow([])
        goes_with = similarity(known)
        said = {"as_of": str(known.as_of), "customers": len(known.customers)}
        said["products"] = int(known.is_sold(config.sold_days).sum())
        context.add_output_metadata(said | {"similarity": type(goes_with).__name__})
        return recommendations(known, lists(known, goes_with, config))

    @dg.asset(
        group_name=GROUP,
        deps=[lines, labels.table],
        **asset_attributes(tables.SEGMENT_PRODUCTS, "ibis"),
    )
    def segment_products(context: dg.AssetExecutionContext) -> object:
        """List what customers of each segment, by the newest labels, bought more than others.

        It explains segments; offers are made by customer, and do not get better by the segment.
        """
        from customer_segments.offers.history import newest_sale
        from customer_segments.offers.lift import segment_products as lifted

        with warehouse.reading() as con:
            newest = newest_sale(con, cleaned)
        if not newest:
            context.log.warning(NO_PRODUCTS.format("segment_products"))
            return tables.SEGMENT_PRODUCTS.arrow([])
        return lifted(cleaned, labels.relation, newest + DAY)

    @dg.asset(
        group_name="evaluation",
        deps=[lines],
        **asset_attributes(tables.RECOMMENDATION_BACKTEST, "ibis", "numpy"),
    )
    @launchpad(Recommend, policy.recommend)
    def recommendation_backtest(context: dg.AssetExecutionContext, config: Recommend) -> object:
        """Make the lists as of a past day, and hold them against what was bought since.

        As of the newest first day of a month that three complete months follow. Empty where there
        is none, or files name no products.
        """
        from customer_segments.offers.backtest import backtest, bought_since, newest_date
        from customer_segments.offers.history import history, newest_sale

        rows: list[dict] = []
        with warehouse.reading() as con:
            if newest := newest_sale(con, cleaned):
                as_of = newest_date(newest, policy.source.today())
                known = history(con, cleaned, as_of)
                since = con.to_pyarrow(bought_since(cleaned, as_of))
        if newest and len(known.products):
            rows = backtest(known, since, config.sold_days)
        if not rows:
            context.log.warning(
                "Offers cannot be judged yet: it takes products, sales of them, and three complete "
                "months after these. recommendation_backtest is empty."
            )
        return tables.RECOMMENDATION_BACKTEST.arrow(rows)

    return dg.Definitions(
        assets=[product_recommendations, segment_products, recommendation_backtest]
    )
