"""The cells of one sheet, as a relation that the engine reads.

Belongs here: what a grid is. Does not: making one (``reading``, ``scans``).
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
from ibis.expr.types import Table

from customer_segments.ingestion.layout import Header
from customer_segments.ingestion.sources import Source

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Queries are made once for all sheets with the same columns, which takes longer than a small file.
CELLS = "cells_of_a_sheet"


class Grid(NamedTuple):
    """The cells of one sheet, and the query that reads them.

    A file that has no sheets gives its own stem. There is a row per row that holds anything:
    ``row_number`` as Excel shows it, ``overfull``, and a column for each column of the layout, null
    where the cell is empty or an error.
    """

    source: Source
    sheet: str
    header: Header
    schema: ibis.Schema
    sql: str

    def read_by(self, query: str) -> str:
        """Return a query of ``cells_of`` as one of this sheet."""
        return query.replace(f'"{CELLS}"', f"({self.sql})")

    def counted(self, con: "Backend", query: str) -> dict[str, Any]:
        """Return what a query of ``cells_of`` that comes to one row says of this sheet."""
        found = con.raw_sql(self.read_by(query))
        names = [column[0] for column in found.description]
        return dict(zip(names, found.fetchone(), strict=True))


def cells_of(schema: ibis.Schema) -> Table:
    """Return the cells of whatever sheet has these columns."""
    return ibis.table(schema, name=CELLS)
