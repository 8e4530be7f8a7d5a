"""The groups of a past month's lists, compared on what happened since.

Belongs here: which month can be looked back to, what its customers did, and the comparison. Does
not: drawing the groups (``groups``).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table

from customer_segments.campaigns.groups import CONFIDENCE, FOLLOWED_MONTHS, TEST, campaign_group
from customer_segments.errors import UserError
from customer_segments.model.measures import rounded
from customer_segments.model.training import Query
from customer_segments.months import followed_by, month_of, parse_month, shift
from customer_segments.outcomes import outcomes
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM, CUSTOMER_SEGMENTS

ALL_CUSTOMERS = "All customers"
YEAR = 12
# A wholesaler's single order would decide the mean of a segment otherwise.
CAPPED_AT = 0.99
# Of fewer in a group a mean is not taken to be normal: no interval.
LEAST = 30
CAVEAT = """\
A difference is what a campaign did only if the test group was turned to and the control group \
left alone: this program does not know whether anybody used the lists. Without a campaign about \
one interval in twenty lies beyond 0, by chance."""


def list_month(query: Query, wanted: str | None, today: date) -> date:
    """Return the month whose lists are judged: the one that is wanted, or the newest that can be.

    A UserError says that nobody is labelled in that month, or that the months after it are not
    complete.
    """
    months, last_sale = _labelled(query)
    known = followed_by(FOLLOWED_MONTHS, months, last_sale, today)
    if wanted and parse_month(wanted) not in months:
        raise UserError(
            f"Nobody is labelled in {wanted}, so it has no lists.",
            f"Name another month, or label it: `customer-segments run --months {wanted}`.",
        )
    month = parse_month(wanted) if wanted else max(known, default=None)
    if month is None or month not in known:
        raise UserError(
            f"{wanted or 'No month with labels'} is not followed by {FOLLOWED_MONTHS} complete "
            f"months yet: the newest sale is of {last_sale:%Y-%m-%d}.",
            "Name an earlier month, or wait for more data.",
        )
    return month


def months_followed(query: Query, today: date) -> list[date]:
    """Return the months with labels that are followed by complete months, newest first."""
    return followed_by(FOLLOWED_MONTHS, *_labelled(query), today)[::-1]


def _labelled(query: Query) -> tuple[set[date], date]:
    """Return the months with labels, and the day of the newest sale."""
    labelled = query(CUSTOMER_SEGMENTS.relation.select("snapshot_month").distinct())
    rfm = CUSTOMER_RFM.relation
    newest = query(rfm.agg(last=rfm.last_purchase_date.max()))["last"].max()
    return set(labelled["snapshot_month"].map(month_of)), newest.date()


def followed(
    month: date, control_share: float, lines: Table = CLEANED_TRANSACTIONS.relation
) -> Table:
    """Return the customers of a month's lists, their group, and what they did since.

    By lines, or by orders that add them up, with ``month``, ``revenue`` and ``is_credit``.
    ``customer_id``, ``segment``, ``campaign_group``; ``revenue`` and ``is_back`` in the months
    that follow, as ``outcomes`` has them, and ``year_before``, the revenue of the year before.
    """
    labels = CUSTOMER_SEGMENTS.relation
    after = shift(month, 1)
    listed = labels.filter(labels.snapshot_month == ibis.date(month))
    since = outcomes(lines, after, FOLLOWED_MONTHS)
    before = outcomes(lines, shift(after, -YEAR), YEAR)
    before = before.select("customer_id", year_before="revenue")
    did = listed.left_join(since, "customer_id").drop("customer_id_right")
    did = did.left_join(before, "customer_id")
    return did.select(
        "customer_id",
        "segment",
        campaign_group=campaign_group(did.customer_id, month, control_share),
        revenue=did.revenue.fill_null(0.0),
        is_back=did.is_back.fill_null(False),
        year_before=did.year_before.fill_null(0.0),
    ).order_by("customer_id")


def compared(customers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what ``CAMPAIGN_RESULT`` has of each segment and of all, from rows of ``followed``."""
    for segment, own in (*customers.groupby("segment"), (ALL_CUSTOMERS, customers)):
        is_test = (own["campaign_group"] == TEST).to_numpy()
        revenue, before = (capped(own[name].to_numpy()) for name in ("revenue", "year_before"))
        measured = {
            "return_rate": own["is_back"].to_numpy(float),
            "revenue": adjusted(revenue, before),
        }
        for outcome, values in measured.items():
            yield {"segment": segment, "outcome": outcome} | difference(values, is_test)


def capped(values: np.ndarray) -> np.ndarray:
    """Return values cut at their 99th percentile."""
    return np.minimum(values, np.quantile(values, CAPPED_AT))


def adjusted(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return values less what the time before tells of them, with the mean that they have.

    CUPED (Deng, Xu, Kohavi and Walker 2013): y - theta (x - mean x), theta = cov(x, y) / var(x)
    over both groups. What was before the draw differs between the groups by chance alone.
    """
    variance = before.var()
    theta = np.cov(before, values, ddof=0)[0, 1] / variance if variance > 0 else 0.0
    return values - theta * (before - before.mean())


def difference(values: np.ndarray, is_test: np.ndarray) -> dict[str, Any]:
    """Return sizes and means of both groups, and test minus control with its interval of Welch.

    Means are null of an empty group, the interval where one has fewer than ``LEAST`` or all of
    one are alike.
    """
    from scipy.stats import ttest_ind

    groups = values[is_test], values[~is_test]
    means = [rounded(group.mean()) if len(group) else None for group in groups]
    gap, low, high = None, None, None
    if min(map(len, groups)):
        gap = rounded(groups[0].mean() - groups[1].mean())
    if min(map(len, groups)) >= LEAST and min(map(np.ptp, groups)) > 0:
        interval = ttest_ind(*groups, equal_var=False).confidence_interval(CONFIDENCE)
        low, high = rounded(interval.low), rounded(interval.high)
    return {
        "test_customers": len(groups[0]),
        "control_customers": len(groups[1]),
        "test_mean": means[0],
        "control_mean": means[1],
        "difference": gap,
        "low": low,
        "high": high,
        "is_beyond": None if low is None or high is None else low > 0 or high < 0,
    }
