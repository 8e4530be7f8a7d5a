"""Bytes -> text: in which encoding a text file is, from all of its bytes, and a copy in UTF-8.

Belongs here: UTF-8, UTF-16 and what is packed. Does not: which code page it is (``alphabets``),
separators and records (``text_files``).
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import shown
from customer_segments.ingestion.files.alphabets import Page, likeliest
from customer_segments.policy.layout import Layout

BLOCK = 1 << 20
GZIP = b"\x1f\x8b"
# UTF-8 with fewer broken characters than this share is UTF-8 that somebody broke.
FEW = 0.3
# Of a packed file: text shrinks to a tenth, a bomb to a thousandth.
LARGEST_GROWTH, HARMLESS_BYTES = 100, 1 << 30


class Encoding(NamedTuple):
    """An encoding, what to do about bytes that are not of it, and what is open about it."""

    name: str
    errors: str = "strict"
    page: Page = Page()


def encoding_of(file: Path, name: str) -> Encoding:
    """Return the encoding of a text file.

    A UserError says that it is no text, or cannot be unpacked.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, telling = True, bytearray()
    try:
        for number, block in enumerate(_blocks(file)):
            if not number and (utf16 := _utf16(block)):
                return Encoding(utf16)
            if b"\0" in block:
                raise UserError(
                    f"{shown(name)} is not a readable text file: it has zero bytes in it.",
                    "It may be of another kind: save it anew as .csv, in UTF-8.",
                )
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError:
                is_utf8 = False
                decoder.reset()
            # Most lines are ASCII, and do not tell.
            if len(telling) < BLOCK:
                lines = (line for line in block.splitlines() if not line.isascii())
                telling += b"\n".join(lines) + b"\n"
            elif not is_utf8:
                break
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            f"{shown(name)} is not a readable .gz file ({error}).", "Copy it again."
        ) from error
    return Encoding("utf-8-sig") if is_utf8 else _likeliest(bytes(telling[:BLOCK]))


def unpacked(file: Path) -> IO[bytes]:
    """Open a file, or what is packed in it."""
    return gzip.open(file) if is_packed(file) else file.open("rb")  # type: ignore[return-value]


def is_packed(file: Path) -> bool:
    """Tell whether a file is one of gzip, whatever it is called."""
    with file.open("rb") as stream:
        return file.suffix.lower() == ".gz" or stream.read(2) == GZIP


def _blocks(file: Path) -> Iterator[bytes]:
    """Yield blocks, the last one empty."""
    with unpacked(file) as stream:
        while block := stream.read(BLOCK):
            yield block
    yield b""


def _utf16(start: bytes) -> str | None:
    """Return the byte order of UTF-16, by its mark or by the zero bytes of digits and blanks."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = start[:2000:2].count(0), start[1:2000:2].count(0)
    if min(even, odd) or even + odd < len(start[:2000]) / 10:
        return None
    return "utf-16-be" if even else "utf-16-le"


def _likeliest(telling: bytes) -> Encoding:
    as_utf8 = telling.decode("utf-8", errors="replace")
    foreign = sum(not letter.isascii() for letter in as_utf8)
    if as_utf8.count("\ufffd") < FEW * foreign:
        return Encoding("utf-8-sig", "replace")
    page = likeliest(telling)
    return Encoding(page.name, "replace", page)


def largest(file: Path) -> int:
    """Return how many bytes a file may unpack to."""
    return max(HARMLESS_BYTES, LARGEST_GROWTH * file.stat().st_size)


def as_utf8(file: Path, layout: Layout, name: str, folder: Path) -> tuple[Path, bool, Page]:
    """Return the file, or a copy in plain UTF-8, whether it has blank lines, and its code page."""
    told = Encoding(layout.encoding) if layout.encoding else encoding_of(file, name)
    encoding, errors, page = told
    is_utf8 = encoding in ("utf-8", "utf-8-sig")
    if is_utf8 and errors == "strict" and not is_packed(file):
        return file, _has_blank_lines(file), page
    copy = folder / f"{file.name}.utf-8"
    most = largest(file)
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
    return copy, _has_blank_lines(copy), page


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
