"""Which months are covered, and the Dagster partitions that follow.

Belongs here: the bounds of the monthly partitions, from the settings, else from the small
file beside the warehouse that ingestion writes. Loading definitions reads nothing else.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from customer_segments.errors import UserError
from customer_segments.private import write_text

if TYPE_CHECKING:
    from customer_segments.settings import Settings

# A lone misread year must not make centuries of partitions; FIRST_MONTH goes further back.
EARLIEST = date(2000, 1, 1)
# Data this many months behind the calendar is a historical file, not a live feed.
LIVE_WITHIN_MONTHS = 2
# Shops close for holidays: a month whose data reaches its last week is taken as complete.
LAST_DAYS = 7


def month_of(day: date) -> date:
    """Return the first day of the month of ``day``."""
    return date(day.year, day.month, 1)


def shift(month: date, by: int) -> date:
    """Return the month ``by`` months after ``month`` (before it, if negative)."""
    years, index = divmod(month.month - 1 + by, 12)
    return date(month.year + years, index + 1, 1)


def parse_month(text: str) -> date:
    """Return the first day of a month given as ``YYYY-MM``."""
    return date.fromisoformat(f"{text}-01")


def months_of(partition_keys: Iterable[str]) -> tuple[date, date]:
    """Return the first and the last month of a run's partitions."""
    keys = sorted(partition_keys)
    return date.fromisoformat(keys[0]), date.fromisoformat(keys[-1])


def is_complete(month: date, last_sale: date, today: date) -> bool:
    """Tell whether the data of a month is all there.

    Parameters
    ----------
    month
        First day of the month.
    last_sale
        Day of the last sale in the data.
    today
        A month that is not over cannot be complete.
    """
    after = shift(month, 1)
    return last_sale >= after or (today >= after and last_sale >= after - timedelta(days=LAST_DAYS))


@dataclass(frozen=True)
class Months:
    """The months covered, first days, both inclusive.

    Parameters
    ----------
    first, last
        First and last month with data, or as the settings say.
    is_open
        Whether the current calendar month, and each to come, is covered as well: true for a
        live feed, false for a historical file.
    today
        The retailer's date.
    time_zone
        The retailer's: when a month ends.
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

        Parameters
        ----------
        newest_date
            Day of the newest row.
        """
        month = shift(month_of(self.today), -1)
        is_due = self.is_open and month >= self.first and not self.is_complete(month, newest_date)
        return month if is_due else None

    def partitions(self) -> dg.MonthlyPartitionsDefinition:
        """Return the partitions, keyed by first day of month; open at the end for a live feed."""
        return dg.MonthlyPartitionsDefinition(
            start_date=self.first.isoformat(),
            end_date=None if self.is_open else shift(self.last, 1).isoformat(),
            end_offset=1,  # the month that is not over is a partition too
            timezone=self.time_zone,
        )

    @classmethod
    def load(cls, settings: "Settings", today: date, time_zone: str = "UTC") -> "Months":
        """Return the months covered; before the first ingestion only the current one is known.

        Raises
        ------
        UserError
            If the file of months is damaged, or the first month is set to one to come.
        """
        months = _remembered(settings, today) or cls(month_of(today), month_of(today), True, today)
        return replace(_overridden(settings, months), time_zone=time_zone)

    def of_data(self, settings: "Settings", first_date: date, last_date: date) -> "Months":
        """Return the months to cover, given the first and the last likely date of the data.

        Dates before 2000 or after the current month do not stretch the months; rows that bear
        them are rejected as ``outside_months``. Months whose files went away are covered no
        longer: the ingestion empties them. A feed that was live stays so for as long as the
        warehouse is there, and is waited for.

        Raises
        ------
        UserError
            If the clock stands before months that were covered already.
        """
        this_month = month_of(self.today)
        first = min(max(month_of(first_date), EARLIEST), this_month)
        last = max(min(month_of(last_date), this_month), first)
        before = _remembered(settings, self.today) if settings.warehouse_path.exists() else None
        if before and before.last > this_month:
            raise UserError(
                f"Today is {self.today} by this machine's clock, but data of "
                f"{before.last:%Y-%m} was ingested before: it would be rejected as from the "
                "future.",
                f"Set the clock right. Or, if that data was wrong, delete {settings.months_path}.",
            )
        is_live = last >= shift(this_month, -LIVE_WITHIN_MONTHS) or bool(before and before.is_open)
        return _overridden(settings, replace(self, first=first, last=last, is_open=is_live))

    def save(self, settings: "Settings") -> bool:
        """Remember the months beside the warehouse; return whether the partitions changed."""
        before = Months.load(settings, self.today)
        text = json.dumps(
            {
                "first": self.first.isoformat(),
                # Not a last month to come that the settings name: data has not been there.
                "last": min(self.last, max(self.first, month_of(self.today))).isoformat(),
                "is_open": self.is_open,
            }
        )
        write_text(settings.months_path, text + "\n")
        after = Months.load(settings, self.today)
        # Open at the end: another month with data asks for no reload.
        return (before.first, before.newest, before.is_open) != (
            after.first,
            after.newest,
            after.is_open,
        )


def between(first: date, last: date) -> Iterator[date]:
    """Iterate over the months from ``first`` to ``last``."""
    while first <= last:
        yield first
        first = shift(first, 1)


def _remembered(settings: "Settings", today: date) -> Months | None:
    try:
        stored = json.loads(settings.months_path.read_text(encoding="utf-8"))
        return Months(
            first=date.fromisoformat(stored["first"]),
            last=date.fromisoformat(stored["last"]),
            is_open=bool(stored["is_open"]),
            today=today,
        )
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"The file of months {settings.months_path} is damaged.",
            "Delete it; the next ingestion writes it anew.",
        ) from error


def _overridden(settings: "Settings", months: Months) -> Months:
    """Let the settings have the last word on either end."""
    first = parse_month(settings.first_month) if settings.first_month else months.first
    last = parse_month(settings.last_month) if settings.last_month else months.last
    if first > month_of(months.today):
        raise UserError(
            f"CUSTOMER_SEGMENTS_FIRST_MONTH {first:%Y-%m} is in the future.",
            "Set it to a month past.",
        )
    is_open = months.is_open and not settings.last_month
    return replace(months, first=first, last=max(first, last), is_open=is_open)
