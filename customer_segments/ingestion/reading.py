"""Files -> cells: every sheet of every workbook as Arrow columns of text.

Belongs here: finding the transactions in what a file holds. Does not: file formats
(``formats``), or what a cell's text means (``casting``).
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.ingestion.formats import read_csv, read_parquet, read_xlsx, sheet_names
from customer_segments.ingestion.layout import HEADER_SEARCH_ROWS, match_header, where
from customer_segments.ingestion.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet.

    Parameters
    ----------
    source
        The file.
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
        jobs = [job for source in sources for job in _sheet_jobs(source)]
        sheets = []
        for sheet in pool.map(lambda job: job(), jobs):
            if sheet is not None:
                progress(f"{sheet.source.name}, {sheet.name}: {sheet.cells.num_rows:,} rows")
                sheets.append(sheet)
    return sheets


def _sheet_jobs(source: Source) -> Iterator[Callable[[], Sheet | None]]:
    """Yield a callable per sheet that reads it, and gives ``None`` for an empty one."""
    file = source.file
    if source.size == 0:
        raise UserError(f"{file.name} is empty (0 bytes).", "Copy it again, or take it away.")
    suffix = file.suffix.lower()
    names = sheet_names(file) if suffix == ".xlsx" else [file.stem]
    reader = {".xlsx": read_xlsx, ".csv": read_csv, ".parquet": read_parquet}[suffix]
    for name in names:

        def job(name: str = name) -> Sheet | None:
            # The header row is part of the columns, so that its position is the file's.
            text = reader(file, name)
            return _to_sheet(source, name, text) if text.num_rows else None

        yield job


def _to_sheet(source: Source, name: str, text: "pa.Table") -> Sheet:
    import pyarrow as pa
    import pyarrow.compute as pc

    first_rows = [list(row.values()) for row in text.slice(0, HEADER_SEARCH_ROWS).to_pylist()]
    header = match_header(first_rows, where(source.name, name))
    data = text.slice(1)
    row_number = pa.arange(2, data.num_rows + 2)
    cells = pa.table(
        {"row_number": row_number}
        | {column: data.column(position) for column, position in header.positions.items()}
    )
    holds_something = pc.invert(pc.is_null(data.column(0)))
    for column in data.columns[1:]:
        holds_something = pc.or_(holds_something, pc.invert(pc.is_null(column)))
    if not pc.all(holds_something).as_py():
        cells = cells.filter(holds_something)
    last_row = cells["row_number"][-1].as_py() if cells.num_rows else 1
    return Sheet(
        source=source,
        name=name,
        cells=cells,
        blank_rows=last_row - 1 - cells.num_rows,
        ignored_columns=header.ignored,
    )
