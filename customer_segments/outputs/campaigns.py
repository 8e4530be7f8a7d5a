"""What a campaign can show, for report and workbook, and what one showed, for the terminal.

Belongs here: the rows of their tables. Does not: the groups, and the formula
(``campaigns.groups``).
"""

from typing import Any

import pandas as pd
from rich.console import Console

from customer_segments.campaigns import groups
from customer_segments.campaigns.result import ALL_CUSTOMERS, CAVEAT
from customer_segments.installation import Installation
from customer_segments.outputs.columns import MONEY, SHARE
from customer_segments.outputs.summary import by_rank, grid
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import UNKNOWN
from customer_segments.tables import CAMPAIGN_RESULT

GROUPS = ("", "Test", "Control", "Difference", "from", "to")
OUTCOMES = {
    "return_rate": ("Share that came back", SHARE),
    "revenue": ("Revenue per customer", MONEY),
}


def measurable(view: MonthView) -> list[dict[str, Any]]:
    """Return a row per segment with customers, in the model's order, and one of all customers.

    ``segment``, ``customers``, how many of them are in ``control``, the ``return_rate`` of the
    newest cohort that is followed, the ``smallest`` difference in percentage points that a test
    shows, and the customers ``needed`` for five points; ``None`` where no cohort is known.
    """
    people, cohort, share = view.people, view.newest_cohort, view.control_share
    cohort = cohort[cohort["months_after"] == groups.FOLLOWED_MONTHS]
    parts = [
        (name, people[people["segment"] == name], cohort[cohort["segment"] == name])
        for name in view.clusters["segment"]
    ]
    parts = [part for part in parts if len(part[1])]
    return [_row(view, *part, share) for part in (*parts, (ALL_CUSTOMERS, people, cohort))]


def print_campaign(installed: Installation, console: Console) -> None:
    """Print how the groups of a past month's lists differ, and what that does not say."""
    result = installed.warehouse.load(CAMPAIGN_RESULT)
    currency = installed.policy.source.currency
    of = result.iloc[0]
    since = (
        f"{groups.FOLLOWED_MONTHS} months after the lists of {of['list_month']:%Y-%m} with "
        f"{of['control_share']:.0%} in control"
    )
    for outcome, (said, form) in OUTCOMES.items():
        rows = [
            [
                row.segment,
                *(form.text(figure) if pd.notna(figure) else UNKNOWN for figure in figures),
            ]
            for _, own in by_rank(installed, result[result["outcome"] == outcome])
            for row in own.itertuples()
            for figures in [(row.test_mean, row.control_mean, row.difference, row.low, row.high)]
        ]
        unit = f", {currency}" if currency and outcome == "revenue" else ""
        console.print(grid(f"{said}{unit}, {since}", GROUPS, rows))
    console.print(CAVEAT, soft_wrap=True)


def _row(
    view: MonthView, segment: str, own: pd.DataFrame, cohort: pd.DataFrame, control_share: float
) -> dict[str, Any]:
    customers = view.scaled(len(own))
    control = view.scaled(int((own["campaign_group"] == groups.CONTROL).sum()))
    row = {"segment": segment, "customers": customers, "control": control}
    if cohort.empty:
        return row
    rate = float(cohort["returned"].sum() / cohort["customers"].sum())
    gap = groups.smallest_difference(rate, customers, control_share)
    needed = groups.customers_needed(rate, control_share)
    return row | {
        "return_rate": rate,
        "smallest": None if gap is None else 100 * gap,
        "needed": needed,
    }
