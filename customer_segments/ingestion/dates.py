"""Dates as files write them: which kinds of text there are, and what each says.

Belongs here: patterns and formats. Does not: which columns are dates (``layout``).
"""

from collections.abc import Mapping
from itertools import product
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import BooleanValue, StringValue, TimestampValue, Value

from customer_segments.ingestion.doubt import Doubt
from customer_segments.policy.layout import Layout

TIMESTAMP = "timestamp(6)"
# Of a column's cells; fewer of another kind are taken for errors in writing.
LEAST = 0.01
_CLOCK = r"([01]?[0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
_TIME = rf"([ T,]+{_CLOCK}( ?[AaPp]\.?[Mm]\.?)?)?"
_ISO = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_ZONE = "(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)"
_DAY, _MONTH, _YEAR = "[0-9]{1,2}(st|nd|rd|th)?", r"[A-Za-z]{3,9}\.?", "([0-9]{4}|[0-9]{2})"
PATTERNS = {
    # As the engine reads it by itself.
    "iso": rf"^{_ISO}([ T]{_CLOCK})?$",
    "zoned": rf"^{_ISO}[ T]{_CLOCK} ?{_ZONE}$",
    "year_first": rf"^[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}{_TIME}$",
    "numeric": rf"^[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.]{_YEAR}{_TIME}$",
    "named": rf"^({_MONTH} {_DAY},? [0-9]{{4}}|{_DAY}[- ]{_MONTH}[- ,]+{_YEAR}){_TIME}$",
    "compact": r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])([0-2][0-9]|3[01])([0-9]{6})?$",
    # Days since 1899-12-30, from 1954 to 2119, and seconds or milliseconds since 1970.
    "serial": r"^[2-7][0-9]{4}(\.[0-9]+)?$",
    "epoch": r"^[0-9]{10}([0-9]{3})?$",
}
_FIRST, _SECOND = r"^([0-9]{1,2})[-/.]", r"^[0-9]{1,2}[-/.]([0-9]{1,2})[-/.]"
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_ORDERS = {"dmy": "%d{0}%m{0}", "mdy": "%m{0}%d{0}"}
_UNIX_DAY = 25_569  # of the serial number of 1970-01-01


@ibis.udf.scalar.builtin
def try_strptime(text: dt.string, formats: dt.Array[dt.string]) -> dt.timestamp:
    """Parse a text by the first format that fits; null if none does."""


@ibis.udf.scalar.builtin
def make_timestamp(micros: dt.int64) -> dt.timestamp:
    """Return the time so many microseconds after 1970."""


@ibis.udf.scalar.builtin
def timezone(zone: str, time: dt.Timestamp(timezone="UTC")) -> dt.timestamp:  # type: ignore[valid-type]
    """Return what clocks show in a zone."""


@ibis.udf.scalar.builtin(name="timezone")
def _of_zone(zone: str, time: dt.timestamp) -> dt.Timestamp(timezone="UTC"):  # type: ignore[valid-type]
    """Return the moment at which clocks of a zone show a time."""


def kinds(cell: StringValue) -> dict[str, BooleanValue]:
    """Return which kinds a cell is of, for counting."""
    text = cell.strip()
    found = {name: text.re_search(pattern) for name, pattern in PATTERNS.items()}
    first, second = _part(text, _FIRST), _part(text, _SECOND)
    numeric = found["numeric"]
    return found | {
        "day_first": numeric & (first > 12) & (second <= 12),
        "month_first": numeric & (second > 12) & (first <= 12),
        "dotted": numeric & text.contains("."),
        # Excel turns a day and a month around only where both could be a month.
        "iso_late": found["iso"] & (_part(text, r"-([0-9]{1,2})(?:[ T]|$)") > 12),
        "utc": text.re_search(r"(Z|UTC|GMT|[+-]00:?00)$"),
    }


def order(
    counts: Mapping[str, Any], layout: Layout, where: str
) -> tuple[Literal["dmy", "mdy"], Doubt | None]:
    """Decide whether the day or the month is first in a column of dates such as 03/04/2011."""
    numeric, day_first, month_first = (
        counts[name] for name in ("numeric", "day_first", "month_first")
    )
    example = counts.get("numeric:example")
    if layout.dates:
        return ("mdy" if layout.dates == "mdy" else "dmy"), None
    if not _is_one(counts, "numeric"):
        return "dmy", None
    if counts["iso"] and not counts["iso_late"] and day_first + month_first > 0.95 * numeric:
        return "dmy", Doubt(
            "swapped_dates",
            "stops",
            f"{where}: {counts['iso']:,} dates are date cells, none of them after the 12th of a "
            f"month, and {numeric:,} are text such as {example!r}, all after it: Excel took the "
            "day for the month where it could.",
            "Export it anew and open it with Data > From Text/CSV, with the order of day and month "
            "that the export has; or import the export itself, without Excel.",
            '[source] accept = ["swapped_dates"]',
        )
    few = LEAST * (day_first + month_first)
    if day_first > few and month_first > few:
        return "dmy", Doubt(
            "ambiguous_dates",
            "stops",
            f"{where}: {day_first:,} dates have the day first ({counts['day_first:example']!r}) "
            f"and {month_first:,} the month ({counts['month_first:example']!r}).",
            'Export it with one order; or, if one of them is wrong, say [[layout]] dates = "dmy" '
            'or "mdy": the others are rejected.',
            '[source] accept = ["ambiguous_dates"]',
        )
    if not day_first and not month_first and counts["dotted"] < numeric:
        return "dmy", Doubt(
            "ambiguous_dates",
            "stops",
            f"{where}: all {numeric:,} dates such as {example!r} fit both orders of day and month.",
            'Say which it is: [[layout]] dates = "dmy" (day first) or "mdy" (month first).',
            '[source] accept = ["ambiguous_dates"]',
        )
    return ("mdy" if month_first > day_first else "dmy"), None


