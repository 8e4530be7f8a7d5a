"""Small workbooks, good ones and bad ones."""

from datetime import datetime
from pathlib import Path

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
