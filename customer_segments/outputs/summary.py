"""What a command is told to have done, as tables in a terminal.

Belongs here: laying out a month's view, and the evaluation, for people. Does not: running.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from customer_segments.evaluation.findings import FIGURES, findings, means
from customer_segments.installation import Installation
from customer_segments.model.champion import in_force
from customer_segments.months import between
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.figures import by_segment
from customer_segments.outputs.pictures.palette import in_order
from customer_segments.outputs.queries import KEPT, findings_of
from customer_segments.outputs.reading import read_month
from customer_segments.outputs.view import MonthView
from customer_segments.settings import Settings
from customer_segments.shown import labelled_months, report_path, shown_month, workbook_path
from customer_segments.tables import (
    ALGORITHM_COMPARISON,
    CHAMPION_MODEL,
    KMEANS_MODEL,
    PRODUCT_RECOMMENDATIONS,
    RECOMMENDATION_BACKTEST,
    SEGMENT_BACKTEST,
    SEGMENT_PRODUCTS,
    SEGMENT_VALUE_BACKTEST,
    VALUE_BACKTEST,
)
from customer_segments.value.backtest import MAX_TOTAL_ERROR
from customer_segments.value.backtest import means as value_means

if TYPE_CHECKING:
    import pandas as pd

SEGMENT_COLUMNS = columns_of(
    "segment customers share median_recency_days median_frequency median_monetary revenue_share",
    revenue_share="Revenue",
)
SHOWN_PRODUCTS = 3
# Of the evaluation: columns with their headings.
COMPARED = {"labelling": "", "n_clusters": "Found", "silhouette": "Silh.", "stability": "ARI"}
COMPARED |= {"worst_jaccard": "Jaccard", "smallest_share": "Smallest", "passes": "Passes"}
FORETOLD = dict(zip(("labelling", *FIGURES), ("", "Variance", "AUC", "Top tenth"), strict=True))

SPENT = {"forecast": "", "horizon_months": "Months", "bias": "Bias", "mae": "MAE"}
SPENT |= {"spearman": "Rank", "decile_error": "Tenths", "coverage": "Inside"}
OFFERED = {"list": "", "customers": "Customers", "hit_rate": "HR@10"}
OFFERED |= {"recall": "Recall@20", "ndcg": "NDCG@10"}


def print_input(installed: Installation, console: Console) -> None:
    """Say what is read, and loudly if it is the sample."""
    settings = installed.settings
    if settings.uses_sample:
        console.print(
            "[yellow]No workbook in data/source/ and nothing configured: this uses the bundled "
            "sample of invented customers.[/]\nFor the real thing: `customer-segments download` "
            "(or `make download`) fetches UCI's Online Retail II; or put your own workbooks into "
            "data/source/."
        )
    files = [] if installed.policy.source.database else settings.source_files()
    names = ", ".join(file.name for file in files)
    said = f"{names} in {installed.input}" if names else f"the database {installed.input}"
    console.print(f"Input: {said}", highlight=False, soft_wrap=True, markup=False)


def print_summary(installed: Installation, console: Console, month: date | None = None) -> None:
    """Print rows kept and rejected, segments (of ``shown_month`` unless another is given)."""
    state = installed.warehouse.state()
    newest = max(labelled_months(installed, state), default=None)
    month = month or shown_month(installed, state)
    if month and newest:
        today, policy = installed.months.today, installed.policy
        share, currency = policy.campaigns.control_share, policy.source.currency
        view = read_month(installed.warehouse, month, today, share, currency)
        counts = view.rows.groupby("reason")["rows"].sum().to_dict()
        print_rows(counts.pop(KEPT), counts, console)
        console.print(segments_grid(view))
        said = "Days since the last order, orders and money are medians per customer."
        console.print(f"{said} Money is in {currency}." if currency else said, style="dim")
        if month < newest and not state.is_complete(newest, today):
            console.print(f"{newest:%Y-%m} is labelled as well, and not complete yet.", style="dim")
        if view.caution:
            console.print(f"[yellow]Take care: {escape(view.caution)}.[/]", soft_wrap=True)
    path = installed.settings.warehouse_path
    console.print(f"Warehouse: {path}", highlight=False, soft_wrap=True)
    console.print("See it in the Dagster UI: `customer-segments ui` (or `make ui`).")


def segments_grid(view: MonthView) -> Table:
    """Return a month's segments as a table, in the model's order.

    It is narrow enough for a terminal of 80 columns, also with long names and large sums.
    """
    rows = [
        [column.text(row, is_short=True) for column in SEGMENT_COLUMNS] for row in by_segment(view)
    ]
    headings = [column.short for column in SEGMENT_COLUMNS]
    until = "" if view.is_complete else f", until {view.last_day}"
    return grid(f"Segments of {view.month:%Y-%m}{until}", headings, rows)


def print_files(settings: Settings, first: date, last: date, console: Console) -> None:
    """Print where the reports and workbooks of months are, those that are there."""
    for word, path in (("Report", report_path), ("Workbook", workbook_path)):
        files = [path(settings.reports_path, month) for month in between(first, last)]
        for file in filter(Path.is_file, files):
            console.print(f"{word}: {file}", highlight=False, soft_wrap=True)


def print_rows(kept: int, rejected: dict[str, int], console: Console) -> None:
    """Print how many rows were kept, and how many rejected by reason."""
    total = kept + sum(rejected.values())
    counts = [("kept", kept), *sorted(rejected.items(), key=lambda item: -item[1])]
    rows = [(reason, f"{rows:,}", f"{rows / total:.1%}") for reason, rows in counts]
    console.print(grid(f"Rows: {total:,}", ("", "Rows", "Share"), rows))


def print_findings(installed: Installation, console: Console) -> None:
    """Print what checks found that stands out, the newest verdict of each on each month."""
    for row in installed.warehouse.query(findings_of()).itertuples():
        month = f", {row.month:%Y-%m}" if row.month == row.month else ""
        console.print(f"[yellow]{row.table_name}, {row.check_name}{month}[/]: {escape(row.said)}")


def print_evaluation(installed: Installation, console: Console) -> None:
    """Print what was compared and foretold, and what it says in words."""
    comparison, backtest = map(installed.warehouse.load, (ALGORITHM_COMPARISON, SEGMENT_BACKTEST))
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


def print_value(installed: Installation, console: Console) -> None:
    """Print how well it was foretold what customers spend, and which totals are near enough."""
    backtest, totals = map(installed.warehouse.load, (VALUE_BACKTEST, SEGMENT_VALUE_BACKTEST))
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
    offers = PRODUCT_RECOMMENDATIONS.relation
    figures = {"customers": offers.customer_id.nunique(), "offers": offers.count()}
    of_lists = offers.group_by("list").agg(**figures, as_of=offers.as_of.max())
    counted = installed.warehouse.query(of_lists.order_by("list"))
    if counted.empty:
        console.print("The files name no products, so there is nothing to offer.")
        return
    rows = [(row.list, f"{row.customers:,}", f"{row.offers:,}") for row in counted.itertuples()]
    title = f"What to offer next, as of {counted['as_of'].max():%Y-%m-%d}"
    console.print(grid(title, ("", "Customers", "Offers"), rows))
    for segment, of in by_rank(installed, installed.warehouse.load(SEGMENT_PRODUCTS)):
        names = of["description"].fillna(of["stock_code"]).head(SHOWN_PRODUCTS)
        said = escape(f"{segment} bought more than others: {'; '.join(names.str.strip())}.")
        console.print(said, highlight=False, soft_wrap=True)
    console.print("They are in product_recommendations and segment_products.", style="dim")


def print_judged_offers(installed: Installation, console: Console) -> None:
    """Print how good offers were as of a past day, if that can be told yet."""
    judged = installed.warehouse.load(RECOMMENDATION_BACKTEST)
    if not judged.empty:
        title = f"Offers as of {judged['as_of'].max():%Y-%m-%d}, by the three months since"
        console.print(_grid_of(title, judged, OFFERED))


def by_rank(installed: Installation, table: "pd.DataFrame") -> list[tuple[str, "pd.DataFrame"]]:
    """Return the rows of each segment, in the champion's order."""
    champion, _ = in_force(installed.warehouse.load(CHAMPION_MODEL))
    clusters = installed.warehouse.load(KMEANS_MODEL)
    model = clusters[clusters["version"] == champion].sort_values("cluster")["segment"]
    return [(name, table[table["segment"] == name]) for name in in_order(table["segment"], model)]


def grid(title: str, headings: Iterable[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table of texts, names to the left and figures to the right."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for index, heading in enumerate(headings):
        table.add_column(heading, no_wrap=True, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _grid_of(title: str, frame: "pd.DataFrame", headings: dict[str, str]) -> Table:
    """Return these columns as a table, fractions with three digits, a dash where they are null."""

    def text(value: Any) -> str:
        if not isinstance(value, float):
            return f"{value}"
        return f"{value:.3f}" if value == value else "-"

    rows = frame[list(headings)].itertuples(index=False)
    return grid(title, headings.values(), [[*map(text, row)] for row in rows])
