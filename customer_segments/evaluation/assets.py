"""The assets of this stage. Slow evidence: part of the job ``evaluate``, of no other."""

import dagster as dg

from customer_segments import tables
from customer_segments.installation import Installation
from customer_segments.model.assets import snapshot_metadata
from customer_segments.model.launches import TRAINING_MONTH
from customer_segments.policy.model import Algorithms, Backtest
from customer_segments.policy.section import launchpad
from customer_segments.storage.dagster_metadata import asset_attributes, figures_table

GROUP = "evaluation"


class Comparing(Algorithms):
    """Which clusterings are compared, and on which snapshot."""

    training_month: str | None = TRAINING_MONTH


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    policy, query = installed.policy, installed.warehouse.query
    rfm, lines = tables.CUSTOMER_RFM.table, tables.CLEANED_TRANSACTIONS.table

    @dg.asset(
        group_name=GROUP, deps=[rfm], **asset_attributes(tables.ALGORITHM_COMPARISON, "scikitlearn")
    )
    @launchpad(Comparing, policy.algorithms)
    def algorithm_comparison(context: dg.AssetExecutionContext, config: Comparing) -> object:
        """Compare other clustering algorithms, and the classic RFM grid, on the same features.

        Each is held to the gates that a number of clusters is held to. Empty where customers are
        too few.
        """
        from customer_segments.evaluation.comparison import compare_labellings
        from customer_segments.evaluation.labellings import all_labellings, evaluated
        from customer_segments.model.features import training_customers, training_month
        from customer_segments.model.selection import LEAST_CUSTOMERS

        month = training_month(query, config.training_month, policy.source.today())
        customers = training_customers(query, month)
        _, features = evaluated(customers, config.seed)
        rows, labellings = [], all_labellings(features, config.n_clusters)
        if len(customers) < LEAST_CUSTOMERS:
            labellings = []
            context.log.warning(
                f"{len(customers):,} customers are too few to compare ways to group them: it "
                f"takes {LEAST_CUSTOMERS}. algorithm_comparison is empty."
            )
        for row in compare_labellings(features, labellings, config, month=month):
            rows.append(row)
            context.log.info(f"{row['labelling']} is compared.")
        reasons = (f"- **{row['labelling']}**: {row['reason']}" for row in rows)
        passing = ", ".join(row["labelling"] for row in rows if row["passes"]) or "none"
        said = {"passing": passing, "reasons": dg.MetadataValue.md("\n".join(reasons))}
        context.add_output_metadata(snapshot_metadata(month, features) | said)
        return tables.ALGORITHM_COMPARISON.arrow(rows)

    @dg.asset(
        group_name=GROUP,
        deps=[rfm, lines],
        **asset_attributes(tables.SEGMENT_BACKTEST, "scikitlearn"),
    )
    @launchpad(Backtest, policy.backtest)
    def segment_backtest(context: dg.AssetExecutionContext, config: Backtest) -> object:
        """Group customers as of past dates, and judge what that foretells of the months since.

        Empty where there is not enough history yet: twelve months before a date, and the longest
        horizon of complete months after it.
        """
        from customer_segments.evaluation.backtest import backtest_at
        from customer_segments.evaluation.findings import findings, means
        from customer_segments.evaluation.horizons import choose_dates, matched, outcomes
        from customer_segments.evaluation.labellings import evaluated
        from customer_segments.model.features import training_customers
        from customer_segments.months import shift

        rows, least = [], config.model_dump(include={"min_months", "min_customers"})
        dates = choose_dates(query, config, policy.source.today())
        if not dates:
            context.log.warning(
                f"No date to look back to yet: it takes {config.min_months} months of history and "
                f"{config.min_customers} customers before it ([backtest]), and "
                f"{max(config.horizons)} complete months after it. segment_backtest is empty."
            )
        for as_of in dates:
            before = shift(as_of, -1)
            snapshot = training_customers(query, before, **least, section="backtest")
            customers, features = evaluated(snapshot, config.seed)
            later = {}
            for months in sorted(set(config.horizons)):
                did = outcomes(tables.CLEANED_TRANSACTIONS.relation, as_of, months)
                later[months] = matched(customers, query(did))
            rows += backtest_at(features, later, config.n_clusters, as_of=as_of, seed=config.seed)
            context.log.info(f"Customers as of {as_of} are followed.")
        table = tables.SEGMENT_BACKTEST.arrow(rows)
        backtest = table.to_pandas()
        said = dg.MetadataValue.md("\n".join(f"- {sentence}" for sentence in findings(backtest)))
        days = ", ".join(map(str, dates)) or "none yet"
        figures = {"dates": days, "findings": said, "means": figures_table(means(backtest))}
        context.add_output_metadata(figures)
        return table

    return dg.Definitions(assets=[algorithm_comparison, segment_backtest])
