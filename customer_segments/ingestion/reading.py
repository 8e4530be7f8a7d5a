"""Files -> cells: every sheet of every workbook as Arrow columns of text.

Belongs here: .xlsx, .csv and .parquet, and which of their columns are the layout's. Does not:
unpacking (``contained``), or what a cell's text means (``casting``). All columns are read as text,
for a typed reader turns 3.5 into 3 and "six" into null without a word, while text keeps what the
cell said.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import reduce
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from customer_segments.errors import UserError
from customer_segments.ingestion.contained import sheets_of
from customer_segments.ingestion.layout import (
    HEADER_SEARCH_ROWS,
    HEADINGS,
    Header,
    match_header,
    shown,
    where,
)
from customer_segments.ingestion.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

# As the csv module has it, now for all formats. Excel's own limit is 32,767.
LONGEST_TEXT = 131_072


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


# Name, header, and a text column for each column of the layout; ``holds_something`` tells of all
# columns of the file.
Grid = tuple[str, Header, "pa.Table"]


def read_sheets(
    sources: list[Source], progress: Callable[[str], None] = lambda message: None
) -> list[Sheet]:
    """Read every sheet that is not empty, side by side in threads, in the order given.

    Raises
    ------
    UserError
        If a file cannot be read or a sheet lacks a column; names file, sheet and column.
    """
    sheets = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for sheet in chain.from_iterable(pool.map(_sheets_of, sources)):
            progress(f"{sheet.source.name}, {sheet.name}: {sheet.cells.num_rows:,} rows")
            sheets.append(sheet)
    return sheets


def _sheets_of(source: Source) -> list[Sheet]:
    import pyarrow as pa
    import pyarrow.compute as pc

    file, sheets = source.file, dict[str, Sheet]()
    if source.size == 0:
        raise UserError(
            f"{shown(file.name)} is empty (0 bytes).", "Copy it again, or take it away."
        )
    for name, header, cells in (
        _csv_grids(file) if file.suffix.lower() == ".csv" else _contained_grids(file)
    ):
        if name in sheets:
            raise UserError(
                f"{where(file.name, name)}: two sheets have this name.", "Rename one of them."
            )
        _require_no_endless_text(cells, where(file.name, name))
        cells = cells.add_column(0, "row_number", pa.arange(2, cells.num_rows + 2))
        if not pc.all(cells["holds_something"]).as_py():
            cells = cells.filter(cells["holds_something"])
        cells = cells.drop_columns("holds_something")
        last_row = cells["row_number"][-1].as_py() if cells.num_rows else 1
        blank_rows = last_row - 1 - cells.num_rows
        sheets[name] = Sheet(source, name, cells, blank_rows, header.ignored)
    return list(sheets.values())


def _contained_grids(file: Path) -> Iterator[Grid]:
    """Yield the sheets of an .xlsx or a .parquet file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, text in sheets_of(file):
        if not text.num_rows:
            continue
        first_rows = [list(row.values()) for row in text.slice(0, HEADER_SEARCH_ROWS).to_pylist()]
        header = match_header(first_rows, where(file.name, name))
        for column, position in header.positions.items():
            if error := (text.field(position).metadata or {}).get(b"error"):
                raise UserError(
                    f"{where(file.name, name)}, column {HEADINGS[column][0]}: cannot be read as "
                    f"text ({error.decode()}).",
                    "Write it as text, numbers or timestamps.",
                )
        data = text.slice(1)
        holds_something = reduce(pc.or_, map(pc.is_valid, data.columns))
        chosen = {column: data.column(place) for column, place in header.positions.items()}
        yield name, header, pa.table(chosen | {"holds_something": holds_something})


def _csv_grids(file: Path) -> Iterator[Grid]:
    """Yield all records of a CSV file; a record keeps its number, also after a blank line."""
    import csv

    import pyarrow as pa

    with file.open(encoding=_encoding(file), newline="") as stream:
        delimiter = max(",;\t", key=stream.readline().count)
        stream.seek(0)
        # Strict: a quotation mark that is never closed would swallow rows without a word.
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            first_rows = list(islice(reader, HEADER_SEARCH_ROWS))
            if not any(cell.strip() for row in chain(first_rows, reader) for cell in row):
                return
            # A header further down is to be told from too many cells in a row.
            header = match_header(first_rows, where(file.name, file.stem))
            width = len(first_rows[0])
            batches = list(_csv_batches(chain(first_rows[1:], reader), header, width, file))
        except csv.Error as error:
            raise UserError(
                f"{shown(file.name)}, line {reader.line_num}: {error}.",
                "Check its quotation marks.",
            ) from error
    schema = pa.schema(dict.fromkeys(HEADINGS, pa.string()) | {"holds_something": pa.bool_()})
    yield file.stem, header, pa.Table.from_batches(batches, schema)


def _csv_batches(
    records: Iterator[list[str]], header: Header, width: int, file: Path, batch_rows: int = 50_000
) -> Iterator["pa.RecordBatch"]:
    """Yield Arrow batches of the layout's columns; bounded memory for Python's own objects."""
    import pyarrow as pa

    numbered = enumerate(records, 2)
    while batch := list(islice(numbered, batch_rows)):
        for number, record in batch:
            if len(record) > width:
                raise UserError(
                    f"{shown(file.name)}, row {number}: {len(record)} cells where the header has "
                    f"{width}.",
                    "Put the cell that holds a separator in quotation marks.",
                )
        columns = {
            column: pa.array(
                [
                    record[place] if place < len(record) and record[place].strip() else None
                    for _, record in batch
                ],
                pa.string(),
            )
            for column, place in header.positions.items()
        }
        columns["holds_something"] = pa.array([any(map(str.strip, row)) for _, row in batch])
        yield pa.record_batch(columns)


def _encoding(file: Path) -> str:
    """Return UTF-8 where the file is that, else Windows' Western European code page.

    The latter is what Excel on a Western European Windows writes as plain "CSV".
    """
    for encoding in ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError), file.open(encoding=encoding) as stream:
            if not any("\0" in part for part in iter(lambda: stream.read(1 << 20), "")):
                return encoding
    raise UserError(
        f"{shown(file.name)} is not a readable .csv file: its text is neither UTF-8 nor "
        "Windows-1252.",
        "It may be of another kind: save it anew as .csv, in UTF-8.",
    )


def _require_no_endless_text(cells: "pa.Table", place: str) -> None:
    import pyarrow.compute as pc

    for column in HEADINGS:
        lengths = pc.binary_length(cells[column])
        if (pc.max(lengths).as_py() or 0) > LONGEST_TEXT:
            row = pc.index(pc.greater(lengths, LONGEST_TEXT), True).as_py() + 2
            raise UserError(
                f"{place}, column {HEADINGS[column][0]}, row {row}: a text of more than "
                f"{LONGEST_TEXT:,} bytes.",
                "Shorten it; Excel itself holds 32,767 characters.",
            )
