"""What each customer spent in the last twelve months, and may spend in the next three and six.

Belongs here: the table ``customer_value`` of snapshots, as pure Ibis. Does not: the forecast
itself (``formula``), or how good it is (``backtest``).
"""

from datetime import date

import ibis
from ibis.expr.types import Table

from customer_segments.tables import CUSTOMER_VALUE
from customer_segments.value.formula import foretold_of_each
from customer_segments.value.spent import HORIZONS, LEAST_MONTHS

TOO_EARLY = f"fewer than {LEAST_MONTHS} months of data before"
NO_SEASON = "revenue a year before tells no season: it is not above 0"
# Of a forecast, and how the columns of it end.
ENDS = {"expected": "", "low": "_low", "high": "_high"}


def customer_value(
    cleaned: Table,
    rfm: Table,
    first: date,
    last: date,
    decay_days: float,
    window_months: int | None = None,
) -> Table:
    """Return the customers of the snapshots ``first`` to ``last``, as ``CUSTOMER_VALUE`` has them.

    ``cleaned`` are all months up to then, ``window_months`` those that the snapshots look back on.
    Nothing is expected, and ``reason`` says why, where there is not enough history, or last year's
    revenue does not tell the season.
    """
    snapshots = rfm.filter(rfm.snapshot_month.between(ibis.date(first), ibis.date(last)))
    snapshots = snapshots.select("snapshot_month", "snapshot_date", "customer_id", "recency_days")
    states = snapshots.select("customer_id", "recency_days", as_of="snapshot_date")
    known = foretold_of_each(cleaned, states, decay_days, window_months)
    dates = snapshots.select("snapshot_month", as_of="snapshot_date").distinct()
    rows = known.inner_join(dates, "as_of")
    expected = {
        f"expected_{months}m{end}": ibis.ifelse(
            rows.has_history & rows[f"base_{months}"].notnull(), rows[f"{name}_{months}"], None
        )
        for months in HORIZONS
        for name, end in ENDS.items()
    }
    rows = rows.mutate(**expected)
    is_missing = ibis.or_(*(rows[f"expected_{months}m"].isnull() for months in HORIZONS))
    reason = ibis.cases((~rows.has_history, TOO_EARLY), (is_missing, NO_SEASON))
    return rows.mutate(reason=reason).select(*CUSTOMER_VALUE.schema.names)
