"""Account tiers: wholesalers marked, and kept.

Belongs here: the overlay ``account_tier`` as pure Ibis. Does not: segments, which know nothing
of it (``scoring``): a wholesaler is a Champion or At Risk like everybody else.
"""

import ibis
from ibis.expr.types import Table

WHOLESALE, RETAIL = "wholesale", "retail"
# Of the interquartile range, above the upper quartile (Tukey 1977): who lies beyond is who
# notebooks delete as an outlier.
FENCE = 1.5


def with_account_tier(snapshots: Table) -> Table:
    """Add ``account_tier``: wholesale above Tukey's upper fence of the month's monetary.

    Parameters
    ----------
    snapshots
        All customers of each month that there is, with ``snapshot_month`` and ``monetary``.
    """
    monetary = snapshots.monetary.cast("float64")
    quartiles = snapshots.group_by("snapshot_month").agg(
        lower_quartile=monetary.quantile(0.25), upper_quartile=monetary.quantile(0.75)
    )
    joined = snapshots.inner_join(quartiles, "snapshot_month")
    reach = (joined.upper_quartile - joined.lower_quartile) * FENCE
    is_above = joined.monetary.cast("float64") > joined.upper_quartile + reach
    return joined.mutate(account_tier=ibis.ifelse(is_above, WHOLESALE, RETAIL)).drop(
        "lower_quartile", "upper_quartile"
    )
