"""Who lies beyond Tukey's fences: wholesalers, whom the product marks and keeps.

Belongs here: the overlay ``account_tier`` as pure Ibis, and what is lost where such customers are
deleted, as notebooks do. Does not: segments, which know nothing of it (``scoring``): a wholesaler
is a Champion or At Risk like everybody else.
"""

from typing import TYPE_CHECKING, NamedTuple

import ibis
from ibis.expr.types import Table

from customer_segments.model.sampling import some_customers

if TYPE_CHECKING:
    import pandas as pd

KEY = ["snapshot_month", "customer_id"]
WHOLESALE, RETAIL = "wholesale", "retail"
# Of the interquartile range, off the quartiles (Tukey 1977).
FENCE = 1.5


class ThrownAway(NamedTuple):
    """Customers whom the usual treatment deletes, and the share of the revenue that they are."""

    customers: int
    share: float
    revenue_share: float


def with_account_tier(snapshots: Table) -> Table:
    """Add ``account_tier``: wholesale above Tukey's upper fence of the month's monetary.

    ``snapshots`` are all customers of each month that there is; of many, the fence is that of
    ``some_customers``.
    """
    some = some_customers(snapshots.select(*KEY, "monetary"), "snapshot_month")
    monetary = some.monetary.cast("float64")
    lower, upper = monetary.quantile(0.25), monetary.quantile(0.75)
    fences = some.group_by("snapshot_month").agg(fence=upper + (upper - lower) * FENCE)
    joined = snapshots.inner_join(fences, "snapshot_month")
    is_above = joined.monetary.cast("float64") > joined.fence
    return joined.mutate(account_tier=ibis.ifelse(is_above, WHOLESALE, RETAIL)).drop("fence")


def is_outlier(values: "pd.Series") -> "pd.Series":
    """Tell which values lie outside Tukey's fences on either side."""
    low, high = values.quantile(0.25), values.quantile(0.75)
    reach = FENCE * (high - low)
    return (values < low - reach) | (values > high + reach)


def thrown_away(customers: "pd.DataFrame") -> ThrownAway:
    """Return what is lost by deleting outliers in money or frequency before clustering.

    ``customers`` are a snapshot, a row each, with the columns of ``customer_rfm``.
    """
    monetary = customers["monetary"].astype("float64")
    lost = is_outlier(monetary) | is_outlier(customers["frequency"])
    revenue_share = float(monetary[lost].sum() / monetary.sum())
    return ThrownAway(int(lost.sum()), float(lost.mean()), revenue_share)
