"""Quotation marks: lines and separators of a text file, and marks that do not stand as in CSV.

Belongs here: what is told before records are read, and copies with marks as they should be. Does
not: headers and records (``text_files``).
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import HEADER_SEARCH_ROWS, shown

SEPARATORS = ",;\t|^~\x01"
# As the engine has it.
LONGEST_LINE = 2_000_000
# A row in quotation marks as a whole, and what stands behind it.
WRAPPED = re.compile(r'"(?:[^"]|"")*"([;,\t]*)')

# How else programs write quotation marks: as MySQL does, with a backslash; as any other character.
OTHERWISE: tuple[dict, ...] = ({"escapechar": "\\"}, {"quoting": csv.QUOTE_NONE})


class Misquoted(UserError):  # noqa: N818 - a state of the file
    """Quotation marks do not stand as they do in CSV."""

    @classmethod
    def at(cls, line: int, name: str, error: csv.Error) -> "Misquoted":
        """Return what to say of a line."""
        return cls(f"{shown(name)}, line {line}: {error}.", "Check its quotation marks.")


def lines_of(stream: IO[str], name: str, skipped: int = 0) -> Iterator[str]:
    """Yield the lines of a file, of which none is endless."""
    for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), ""), 1 + skipped):
        if len(line) == LONGEST_LINE:
            raise UserError(
                f"{shown(name)}, line {number}: it has more than {LONGEST_LINE - 1:,} characters.",
                "Give each order line a line of its own; or check the separator and the encoding.",
            )
        yield line


def reading(path: Path) -> IO[str]:
    """Open a text file in UTF-8, with or without its mark."""
    return path.open(encoding="utf-8-sig", newline="")


def separators(path: Path) -> list[str]:
    """Return the separators that the first lines have, the most frequent first."""
    with reading(path) as stream:
        start = "".join(stream.readline(LONGEST_LINE) for _ in range(HEADER_SEARCH_ROWS))
    return sorted(SEPARATORS, key=start.count, reverse=True)


def unwrapped(path: Path, folder: Path) -> Path:
    """Return a copy whose rows are in no quotation marks as a whole, if they are in some.

    So a spreadsheet saves a file that it took for one column: each line is a cell or more, quoted
    where a mark stands in it, with the spreadsheet's own separator between them and at the end.
    """
    with reading(path) as stream:
        header, *first = (stream.readline(LONGEST_LINE).strip() for _ in range(HEADER_SEARCH_ROWS))
    separator = max(SEPARATORS, key=header.count)
    # Others are parts of a text with line ends in it.
    rows = [line for line in first if line.count(separator) > 1]
    ends = [found[1] for row in rows if (found := WRAPPED.fullmatch(row))]
    own = max((end[:1] or ";" for end in ends), key=ends.count, default=separator)
    if own == separator or 2 * len(ends) <= len(rows):
        return path
    copy = folder / f"{path.name}.unwrapped"
    with reading(path) as stream, copy.open("w", encoding="utf-8", newline="") as written:
        for line in lines_of(stream, path.name):
            cells = next(csv.reader([line.rstrip("\r\n")], delimiter=own), [])
            written.write(f"{own.join(cells).rstrip(own)}\n")
    return copy


def requoted(path: Path, name: str, folder: Path) -> Path | None:
    """Return a copy with quotation marks as in CSV; ``None`` if no other way of writing fits.

    One fits if all records but titles have as many cells.
    """
    separator, copy = separators(path)[0], folder / f"{path.name}.requoted"
    between = re.escape(separator)
    null = re.compile(rf"(?<![^{between}])\\N(?=[{between}\r\n]|$)")
    for way in OTHERWISE:
        widths = set()
        with reading(path) as stream, copy.open("w", encoding="utf-8", newline="") as written:
            without = (null.sub("", line) for line in lines_of(stream, name))
            writer = csv.writer(written, delimiter=separator)
            try:
                for record in csv.reader(without, delimiter=separator, strict=True, **way):
                    widths.add(len(record))
                    writer.writerow(_bare(cell) for cell in record)
            except csv.Error:
                continue
        if len(widths - {0, 1}) == 1:
            return copy
    return None


def _bare(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if re.fullmatch('".+"', cell) else cell
