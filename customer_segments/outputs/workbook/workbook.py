"""The workbook that marketers open: a summary, a sheet per segment, who changed segment.

Belongs here: which sheets and columns it has, in whose words. Does not: cells (``sheets``),
headings and formats (``columns``), figures (``figures``), sentences (``workbook.toml``).

The heading of a list is its first row, and nothing stands above it: so a sheet can be sorted,
filtered, and taken as it is by a mail merge or a mailing tool.
"""

from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from openpyxl import Workbook

from customer_segments.ingestion.columns.layout import CONTACT
from customer_segments.outputs.campaigns import measurable
from customer_segments.outputs.columns import columns_of, in_currency
from customer_segments.outputs.figures import by_segment, total_of
from customer_segments.outputs.queries import LISTED
from customer_segments.outputs.templates import rendered
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import month_name
from customer_segments.outputs.workbook import sheets
from customer_segments.private import replacing
from customer_segments.tables import GONE
from customer_segments.texts import read_toml

SUMMARY_COLUMNS = columns_of(
    "segment customers share revenue revenue_share median_recency_days median_frequency "
    "median_monetary since_last_month since_last_year suggested_action"
)
CUSTOMER_COLUMNS = columns_of(
    "customer_id name email phone campaign_group account country monetary revenue_12m expected_3m "
    "expected_6m frequency average_order_value products recency_days last_purchase_date "
    "first_purchase_date moved_from channel suggested_action why"
)
CHANGE_COLUMNS = columns_of(
    "customer_id name email phone campaign_group account country from_segment to_segment monetary "
    "frequency recency_days last_purchase_date channel suggested_action why",
    suggested_action="What to do now",
)
OFFER_COLUMNS = columns_of(
    "customer_id name email phone campaign_group segment account channel buy_again "
    "new_for_you offer_reason monetary recency_days"
)
CAMPAIGN_COLUMNS = columns_of("segment customers control return_rate smallest needed")
# Of customers, and there only where one is known.
WHERE_KNOWN = ("revenue_12m", "expected_3m", "expected_6m", *CONTACT)
SUMMARY, CHANGES, OFFERS, CAMPAIGNS = "Summary", "Changes", "Offer next", "Campaigns"
RESERVED = (SUMMARY, CHANGES, OFFERS, CAMPAIGNS)


def write_workbook(view: MonthView, path: Path, *, is_sample: bool) -> None:
    """Write the workbook of a month; of the bundled sample it says that customers are invented."""
    customers, lists = view.customers.to_pylist(), defaultdict(list)
    for row in customers:
        row["account"] = row["account_tier"].capitalize()
        row["to_segment"] = row["segment"]
        row["moved_from"] = row["from_segment"] if row["from_segment"] != row["segment"] else None
        lists[row["segment"]].append(row)
    segments = [name for name in view.clusters["segment"] if name in lists]
    changes = [row for row in customers if row["moved_from"]]
    changes += [row | {"to_segment": GONE} for row in view.gone]

    unknown = {name for name in WHERE_KNOWN if all(row.get(name) is None for row in customers)}
    of_customers, of_changes, of_offers = (
        in_currency(
            [column for column in columns if column.name not in unknown.union(view.lacks)],
            view.currency,
        )
        for columns in (CUSTOMER_COLUMNS, CHANGE_COLUMNS, OFFER_COLUMNS)
    )
    offers = [
        row | view.offers[row["customer_id"]]
        for segment in segments
        for row in lists[segment]
        if row["customer_id"] in view.offers
    ]
    workbook = Workbook(write_only=True)
    workbook.properties.creator = "Customer Segments"
    workbook.properties.title = f"Customer segments, {month_name(view.month)}"
    _add_summary(workbook, view, customers, is_sample=is_sample)
    most = None if view.sample is None else LISTED
    for segment, name in sheets.sheet_names(segments, RESERVED).items():
        sheets.add_table(workbook, name, of_customers, lists[segment][:most])
    # Who has not ordered yet may still do so in the month: nobody is to be turned to for that.
    if view.is_complete:
        sheets.add_table(workbook, CHANGES, of_changes, changes[:most])
    if offers:
        sheets.add_table(workbook, OFFERS, of_offers, offers)
    sheets.add_table(workbook, CAMPAIGNS, CAMPAIGN_COLUMNS, measurable(view))
    with replacing(path) as draft:
        workbook.save(draft)


def _add_summary(
    workbook: Workbook, view: MonthView, customers: list[dict[str, Any]], *, is_sample: bool
) -> None:
    rows = by_segment(view)
    total = total_of(rows) | {"segment": "All customers", "share": 1}
    # Exactly: sums of segments that were rounded differ.
    if view.sample is None:
        total["revenue"] = sum(row["monetary"] for row in customers)
    total["revenue_share"] = 1 if total["revenue"] > 0 else None
    for name in ("recency_days", "frequency", "monetary"):
        of_all = [row[name] for row in customers] if view.sample is None else view.people[name]
        total[f"median_{name}"] = median(of_all)
    facts = {"view": view, "model": view.clusters.iloc[0], "is_sample": is_sample}
    facts["is_first"] = view.customers["from_segment"].null_count == len(customers)
    facts |= {"changes": CHANGES, "offers": OFFERS, "campaigns": CAMPAIGNS, "most": LISTED}
    facts["is_expected"] = any(row.get("expected_6m") is not None for row in customers)
    words = read_toml(__package__, "workbook.toml")
    above, below = (
        list(filter(None, rendered(words[part], facts, is_html=False).splitlines()))
        for part in ("above", "below")
    )
    rows, above = [*rows, total], [*above, ""]
    columns = in_currency(SUMMARY_COLUMNS, view.currency)
    sheet = sheets.add_sheet(workbook, SUMMARY, columns, rows, above=above, has_total=True)
    sheet.append([])
    sheets.write_line(sheet, "How to read it", **sheets.BOLD)
    for sentence in below:
        sheets.write_line(sheet, sentence)
