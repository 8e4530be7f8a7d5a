"""Who moved between segments since last month, and whether up or down.

Belongs here: the month's moves, from its evidence. Does not: segments (``figures``), sentences.
"""

from typing import TYPE_CHECKING, NamedTuple

from customer_segments.reports.evidence import Evidence
from customer_segments.tables import GONE, NEW

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

# Mean percentiles of recency that differ by less: customers bought as recently.
AS_RECENT = 0.1
STAYED, SLIPPED, ROSE, CAME, LEFT = "stayed", "slipped", "rose", "new", "gone"


class Move(NamedTuple):
    """Customers who went from one segment to another since last month, or stayed.

    Parameters
    ----------
    before
        Net revenue of these customers by last month's end.
    brought
        Net revenue that they brought since.
    direction
        ``SLIPPED`` if customers of the new segment bought less recently than those of the old
        one, or as recently but for less money, by the model's mean percentiles; else ``ROSE``; or
        ``STAYED``, ``CAME`` and ``LEFT``.
    """

    origin: str
    target: str
    customers: int
    before: float
    brought: float
    direction: str


def moves_of(evidence: Evidence) -> list[Move]:
    """Return the moves since last month, most money first, then who stayed, most money first.

    None if there is no month before.
    """
    if not has_month_before(evidence):
        return []
    ranks = evidence.clusters.set_index("segment")[["recency_rank", "monetary_rank"]]
    moves = [
        Move(
            str(row.from_segment),
            str(row.to_segment),
            int(row.customers),
            float(row.revenue_before),
            float(row.revenue_moved),
            _direction(str(row.from_segment), str(row.to_segment), ranks),
        )
        for row in of_month(evidence.migration, evidence.month).itertuples()
    ]
    return sorted(
        moves,
        key=lambda m: (m.direction == STAYED, -max(m.before, m.brought), m.origin, m.target),
    )


def has_month_before(evidence: Evidence) -> bool:
    """Tell whether there was anybody a month before."""
    profiles = of_month(evidence.profiles, evidence.month)
    return bool(profiles["customers_last_month"].fillna(0).sum() > 0)


def of_month(
    table: "pd.DataFrame", month: "date", column: str = "snapshot_month"
) -> "pd.DataFrame":
    """Return the rows of a table that are of a month."""
    import pandas as pd

    return table[table[column] == pd.Timestamp(month)]


def _direction(origin: str, target: str, ranks: "pd.DataFrame") -> str:
    if origin == target:
        return STAYED
    if origin == NEW:
        return CAME
    if target == GONE:
        return LEFT
    recency, monetary = ranks.loc[target] - ranks.loc[origin]
    is_lower = monetary < 0 if abs(recency) < AS_RECENT else recency < 0
    return SLIPPED if is_lower else ROSE
