"""Bytes -> text: in which encoding a text file is, from all of its bytes.

Belongs here: UTF-8, UTF-16 and the likeliest code page. Does not: separators and records
(``text_files``).
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from customer_segments.errors import UserError
from customer_segments.ingestion.layout import shown

BLOCK = 1 << 20
# Of what a file in no Unicode encoding may be, the likeliest first: the first is what Excel writes
# as plain CSV in most countries.
CODE_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_15", "mac_roman", "cp850"),
    *("euc_kr", "cp932", "big5", "gb18030"),
)
# UTF-8 with fewer broken characters than this share is UTF-8 that somebody broke.
FEW = 0.3
# Pages that explain a text as well as this do so equally: in words in capitals, or a few headings,
# less says nothing.
LIKE_CHAOS, LIKE_COHERENCE = 0.02, 0.03
# Signs that stand beside numbers: alone they say nothing of the language.
SIGNS = "€£¥°ºª§\u2013\u2014\u2019\xa0"


def encoding_of(file: Path, name: str) -> tuple[str, str]:
    """Return the encoding of a text file, and what to do about bytes that are not of it.

    Raises
    ------
    UserError
        If it is no text, or cannot be unpacked.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, telling = True, bytearray()
    try:
        for number, block in enumerate(_blocks(file)):
            if not number and (utf16 := _utf16(block)):
                return utf16, "strict"
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
    return ("utf-8-sig", "strict") if is_utf8 else _likeliest(bytes(telling[:BLOCK]))


def unpacked(file: Path) -> IO[bytes]:
    """Open a file, or what is packed in it."""
    return gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb")  # type: ignore[return-value]


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


def _likeliest(telling: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    as_utf8 = telling.decode("utf-8", errors="replace")
    foreign = sum(not letter.isascii() for letter in as_utf8)
    if as_utf8.count("\ufffd") < FEW * foreign:
        return "utf-8-sig", "replace"
    as_western = telling.decode("cp1252", errors="replace")
    telling = b"\n".join(
        line
        for line, shown_as in zip(telling.split(b"\n"), as_western.split("\n"), strict=True)
        if not shown_as.translate(dict.fromkeys(map(ord, SIGNS))).isascii()
    )
    if not telling.strip():
        return "cp1252", "replace"
    matches = list(from_bytes(telling, cp_isolation=list(CODE_PAGES), threshold=0.5))
    if not matches:
        return "cp1252", "replace"
    # Of those that explain the text equally well, the one that is in use most.
    best = matches[0]
    equal = [
        page
        for match in matches
        if match.chaos <= best.chaos + LIKE_CHAOS
        and match.coherence >= best.coherence - LIKE_COHERENCE
        for page in match.could_be_from_charset
    ]
    return min(equal, key=lambda page: (*CODE_PAGES, page).index(page)), "replace"
