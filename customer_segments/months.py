"""Months, by their first days: reckoning with them, and the Dagster partitions that follow.

Does not belong here: which months are covered (``covering``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

# A lone misread year must not make centuries of partitions; FIRST_MONTH goes further back.
EARLIEST = date(1970, 1, 1)
# Shops close for holidays: a month whose data reaches its last week is taken as complete.
LAST_DAYS = 7


def month_of(day: date) -> date:
    """Return the first day of the month of ``day``."""
    return date(day.year, day.month, 1)


def shift(month: date, by: int) -> date:
    """Return the month ``by`` months after ``month`` (before it, if negative)."""
    years, index = divmod(month.month - 1 + by, 12)
    return date(month.year + years, index + 1, 1)


def months_from(first: date, last: date) -> int:
    """Return how many months there are from ``first`` to ``last``, both counted."""
    return (last.year - first.year) * 12 + last.month - first.month + 1


def parse_month(text: str) -> date:
    """Return the first day of a month given as ``YYYY-MM``."""
    return date.fromisoformat(f"{text}-01")


def months_of(partition_keys: Iterable[str]) -> tuple[date, date]:
    """Return the first and the last month of a run's partitions."""
    keys = sorted(partition_keys)
    return date.fromisoformat(keys[0]), date.fromisoformat(keys[-1])


def is_complete(month: date, last_sale: date, today: date) -> bool:
    """Tell whether the data of a month is all there.

    ``month`` is its first day, ``last_sale`` that of the last sale in the data. A month that is not
    over ``today`` cannot be complete.
    """
    return has_all(shift(month, 1), last_sale, today)


def followed_by(by: int, months: Iterable[date], last_sale: date, today: date) -> list[date]:
    """Return the months that so many complete ones follow, in order: as ``is_complete`` has it."""
    return sorted(m for m in months if is_complete(shift(m, by), last_sale, today))


def has_all(after: Any, last_day: Any, today: date) -> Any:
    """Tell whether data that ends on ``last_day`` has all of the month that ends before ``after``.

    Of dates or of columns of them: the engine and Python judge by one rule.
    """
    is_near = (after <= today) & (last_day >= after - timedelta(days=LAST_DAYS))
    return (last_day >= after) | is_near


def is_end(month: date, snapshot_date: date, today: date) -> bool:
    """Tell whether a snapshot that is of this date is of the end of its month, and that has come.

    On the last day of a month the state after the data is that of the end, and may still change.
    """
    return snapshot_date == shift(month, 1) <= today


def snapshot_date(month: date, last_day: date, today: date) -> date:
    """Return the day that recency counts to in the snapshot of a month, given the data's last day.

    That is the day after the month; while the month is not complete, the day after the data.
    """
    return shift(month, 1) if is_complete(month, last_day, today) else last_day + timedelta(days=1)


@dataclass(frozen=True)
class Months:
    """The months covered, first days, both inclusive: those with data, or as the settings say.

    ``is_open`` tells whether the current calendar month, and each to come, is covered as well: true
    for a live feed, false for a historical file. Date and time zone are the retailer's.
    """

    first: date
    last: date
    is_open: bool
    today: date
    time_zone: str = "UTC"

    @property
    def newest(self) -> date:
        """Newest month that has a partition."""
        this_month = month_of(self.today)
        return this_month if self.is_open else min(self.last, this_month)

    def __iter__(self) -> Iterator[date]:
        """Iterate over all months that have a partition."""
        return between(self.first, self.newest)

    def clip(self, first: date, last: date) -> tuple[date, date] | None:
        """Return the part of a range of months that is covered; ``None`` if no month is."""
        first, last = max(first, self.first), min(last, self.newest)
        return (first, last) if first <= last else None

    def is_complete(self, month: date, newest_date: date) -> bool:
        """Tell whether the data of a month is all there, given the day of the newest row."""
        return is_complete(month, newest_date, self.today)

    def awaited(self, newest_date: date) -> date | None:
        """Return the last calendar month that is over, if a live feed has not brought its data.

        ``newest_date`` is the day of the newest row.
        """
        month = shift(month_of(self.today), -1)
        is_due = self.is_open and month >= self.first and not self.is_complete(month, newest_date)
        return month if is_due else None

    def partitions(self) -> "dg.MonthlyPartitionsDefinition":
        """Return the partitions, keyed by first day of month; open at the end for a live feed."""
        import dagster as dg

        return dg.MonthlyPartitionsDefinition(
            start_date=self.first.isoformat(),
            end_date=None if self.is_open else shift(self.last, 1).isoformat(),
            end_offset=1,  # the month that is not over is a partition too
            timezone=self.time_zone,
        )


def between(first: date, last: date) -> Iterator[date]:
    """Iterate over the months from ``first`` to ``last``."""
    while first <= last:
        yield first
        first = shift(first, 1)


def ranges(months: Iterable[date]) -> list[tuple[date, date]]:
    """Return months in a row as their first and last one."""
    rows: list[tuple[date, date]] = []
    for month in sorted(months):
        if rows and month == shift(rows[-1][1], 1):
            rows[-1] = rows[-1][0], month
        else:
            rows.append((month, month))
    return rows


def said(months: Iterable[date]) -> str:
    """Return months as people write them, those in a row as one: 2011-01 to 2011-03, 2011-05."""
    spans = (dict.fromkeys((f"{first:%Y-%m}", f"{last:%Y-%m}")) for first, last in ranges(months))
    return ", ".join(" to ".join(span) for span in spans) or "none"
