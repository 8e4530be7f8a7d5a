"""Money in hundredths: cents and pence, which look like whole amounts.

Belongs here: telling that a column of money may be in them. Does not: dividing (``casting``).
"""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import ibis

from customer_segments.doubt import Doubt, doubt
from customer_segments.ingestion.columns.layout import where
from customer_segments.ingestion.files.grid import Grid, cells_of
from customer_segments.texts import read_toml

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

WITH_CENTS = set(read_toml("customer_segments.ingestion", "currencies.toml")["with_cents"])
SAID = r"(?i)(\b|_)(cents?|pence|minor([ _]units?)?)(\b|_)"
# Of amounts, those of three digits and more, and those that end in two zeros; and how many values.
MOST, HALF, LEAST_VALUES = 0.95, 0.5, 50


def is_said(heading: str) -> bool:
    """Tell whether a heading of money says that it is in hundredths."""
    return bool(re.search(SAID, heading))


def minor_units(con: "Backend", grid: Grid, currencies: Collection[str]) -> Iterator[Doubt]:
    """Look for money that is whole throughout, and has its cents in the last two digits.

    A shop that sells nothing below a hundred looks alike: nobody but the retailer can tell.
    """
    money = "price" if "price" in grid.schema else "amount"
    kind, has_cents = grid.schema[money], {*currencies} & WITH_CENTS
    if not (kind.is_string() or kind.is_integer()) or (currencies and not has_cents):
        return
    cells = cells_of(grid.schema)
    cells = cells.filter(cells[money].notnull())
    digits = cells[money].cast("string").re_extract("^[^0-9]*([0-9]+)[^0-9]*$", 1)
    query = cells.agg(
        rows=cells.count(),
        whole=(digits != "").sum(),
        long=(digits.length() > 2).sum(),
        round=digits.endswith("00").sum(),
        values=digits.nunique(),
        example=digits.max(),
    )
    told = grid.counted(con, str(ibis.to_sql(query, "duckdb")))
    is_whole = told["whole"] == told["rows"] and told["long"] >= MOST * told["rows"]
    if is_whole and told["round"] < HALF * told["rows"] and told["values"] >= LEAST_VALUES:
        yield doubt(
            "minor_units",
            {"layout": [{"minor_units": True}]},
            level="stops" if has_cents else "warns",
            where=where(grid.source.name, grid.sheet),
            heading=grid.header.headings[money],
            **told,
        )
