"""What a run judges, and by what: its months, which of them can be compared, the thresholds.

Belongs here: the months of a run, complete months, months with a year before them. Does not:
figures (each stage's ``judges``), the thresholds themselves (``policy.checks``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import ibis
from ibis.expr.types import Table, Value

from customer_segments.months import Months, shift
from customer_segments.policy.checks import Checks
from customer_segments.storage import Contract
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.tables import SOURCE_SHEETS

# A first year of snapshots holds one season after the other: its segments shift by themselves.
YEAR = 12
TOO_EARLY = "a first year of snapshots shifts by itself"
# Fewer months before one say nothing of what is usual.
LEAST_MONTHS = 3
RANGE_TAGS = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def months_of_run(tags: Mapping[str, str]) -> tuple[date, date] | None:
    """Return the months that a run with such tags covers; ``None`` if none in particular."""
    only = tags.get("dagster/partition")
    first, last = (tags.get(tag, only) for tag in RANGE_TAGS)
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None


@dataclass(frozen=True)
class Scope:
    """The months to judge, first and last, of those covered by the data, and by what.

    ``newest_date`` is the day of the newest row of the workbooks, ``date.min`` if none has a date;
    a database has no ``folder``; the warehouse lacks the tables ``missing``. Where the settings
    name the first and the last month, the ``bounds``, rows beyond are left out on purpose.
    """

    first: date
    last: date
    months: Months
    newest_date: date
    checks: Checks = field(default_factory=Checks)
    folder: Path | None = Path()
    missing: frozenset[str] = frozenset()
    bounds: tuple[str | None, str | None] = (None, None)

    def __contains__(self, month: date) -> bool:
        """Tell whether a month is to be judged."""
        return self.first <= month <= self.last

    def covers(self, month: Value, back: int = 0) -> Value:
        """Return whether a month column is to be judged, or is so many months before one that is.

        For the engine: of years of months a run concerns one, and should look at no more.
        """
        first = max(shift(self.first, -back), self.months.first)
        return month.between(ibis.date(first), ibis.date(self.last))

    def published(self, contract: Contract, back: int = 0) -> Table:
        """Return the months of a table in ``month``, also those that have no row."""
        lines = PUBLICATIONS.relation
        own = lines.filter(lines.table_name == contract.table, self.covers(lines.month, back))
        return own.select("month").distinct()

    def relation(self, contract: Contract) -> Table:
        """Return a table, without a row where the warehouse does not have it."""
        is_missing = contract.table in self.missing
        return ibis.memtable(contract.arrow([])) if is_missing else contract.relation

    def is_complete(self, month: date) -> bool:
        """Tell whether the data of a month is all there."""
        return self.months.is_complete(month, self.newest_date)

    def has_a_year(self, month: date) -> bool:
        """Tell whether a snapshot looks back on twelve months of data at least."""
        return month >= shift(self.months.first, YEAR - 1)


def newest_date(con: Connection, there: Catalog) -> date:
    """Return the day of the newest row of the workbooks; ``date.min`` if none has a date.

    Dates that cannot be right, such as those before 2000, are none.
    """
    if SOURCE_SHEETS.table not in there:
        return date.min
    newest: Any = con.to_pyarrow(SOURCE_SHEETS.relation.last_date.max()).as_py()
    return newest.date() if newest else date.min


def year_before(month: date, months: Iterable[date]) -> list[date]:
    """Return those of some months that are at most twelve before one."""
    return [other for other in months if shift(month, -YEAR) <= other < month]
