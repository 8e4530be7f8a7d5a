"""The cells of one sheet, as a relation that the engine reads.

Belongs here: what a grid is. Does not: making one (``reading``, ``scans``).
"""

from typing import NamedTuple

from ibis.expr.types import Table

from customer_segments.ingestion.layout import Header
from customer_segments.ingestion.sources import Source


class Grid(NamedTuple):
    """The cells of one sheet.

    Parameters
    ----------
    sheet
        Sheet name; a file that has no sheets gives its own stem.
    cells
        A row per row that holds anything: ``row_number`` as Excel shows it, ``overfull``, and a
        column for each column of the layout, null where the cell is empty or an error.
    view, sql
        Name and query of the view that ``cells`` reads, if it is not in memory.
    is_columnar
        Whether the engine reads single columns of it.
    """

    source: Source
    sheet: str
    header: Header
    cells: Table
    view: str = ""
    sql: str = ""
    is_columnar: bool = False
