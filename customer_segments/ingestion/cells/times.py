"""What a date's text says, by the kinds of dates that its column has.

Belongs here: the engine's functions of time, formats. Does not: which kinds there are (``dates``).
"""

from collections.abc import Iterable
from datetime import date
from itertools import product

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import StringValue, Table, Value

from customer_segments.ingestion.cells.dates import (
    AT,
    EPOCH,
    HALF,
    LATER,
    NAMED,
    PATTERNS,
    TIMESTAMP,
    ZONES,
    split,
)
from customer_segments.texts import read_toml

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_ORDERS = {"dmy": "%d{0}%m{0}{1}", "mdy": "%m{0}%d{0}{1}", "ymd": "{1}{0}%m{0}%d"}
_ORDERS["1904"] = _ORDERS["dmy"]
_UNIX_DAY = (date(1970, 1, 1) - EPOCH).days
_MONTHS = read_toml(__package__, "months.toml")


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


def with_moment(
    cells: Table,
    cell: StringValue,
    kinds: Iterable[str],
    is_plain: bool,
    order: str,
    zone: str,
    own_zone: str | None,
) -> Table:
    """Add ``moment``, the time that a cell says, null if it says none.

    ``kinds`` and ``order`` are of the column's dates; ``is_plain`` is whether all of its cells are
    as the engine writes times. Times are given in ``zone``, the retailer's; those that bear none
    are of ``own_zone``, if that is another one.
    """
    if is_plain:
        return cells.mutate(moment=_from(own_zone, cell.strip().try_cast(TIMESTAMP), zone))
    said, said_zone = split(cell)
    # Step by step, for a query with each text inside the others has no end.
    cells = cells.mutate(said=said, said_zone=said_zone)
    # 2.1.2024, 9:44 and 2.1.2024 9.44 and 2.1.2024 9:44 a.m.
    cells = cells.mutate(
        plain=cells.said.re_replace(r" ?(Uhr|ч|hs?)$", "")
        .re_replace(rf"{AT}([0-9]{{1,2}})\.([0-9]{{2}})(?:\.([0-9]{{2}}))?$", r" \1:\2:0\3")
        .re_replace(r":0([0-9]{2})$", r":\1")
        .re_replace(rf"{AT}([0-9]{{1,2}}:)", r" \1")
        .re_replace(HALF, r" \1M")
        .re_replace(r"(:[0-9]{2})[.,]([0-9]{1,6})[0-9]*", r"\1.\2"),
        number=cells.said.replace(",", ".").try_cast("float64"),
    )
    text, plain, number = cells.said, cells.plain, cells.number
    first_day = _UNIX_DAY - (LATER.days if order == "1904" else 0)
    values = {
        "iso": lambda: plain.try_cast(TIMESTAMP),
        "year_first": lambda: try_strptime(plain, _formats("{1}{0}%m{0}%d", years=("%Y",))),
        "numeric": lambda: try_strptime(plain, _formats(_ORDERS[order])),
        "named": lambda: _named(plain),
        "compact": lambda: try_strptime(
            plain.replace("T", ""),
            ["%Y%m%d%H%M%S", "%Y%m%d%H%M", *_formats("%Y%m%d", ("",), ("",))],
        ),
        "serial": lambda: make_timestamp(
            ((number - first_day) * 86_400).round().cast("int64") * 1_000_000
        ),
        "epoch": lambda: make_timestamp((number * _unit(text)).cast("int64")),
    }
    null = ibis.null(TIMESTAMP)
    naive = ibis.coalesce(
        *(
            ibis.ifelse(text.re_search(PATTERNS[kind]), values[kind]().cast(TIMESTAMP), null)
            for kind in kinds
        ),
        null,
    )
    cells = cells.mutate(
        naive=naive, is_utc=(cells.said_zone != "") | text.re_search(PATTERNS["epoch"])
    )
    moment = _moment(cells.naive, cells.said_zone)
    at_home = _from(own_zone, cells.naive, zone)
    said_so = ibis.ifelse(cells.is_utc, timezone(zone, moment), at_home).cast(TIMESTAMP)
    return cells.mutate(moment=said_so)


def by_zones(texts: Table, zone: str) -> Table:
    """Add the time that an ISO ``text`` says and clocks in ``zone`` then, and ``minutes`` to UTC's.

    It bears a ``zone`` of its own.
    """
    naive = texts.text.try_cast(TIMESTAMP)
    moment = _moment(naive, texts.zone)
    in_utc = timezone("UTC", moment).cast(TIMESTAMP)
    minutes = (naive.epoch_seconds() - in_utc.epoch_seconds()) / 60
    return texts.mutate(said=naive, at_home=timezone(zone, moment).cast(TIMESTAMP), minutes=minutes)


def _moment(naive: Value, said_zone: StringValue) -> Value:
    return _of_zone("UTC", naive - _offset(said_zone))


def _unit(text: StringValue) -> Value:
    """Return the millionths of a second that a count since 1970 is in, by its digits."""
    return ibis.cases(
        (text.re_search("^[0-9]{19}$"), 1e-3),
        (text.re_search("^[0-9]{16}$"), 1),
        (text.re_search("^[0-9]{13}$"), 1e3),
        else_=1e6,
    )


def _from(own_zone: str | None, time: Value, zone: str) -> Value:
    return timezone(zone, _of_zone(own_zone, time)) if own_zone and own_zone != zone else time


def _offset(zone: StringValue) -> Value:
    """Return by how much the clocks of a zone are ahead: Z, PDT, -0400, +02, GMT+02:00."""
    pattern = "([+-])([0-9]{2}):?([0-9]{2})?"
    hours, minutes = (zone.re_extract(pattern, n).try_cast("int64").fill_null(0) for n in (2, 3))
    sign = ibis.ifelse(zone.contains("-"), -1, 1)
    named = ibis.cases(*((zone == name, hours) for name, hours in ZONES.items()), else_=0)
    return (named * 60 + sign * (hours * 60 + minutes)).as_interval("m")


def _named(text: StringValue) -> Value:
    """Return the time of a date with the name of its month, in whatever language."""

    def parts(day: int, month: int, year: int, pattern: str) -> Value:
        name = strip_accents(text.re_extract(pattern, month).lower())
        name = name.re_extract(f"^({_MONTHS['longer']}|...)", 1)
        number = ibis.cases(
            *((name.isin(names.split()), str(n)) for n, names in enumerate(_MONTHS["names"], 1))
        )
        said = [text.re_extract(pattern, part) for part in (day, year)]
        return ibis.literal("/").join([said[0], number, said[1]])

    date = ibis.cases(
        (text.re_search(NAMED["day_month"]), parts(1, 2, 3, NAMED["day_month"])),
        (text.re_search(NAMED["month_day"]), parts(2, 1, 3, NAMED["month_day"])),
        else_=parts(3, 2, 1, NAMED["year_month_day"]),
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
