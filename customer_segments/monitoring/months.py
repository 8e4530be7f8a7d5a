"""Which months a check judges, and which of them can be compared with others.

Belongs here: the months of a run, complete months, months with enough history before them.
Does not: figures and thresholds (each stage's ``monitoring``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import ibis
from ibis.expr.types import Value

from customer_segments.automation.jobs import months_covered
from customer_segments.months import is_complete, shift
from customer_segments.tables import SOURCE_SHEETS

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
    newest_date
        Day of the newest row of the workbooks.
    first, last
        Months that the run covers; by default all there are.
    """

    newest_date: date
    first: date = date.min
    last: date = date.max

    def __contains__(self, month: date) -> bool:
        """Tell whether a month is to be judged."""
        return self.first <= month <= self.last

    def covers(self, month: Value, back: int = 0) -> Value:
        """Return whether a month column is to be judged, or is so many months before one that is.

        For the engine: of years of months a run concerns one, and should look at no more.
        """
        first = shift(self.first, -back) if self.first > date.min else self.first
        return month.between(ibis.date(first), ibis.date(self.last))

    def is_complete(self, month: date) -> bool:
        """Tell whether the data of a month is all there."""
        return is_complete(month, self.newest_date, date.today())


def span(context: dg.AssetCheckExecutionContext, con: "Backend") -> Span:
    """Return the months that a run covers: all if it covers none in particular."""
    return Span(newest_date(con), *(months_covered(context.run) or ()))


def newest_date(con: "Backend") -> date:
    """Return the day of the newest row of the workbooks; ``date.min`` if none has a date.

    Dates that cannot be right, such as those before 2000, are none.
    """
    newest = con.execute(SOURCE_SHEETS.relation.last_date.max())
    return newest.date() if newest == newest else date.min


def has_a_year(month: date, months: Iterable[date]) -> bool:
    """Tell whether a snapshot looks back on twelve months of data at least."""
    return month >= shift(min(months), YEAR - 1)
