"""Times of another time zone than the retailer's: their evenings would count for the next day.

Belongs here: telling it by the zones that times bear. Does not: reading times (``times``).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import ibis

from customer_segments.ingestion.doubt import Doubt, doubt
from customer_segments.ingestion.grid import Grid, cells_of
from customer_segments.ingestion.layout import where
from customer_segments.ingestion.times import by_zones

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Of the times that bear another zone than UTC, which programs write for any shop.
MOST, ENOUGH_ROWS = 0.5, 200_000


def other_zone(con: "Backend", grid: Grid, own_zone: str) -> Iterator[Doubt]:
    """Doubt that days and months are the retailer's if clocks there show another time as a rule."""
    cells = cells_of(grid.schema)
    said, at_home, zone = by_zones(cells.invoice_date, own_zone)
    _, in_utc, _ = by_zones(cells.invoice_date, "UTC")
    rows = cells.select(said=said, at_home=at_home, in_utc=in_utc, zone=zone)
    rows = rows.filter(rows.said != rows.in_utc).limit(ENOUGH_ROWS)
    query = rows.agg(
        rows=rows.count(),
        others=(rows.said != rows.at_home).sum(),
        moved=(rows.said.date() != rows.at_home.date()).sum(),
        zone=rows.zone.max(),
    )
    told = grid.counted(con, str(ibis.to_sql(query, "duckdb")))
    if told["rows"] and told["others"] > MOST * told["rows"] and told["moved"]:
        place, heading = where(grid.source.name, grid.sheet), grid.header.headings["invoice_date"]
        yield doubt("other_zone", where=place, heading=heading, own_zone=own_zone, **told)
