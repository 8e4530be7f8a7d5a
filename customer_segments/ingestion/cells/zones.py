"""Times of another time zone than the retailer's: their evenings would count for the next day.

Belongs here: telling it by the zones that times bear. Does not: reading times (``times``).
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
from ibis import _
from tzlocal.windows_tz import win_tz

from customer_segments.doubt import Doubt, doubt
from customer_segments.ingestion.cells.dates import split
from customer_segments.ingestion.cells.times import by_zones
from customer_segments.ingestion.columns.layout import where
from customer_segments.ingestion.files.grid import Grid, cells_of

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Of the times that bear another zone than UTC, which programs write for any shop.
UTC = ("Z", "UTC", "GMT", "+0000", "+00:00")
MOST, ENOUGH_ROWS = 0.5, 200_000
# Before the main zones of Windows, of which several show the same clocks for years.
USUAL = ("Europe/Berlin", "America/New_York", "America/Chicago", "America/Sao_Paulo")


def other_zone(con: "Backend", grid: Grid, own_zone: str) -> Iterator[Doubt]:
    """Doubt that days and months are the retailer's if clocks there show another time as a rule."""
    cells = cells_of(grid.schema)
    text, zone = split(cells.invoice_date)
    zoned = cells.select(text=text, zone=zone).filter(_.zone != "")
    some = zoned.filter(~zoned.zone.isin(UTC)).limit(ENOUGH_ROWS)
    # Each once, for to look at a text takes long.
    rows = by_zones(some.group_by("text", "zone").agg(times=_.count()), own_zone)
    rows = rows.filter(rows.minutes != 0)
    query = rows.agg(
        rows=rows.times.sum(),
        others=rows.times.sum(where=rows.said != rows.at_home).fill_null(0),
        moved=rows.times.sum(where=rows.said.date() != rows.at_home.date()),
        zone=rows.zone.max(),
    )
    told = grid.counted(con, str(ibis.to_sql(query, "duckdb")))
    if told["rows"] and told["others"] > MOST * told["rows"] and told["moved"]:
        each = by_zones(zoned.distinct(), own_zone)
        days = each.select(day=each.said.date(), minutes=each.minutes).distinct()
        named = grid.read_by(str(ibis.to_sql(days.filter(days.day.notnull()), "duckdb")))
        fitting = _fitting(con.raw_sql(named).fetchall())
        yield doubt(
            "other_zone.known" if fitting else "other_zone",
            {"source": {"time_zone": fitting}} if fitting else {},
            where=where(grid.source.name, grid.sheet),
            heading=grid.header.headings["invoice_date"],
            own_zone=own_zone,
            **told,
        )


def _fitting(days: Iterable[tuple[date, float]]) -> str | None:
    """Return a zone whose clocks are so many minutes ahead of UTC's at noon of all of some days."""
    noons = [(datetime.combine(day, time(12)), timedelta(minutes=ahead)) for day, ahead in days]
    zones = map(ZoneInfo, (*USUAL, *win_tz.values()))
    fit = (zone for zone in zones if all(zone.utcoffset(noon) == ahead for noon, ahead in noons))
    return next((zone.key for zone in fit), None)