def said(counts: Mapping[str, Any], order: str) -> str:
    """Return in words how a column of dates is read."""
    words = {
        "iso": "year-month-day",
        "zoned": "year-month-day with a time zone",
        "year_first": "year first",
        "numeric": "day first" if order == "dmy" else "month first",
        "named": "names of months",
        "compact": "yyyymmdd",
        "serial": "Excel's serial numbers",
        "epoch": "seconds since 1970",
    }
    return " and ".join(
        word
        for name, word in words.items()
        if _is_one(counts, name) and (name != "year_first" or counts["year_first"] > counts["iso"])
    )


def read(
    cell: StringValue, counts: Mapping[str, Any], order: str, zone: str, own_zone: str | None
) -> TimestampValue:
    """Return the time that a cell says, null if it says none.

    Parameters
    ----------
    counts, order
        Of the column.
    zone
        The retailer's, in which times are given.
    own_zone
        That of times that bear none, if it is another one.
    """
    text = cell.strip()
    if counts["iso"] == counts["all"]:
        return _from(own_zone, text.try_cast(TIMESTAMP), zone)
    # 2.1.2024, 9:44 and 2.1.2024 9:44 a.m.
    plain = text.re_replace(r"[ T,]+([0-9]{1,2}:)", r" \1").re_replace(
        r" ?([AaPp])\.?[Mm]\.?$", r" \1M"
    )
    named = plain.re_replace(r"([0-9])(st|nd|rd|th)\b", r"\1").re_replace(r"[-., ]+", " ")
    naive = {
        "iso": text.try_cast(TIMESTAMP),
        "year_first": try_strptime(plain, _formats("%Y{0}%m{0}%d", years=("",))),
        "numeric": try_strptime(plain, _formats(_ORDERS[order])),
        "named": try_strptime(
            named,
            _formats("%b %d ", "%B %d ", "%d %b ", "%d %B ", separators=("",)),
        ),
        "compact": try_strptime(text, ["%Y%m%d", "%Y%m%d%H%M%S"]),
        "serial": make_timestamp(
            ((text.try_cast("float64") - _UNIX_DAY) * 86_400).round().cast("int64") * 1_000_000
        ),
    }
    seconds = text.try_cast("float64") / ibis.ifelse(text.length() > 10, 1000, 1)
    moments = {
        "zoned": _moment(text),
        "epoch": _of_zone("UTC", make_timestamp((seconds * 1e6).cast("int64"))),
    }
    values = {name: _from(own_zone, value, zone) for name, value in naive.items()} | {
        name: timezone(zone, value) for name, value in moments.items()
    }
    null = ibis.null(TIMESTAMP)
    return ibis.coalesce(
        *(
            ibis.ifelse(text.re_search(PATTERNS[name]), values[name].cast(TIMESTAMP), null)
            for name in PATTERNS
            if _is_one(counts, name)
        ),
        null,
    )


def _from(own_zone: str | None, time: Value, zone: str) -> Value:
    return timezone(zone, _of_zone(own_zone, time)) if own_zone and own_zone != zone else time


def _moment(text: StringValue) -> Value:
    """Return the moment of a time with an offset in any form: Z, -0400, +02, +02:00."""
    pattern = r"^(.*?) ?(?:Z|UTC|GMT|([+-][0-9]{2}):?([0-9]{2})?)$"
    hours = text.re_extract(pattern, 2).nullif("").fill_null("+00")
    minutes = text.re_extract(pattern, 3).nullif("").fill_null("00")
    moment = text.re_extract(pattern, 1) + hours + ":" + minutes
    return moment.try_cast(dt.Timestamp(timezone="UTC"))


def _formats(
    *days: str, separators: tuple[str, ...] = ("/", ".", "-"), years: tuple[str, ...] = ("%y", "%Y")
) -> list[str]:
    # Two digits first: four would take them for a year of the first century.
    return [
        day.format(separator) + year + time
        for day, separator, year, time in product(days, separators, years, _TIMES)
    ]


def _part(text: StringValue, pattern: str) -> Value:
    return text.re_extract(pattern, 1).try_cast("int64")


def _is_one(counts: Mapping[str, Any], name: str) -> bool:
    """Tell whether a kind is one of the column's forms."""
    return counts[name] > 0 and counts[name] >= LEAST * counts["all"]
