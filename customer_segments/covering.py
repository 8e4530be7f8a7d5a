"""Which months are covered: by the data, the settings, and the small file beside the warehouse.

Belongs here: settling the months, remembering them. Loading definitions reads nothing else. Does
not: what months are (``months``).
"""

import json
from dataclasses import replace
from datetime import date

from customer_segments.errors import UserError
from customer_segments.months import EARLIEST, Months, month_of, parse_month, shift
from customer_segments.private import write_text
from customer_segments.settings import Settings

# Data this many months behind the calendar is a historical file, not a live feed.
LIVE_WITHIN_MONTHS = 2


def load_months(settings: Settings, today: date, time_zone: str = "UTC") -> Months:
    """Return the months covered; before the first ingestion only the current one is known.

    A UserError says that the file of months is damaged, or the first month is set to one to come.
    """
    this_month = month_of(today)
    months = _remembered(settings, today) or Months(this_month, this_month, True, today)
    return replace(_overridden(settings, months), time_zone=time_zone)


def months_of_data(known: Months, settings: Settings, first_date: date, last_date: date) -> Months:
    """Return the months to cover, given the first and the last likely date of the data.

    Dates before 1970 or after the current month do not stretch the months; rows that bear
    them are rejected as ``outside_months``. Months whose files went away are covered no
    longer: the ingestion empties them. A feed that was live stays so for as long as the
    warehouse is there, and is waited for. A UserError says that the clock stands before months
    that were covered already, or that the settings leave out all of the data.
    """
    this_month = month_of(known.today)
    first = min(max(month_of(first_date), EARLIEST), this_month)
    last = max(min(month_of(last_date), this_month), first)
    before = _remembered(settings, known.today) if settings.warehouse_path.exists() else None
    if before and before.last > this_month:
        raise UserError(
            f"Today is {known.today} by this machine's clock, but data of "
            f"{before.last:%Y-%m} was ingested before: it would be rejected as from the "
            "future.",
            f"Set the clock right. Or, if that data was wrong, delete {settings.months_path}.",
        )
    begin, end = (given and parse_month(given) for given in settings.bounds)
    if (begin and begin > last) or (end and end < first):
        raise UserError(
            f"The data has {first:%Y-%m} to {last:%Y-%m}, which CUSTOMER_SEGMENTS_FIRST_MONTH or "
            "_LAST_MONTH leaves out altogether.",
            "Nothing was changed. Set other months, or take the settings out.",
        )
    is_live = last >= shift(this_month, -LIVE_WITHIN_MONTHS) or bool(before and before.is_open)
    return _overridden(settings, replace(known, first=first, last=last, is_open=is_live))


def save_months(months: Months, settings: Settings) -> bool:
    """Remember the months beside the warehouse; return whether the partitions changed."""
    before = load_months(settings, months.today)
    # Not a last month to come that the settings name: data has not been there.
    last = min(months.last, max(months.first, month_of(months.today)))
    ends = {"first": months.first.isoformat(), "last": last.isoformat()}
    write_text(settings.months_path, json.dumps(ends | {"is_open": months.is_open}) + "\n")
    after = load_months(settings, months.today)
    # Open at the end: another month with data asks for no reload.
    return any(
        getattr(before, name) != getattr(after, name) for name in ("first", "newest", "is_open")
    )


def _remembered(settings: Settings, today: date) -> Months | None:
    try:
        stored = json.loads(settings.months_path.read_text(encoding="utf-8"))
        first, last = (date.fromisoformat(stored[end]) for end in ("first", "last"))
        return Months(first, last, bool(stored["is_open"]), today)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"The file of months {settings.months_path} is damaged.",
            "Delete it; the next ingestion writes it anew.",
        ) from error


def _overridden(settings: Settings, months: Months) -> Months:
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
