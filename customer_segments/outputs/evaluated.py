"""What was evaluated and offered, as tables in a terminal.

Belongs here: how good segments, forecasts and offers are, and what is offered. Does not: a month
(``summary``), campaigns.
"""

from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from customer_segments import tables
from customer_segments.evaluation.findings import FIGURES, findings, means
from customer_segments.installation import Installation
from customer_segments.outputs.summary import by_rank, grid
from customer_segments.value.backtest import MAX_TOTAL_ERROR
from customer_segments.value.backtest import means as value_means

SHOWN_PRODUCTS = 3
# Of the evaluation: columns with their headings.
COMPARED = {"labelling": "", "n_clusters": "Found", "silhouette": "Silh.", "stability": "ARI"}
COMPARED |= {"worst_jaccard": "Jaccard", "smallest_share": "Smallest", "passes": "Passes"}
FORETOLD = dict(zip(("labelling", *FIGURES), ("", "Variance", "AUC", "Top tenth"), strict=True))

SPENT = {"forecast": "", "horizon_months": "Months", "bias": "Bias", "mae": "MAE"}
SPENT |= {"spearman": "Rank", "decile_error": "Tenths", "coverage": "Inside"}
OFFERED = {"list": "", "customers": "Customers", "hit_rate": "HR@10"}
OFFERED |= {"recall": "Recall@20", "ndcg": "NDCG@10"}


def print_evaluation(installed: Installation, console: Console) -> None:
    """Print how segments, forecasts and offers did, and what it says in words."""
    _print_groups(installed, console)
    _print_value(installed, console)
    judged = installed.warehouse.load(tables.RECOMMENDATION_BACKTEST)
    if not judged.empty:
        title = f"Offers as of {judged['as_of'].max():%Y-%m-%d}, by the three months since"
        console.print(_grid_of(title, judged, OFFERED))


def _print_groups(installed: Installation, console: Console) -> None:
    comparison, backtest = map(
        installed.warehouse.load, (tables.ALGORITHM_COMPARISON, tables.SEGMENT_BACKTEST)
    )
    if comparison.empty:
        console.print("There are too few customers to compare ways to group them.")
        return
    first = comparison.iloc[0]
    title = f"Ways to group {first['training_customers']:,} customers of "
    best_first = comparison.sort_values(["passes", "silhouette"], ascending=False).assign(
        smallest_share=lambda ways: ways["smallest_share"].map("{:.1%}".format),
        passes=lambda ways: ways["passes"].map({True: "yes", False: "no"}),
    )
    console.print(_grid_of(f"{title}{first['training_month']:%Y-%m}", best_first, COMPARED))
    if backtest.empty:
        said = "There is not enough history yet to look back to: see the log of segment_backtest."
        console.print(said)
        return
    foretold = means(backtest)
    horizon = foretold["horizon_months"].max()
    said = ", ".join(f"{as_of:%Y-%m-%d}" for as_of in sorted(backtest["as_of"].unique()))
    title = f"What they foretell of {horizon} months, mean of {said}"
    console.print(_grid_of(title, foretold[foretold["horizon_months"] == horizon], FORETOLD))
    for sentence in findings(backtest):
        console.print(f"- {sentence}", highlight=False)


def _print_value(installed: Installation, console: Console) -> None:
    backtest, totals = map(
        installed.warehouse.load, (tables.VALUE_BACKTEST, tables.SEGMENT_VALUE_BACKTEST)
    )
    if backtest.empty:
        said = "There is not enough history yet to look back to: see the log of value_backtest."
        console.print(said)
        return
    currency = installed.policy.source.currency
    title = f"What customers may spend: mean errors{f', money in {currency}' if currency else ''}"
    console.print(_grid_of(title, value_means(backtest), SPENT))
    near = [
        f"{row.segment} over {row.horizon_months} months ({row.error:.0%})"
        for segment, of in by_rank(installed, totals[totals["is_shown"]])
        for row in of.itertuples()
    ]
    said = f"Totals of segments that were less than {MAX_TOTAL_ERROR:.0%} off:"
    console.print(f"{said} {', '.join(near) or 'none'}.", highlight=False)


def print_offers(installed: Installation, console: Console) -> None:
    """Print how much is offered to how many, and three products of each segment's own."""
    offers = tables.PRODUCT_RECOMMENDATIONS.relation
    figures = {"customers": offers.customer_id.nunique(), "offers": offers.count()}
    of_lists = offers.group_by("list").agg(**figures, as_of=offers.as_of.max())
    counted = installed.warehouse.query(of_lists.order_by("list"))
    if counted.empty:
        console.print("The files name no products, so there is nothing to offer.")
        return
    rows = [(row.list, f"{row.customers:,}", f"{row.offers:,}") for row in counted.itertuples()]
    title = f"What to offer next, as of {counted['as_of'].max():%Y-%m-%d}"
    console.print(grid(title, ("", "Customers", "Offers"), rows))
    for segment, of in by_rank(installed, installed.warehouse.load(tables.SEGMENT_PRODUCTS)):
        names = of["description"].fillna(of["stock_code"]).head(SHOWN_PRODUCTS)
        said = escape(f"{segment} bought more than others: {'; '.join(names.str.strip())}.")
        console.print(said, highlight=False, soft_wrap=True)
    console.print("They are in product_recommendations and segment_products.", style="dim")


def _grid_of(title: str, frame: pd.DataFrame, headings: dict[str, str]) -> Table:
    """Return these columns as a table, fractions with three digits, a dash where they are null."""

    def text(value: Any) -> str:
        if not isinstance(value, float):
            return f"{value}"
        return f"{value:.3f}" if value == value else "-"

    rows = frame[list(headings)].itertuples(index=False)
    return grid(title, headings.values(), [[*map(text, row)] for row in rows])
