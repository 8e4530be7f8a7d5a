"""Text files -> records: encoding, separator, and what breaks the form.

Belongs here: making a file that the engine reads fast, or, where its lines are not all alike,
reading it record by record. Does not: what the cells mean (``forms``, ``casting``).
"""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import (
    HEADER_SEARCH_ROWS,
    Header,
    match_header,
    require_columns,
    where,
)
from customer_segments.ingestion.files.alphabets import Page
from customer_segments.ingestion.files.code_pages import as_utf8
from customer_segments.ingestion.files.quotation import (
    LONGEST_LINE,
    Misquoted,
    lines_of,
    reading,
    separators,
    unwrapped,
)
from customer_segments.policy.layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa

# As the csv module has it. Excel's own limit is 32,767.
LONGEST_TEXT = 131_072
# As Excel has it.
MOST_COLUMNS = 16_384
BATCH_ROWS = 50_000


class TextFile(NamedTuple):
    """A text file as UTF-8, with its header."""

    # The file itself, or a copy of it.
    path: Path
    separator: str
    header: Header
    width: int
    # Lines before the first record; and whether one is empty: the engine would not count it.
    skipped: int
    has_blank_lines: bool
    page: Page


def opened(file: Path, layout: Layout, name: str, sheet: str, folder: Path) -> TextFile | None:
    """Look at a text file; ``None`` if it holds nothing. The folder may take a copy of it.

    A UserError says that it is no text, or has no header.
    """
    path, has_blank_lines, page = as_utf8(file, layout, name, folder)
    path = unwrapped(path, folder)
    with reading(path) as stream:
        first = stream.readline(LONGEST_LINE)
        told = first.strip().lower().strip('"')
        separator = layout.separator or (told[4:5] if told.startswith("sep=") else None)
        skipped = 1 if told.startswith("sep=") else 0
    candidates = [separator] if separator else separators(path)
    place, most = where(name, sheet), max(HEADER_SEARCH_ROWS, layout.header_row or 0)
    failed: UserError | None = None
    for each in candidates:
        try:
            with reading(path) as stream:
                stream.readline() if skipped else None
                rows, lines = _first_records(stream, each, name, skipped, most)
        except UserError as error:
            # By another separator its quotation marks may stand well.
            failed = failed or error
            continue
        if not any(cell.strip() for row in rows for cell in row):
            return None
        header = match_header(rows, layout, place)
        if header and _has_row_names(rows[header.row - 1 :]):
            rows[header.row - 1].insert(0, "")
            header = match_header(rows, layout, place)
        if header:
            width = len(rows[header.row - 1])
            if width > MOST_COLUMNS:
                raise UserError(
                    f"{place}: its header has {width:,} columns; Excel's own limit is "
                    f"{MOST_COLUMNS:,}.",
                    "Export those alone that are needed.",
                )
            is_simple = lines[header.row - 1] == header.row
            has_odd_lines = has_blank_lines or not is_simple
            return TextFile(path, each, header, width, skipped, has_odd_lines, page)
        failed = failed or require_columns(rows, layout, place)
    raise failed or UserError(f"{place}: there is no header.", "Add a row of headings.")


def records(text: TextFile, name: str) -> Iterator["pa.RecordBatch"]:
    """Yield the records after the header, one by one as the csv module reads them.

    Columns ``row_number``, ``overfull`` and those of the layout, of text, null where blank.
    """
    import pyarrow as pa

    with reading(text.path) as stream:
        for _ in range(text.skipped):
            stream.readline()
        # Strict: a quotation mark that is never closed would swallow rows without a word.
        lines = lines_of(stream, name, text.skipped)
        reader = csv.reader(lines, delimiter=text.separator, strict=True)
        numbered = enumerate(reader, 1 + text.skipped)
        try:
            while batch := list(islice(numbered, BATCH_ROWS)):
                rows = [
                    (number, record)
                    for number, record in batch
                    if number > text.header.row + text.skipped and any(map(str.strip, record))
                ]
                overfull = [
                    f"{len(record)} cells where the header has {text.width}"
                    if any(map(str.strip, record[text.width :]))
                    else None
                    for _, record in rows
                ]
                cells = {
                    column: [
                        record[place] if place < len(record) and record[place].strip() else None
                        for _, record in rows
                    ]
                    for column, place in text.header.positions.items()
                }
                numbers = pa.array([number for number, _ in rows], pa.int64())
                texts = {"overfull": overfull, **cells}
                yield pa.record_batch(
                    {"row_number": numbers}
                    | {column: pa.array(said, pa.string()) for column, said in texts.items()}
                )
        except csv.Error as error:
            raise Misquoted.at(reader.line_num + text.skipped, name, error) from error


def _first_records(
    stream: IO[str], separator: str, name: str, skipped: int, most: int
) -> tuple[list[list[str]], list[int]]:
    """Return the first records, and the line on which each ends."""
    reader = csv.reader(lines_of(stream, name, skipped), delimiter=separator, strict=True)
    rows, lines = [], []
    try:
        for record in islice(reader, most):
            rows.append(record)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise Misquoted.at(reader.line_num + skipped, name, error) from error
    return rows, lines


def _has_row_names(rows: list[list[str]]) -> bool:
    """Tell whether rows are numbered from 1 in a column that the header lacks, as R writes them."""
    header, *below = rows
    numbers = [row[0] for row in below if len(row) == len(header) + 1]
    return bool(below) and numbers == [str(n) for n in range(1, len(below) + 1)]
