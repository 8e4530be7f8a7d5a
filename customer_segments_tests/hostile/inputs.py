"""Generated files that nobody should trust.

Belongs here: making one file from a source of chance, and how many rows it holds, told without
the code under test. Does not: what has to become of it (``fate``).
"""

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.utils.exceptions import IllegalCharacterError
from openpyxl.worksheet.worksheet import Worksheet

from customer_segments_tests.ingestion.workbooks import HEADER

TEXTS = [
    *("=cmd|'/C calc'!A0", "=1+1", '=HYPERLINK("http://x")', "@SUM(1)", "+1", "-1", "#REF!"),
    *("'; DROP TABLE raw_transactions; --", '"; DROP TABLE "x"; --', "' OR 1=1", "{0}", "%s", "$1"),
    *("'", '"', "\\", "\\'", "`", "a\tb", "a\nb", "a\r\nb", "\u202eRTL\u202c", "\u05d0\u05d1"),
    *(
        "😀",
        "e\u0301",
        "\ufeff",
        "\u2028",
        "\u00a0",
        "\u200b",
        "\ufb01",
        "\u0130",
        "ß",
        "\ufffd",
        "_x0000_",
    ),
    *(
        "nan",
        "NULL",
        "None",
        "true",
        "1e400",
        "0x1F",
        "1_000",
        "\u0663",
        "\uff11\uff12",
        "1,5",
        "--",
        "/*",
        "]]>",
    ),
    *("&lt;", "<t>", "C", "A", "c1", "a1", "POST", "gift_", "13085.0", "0013085", "1e20", "ID 7"),
    "x" * 32_767,
]
NUMBERS = [
    *(0, -0.0, 1, -1, 0.00005, 0.1 + 0.2, 3.5, 1e20, 1e300, -1e300, 5e-324, 2**53, 2**63, -(2**63)),
    *(2**63 - 1, 10**30, 99_999_999_999_999.9999, 1e11, 1e14, math.inf, -math.inf, math.nan),
]
DATES = [
    *(datetime(1899, 12, 31), datetime(1900, 1, 1), datetime(1900, 2, 28), datetime(2101, 1, 1)),
    *(
        datetime(9999, 12, 31, 23, 59, 59),
        datetime(1999, 12, 31),
        datetime(2011, 2, 28, 23, 59, 59),
    ),
    *(time(7, 45), timedelta(hours=30), "1899-12-31", "0001-01-01", "0000-00-00", "9999-12-31"),
    *("2101-01-01", "2011-02-30", "12/1/2010", "2011-12-09T12:50:00Z", 2958465, 2958466, -1, 1e10),
]
NAMES = [
    *("a", "it's", 'say "hi"', "'; DROP TABLE x; --", "100%", "-rf", "--", "$(x)", "a;b", "[1]"),
    *("売上", "e\u0301", "a.b.c", " blank ", "{x}", "%s", "?", "*", "n" * 200, "😀", "~", "#1"),
]
SHEETS = [
    *("Sheet", "it's", 'say "hi"', "--", "; DROP TABLE x", "50%", "売上", " x ", "{0}", "a" * 31),
]


@dataclass(frozen=True)
class Made:
    """A generated file.

    Parameters
    ----------
    rows
        Rows below the headers that hold anything; ``None`` if the file may be broken.
    """

    kind: str
    file: Path
    rows: int | None


def make(random: Random, folder: Path, number: int = 0) -> Made:
    """Make a file of one of the kinds in a folder."""
    kind = random.choice(list(KINDS))
    return KINDS[kind](random, folder, number)


def _cell(random: Random) -> object:
    if random.random() < 0.2:
        return "".join(chr(random.choice(ALPHABETS)) for _ in range(random.randint(0, 12)))
    return random.choice(random.choice([TEXTS, NUMBERS, DATES, [None, "", "  ", True, False]]))


# Controls, quotes, Latin, Hebrew, private use, surrogate neighbours, astral.
ALPHABETS = [
    *range(0x20),
    *range(0x20, 0x7F),
    0x85,
    0xA0,
    0xFF,
    0x5D0,
    0xD7FF,
    0xE000,
    0xFFFD,
    0x1F600,
]


def _row(random: Random) -> list:
    """A row of which its country says that it is there; the other cells may be anything."""
    good = [489434, "85048", "LIGHTS", 12, datetime(2011, 3, 1, 7, 45), 6.95, 13085, "Malta"]
    return [_cell(random) if random.random() < 0.25 else cell for cell in good[:-1]] + good[-1:]


