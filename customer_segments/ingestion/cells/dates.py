"""Dates as files write them: which kinds of text there are, and what each says.

Belongs here: patterns and formats. Does not: which columns are dates (``layout``).
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table, Value

from customer_segments.doubt import Doubt, doubt
from customer_segments.policy.layout import Layout
from customer_segments.texts import read_toml

TIMESTAMP = "timestamp(6)"
# In words.
SAID: dict[str, str] = read_toml(__package__, "months.toml")["said"]
ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "two-digit year first"}
ORDERS["1904"] = ORDERS["dmy"]
# Of a column's cells; fewer of another kind are taken for errors in writing. And so many times more
# first parts than last ones: those are days, these years of two digits.
LEAST, SURE = 0.01, 3
_BLANK = "[ \u00a0\u202f]"
# 9:44, 9.44.05, 9:44:05.123
CLOCK = r"([01]?[0-9]|2[0-3])(?::[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?|(?:\.[0-9]{2}){1,2})"
HALF = rf"{_BLANK}?([AaPp])(?:\.?{_BLANK}?[Mm])?\.?$"
AT = rf"(?:,?{_BLANK}(?:at|um|à|às|om|a las|alle|kl\.?|klo|[гр]\.))?(?:[T,]|{_BLANK})+"  # noqa: RUF001
_TIME = rf"({AT}{CLOCK}({HALF}|(?: Uhr| ч|{_BLANK}?hs?)$)?)?"
_ISO = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_HALF = rf"{_BLANK}?[AaPp](?:\.?{_BLANK}?[Mm])?\.?"
# The zone behind a time, in hours; abbreviations that are of one place, or nearly so.
ZONES: dict[str, int] = read_toml(__package__, "months.toml")["zones"]
_OFFSET = r"(?:UTC|GMT)?[+-][0-9]{2}(?::?[0-9]{2})?"
# The time and its zone; a browser adds the zone's name in words.
ZONED = (
    rf"^(.*[:.][0-9]{{2}}(?:[.,][0-9]{{1,9}})?(?:{_HALF})?|[0-9]{{8}}T[0-9]{{6}}) ?"
    rf"({_OFFSET}|{'|'.join(ZONES)})(?: \(.*\)|\[.*\])?$"
)
_YEAR = "([0-9]{4}|[0-9]{2})"
# 31012024, or 1012024 where a spreadsheet took it for a number: no 19 or 20 is a month.
_RUN_TOGETHER = "^([0-9]{1,2})([0-9]{2})((?:19|20)[0-9]{2})$"
_SHORT = "^([0-9]{2})([0-9]{2})([0-9]{2})$"  # 310124 or 240131
# One way of writing of several: what is looked for, and what it becomes.
_WRITTEN = (
    *map(tuple, read_toml(__package__, "months.toml")["written"]),
    *((_RUN_TOGETHER, r"\1/\2/\3"), (_SHORT, r"\1-\2-\3")),
)
_DAY, _MONTH = "([0-9]{1,2})(?:st|nd|rd|th)?", r"([^0-9\s.,/-]{3,})\.?"
# A day of the week may stand in front: Mon, 11 Mar 2024; martes 11 de marzo de 2024.
_WEEKDAY = r"^(?:[^0-9\s.,/]+[.,]* +)?"
SERIAL = r"^([2-7][0-9]{4})(?:[.,][0-9]+)?$"
# Of 1899-12-30, from which serial numbers count, and of 1904-01-01, as on old Macs.
EPOCH, LATER = date(1899, 12, 30), timedelta(days=1462)
NAMED = {
    "day_month": rf"{_WEEKDAY}{_DAY}(?: de\b)?[-/. ]*{_MONTH}(?: del?\b)?[-/, ]*{_YEAR}{_TIME}$",
    "month_day": rf"{_WEEKDAY}{_MONTH}[ -]+{_DAY}(?:,? |-){_YEAR}{_TIME}$",
    "year_month_day": rf"^([0-9]{{4}})(?: m\.)?[-/. ]+{_MONTH}[-/. ]*{_DAY}\.?{_TIME}$",
}
PATTERNS = {
    # As the engine reads it by itself.
    "iso": rf"^{_ISO}([ T]([01]?[0-9]|2[0-3]):[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?)?$",
    "year_first": rf"^[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}{_TIME}$",
    "numeric": rf"^[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.]{_YEAR}{_TIME}$",
    "named": "|".join(NAMED.values()),
    "compact": r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])([0-2][0-9]|3[01])"
    rf"(T?([01][0-9]|2[0-3])[0-5][0-9]([0-5][0-9])?$|{_TIME}$)",
    # Days since 1899-12-30, from 1954 to 2119; seconds since 1970, or thousandths to billionths.
    "serial": SERIAL,
    "epoch": r"^[0-9]{10}(\.[0-9]+|[0-9]{3}|[0-9]{6}|[0-9]{9})?$",
}


def split(cell: StringValue) -> tuple[StringValue, StringValue]:
    """Return a cell without its zone, in the one way of writing of several, and the zone."""
    cell = cell.strip()
    text = cell
    for pattern, said in _WRITTEN:
        text = text.re_replace(pattern, said)
    # The rest of most columns is digits alone, and takes no more than to see that.
    is_plain = ~cell.re_search(
        rf"[^0-9T:./ -]|[-/.] |:[0-9.]+ ?-|\.$|^[0-9]{{1,2}}:|{_RUN_TOGETHER}|{_SHORT}"
    )
    zone = ibis.ifelse(is_plain, "", text.re_extract(ZONED, 2))
    without = ibis.ifelse(zone == "", text, text.re_extract(ZONED, 1))
    return ibis.ifelse(is_plain, cell, without), zone


def parts(texts: Table, column: str) -> Table:
    """Add to a column's texts what their kinds are told by."""
    text, zone = split(texts[column])
    texts = texts.mutate(text=text, zone=zone)
    numbers = {
        "first": r"^([0-9]{1,2})[-/.]",
        "second": r"^[0-9]{1,2}[-/.]([0-9]{1,2})[-/.]",
        "short_year": r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.]([0-9]{2})(?:[ ,T]|$)",
        "late": r"-([0-9]{1,2})(?:[ T]|$)",
        "serial_day": SERIAL,
    }
    return texts.mutate(
        plain=texts[column].strip().re_search(PATTERNS["iso"]),
        six=texts[column].strip().re_search(_SHORT),
        numeric=texts.text.re_search(PATTERNS["numeric"]),
        **{
            name: texts.text.re_extract(pattern, 1).try_cast("int64")
            for name, pattern in numbers.items()
        },
    )


