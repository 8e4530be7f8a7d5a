"""Small workbooks, good ones and bad ones."""

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook

HEADER = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
]


def line(**changed) -> list:
    """A good row, with some cells changed."""
    cells = {
        "Invoice": 489434,
        "StockCode": 85048,
        "Description": "CHRISTMAS LIGHTS",
        "Quantity": 12,
        "InvoiceDate": datetime(2011, 3, 1, 7, 45),
        "Price": 6.95,
        "Customer ID": 13085,
        "Country": "United Kingdom",
    } | {name.replace("_", " "): value for name, value in changed.items()}
    return [cells[name] for name in HEADER]


def dated(day: object, **changed) -> list:
    """A good row of a day."""
    return line(InvoiceDate=day, **changed)


def write(path: Path, *sheets: list[list], names: tuple[str, ...] = ()) -> Path:
    """Write sheets of rows, header rows included."""
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(names[number] if names else f"Sheet{number + 1}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def write_csv(
    path: Path, rows: Iterable[list], *, delimiter: str = ",", encoding: str = "utf-8"
) -> Path:
    """Write rows, header included; a row may be of any length."""
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def add_styled_blanks(path: Path, first: int, last: int) -> None:
    """Add rows of formatted cells without content, as dragged formats do; the last has a blank."""
    styled = "".join(
        f'<row r="{row}"><c r="A{row}" s="1"/><c r="H{row}" s="1"/></row>'
        for row in range(first, last + 1)
    )
    blank = f'<c r="B{last}" t="inlineStr"><is><t xml:space="preserve"> </t></is></c>'
    styled = styled.replace(f'<c r="H{last}"', f'{blank}<c r="H{last}"')
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    end = b"</sheetData>"
    parts[sheet] = parts[sheet].replace(end, styled.encode() + end)
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
