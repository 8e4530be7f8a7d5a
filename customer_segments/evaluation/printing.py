"""What the evaluation came to, as tables in a terminal.

Belongs here: reading this stage's tables and laying them out. Does not: running (``run``).
"""

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from customer_segments.evaluation.findings import FIGURES, findings, means
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import ALGORITHM_COMPARISON, SEGMENT_BACKTEST

if TYPE_CHECKING:
    import pandas as pd


def print_evaluation(settings: Settings, console: Console) -> None:
    """Print both tables of this stage, and what they say in words."""
    warehouse = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
    console.print(compared(warehouse.load(ALGORITHM_COMPARISON)))
    backtest = warehouse.load(SEGMENT_BACKTEST)
    if backtest.empty:
        console.print(
            "There is not enough history yet to look back to: see the log of segment_backtest."
        )
        return
    console.print(foretold(backtest))
    for sentence in findings(backtest):
        console.print(f"- {sentence}", highlight=False)


def compared(comparison: "pd.DataFrame") -> Grid:
    """Return the comparison as a table, narrow enough for 80 columns."""
    month = comparison["training_month"].iloc[0]
    best_first = comparison.sort_values(["passes", "silhouette"], ascending=False)
    return _grid(
        f"Ways to group {comparison['training_customers'].iloc[0]:,} customers of {month:%Y-%m}",
        ("Found", "Silh.", "ARI", "Jaccard", "Smallest", "Passes"),
        [
            (
                row.labelling,
                f"{row.n_clusters}",
                *map(_figure, (row.silhouette, row.stability, row.worst_jaccard)),
                f"{row.smallest_share:.1%}",
                "yes" if row.passes else "no",
            )
            for row in best_first.itertuples()
        ],
    )


def foretold(backtest: "pd.DataFrame") -> Grid:
    """Return the means of the longest horizon as a table."""
    horizon, dates = backtest["horizon_months"].max(), backtest["as_of"].drop_duplicates()
    said = ", ".join(f"{as_of:%Y-%m-%d}" for as_of in dates.sort_values())
    figures = means(backtest)
    longest = figures[figures["horizon_months"] == horizon].set_index("labelling")[[*FIGURES]]
    return _grid(
        f"What they foretell of {horizon} months, mean of {said}",
        ("Variance", "AUC", "Top tenth"),
        [(str(name), *map(_figure, row)) for name, row in longest.iterrows()],
    )


def _grid(title: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Grid:
    grid = Grid("", title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in headings:
        grid.add_column(heading, justify="right")
    for row in rows:
        grid.add_row(*row)
    return grid


def _figure(number: float) -> str:
    """Return a figure with three digits; a dash where it is null."""
    return f"{number:.3f}" if number == number else "-"
