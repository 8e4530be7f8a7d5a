"""Files -> cells: every sheet of every workbook as Arrow columns of text.

Belongs here: finding the transactions in what a file holds. Does not: file formats
(``formats``), or what a cell's text means (``casting``).
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from customer_segments.errors import UserError
from customer_segments.ingestion.formats import Grid, read_grids
from customer_segments.ingestion.layout import shown
from customer_segments.ingestion.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa


class Sheet(NamedTuple):
    """The cells of one sheet.

    Parameters
    ----------
    name
        Sheet name; a file that has no sheets gives its own stem.
    cells
        A row per row that holds anything: ``row_number`` as Excel shows it, and a text column
        for each column of the layout, null where the cell is empty or an error such as #REF!.
    blank_rows
        Rows that hold nothing, before the last one that does.
    ignored_columns
        Headings of columns that are not part of the layout.
    """

    source: Source
    name: str
    cells: "pa.Table"
    blank_rows: int
    ignored_columns: tuple[str, ...]


def read_sheets(
    sources: list[Source], progress: Callable[[str], None] = lambda message: None
) -> list[Sheet]:
    """Read every sheet that is not empty, side by side in threads, in the order given.

    Raises
    ------
    UserError
        If a file cannot be read or a sheet lacks a column; names file, sheet and column.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        sheets = []
        for sheet in chain.from_iterable(pool.map(_sheets_of, sources)):
            progress(f"{sheet.source.name}, {sheet.name}: {sheet.cells.num_rows:,} rows")
            sheets.append(sheet)
    return sheets


def _sheets_of(source: Source) -> list[Sheet]:
    if source.size == 0:
        raise UserError(
            f"{shown(source.name)} is empty (0 bytes).", "Copy it again, or take it away."
        )
    return [_to_sheet(source, grid) for grid in read_grids(source.file)]


def _to_sheet(source: Source, grid: Grid) -> Sheet:
    import pyarrow as pa
    import pyarrow.compute as pc

    row_number = pa.arange(2, grid.cells.num_rows + 2)
    cells = grid.cells.add_column(0, "row_number", row_number)
    if not pc.all(cells["holds_something"]).as_py():
        cells = cells.filter(cells["holds_something"])
    cells = cells.drop_columns("holds_something")
    last_row = cells["row_number"][-1].as_py() if cells.num_rows else 1
    return Sheet(source, grid.name, cells, last_row - 1 - cells.num_rows, grid.ignored)
