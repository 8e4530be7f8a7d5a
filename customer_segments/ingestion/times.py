"""What a date's text says, by the kinds of dates that its column has.

Belongs here: the engine's functions of time, formats. Does not: which kinds there are (``dates``).
"""

from collections.abc import Iterable
from itertools import product

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import StringValue, TimestampValue, Value

from customer_segments.ingestion.dates import AT, HALF, NAMED, PATTERNS, TIMESTAMP

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_ORDERS = {"dmy": "%d{0}%m{0}{1}", "mdy": "%m{0}%d{0}{1}", "ymd": "{1}{0}%m{0}%d"}
_UNIX_DAY = 25_569  # of the serial number of 1970-01-01
# By the first letters, without accents: English, German, French, Spanish, Italian, Portuguese,
# Dutch.
_MONTHS = (
    *(
        "jan ene gen",
        "feb fev",
        "mar mrz mrt maa",
        "apr avr abr",
        "may mai mag mei",
        "jun juin giu",
    ),
    *("jul juil lug", "aug aou ago", "sep set", "oct okt ott out", "nov", "dec dez dic"),
)


@ibis.udf.scalar.builtin
def try_strptime(text: dt.string, formats: dt.Array[dt.string]) -> dt.timestamp:
    """Parse a text by the first format that fits; null if none does."""


@ibis.udf.scalar.builtin
def strip_accents(text: dt.string) -> dt.string:
    """Return a text without its accents."""


@ibis.udf.scalar.builtin
def make_timestamp(micros: dt.int64) -> dt.timestamp:
    """Return the time so many microseconds after 1970."""


@ibis.udf.scalar.builtin
def timezone(zone: str, time: dt.Timestamp(timezone="UTC")) -> dt.timestamp:  # type: ignore[valid-type]
    """Return what clocks show in a zone."""


@ibis.udf.scalar.builtin(name="timezone")
def _of_zone(zone: str, time: dt.timestamp) -> dt.Timestamp(timezone="UTC"):  # type: ignore[valid-type]
    """Return the moment at which clocks of a zone show a time."""


def read(
    cell: StringValue,
    kinds: Iterable[str],
    is_plain: bool,
    order: str,
    zone: str,
    own_zone: str | None,
) -> TimestampValue:
    """Return the time that a cell says, null if it says none.

    Parameters
    ----------
    kinds, order
        Of the column's dates.
    is_plain
        Whether all cells of the column are as the engine writes times.
    zone
        The retailer's, in which times are given.
    own_zone
        That of times that bear none, if it is another one.
    """
    text = cell.strip()
    if is_plain:
        return _from(own_zone, text.try_cast(TIMESTAMP), zone)
    # 2.1.2024, 9:44 and 2.1.2024 9:44 a.m.
    plain = (
        text.re_replace(rf"{AT}([0-9]{{1,2}}:)", r" \1")
        .re_replace(HALF, r" \1M")
        .re_replace(r"(:[0-9]{2}),([0-9]+)$", r"\1.\2")
    )
    naive = {
        "iso": plain.try_cast(TIMESTAMP),
        "year_first": try_strptime(plain, _formats("{1}{0}%m{0}%d", years=("%Y",))),
        "numeric": try_strptime(plain, _formats(_ORDERS[order])),
        "named": _named(plain),
        "compact": try_strptime(plain, ["%Y%m%d%H%M%S", *_formats("%Y%m%d", ("",), ("",))]),
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
            for name in kinds
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


def _named(text: StringValue) -> Value:
    """Return the time of a date with the name of its month, in whatever language."""

    def parts(day: int, month: int, pattern: str) -> Value:
        name = strip_accents(text.re_extract(pattern, month).lower()).re_extract("^(jui.|...)", 1)
        number = ibis.cases(
            *((name.isin(names.split()), str(n)) for n, names in enumerate(_MONTHS, 1))
        )
        said = [text.re_extract(pattern, day), number, text.re_extract(pattern, 3)]
        return ibis.literal("/").join(said)

    date = ibis.ifelse(
        text.re_search(NAMED["day_month"]),
        parts(1, 2, NAMED["day_month"]),
        parts(2, 1, NAMED["month_day"]),
    )
    time = text.re_extract(r"( [0-9]{1,2}:.*)$", 1)
    return try_strptime(date + time, _formats(_ORDERS["dmy"], separators=("/",)))


def _formats(
    days: str, separators: tuple[str, ...] = ("/", ".", "-"), years: tuple[str, ...] = ("%y", "%Y")
) -> list[str]:
    # Two digits first: four would take them for a year of the first century.
    return [
        days.format(separator, year) + time
        for separator, year, time in product(separators, years, _TIMES)
    ]
