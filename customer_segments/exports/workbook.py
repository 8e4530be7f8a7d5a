"""The workbook that marketers open: a summary, a sheet per segment, who changed segment.

Belongs here: which sheets and columns it has, in whose words. Does not: cells and formats
(``sheets``), figures, which come from the tables.

The heading of a list is its first row, and nothing stands above it: so a sheet can be sorted,
filtered, and taken as it is by a mail merge or a mailing tool.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font

from customer_segments.exports.month import Month
from customer_segments.exports.sheets import (
    CHANGE,
    DATE,
    MONEY,
    SHARE,
    TENTHS,
    TEXT,
    WHOLE,
    Field,
    add_sheet,
    add_table,
    filled,
    headings,
    sheet_names,
    styled,
)
from customer_segments.months import is_complete
from customer_segments.private import replacing
from customer_segments.tables import GONE, NEW

SUMMARY_FIELDS = (
    Field("Segment", "segment", width=22),
    Field("Customers", "customers", WHOLE, 11),
    Field("Share of customers", "share", SHARE, 11),
    Field("Spent", "revenue", MONEY, 16),
    Field("Share of spending", "revenue_share", SHARE, 11),
    Field("Typical days since last order", "median_recency_days", WHOLE, 15),
    Field("Typical orders", "median_frequency", TENTHS, 10),
    Field("Typical spending", "median_monetary", MONEY, 12),
    Field("Change in customers since last month", "since_last_month", CHANGE, 17),
    Field("Change in customers since last year", "since_last_year", CHANGE, 17),
    Field("What to do", "suggested_action", width=80),
)
CUSTOMER_FIELDS = (
    Field("Customer", "customer_id", TEXT, 14),
    Field("Account", "account", width=11),
    Field("Country", "country", width=18),
    Field("Spent", "monetary", MONEY, 14),
    Field("Orders", "frequency", WHOLE, 9),
    Field("Average order", "average_order_value", MONEY, 12),
    Field("Products", "products", WHOLE, 10),
    Field("Days since last order", "recency_days", WHOLE, 12),
    Field("Last order", "last_purchase_date", DATE, 12),
    Field("First order", "first_purchase_date", DATE, 12),
    Field("Moved here from", "moved_from", width=20),
)
CHANGE_FIELDS = (
    Field("Customer", "customer_id", TEXT, 14),
    Field("Account", "account", width=11),
    Field("Country", "country", width=18),
    Field("From", "from_segment", width=20),
    Field("To", "segment", width=20),
    Field("Spent", "monetary", MONEY, 14),
    Field("Orders", "frequency", WHOLE, 9),
    Field("Days since last order", "recency_days", WHOLE, 12),
    Field("Last order", "last_purchase_date", DATE, 12),
    Field("What to do now", "suggested_action", width=80),
)
SUMMARY, CHANGES = "Summary", "Changes"
BOLD = Font("Calibri", 11, bold=True)


def write_workbook(exported: Month, path: Path, *, is_sample: bool) -> None:
    """Write the workbook of a month.

    Parameters
    ----------
    is_sample
        Whether its customers are the invented ones of the bundled sample, which it then says.
    """
    customers = exported.customers.to_pylist()
    for row in customers:
        row["account"] = row["account_tier"].capitalize()
        row["moved_from"] = row["from_segment"] if row["from_segment"] != row["segment"] else None
    by_segment: dict[str, list[dict[str, Any]]] = {row["segment"]: [] for row in exported.segments}
    for row in customers:
        by_segment[row["segment"]].append(row)
    names = sheet_names([name for name, rows in by_segment.items() if rows], (SUMMARY, CHANGES))

    workbook = Workbook(write_only=True)
    workbook.properties.creator = "Customer Segments"
    workbook.properties.title = f"Customer segments, {exported.month:%B %Y}"
    _add_summary(workbook, exported, customers, is_sample=is_sample)
    for segment, name in names.items():
        add_table(workbook, name, CUSTOMER_FIELDS, by_segment[segment])
    add_table(workbook, CHANGES, CHANGE_FIELDS, changes(customers, exported.gone))
    with replacing(path) as draft:
        workbook.save(draft)


def changes(
    customers: list[dict[str, Any]], gone: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield customers whose segment is not last month's, then those who are in no segment now."""
    yield from (row for row in customers if row["moved_from"])
    for row in gone:
        yield row | {"segment": GONE}


def summary_rows(exported: Month, customers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per segment of the model, also of one that nobody is in; the last the total."""
    left = [row["from_segment"] for row in (*customers, *exported.gone)]
    rows = []
    for segment in exported.segments:
        nobody = {"customers": 0, "share": 0, "revenue": 0, "customers_last_year": None} | {
            # All who were there have moved.
            "customers_last_month": left.count(segment["segment"]) if any(left) else None,
        }
        row = exported.profiles.get(segment["segment"], nobody)
        rows.append(row | {name: segment[name] for name in ("segment", "suggested_action")})
    total: dict[str, Any] = {"segment": "All customers", "customers": len(customers), "share": 1}
    total["revenue"] = sum(row["revenue"] for row in rows)
    total["revenue_share"] = 1 if total["revenue"] > 0 else None
    for name in ("recency_days", "frequency", "monetary"):
        total[f"median_{name}"] = median(row[name] for row in customers)
    for then in ("last_month", "last_year"):
        before = [row[f"customers_{then}"] for row in rows]
        total[f"customers_{then}"] = None if None in before else sum(before)
    for row in (*rows, total):
        for then in ("last_month", "last_year"):
            before = row[f"customers_{then}"]
            row[f"since_{then}"] = None if before is None else row["customers"] - before
    return [*rows, total]


def _add_summary(
    workbook: Workbook, exported: Month, customers: list[dict[str, Any]], *, is_sample: bool
) -> None:
    *rows, total = summary_rows(exported, customers)
    said = _said(exported, customers, is_sample=is_sample)
    heading_row = len(said) + 3
    sheet = add_sheet(
        workbook, SUMMARY, SUMMARY_FIELDS, heading_row=heading_row, rows=len(rows) + 1
    )
    title = f"Customer segments at the end of {exported.month:%B %Y}"
    sheet.append([styled(sheet, title, font=Font("Calibri", 14, bold=True))])
    for sentence in said:
        sheet.append([styled(sheet, sentence)])
    sheet.append([])
    sheet.append(headings(sheet, SUMMARY_FIELDS))
    for cells in filled(sheet, SUMMARY_FIELDS, rows):
        sheet.append(cells)
    for cells in filled(sheet, SUMMARY_FIELDS, [total], font=BOLD):
        sheet.append(cells)
    sheet.append([])
    sheet.append([styled(sheet, "How to read it", font=BOLD)])
    for sentence in _reading(customers[0]["window_months"]):
        sheet.append([styled(sheet, sentence)])


def _said(exported: Month, customers: list[dict[str, Any]], *, is_sample: bool) -> list[str]:
    """Return what has to be known of this month before its figures are read."""
    model = exported.segments[0]
    month = exported.month
    said = [f"Segments by model {model['version']}, fitted on {model['training_month']:%B %Y}."]
    if is_sample:
        said.append(
            "THESE CUSTOMERS ARE INVENTED: they are the sample that comes with the program."
        )
    if not is_complete(month, exported.newest_sale, date.today()):
        newest = max(row["last_purchase_date"] for row in customers)
        said.append(
            f"{month:%B %Y} IS NOT COMPLETE: its data ends on {newest.day} {newest:%B %Y}, and "
            "more orders may come in."
        )
    if all(row["from_segment"] is None for row in customers):
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
