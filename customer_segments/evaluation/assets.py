"""The assets of this stage. Slow evidence: part of the job ``evaluate``, of no other."""

import dagster as dg

from customer_segments import tables
from customer_segments.evaluation.comparison import compare_labellings
from customer_segments.evaluation.labellings import all_labellings, evaluated
from customer_segments.evaluation.ways import MONTHS_BEFORE, agreements
from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.model.assets import snapshot_metadata
from customer_segments.model.gates import FALLBACK, chosen_number
from customer_segments.model.selection import LEAST_CUSTOMERS
from customer_segments.model.training import training_month, training_pool
from customer_segments.months import shift
from customer_segments.policy.model import TRAINING_MONTH, Algorithms, Backtest
from customer_segments.storage.dagster_metadata import asset_attributes, figures_table

GROUP = "evaluation"


class Comparing(Algorithms):
    """Which clusterings are compared, and on which snapshot."""

    training_month: str = TRAINING_MONTH


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
        month = training_month(query, config.training_month, policy.source.today())
        features = evaluated(training_pool(query, month), config.seed)
        rows, labellings = [], all_labellings(features, config.n_clusters)
        if len(features) < LEAST_CUSTOMERS:
            labellings = []
            context.log.warning(
                f"{len(features):,} customers are too few to compare ways to group them: it "
                f"takes {LEAST_CUSTOMERS}. algorithm_comparison is empty."
            )
        for row in compare_labellings(features, labellings, config, month=month):
            rows.append(row)
            context.log.info(f"{row['labelling']} is compared.")
        reasons = (f"- **{row['labelling']}**: {row['reason']}" for row in rows)
        passing = ", ".join(row["labelling"] for row in rows if row["passes"]) or "none"
        said = {"passing": passing, "reasons": dg.MetadataValue.md("\n".join(reasons))}
        context.add_output_metadata(snapshot_metadata(month, len(features)) | said)
        return tables.ALGORITHM_COMPARISON.arrow(rows)

    def numbers_of(config: Backtest) -> list[int]:
        """Return the numbers of clusters to look back with: the evidence's, and the notebooks'."""
        selection = installed.warehouse.load(tables.MODEL_SELECTION).to_dict("records")
        return config.n_clusters or list(dict.fromkeys([chosen_number(selection), FALLBACK]))

    @dg.asset(
        group_name=GROUP,
        deps=[rfm, lines, tables.MODEL_SELECTION.table],
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
        from customer_segments.evaluation.horizons import choose_dates, followed

        rows, least = [], config.model_dump(include={"min_months", "min_customers"})
        dates, numbers = choose_dates(query, config, policy.source.today()), numbers_of(config)
        if not dates:
            context.log.warning(
                f"No date to look back to yet: it takes {config.min_months} months of history and "
                f"{config.min_customers} customers before it ([backtest]), and "
                f"{max(config.horizons)} complete months after it. segment_backtest is empty."
            )
        for as_of in dates:
            pool = training_pool(query, shift(as_of, -1), **least, section="backtest")
            later = {
                months: followed(query, tables.CLEANED_TRANSACTIONS.relation, as_of, months)
                for months in sorted(set(config.horizons))
            }
            rows += backtest_at(pool, later, numbers, as_of=as_of, seed=config.seed)
            context.log.info(f"Customers as of {as_of} are followed.")
        table = tables.SEGMENT_BACKTEST.arrow(rows)
        backtest = table.to_pandas()
        said = dg.MetadataValue.md("\n".join(f"- {sentence}" for sentence in findings(backtest)))
        days = ", ".join(map(str, dates)) or "none yet"
        figures = {"dates": days, "findings": said, "means": figures_table(means(backtest))}
        context.add_output_metadata(figures)
        return table

    @dg.asset(
        group_name=GROUP,
        deps=[rfm, tables.MODEL_SELECTION.table],
        **asset_attributes(tables.REFIT_AGREEMENT, "scikitlearn"),
    )
    def refit_agreement(context: dg.AssetExecutionContext) -> object:
        """Fit as of now and as of months before, and tell how alike the two label.

        How often to refit follows from it: what a refit changes is the model, and no customer.
        """
        month, config = training_month(query, None, policy.source.today()), policy.backtest
        pools = [(back, training_pool(query, shift(month, -back))) for back in (0, *MONTHS_BEFORE)]
        rows = agreements(pools, numbers_of(config), seed=config.seed)
        table = tables.REFIT_AGREEMENT.arrow(rows)
        shown = table.to_pandas()[["labelling", "months_before", "adjusted_rand_index"]]
        context.add_output_metadata({"agreement": figures_table(shown)})
        return table

    return dg.Definitions(assets=[algorithm_comparison, segment_backtest, refit_agreement])
