"""What a run or a dry run is told to have done, as tables in a terminal.

Belongs here: reading the warehouse for the summary and laying it out. Does not: running.
"""

from datetime import date
from pathlib import Path

import ibis
from ibis.expr.types import Table
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from customer_segments.exports.assets import workbook_path
from customer_segments.months import between
from customer_segments.reports.files import report_path
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_SEGMENTS, REJECTED_TRANSACTIONS


def print_input(settings: Settings, console: Console) -> None:
    """Say which files are read, and loudly if they are the sample."""
    if settings.uses_sample:
        console.print(
            "[yellow]No workbook in data/source/ and nothing configured: this uses the bundled "
            "sample of invented customers.[/]\nFor the real thing: `customer-segments download` "
            "(or `make download`) fetches UCI's Online Retail II; or put your own workbooks into "
            "data/source/."
        )
    names = ", ".join(file.name for file in settings.source_files())
    console.print(f"Input: {names} in {settings.input_dir}", highlight=False, soft_wrap=True)


def print_summary(settings: Settings, month: date | None, console: Console) -> None:
    """Print rows kept and rejected, the segments of a month, and where everything is."""
    warehouse = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
    print_rows(*row_counts(warehouse), console)
    if month:
        print_segments(segments_of(warehouse, month), month, console)
    console.print(f"Warehouse: {settings.warehouse_path}", highlight=False, soft_wrap=True)
    console.print("See it in the Dagster UI: `customer-segments ui` (or `make ui`).")


def print_segments(segments, month: date, console: Console) -> None:
    """Print a row per segment of a month."""
    if segments.empty:
        console.print(f"Nobody is labelled in {month:%Y-%m}.")
        return
    # Narrow enough for a terminal of 80 columns, also with long names and large sums.
    grid = Grid(title=f"Segments of {month:%Y-%m}", title_justify="left", box=SIMPLE_HEAD)
    grid.add_column("Segment", no_wrap=True)
    for heading in ("Customers", "Share", "Days", "Orders", "Money", "Revenue"):
        grid.add_column(heading, justify="right")
    for row in segments.itertuples():
        grid.add_row(
            row.segment,
            f"{row.customers:,}",
            f"{row.customers / segments['customers'].sum():.1%}",
            f"{row.recency:,.0f}",
            f"{row.frequency:,.0f}",
            f"{row.monetary:,.2f}",
            f"{row.revenue / segments['revenue'].sum():.1%}",
        )
    console.print(grid)
    console.print(
        "Days since the last order, orders and money are medians per customer.", style="dim"
    )


def print_files(settings: Settings, first: date, last: date, console: Console) -> None:
    """Print where the reports and workbooks of months are, those that are there."""
    months = list(between(first, last))
    for path in (report_path, workbook_path):
        files = [path(settings.reports_path, month) for month in months]
        for file in filter(Path.is_file, files):
            word = "Report" if path is report_path else "Workbook"
            console.print(f"{word}: {file}", highlight=False, soft_wrap=True)


def print_rows(kept: int, rejected: dict[str, int], console: Console) -> None:
    """Print how many rows were kept, and how many rejected by reason."""
    total = kept + sum(rejected.values())
    grid = Grid(title=f"Rows: {total:,}", title_justify="left", box=SIMPLE_HEAD)
    grid.add_column("")
    grid.add_column("Rows", justify="right")
    grid.add_column("Share", justify="right")
    for reason, rows in [("kept", kept), *sorted(rejected.items(), key=lambda item: -item[1])]:
        grid.add_row(reason, f"{rows:,}", f"{rows / total:.1%}")
    console.print(grid)


def row_counts(warehouse: Warehouse) -> tuple[int, dict[str, int]]:
    """Return rows kept, and rows rejected by reason, over all months."""
    cleaned, rejected = CLEANED_TRANSACTIONS.relation, REJECTED_TRANSACTIONS.relation
    kept = warehouse.query(cleaned.agg(rows=cleaned.count()))["rows"].iloc[0]
    reasons = warehouse.query(rejected.group_by("reason").agg(rows=rejected.count()))
    return int(kept), dict(zip(reasons["reason"], reasons["rows"].astype(int), strict=True))


def segments_of(warehouse: Warehouse, month: date):
    """Return a DataFrame with a row per segment of a month, the one with most money first."""
    labelled: Table = CUSTOMER_SEGMENTS.relation
    labelled = labelled.filter(labelled.snapshot_month == ibis.date(month))
    return warehouse.query(
        labelled.group_by("segment").agg(
            customers=labelled.count(),
            recency=labelled.recency_days.median(),
            frequency=labelled.frequency.median(),
            monetary=labelled.monetary.cast("float64").median(),
            revenue=labelled.monetary.sum().cast("float64"),
        )
    ).sort_values("revenue", ascending=False)
