"""Bytes -> text: in which encoding a text file is, from all of its bytes, and a copy in UTF-8.

Belongs here: UTF-8, UTF-16 and the likeliest code page. Does not: separators and records
(``text_files``).
"""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from customer_segments.errors import UserError
from customer_segments.ingestion.layout import shown
from customer_segments.policy.layout import Layout
from customer_segments.texts import read_toml

BLOCK = 1 << 20
GZIP = b"\x1f\x8b"
# Of what a file in no Unicode encoding may be, the likeliest first: the first is what Excel writes
# as plain CSV in most countries.
CODE_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_15", "mac_roman", "cp850"),
    *("euc_kr", "cp932", "big5", "gb18030"),
)
# UTF-8 with fewer broken characters than this share is UTF-8 that somebody broke.
FEW = 0.3
# Of a packed file: text shrinks to a tenth, a bomb to a thousandth.
LARGEST_GROWTH, HARMLESS_BYTES = 100, 1 << 30
# Pages that explain a text as well as this do so equally: in words in capitals, or a few headings,
# less says nothing.
LIKE_CHAOS, LIKE_COHERENCE = 0.02, 0.03
WORD = r"[^\W\d_]{3,}"
BETWEEN = r"(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])"
# The euro of Western, Central European, Greek and Turkish pages, beside a number.
EURO = rb"[0-9,.-] ?\x80|\x80 ?[0-9]"
# Signs that stand beside numbers: alone they say nothing of the language.
SIGNS = "€£¥°ºª§\u2013\u2014\u2019\xa0"


def encoding_of(file: Path, name: str) -> tuple[str, str]:
    """Return the encoding of a text file, and what to do about bytes that are not of it.

    A UserError says that it is no text, or cannot be unpacked.
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
    pages = list(CODE_PAGES)
    if len(re.findall(EURO, telling)) > telling.count(b"\x80") / 2:
        pages = [page for page in pages if b"\x80".decode(page, "replace") == "€"]
    pages = _pages_of_headings(telling, pages)
    if "cp1252" in pages and not _misfits(telling, "cp1252"):
        pages = [page for page in pages if not _misfits(telling, page)]
    matches = list(from_bytes(telling, cp_isolation=pages, threshold=0.5))
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


def _pages_of_headings(telling: bytes, pages: list[str]) -> list[str]:
    """Return the pages in which a text has the most words of known headings; all of equal ones."""
    known = {
        word
        for names in read_toml(__package__, "headings.toml")["synonyms"].values()
        for name in names
        for word in re.findall(WORD, name.casefold())
        if not word.isascii()
    }
    words = {page: re.findall(WORD, telling.decode(page, "replace").casefold()) for page in pages}
    counts = {page: len(known.intersection(found)) for page, found in words.items()}
    return [page for page in pages if counts[page] == max(counts.values())]


def _misfits(telling: bytes, page: str) -> bool:
    """Tell whether what stands between letters is no letter in a page: M³ller."""
    between = re.findall(BETWEEN, telling.decode(page, "replace"))
    return not all(sign.isalpha() or sign in SIGNS for sign in between)


def largest(file: Path) -> int:
    """Return how many bytes a file may unpack to."""
    return max(HARMLESS_BYTES, LARGEST_GROWTH * file.stat().st_size)


def as_utf8(file: Path, layout: Layout, name: str, folder: Path) -> tuple[Path, bool]:
    """Return the file, or a copy in plain UTF-8, and whether it has blank lines."""
    encoding, errors = (layout.encoding, "strict") if layout.encoding else encoding_of(file, name)
    is_utf8 = encoding in ("utf-8", "utf-8-sig")
    if is_utf8 and errors == "strict" and not is_packed(file):
        return file, _has_blank_lines(file)
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
