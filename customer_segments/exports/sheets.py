"""Sheets that a person filters and sorts: a heading row, and rows below it.

Belongs here: cells, formats, names of sheets, more rows than a sheet can hold. Does not: which
sheets and columns there are (``workbook``).

Everything is written row by row (openpyxl's write-only mode), with one cell per column that each
row fills anew: of a million cells none is kept.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.xml.functions import Element

from customer_segments.exports.texts import in_workbook, is_like_formula

# Of 1,048,576 rows one is the heading.
MOST_ROWS = 1_048_575
TEXT, GENERAL, DATE = "@", "General", "yyyy-mm-dd"
WHOLE, TENTHS, MONEY, SHARE = "#,##0", "#,##0.0", "#,##0.00", "0.0%"
CHANGE = "+#,##0;-#,##0;0"
# Excel keeps this name for itself.
_RESERVED = {"history"}
# Excel does not grow a row to the heading that is wrapped in it.
_HEADING_HEIGHT = 48
_HEADING = {
    "font": Font("Calibri", 11, bold=True),
    "fill": PatternFill("solid", fgColor="E7E6E6"),
    "border": Border(bottom=Side("thin")),
}


@dataclass(frozen=True)
class Field:
    """A column of a sheet: heading, name of its value, number format, width in characters."""

    heading: str
    name: str
    format: str = GENERAL
    width: float = 12

    @property
    def alignment(self) -> dict[str, Any]:
        """Numbers to the right, as without a word; texts not right behind a number."""
        is_text = self.format in (TEXT, GENERAL)
        return {"horizontal": "left", "indent": 1} if is_text else {"horizontal": "right"}


def sheet_names(wanted: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    r"""Return a name that Excel allows for each thing that wants a sheet, all different.

    At most 31 characters, none of ``[]:*?/\``, no apostrophe at either end; two that differ in
    case alone are the same to Excel.
    """
    used = {name.lower() for name in taken} | _RESERVED
    names = {}
    for thing in wanted:
        plain = "".join(c if c.isprintable() else " " for c in in_workbook(thing))
        plain = re.sub(r"[\[\]:*?/\\]", "-", plain).strip(" '") or "Segment"
        number, name = 1, plain[:31].strip(" '")
        while name.lower() in used:
            number += 1
            name = f"{plain[: 31 - len(f' ({number})')].strip()} ({number})"
        used.add(name.lower())
        names[thing] = name
    return names


def add_table(
    workbook: Workbook,
    name: str,
    fields: Sequence[Field],
    rows: Iterable[dict[str, Any]],
    *,
    most_rows: int = MOST_ROWS,
) -> None:
    """Add a sheet with a frozen heading and filters; more sheets if one cannot hold all rows."""
    left = iter(rows)
    part, sheet_name = list(islice(left, most_rows)), name
    while True:
        sheet = add_sheet(workbook, sheet_name, fields, heading_row=1, rows=len(part))
        sheet.append(headings(sheet, fields))
        for cells in filled(sheet, fields, part):
            sheet.append(cells)
        part = list(islice(left, most_rows))
        if not part:
            return
        sheet_name = sheet_names([name], workbook.sheetnames)[name]


def add_sheet(
    workbook: Workbook, name: str, fields: Sequence[Field], *, heading_row: int, rows: int
) -> WriteOnlyWorksheet:
    """Add an empty sheet that is set up for a heading in ``heading_row`` and rows below it."""
    sheet = workbook.create_sheet(name)
    for number, field in enumerate(fields, 1):
        sheet.column_dimensions[get_column_letter(number)].width = field.width
    # The first column stays in sight as well: it says who or what a row is about.
    sheet.freeze_panes = f"B{heading_row + 1}"
    sheet.print_title_rows = f"{heading_row}:{heading_row}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.row_dimensions[heading_row].height = _HEADING_HEIGHT
    bottom_right = f"{get_column_letter(len(fields))}{heading_row + rows}"
    if heading_row == 1:
        sheet.auto_filter.ref = f"A1:{bottom_right}"
    sheet._writer = _Writer(sheet, texts=f"A1:{bottom_right}")
    sheet._writer.write_top()
    sheet._values_to_row = _placed
    return sheet


def headings(sheet: WriteOnlyWorksheet, fields: Sequence[Field]) -> list[Cell]:
    """Return the cells of a heading row."""
    return [
        styled(
            sheet,
            field.heading,
            alignment=Alignment(**field.alignment, wrap_text=True, vertical="center"),
            **_HEADING,
        )
        for field in fields
    ]


def filled(
    sheet: WriteOnlyWorksheet,
    fields: Sequence[Field],
    rows: Iterable[dict[str, Any]],
    **style: Any,
) -> Iterator[list[Cell | None]]:
    """Yield the cells of each row, to be appended before the next is asked for."""
    columns = []
    for field in fields:
        style = style | {
            "number_format": field.format,
            "alignment": Alignment(**field.alignment),
        }
        plain = styled(sheet, None, **style)
        # What begins like a formula is a string by its type already; marked as quoted, it stays
        # one when somebody edits it.
        quoted = styled(sheet, None, quotePrefix=True, **style)
        columns.append((field.name, plain, quoted))
    for row in rows:
        cells: list[Cell | None] = []
        for name, plain, quoted in columns:
            value = row.get(name)
            if isinstance(value, str):
                cell = quoted if is_like_formula(value) else plain
                _set_text(cell, value)
            elif value is None:
                cell = None
            else:
                cell = plain
                cell.value = value
            cells.append(cell)
        yield cells


def styled(sheet: WriteOnlyWorksheet, text: str | None, **style: Any) -> Cell:
    """Return a cell of its own style, with a text."""
    cell = WriteOnlyCell(sheet)
    for name, value in style.items():
        setattr(cell, name, value)
    if text is not None:
        _set_text(cell, text)
    return cell


def _set_text(cell: Cell, text: str) -> None:
    cell.value = in_workbook(text)
    # Of "=..." openpyxl has made a formula, of "#REF!" an error.
    cell.data_type = "s"


def _placed(cells: Iterable[Cell | None], row: int) -> Iterator[Cell]:
    """Place the cells of a row.

    openpyxl tries first whether a cell is a value, and styles a new one each time: a fifth of
    the time that a workbook takes.
    """
    for column, cell in enumerate(cells, 1):
        if cell is not None:
            cell.row, cell.column = row, column
            yield cell


class _Writer(WorksheetWriter):
    """Says that ids are texts on purpose: else Excel marks each with a green triangle.

    openpyxl has no way to say so; the element belongs right behind the breaks.
    """

    def __init__(self, sheet: WriteOnlyWorksheet, *, texts: str):
        super().__init__(sheet)
        self.texts = texts

    def write_breaks(self) -> None:
        super().write_breaks()
        errors = Element("ignoredErrors")
        errors.append(Element("ignoredError", sqref=self.texts, numberStoredAsText="1"))
        self.xf.send(errors)