def _rows(random: Random) -> tuple[list[list], int]:
    """Rows below a header, and how many hold anything."""
    rows = [_row(random) for _ in range(random.randint(0, 8))]
    count = len(rows)
    for _ in range(random.randint(0, 3)):
        rows.insert(random.randint(0, len(rows)), [random.choice([None, "", "  "])] * len(HEADER))
    return rows, count


def _name(random: Random, folder: Path, number: int, suffix: str) -> Path:
    return folder / f"{number} {random.choice(NAMES)}{suffix}"


def _header(random: Random) -> tuple[list, bool]:
    """A header, and whether it is sure to be taken."""
    header: list = list(HEADER)
    if random.random() < 0.8:
        return header, True
    header[random.randrange(8)] = random.choice([*HEADER, None, "'; --", "x" * 5000])
    return header, False


def _fill(sheet: Worksheet, rows: list[list]) -> None:
    """Write rows, with another text where openpyxl refuses what the cell should hold."""
    for line, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            is_number = not isinstance(value, float) or math.isfinite(value)
            try:
                sheet.cell(line, column, value if is_number else str(value))
            except (IllegalCharacterError, ValueError):
                sheet.cell(line, column, "illegal")


def _xlsx(random: Random, folder: Path, number: int) -> Made:
    book = Workbook()
    book.remove(book.active)
    counts, is_sure = {}, True
    for title in random.sample(SHEETS, random.randint(1, 3)):
        sheet = book.create_sheet()
        sheet._WorkbookChild__title = title  # what openpyxl forbids, others write
        if random.random() < 0.1:
            continue  # empty
        sheet.sheet_state = random.choice(["visible", "hidden", "veryHidden"])
        header, sure = _header(random)
        rows, count = _rows(random)
        counts[sheet], is_sure = count, is_sure and sure
        _fill(sheet, [header, *rows])
        if random.random() < 0.1 and len(rows) > 1:
            sheet.merge_cells(start_row=1, end_row=1, start_column=9, end_column=12)
    if random.random() < 0.1:
        book.create_chartsheet("Chart")
    if all(sheet.sheet_state != "visible" for sheet in book.worksheets):
        book.worksheets[0].sheet_state = "visible"
    # A hidden sheet does not count.
    total = sum(count for sheet, count in counts.items() if sheet.sheet_state == "visible")
    path = _name(random, folder, number, ".xlsx")
    try:
        book.save(path)
    except (ValueError, TypeError, OverflowError):  # a date that openpyxl itself cannot write
        path.write_bytes(b"unwritten")
        return Made("xlsx", path, None)
    return Made("xlsx", path, total if is_sure else None)


