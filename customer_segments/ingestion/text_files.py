"""Text files -> records: encoding, separator, and what breaks the form.

Belongs here: making a file that the engine reads fast, or, where its lines are not all alike,
reading it record by record. Does not: what the cells mean (``forms``, ``casting``).
"""

import codecs
import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from customer_segments.errors import UserError
from customer_segments.ingestion.code_pages import BLOCK, encoding_of, unpacked
from customer_segments.ingestion.layout import (
    HEADER_SEARCH_ROWS,
    Header,
    match_header,
    require_columns,
    shown,
    where,
)
from customer_segments.policy.layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = ",;\t|"
# As the csv module has it. Excel's own limit is 32,767.
LONGEST_TEXT = 131_072
# Of a packed file: text shrinks to a tenth, a bomb to a thousandth.
LARGEST_GROWTH, HARMLESS_BYTES = 100, 1 << 30
BATCH_ROWS = 50_000


class TextFile(NamedTuple):
    """A text file as UTF-8, with its header.

    Parameters
    ----------
    path
        The file itself, or a copy of it as plain UTF-8.
    skipped
        Lines before the first record.
    has_blank_lines
        Whether a line is empty somewhere: the engine would not count it.
    """

    path: Path
    separator: str
    header: Header
    width: int
    skipped: int
    has_blank_lines: bool


def opened(file: Path, layout: Layout, name: str, sheet: str, folder: Path) -> TextFile | None:
    """Look at a text file; ``None`` if it holds nothing.

    Parameters
    ----------
    folder
        Where a copy may be put.

    Raises
    ------
    UserError
        If it is no text, or has no header.
    """
    path, has_blank_lines = _as_utf8(file, layout, name, folder)
    with _reading(path) as stream:
        first = stream.readline()
        told = first.strip().lower().strip('"')
        separator = layout.separator or (told[4:5] if told.startswith("sep=") else None)
        skipped = 1 if told.startswith("sep=") else 0
    candidates = [separator] if separator else _separators(path)
    place = where(name, sheet)
    failed: UserError | None = None
    for each in candidates:
        try:
            with _reading(path) as stream:
                stream.readlines(1) if skipped else None
                rows, lines = _first_records(stream, each, name)
        except UserError as error:
            # By another separator its quotation marks may stand well.
            failed = failed or error
            continue
        if not any(cell.strip() for row in rows for cell in row):
            return None
        header = match_header(rows, layout, place)
        if header:
            is_simple = lines[header.row - 1] == header.row
            return TextFile(
                path,
                each,
                header,
                len(rows[header.row - 1]),
                skipped,
                has_blank_lines or not is_simple,
            )
        failed = failed or require_columns(rows, layout, place)
    raise failed or UserError(f"{place}: there is no header.", "Add a row of headings.")


def records(text: TextFile, name: str) -> Iterator["pa.RecordBatch"]:
    """Yield the records after the header, one by one as the csv module reads them.

    Columns ``row_number``, ``overfull`` and ``c0``, ``c1``, ... of text, null where blank.
    """
    import pyarrow as pa

    with _reading(text.path) as stream:
        for _ in range(text.skipped):
            stream.readline()
        # Strict: a quotation mark that is never closed would swallow rows without a word.
        reader = csv.reader(stream, delimiter=text.separator, strict=True)
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
                    f"c{place}": pa.array(
                        [
                            record[place] if place < len(record) and record[place].strip() else None
                            for _, record in rows
                        ],
                        pa.string(),
                    )
                    for place in range(text.width)
                }
                yield pa.record_batch(
                    {
                        "row_number": pa.array([number for number, _ in rows], pa.int64()),
                        "overfull": pa.array(overfull, pa.string()),
                        **cells,
                    }
                )
        except csv.Error as error:
            raise UserError(
                f"{shown(name)}, line {reader.line_num + text.skipped}: {error}.",
                "Check its quotation marks.",
            ) from error


def _reading(path: Path) -> IO[str]:
    return path.open(encoding="utf-8-sig", newline="")


def _first_records(stream: IO[str], separator: str, name: str) -> tuple[list[list[str]], list[int]]:
    """Return the first records, and the line on which each ends."""
    reader = csv.reader(stream, delimiter=separator, strict=True)
    rows, lines = [], []
    try:
        for record in islice(reader, HEADER_SEARCH_ROWS):
            rows.append(record)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise UserError(
            f"{shown(name)}, line {reader.line_num}: {error}.", "Check its quotation marks."
        ) from error
    return rows, lines


def _separators(path: Path) -> list[str]:
    """Return the separators that the first lines have, the most frequent first."""
    with _reading(path) as stream:
        start = "".join(islice(stream, HEADER_SEARCH_ROWS))
    return sorted(SEPARATORS, key=start.count, reverse=True)


def _as_utf8(file: Path, layout: Layout, name: str, folder: Path) -> tuple[Path, bool]:
    """Return the file, or a copy in plain UTF-8, and whether it has blank lines."""
    encoding, errors = (layout.encoding, "strict") if layout.encoding else encoding_of(file, name)
    is_packed = file.suffix.lower() == ".gz"
    is_utf8 = encoding in ("utf-8", "utf-8-sig")
    if is_utf8 and errors == "strict" and not is_packed:
        return file, _has_blank_lines(file)
    copy = folder / f"{file.name}.utf-8"
    most = max(HARMLESS_BYTES, LARGEST_GROWTH * file.stat().st_size)
    try:
        with unpacked(file) as stream, copy.open("w", encoding="utf-8", newline="") as out:
            for part in codecs.iterdecode(iter(lambda: stream.read(BLOCK), b""), encoding, errors):
                out.write(part)
                if out.tell() > most:
                    raise UserError(
                        f"{shown(name)} is refused: its {file.stat().st_size:,} bytes unpack to "
                        f"more than {most:,}, which no export does.",
                        "Ask whoever made it.",
                    )
    except (UnicodeError, LookupError) as error:
        raise UserError(
            f"{shown(name)} is not readable as {encoding}: {error}.",
            "Mend the encoding of its [[layout]].",
        ) from error
    return copy, _has_blank_lines(copy)


def _has_blank_lines(path: Path) -> bool:
    """Tell whether two line ends follow each other, which in a quoted text is harmless."""
    end = b""
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(BLOCK), b""):
            joined = end + block
            if b"\n\n" in joined or b"\n\r\n" in joined or b"\r\r" in joined:
                return True
            end = block[-2:]
    return False
