"""The workbook that marketers open: a summary, a sheet per segment, who changed segment.

Belongs here: which sheets and columns it has, in whose words. Does not: cells (``sheets``),
headings and formats (``columns``), figures (``figures``).

The heading of a list is its first row, and nothing stands above it: so a sheet can be sorted,
filtered, and taken as it is by a mail merge or a mailing tool.
"""

from pathlib import Path
from statistics import median
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font

from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.figures import by_segment, total_of
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import month_name
from customer_segments.outputs.workbook.sheets import (
    add_sheet,
    add_table,
    append_rows,
    sheet_names,
    styled,
)
from customer_segments.private import replacing
from customer_segments.tables import GONE, NEW

SUMMARY_COLUMNS = columns_of(
    "segment customers share revenue revenue_share median_recency_days median_frequency "
    "median_monetary since_last_month since_last_year suggested_action"
)
CUSTOMER_COLUMNS = columns_of(
    "customer_id account country monetary frequency average_order_value products recency_days "
    "last_purchase_date first_purchase_date moved_from"
)
CHANGE_COLUMNS = columns_of(
    "customer_id account country from_segment to_segment monetary frequency recency_days "
    "last_purchase_date suggested_action",
    suggested_action="What to do now",
)
SUMMARY, CHANGES = "Summary", "Changes"
BOLD = Font("Calibri", 11, bold=True)


def write_workbook(view: MonthView, path: Path, *, is_sample: bool) -> None:
    """Write the workbook of a month.

    Parameters
    ----------
    is_sample
        Whether its customers are the invented ones of the bundled sample, which it then says.
    """
    customers = view.customers.to_pylist()
    for row in customers:
        row["account"] = row["account_tier"].capitalize()
        row["to_segment"] = row["segment"]
        row["moved_from"] = row["from_segment"] if row["from_segment"] != row["segment"] else None
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in view.clusters["segment"]}
    for row in customers:
        lists[row["segment"]].append(row)
    names = sheet_names([name for name, rows in lists.items() if rows], (SUMMARY, CHANGES))
    changes = [row for row in customers if row["moved_from"]]
    changes += [row | {"to_segment": GONE} for row in view.gone]

    workbook = Workbook(write_only=True)
    workbook.properties.creator = "Customer Segments"
    workbook.properties.title = f"Customer segments, {month_name(view.month)}"
    _add_summary(workbook, view, customers, is_sample=is_sample)
    for segment, name in names.items():
        add_table(workbook, name, CUSTOMER_COLUMNS, lists[segment])
    add_table(workbook, CHANGES, CHANGE_COLUMNS, changes)
    with replacing(path) as draft:
        workbook.save(draft)


def _add_summary(
    workbook: Workbook, view: MonthView, customers: list[dict[str, Any]], *, is_sample: bool
) -> None:
    rows = by_segment(view)
    total = total_of(rows) | {"segment": "All customers", "share": 1}
    # Exactly: sums of segments that were rounded differ.
    total["revenue"] = sum(row["monetary"] for row in customers)
    total["revenue_share"] = 1 if total["revenue"] > 0 else None
    for name in ("recency_days", "frequency", "monetary"):
        total[f"median_{name}"] = median(row[name] for row in customers)
    title = f"Customer segments at the end of {month_name(view.month)}"
    above: list[tuple[str | None, dict]] = [(title, {"font": Font("Calibri", 14, bold=True)})]
    above += [(sentence, {}) for sentence in _said(view, is_sample=is_sample)]
    above.append((None, {}))
    sheet = add_sheet(workbook, SUMMARY, SUMMARY_COLUMNS, [*rows, total], above=above)
    append_rows(sheet, SUMMARY_COLUMNS, rows)
    append_rows(sheet, SUMMARY_COLUMNS, [total], font=BOLD)
    sheet.append([])
    sheet.append([styled(sheet, "How to read it", font=BOLD)])
    for sentence in _reading(view.window_months):
        sheet.append([styled(sheet, sentence)])


def _said(view: MonthView, *, is_sample: bool) -> list[str]:
    """Return what has to be known of this month before its figures are read."""
    model, month, ends = view.clusters.iloc[0], month_name(view.month), view.newest_date
    said = [
        f"Segments by model {model['version']}, fitted on {month_name(model['training_month'])}."
    ]
    if is_sample:
        said.append(
            "THESE CUSTOMERS ARE INVENTED: they are the sample that comes with the program."
        )
    if not view.is_complete:
        said.append(
            f"{month} IS NOT COMPLETE: its data ends on {ends.day} {month_name(ends)}, and more "
            "orders may come in."
        )
    if view.customers["from_segment"].null_count == len(view.customers):
        said.append(f"There is no month before to compare with: the sheet {CHANGES} is empty.")
    return said


def _reading(window_months: int | None) -> list[str]:
    bought = f"bought in {window_months} months" if window_months else "ever bought"
    return [
        "Days since the last order include the last day of the month: who ordered on it has 1.",
        f"Spent is all that a customer {bought}, minus returns; an average order is before "
        "returns. Money is in the currency of the shop's data.",
        "Typical is the median: half of the segment's customers have less, half have more.",
        "Wholesale accounts are those that spent far more than most; nobody is left out.",
        f"The sheet {CHANGES} has the customers whose segment changed since last month; {NEW} in "
        "From means a first order in this month.",
        "Moved here from is empty for who was in the same segment last month.",
        "Last month and last year are judged by the same model as this month: a customer moved, "
        "not the model.",
    ]
