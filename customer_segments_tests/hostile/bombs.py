"""Workbooks built to exhaust memory or time, or to make the reader fetch what it should not.

Belongs here: writing them, small on disk. Each function takes the path to write.
"""

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from customer_segments_tests.ingestion.workbooks import HEADER, line, write

SHEET = "xl/worksheets/sheet1.xml"
MEGABYTE = 1 << 20


def rebuilt(path: Path, part: str, change: Callable[[bytes], Iterable[bytes]]) -> None:
    """Write a good workbook of one row, one part of it changed and streamed."""
    write(path, [HEADER, line()])
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            if name != part:
                archive.writestr(name, content)
        with archive.open(part, "w", force_zip64=True) as stream:
            for piece in change(parts.get(part, b"")):
                stream.write(piece)


def more_rows(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a good workbook with more XML after its last row."""

    def change(xml: bytes) -> Iterable[bytes]:
        head, end, tail = xml.partition(b"</sheetData>")
        yield head
        yield from pieces
        yield end + tail

    rebuilt(path, SHEET, change)


def blanks(path: Path, megabytes: int = 1100) -> None:
    """A few MB that unpack to 1.1 GB of blanks."""
    more_rows(path, [b" " * MEGABYTE] * megabytes)


def lie(path: Path) -> None:
    """Half a GB of blanks, where the directory says that there are 2 kB."""
    blanks(path, 500)
    data = bytearray(path.read_bytes())
    entry = data.find(b"PK\1\2")
    while data[entry + 46 : entry + 46 + len(SHEET)] != SHEET.encode():
        entry = data.find(b"PK\1\2", entry + 1)
    data[entry + 24 : entry + 28] = struct.pack("<I", 2000)
    path.write_bytes(data)


def overlap(path: Path) -> None:
    """A directory that lists one part thousands of times, as in the densest zip bombs."""
    blanks(path, 50)
    data = path.read_bytes()
    end = data.rfind(b"PK\5\6")
    count, size, offset = struct.unpack("<HII", data[end + 10 : end + 20])
    entries = data[offset : offset + size]
    last = entries[entries.rfind(b"PK\1\2") :]
    name, rest = last[46 : 46 + len(SHEET)], last[46 + len(SHEET) :]
    copies = b"".join(
        last[:46] + name.replace(b"sheet1", b"%06d" % number) + rest for number in range(1000)
    )
    tail = struct.pack("<HHII", count + 1000, count + 1000, size + len(copies), offset)
    path.write_bytes(data[: offset + size] + copies + data[end : end + 8] + tail + data[end + 20 :])


def far_cell(path: Path) -> None:
    """One cell in the last row and column: a rectangle of 17 billion cells."""
    more_rows(path, [b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'])


def endless_cell(path: Path) -> None:
    """A text of 100 MB in one cell."""
    start = b'<row r="3"><c r="C3" t="inlineStr"><is><t>'
    more_rows(path, [start, *[b"a" * MEGABYTE] * 100, b"</t></is></c></row>"])


def many_columns(path: Path) -> None:
    """More columns than Excel has."""
    more_rows(path, [b'<row r="3">', b"<c><v>1</v></c>" * 2_000_000, b"</row>"])


def entities(path: Path, text: str) -> None:
    """A sheet whose document type declares entities, and a cell that names one."""

    def change(xml: bytes) -> Iterable[bytes]:
        end = xml.find(b"?>") + 2 if xml.startswith(b"<?xml") else 0
        cell = b'<row r="3"><c r="C3" t="inlineStr"><is><t>&bomb;</t></is></c></row></sheetData>'
        yield xml[:end] + text.encode() + xml[end:].replace(b"</sheetData>", cell)

    rebuilt(path, SHEET, change)


def billion_laughs(path: Path) -> None:
    """Ten levels of ten entities each."""
    levels = (
        "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
        + '<!ENTITY bomb "&l9;&l9;">'
    )
    entities(path, f"<!DOCTYPE worksheet [{levels}]>")


def external_entity(path: Path) -> None:
    """An entity that is another file of the machine."""
    entities(path, '<!DOCTYPE worksheet [<!ENTITY bomb SYSTEM "file:///etc/passwd">]>')


def shared_strings_doctype(path: Path) -> None:
    """The document type in another part."""
    rebuilt(path, "xl/styles.xml", lambda xml: [b"<!DOCTYPE styleSheet []>", xml])
