"""Which months a check judges, and which of them can be compared with others.

Belongs here: the months of a run, complete months, months with enough history before them.
Does not: figures and thresholds (each stage's ``monitoring``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from customer_segments.ingestion.contracts import SOURCE_SHEETS
from customer_segments.months import is_complete, shift

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# A first year of snapshots holds one season after the other: its segments shift by themselves.
YEAR = 12
# Fewer months before one say nothing of what is usual.
LEAST_MONTHS = 3


@dataclass(frozen=True)
class Span:
    """The months to judge.

    Parameters
    ----------
    first, last
        Months that the run covers; ``None`` for all there are.
    newest_date
        Day of the newest row of the workbooks.
    """

    first: date | None
    last: date | None
    newest_date: date

    def __contains__(self, month: date) -> bool:
        """Tell whether a month is to be judged."""
        return self.first is None or self.last is None or self.first <= month <= self.last

    def is_complete(self, month: date) -> bool:
        """Tell whether the data of a month is all there."""
        return is_complete(month, self.newest_date, date.today())


def span(context: dg.AssetCheckExecutionContext, con: "Backend") -> Span:
    """Return the months that a run covers: all if it covers none in particular."""
    tags = context.run.tags
    only = tags.get("dagster/partition")
    first = tags.get("dagster/asset_partition_range_start", only)
    last = tags.get("dagster/asset_partition_range_end", only)
    newest = con.execute(SOURCE_SHEETS.relation.last_date.max())
    return Span(
        date.fromisoformat(first) if first else None,
        date.fromisoformat(last) if last else None,
        newest.date() if newest is not None and newest == newest else date.min,
    )


def has_a_year(month: date, months: Iterable[date]) -> bool:
    """Tell whether a snapshot looks back on twelve months of data at least."""
    return month >= shift(min(months), YEAR - 1)
