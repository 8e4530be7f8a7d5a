"""Text files -> records: encoding, separator, and what breaks the form.

Belongs here: making a file that the engine reads fast, or, where its lines are not all alike,
reading it record by record. Does not: what the cells mean (``forms``, ``casting``).
"""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from customer_segments.errors import UserError
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
BLOCK = 1 << 20
# As the csv module has it. Excel's own limit is 32,767.
LONGEST_TEXT = 131_072
# Of a packed file: text shrinks to a tenth, a bomb to a thousandth.
LARGEST_GROWTH, HARMLESS_BYTES = 100, 1 << 30
BATCH_ROWS = 50_000
# Of what a file in no Unicode encoding may be; the first is what Excel writes as plain CSV.
CODE_PAGES = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_15", "mac_roman")


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
    failed = None
    for each in candidates:
        with _reading(path) as stream:
            stream.readlines(1) if skipped else None
            rows, lines = _first_records(stream, each, name)
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
    encoding = layout.encoding or _encoding(file, name)
    is_packed = file.suffix.lower() == ".gz"
    is_utf8 = encoding in ("utf-8", "utf-8-sig")
    if is_utf8 and not is_packed:
        return file, _has_blank_lines(file)
    copy = folder / f"{file.name}.utf-8"
    most = max(HARMLESS_BYTES, LARGEST_GROWTH * file.stat().st_size)
    try:
        with _unpacked(file) as stream, copy.open("w", encoding="utf-8", newline="") as out:
            for part in codecs.iterdecode(iter(lambda: stream.read(BLOCK), b""), encoding):
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


def _unpacked(file: Path) -> IO[bytes]:
    return gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb")  # type: ignore[return-value]


def _encoding(file: Path, name: str) -> str:
    """Return UTF-8 or UTF-16 where the file is that, else the likeliest code page."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, sample = True, bytearray()
    try:
        with _unpacked(file) as stream:
            start = stream.read(BLOCK)
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            if b"\0" in start[:200]:
                return "utf-16-le" if start[1:2] == b"\0" else "utf-16-be"
            for block in chain([start], iter(lambda: stream.read(BLOCK), b"")):
                if b"\0" in block:
                    raise _no_text(name)
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
                    decoder.reset()
                    # Only lines that tell: most are ASCII.
                    telling = (line for line in block.splitlines() if not line.isascii())
                    sample += b"\n".join(telling)
                if len(sample) > BLOCK:
                    break
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            f"{shown(name)} is not a readable .gz file ({error}).", "Copy it again."
        ) from error
    if is_utf8:
        return "utf-8-sig"
    from charset_normalizer import from_bytes

    best = from_bytes(bytes(sample[:BLOCK]), cp_isolation=list(CODE_PAGES)).best()
    return best.encoding if best else "cp1252"


def _no_text(name: str) -> UserError:
    return UserError(
        f"{shown(name)} is not a readable text file: it has zero bytes in it.",
        "It may be of another kind: save it anew as .csv, in UTF-8.",
    )


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
