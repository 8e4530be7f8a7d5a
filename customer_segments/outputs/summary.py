"""What a command is told to have done, as tables in a terminal.

Belongs here: laying out a month's view for people. Does not: evaluation and offers
(``evaluated``), running.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from customer_segments.installation import Installation
from customer_segments.model.champion import in_force
from customer_segments.model.names import in_order
from customer_segments.months import between
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.figures import by_segment
from customer_segments.outputs.queries import KEPT, findings_of
from customer_segments.outputs.reading import read_totals
from customer_segments.outputs.view import MonthTotals
from customer_segments.settings import Settings
from customer_segments.shown import (
    is_served,
    labelled_months,
    report_path,
    shown_month,
    workbook_path,
)
from customer_segments.tables import CHAMPION_MODEL, KMEANS_MODEL

SEGMENT_COLUMNS = columns_of(
    "segment customers share median_recency_days median_frequency median_monetary revenue_share",
    revenue_share="Revenue",
)


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
    if settings.misses_config:
        said = f"{settings.config} is not there: the rules are the defaults."
        console.print(f"[yellow]{escape(said)}[/]", soft_wrap=True)
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
        today, currency = installed.months.today, installed.policy.source.currency
        # The tables of a lake are far away; the copy is here.
        is_copied = is_served(state, installed.copy.last_state())
        source = installed.copy if is_copied else installed.warehouse
        view = read_totals(source, month, today, currency)
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
    console.print(f"Warehouse: {path}", highlight=False, soft_wrap=True, markup=False)
    console.print("See it in the Dagster UI: `customer-segments ui` (or `make ui`).")


def segments_grid(view: MonthTotals) -> Table:
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
            console.print(f"{word}: {file}", highlight=False, soft_wrap=True, markup=False)


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


def by_rank(installed: Installation, table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
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
