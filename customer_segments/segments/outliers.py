"""What the usual treatment of outliers would delete: the best customers.

Belongs here: Tukey's fences on customers, as notebooks cut by them. Does not: the overlay
``account_tier``, by which the product marks such customers and keeps them (``tiers``).
"""

from typing import TYPE_CHECKING, NamedTuple

from customer_segments.segments.tiers import FENCE

if TYPE_CHECKING:
    import pandas as pd


class ThrownAway(NamedTuple):
    """Customers whom the treatment deletes, and the share of the revenue that they are."""

    customers: int
    share: float
    revenue_share: float


def is_outlier(values: "pd.Series") -> "pd.Series":
    """Tell which values lie outside Tukey's fences: 1.5 interquartile ranges off the quartiles."""
    low, high = values.quantile(0.25), values.quantile(0.75)
    reach = FENCE * (high - low)
    return (values < low - reach) | (values > high + reach)


def thrown_away(customers: "pd.DataFrame") -> ThrownAway:
    """Return what is lost by deleting outliers in money or frequency before clustering.

    Parameters
    ----------
    customers
        A snapshot, a row per customer, with the columns of ``customer_rfm``.
    """
    monetary = customers["monetary"].astype("float64")
    lost = is_outlier(monetary) | is_outlier(customers["frequency"])
    return ThrownAway(
        int(lost.sum()), float(lost.mean()), float(monetary[lost].sum() / monetary.sum())
    )