def kinds(texts: Table) -> dict[str, BooleanValue]:
    """Return which kinds the texts with their ``parts`` are of, for counting."""
    text, numeric = texts.text, texts.numeric
    serial = ibis.date(EPOCH) + texts.serial_day.as_interval("D")
    found = {
        name: text.re_search(pattern) for name, pattern in PATTERNS.items() if name != "numeric"
    }
    return found | {
        "numeric": numeric,
        "day_first": numeric & (texts["first"] > 12) & (texts.second <= 12),
        "month_first": numeric & (texts.second > 12) & (texts["first"] <= 12),
        # 9.6.2010: nobody writes the month first with dots. Those of a.m. are none of the date's.
        "dotted": numeric & text.re_search(r"^[0-9]+\."),
        # Excel turns a day and a month around only where both could be a month.
        "late": (found["iso"] & (texts.late > 12)) | (found["serial"] & (serial.day() > 12)),
        "zoned": texts.zone != "",
        "six": texts.six,
        "plain": texts.plain,
    }


def spread(texts: Table) -> dict[str, Value]:
    """Return what tells dates with the year first, 24-03-11, from those with it last.

    ``short`` are those that are dates either way, each as many ``times`` as it is there; of them,
    how many first and last parts there are. ``serial_last`` is the last serial number.
    """
    short = texts.numeric & (texts.second <= 12) & texts.short_year.between(1, 31)
    return {
        "short": texts.times.sum(where=short).fill_null(0).cast("int64"),
        "short_first": texts["first"].nunique(where=short),
        "short_last": texts.short_year.nunique(where=short),
        "serial_last": texts.serial_day.max(),
    }


def order(
    counts: Mapping[str, Any], layout: Layout, where: str, today: date
) -> tuple[Literal["dmy", "mdy", "ymd", "1904"], Doubt | None]:
    """Decide on the order of dates such as 03/04/2011, of which none is after ``today``."""
    numeric, day_first, month_first = (
        counts[name] for name in ("numeric", "day_first", "month_first")
    )
    facts = {**counts, "where": where, "example": counts.get("numeric:example")}
    if layout.dates:
        return layout.dates, None
    cells = counts["iso"] + counts["serial"]
    if cells and not counts["late"] and day_first + month_first > 0.95 * numeric:
        return "dmy", doubt("swapped_dates", **facts | {"iso": cells})
    if is_one(counts, "serial"):
        last = EPOCH + timedelta(days=counts["serial_last"])
        if last + LATER < today:
            facts |= {"last": last, "later": last + LATER}
            return "dmy", doubt("ambiguous_dates.calendar", **facts)
    if not is_one(counts, "numeric"):
        return "dmy", None
    # The year changes seldom, the day often.
    days, years = counts["short_first"], counts["short_last"]
    if counts["short"] > (1 - LEAST) * numeric and days <= SURE * years:
        if years >= max(25, SURE * days):  # of a month: no shop has so many years
            return "ymd", None
        return "dmy", doubt("ambiguous_dates.year", **facts)
    few = LEAST * (day_first + month_first)
    if day_first > few and month_first > few:
        facts |= {f"{name}_example": counts[f"{name}_first:example"] for name in ("day", "month")}
        return "dmy", doubt("ambiguous_dates.mixed", **facts)
    if not day_first and not month_first and counts["dotted"] < numeric:
        return "dmy", doubt("ambiguous_dates.both", **facts)
    return ("mdy" if month_first > day_first else "dmy"), None


def said(counts: Mapping[str, Any], order: str) -> str:
    """Return in words how a column of dates is read."""
    words = SAID | {"numeric": ORDERS[order]}
    return " and ".join(
        word
        for name, word in words.items()
        if is_one(counts, name) and (name != "year_first" or counts["year_first"] > counts["iso"])
    )


def found(counts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which kinds are forms of the column."""
    # Beside six digits, 310124, five have lost a zero: they are no serial numbers.
    lost = "serial" if counts["six"] else None
    return tuple(name for name in PATTERNS if is_one(counts, name) and name != lost)


def is_one(counts: Mapping[str, Any], name: str) -> bool:
    """Tell whether a kind is one of the column's forms."""
    return counts[name] > 0 and counts[name] >= LEAST * counts["all"]