def _xlsx_by_hand(random: Random, folder: Path, number: int) -> Made:
    """A workbook whose sheet XML is put together from parts that may not belong together."""
    made = _xlsx(random, folder, number)
    if made.file.read_bytes() == b"unwritten":
        return made
    with ZipFile(made.file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = random.choice(sorted(parts))
    swap = [
        (b"<c ", random.choice([b'<c t="e" ', b'<c t="b" ', b'<c t="s" ', b"<C ", b'<c r="ZZ9" '])),
        (b"<v>", random.choice([b"<v>-", b"<v>1e999", b"<v>&lol;", b"<v></v><v>", b"<v>99999999"])),
        (b"</row>", random.choice([b"", b"</row></row>", b"</sheetData>", b"<c/></row>"])),
        (b'r="', random.choice([b'r="0', b'r="', b'r="-', b'r="A', b'r="&#0;'])),
        (b"?>", b"?><!DOCTYPE x [<!ENTITY lol 'lol'>]>"),
        (b"worksheet", random.choice([b"chartsheet", b"worksheets", b"../../etc/passwd"])),
        (b"UTF-8", random.choice([b"UTF-16", b"ISO-8859-1", b"EBCDIC"])),
    ]
    old, new = random.choice(swap)
    if random.random() < 0.5:
        part = "xl/worksheets/sheet1.xml" if "xl/worksheets/sheet1.xml" in parts else part
    parts[part] = parts[part].replace(old, new, random.choice([1, 3, -1]))
    if random.random() < 0.1:
        del parts[random.choice(sorted(parts))]
    with ZipFile(made.file, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return Made("xlsx by hand", made.file, None)


def _mutated(random: Random, folder: Path, number: int) -> Made:
    """A good file of any format with bytes flipped, cut out, doubled, or cut off."""
    made = random.choice([_xlsx, _csv, _parquet])(random, folder, number)
    data = bytearray(made.file.read_bytes())
    for _ in range(random.randint(1, 8)):
        if not data:
            break
        at = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[at] ^= 1 << random.randrange(8)
            case 1:
                del data[at : at + random.randint(1, 64)]
            case 2:
                data[at:at] = data[at : at + random.randint(1, 64)]
            case 3:
                del data[at if random.random() < 0.2 else len(data) :]
    made.file.write_bytes(data)
    return Made(f"mutated {made.kind}", made.file, None)


def _csv(random: Random, folder: Path, number: int) -> Made:
    header, is_sure = _header(random)
    rows, count = _rows(random)
    text = io.StringIO(newline="")
    ends = random.choice(["\n", "\r\n", "\r"])
    # All text in quotation marks: the writer leaves line breaks bare that are not its own.
    writer = csv.writer(
        text,
        delimiter=random.choice(",;\t"),
        lineterminator=ends,
        quoting=csv.QUOTE_NONNUMERIC,
    )
    writer.writerow(header)
    writer.writerows(rows)
    said = text.getvalue()
    encoding = random.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-8", "utf-8"])
    data = said.encode(encoding, errors="replace")
    is_sure = is_sure and "\0" not in said
    if random.random() < 0.2:
        junk = [b"\0", b'"', b"\xff\xfe", b"\x81", b"," * 20_000, b"x" * 140_000, b"\xed\xa0\x80"]
        at = random.randint(0, len(data))
        data, is_sure = data[:at] + random.choice(junk) + data[at:], False
    path = _name(random, folder, number, ".csv")
    path.write_bytes(data)
    return Made("csv", path, count if is_sure else None)


def _parquet(random: Random, folder: Path, number: int) -> Made:
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = random.randint(0, 8)
    header, is_sure = _header(random)
    columns: list[pa.Array] = [_odd_column(random, count) for _ in HEADER[:-1]]
    columns.append(pa.array(["Malta"] * count, pa.string()))
    if random.random() < 0.7:
        columns[4] = pa.array([datetime(2011, 3, 1)] * count, pa.timestamp("us"))
    path = _name(random, folder, number, ".parquet")
    pq.write_table(pa.table(columns, names=[str(name) for name in header]), path)
    # Bytes and nests cannot be text: such a file may be refused.
    return Made("parquet", path, count if is_sure else None)


def _odd_column(random: Random, count: int):
    import pyarrow as pa

    odd: list[tuple[Callable[[], object], pa.DataType]] = [
        (lambda: random.choice(TEXTS), pa.string()),
        (lambda: random.choice(TEXTS), pa.large_string()),
        (lambda: random.choice([n for n in NUMBERS if isinstance(n, float)]), pa.float64()),
        (lambda: random.randint(-(2**63), 2**63 - 1), pa.int64()),
        (lambda: Decimal(random.randint(-(10**20), 10**20)).scaleb(-5), pa.decimal128(38, 5)),
        (lambda: random.randint(-(2**62), 2**62), pa.timestamp("us")),
        (lambda: random.randint(-(2**62), 2**62), pa.timestamp("ns", tz="Europe/London")),
        (lambda: random.randint(-(2**31), 2**31 - 1), pa.date32()),
        (lambda: random.random() < 0.5, pa.bool_()),
        (lambda: random.randbytes(4), pa.binary()),
        (lambda: [random.choice(TEXTS)], pa.list_(pa.string())),
        (lambda: {"a": 1}, pa.struct([("a", pa.int64())])),
        (lambda: None, pa.null()),
        (lambda: random.randint(0, 86_399_999_999), pa.time64("us")),
        (lambda: random.randint(-(2**62), 2**62), pa.duration("us")),
    ]
    value, type_ = random.choice(odd)
    array = pa.array([value() if random.random() < 0.8 else None for _ in range(count)], type_)
    is_text = pa.types.is_string(type_) and random.random() < 0.3
    return array.dictionary_encode() if is_text else array


def _junk(random: Random, folder: Path, number: int) -> Made:
    """Bytes of one kind under the name of another."""
    start = random.choice([b"", b"PK\3\4", b"PAR1", bytes.fromhex("d0cf11e0a1b11ae1"), b"<html>"])
    path = _name(random, folder, number, random.choice([".xlsx", ".csv", ".parquet"]))
    path.write_bytes(start + random.randbytes(random.randint(0, 300)))
    return Made(f"junk {path.suffix}", path, None)


KINDS: dict[str, Callable[[Random, Path, int], Made]] = {
    "xlsx": _xlsx,
    "xlsx by hand": _xlsx_by_hand,
    "mutated": _mutated,
    "csv": _csv,
    "parquet": _parquet,
    "junk": _junk,
}
