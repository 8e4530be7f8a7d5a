"""Cells as text, from each of the file formats.

Belongs here: .xlsx, .csv and .parquet, and which of their columns are the layout's. Does not:
unpacking (``contained``), or rows (``reading``). All columns are read as text, for a typed
reader turns 3.5 into 3 and "six" into null without a word, while text keeps what the cell said.
"""

from collections.abc import Iterator
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

if TYPE_CHECKING:
    import pyarrow as pa

# As the csv module has it, now for all formats. Excel's own limit is 32,767.
LONGEST_TEXT = 131_072


class Grid(NamedTuple):
    """The rows below the header of one sheet.

    ``name``; headings that are ``ignored``; ``cells``: a text column for each column of the
    layout, null where the cell is empty or an error such as #REF!, and ``holds_something``, over
    all columns.
    """

    name: str
    ignored: tuple[str, ...]
    cells: "pa.Table"


def read_grids(file: Path) -> Iterator[Grid]:
    """Yield the sheets of a file that are not empty, in their order.

    Raises
    ------
    UserError
        If the file cannot be read or a sheet lacks a column; names file, sheet and column.
    """
    names: set[str] = set()
    for grid in _csv_grids(file) if file.suffix.lower() == ".csv" else _contained_grids(file):
        if grid.name in names:
            raise UserError(
                f"{where(file.name, grid.name)}: two sheets have this name.", "Rename one of them."
            )
        names.add(grid.name)
        _require_no_endless_text(file, grid)
        yield grid


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
        yield Grid(name, header.ignored, pa.table(chosen | {"holds_something": holds_something}))


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
    yield Grid(file.stem, header.ignored, pa.Table.from_batches(batches, schema))


def _csv_batches(
    records: Iterator[list[str]], header: Header, width: int, file: Path, batch_rows: int = 50_000
) -> Iterator["pa.RecordBatch"]:
    """Yield Arrow batches of the layout's columns; bounded memory for Python's own objects."""
    import pyarrow as pa

    positions = [header.positions[column] for column in HEADINGS]
    names = [*HEADINGS, "holds_something"]
    numbered = enumerate(records, 2)
    while batch := list(islice(numbered, batch_rows)):
        for number, record in batch:
            if len(record) > width:
                raise UserError(
                    f"{shown(file.name)}, row {number}: {len(record)} cells where the header has "
                    f"{width}.",
                    "Put the cell that holds a separator in quotation marks.",
                )
        columns: list[pa.Array] = [
            pa.array(
                [
                    record[place] if place < len(record) and record[place].strip() else None
                    for _, record in batch
                ],
                pa.string(),
            )
            for place in positions
        ]
        columns.append(pa.array([any(map(str.strip, record)) for _, record in batch]))
        yield pa.record_batch(columns, names=names)


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


def _require_no_endless_text(file: Path, grid: Grid) -> None:
    import pyarrow.compute as pc

    for column in HEADINGS:
        lengths = pc.binary_length(grid.cells[column])
        if (pc.max(lengths).as_py() or 0) > LONGEST_TEXT:
            row = pc.index(pc.greater(lengths, LONGEST_TEXT), True).as_py() + 2
            raise UserError(
                f"{where(file.name, grid.name)}, column {HEADINGS[column][0]}, row {row}: a text "
                f"of more than {LONGEST_TEXT:,} bytes.",
                "Shorten it; Excel itself holds 32,767 characters.",
            )
