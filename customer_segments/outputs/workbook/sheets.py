"""Sheets that a person filters and sorts: a heading row, and rows below it.

Belongs here: cells, names of sheets, more rows than a sheet can hold. Does not: which sheets and
columns there are (``workbook``), formats (``columns``).

Everything is written row by row (openpyxl's write-only mode), with one cell per column that each
row fills anew: of a million cells none is kept.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.xml.functions import Element

from customer_segments.outputs.columns import MONEY, Column
from customer_segments.outputs.workbook.tables import is_like_formula

# Of 1,048,576 rows one is the heading.
MOST_ROWS = 1_048_575
# XML 1.0 has no way to write them.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Excel keeps this name for itself.
_RESERVED = {"history"}
# Excel does not grow a row to the heading that is wrapped in it.
_HEADING_HEIGHT = 48
_LEFT = {"horizontal": "left", "indent": 1}
BOLD, TITLE = ({"font": Font("Calibri", size, bold=True)} for size in (11, 14))
_HEADING = {
    **BOLD,
    "fill": PatternFill("solid", fgColor="E7E6E6"),
    "border": Border(bottom=Side("thin")),
    "number_format": "General",
    "alignment": {"wrap_text": True, "vertical": "center"},
}


def in_workbook(text: str) -> str:
    """Return a text as a workbook can hold it.

    Characters that XML has no place for become U+FFFD, and line ends are those of Unix, as
    whoever reads the file would have them anyway. Excel's limit is 32,767 characters.
    """
    if text.isprintable():
        return text[:32_767]
    return _NOT_IN_XML.sub("\ufffd", re.sub("\r\n?", "\n", text))[:32_767]


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
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],
    *,
    most_rows: int = MOST_ROWS,
) -> None:
    """Add a sheet with a frozen heading and filters; more sheets if one cannot hold all rows."""
    for start in range(0, len(rows) or 1, most_rows):
        part = rows[start : start + most_rows]
        sheet_name = sheet_names([name], workbook.sheetnames)[name] if start else name
        add_sheet(workbook, sheet_name, columns, part).auto_filter.ref = _area(columns, 1, part)


def add_sheet(
    workbook: Workbook,
    name: str,
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],
    *,
    above: Sequence[str] = (),
    has_total: bool = False,
) -> WriteOnlyWorksheet:
    """Add a sheet with a heading and rows of figures; what is not known has no cell.

    ``above`` the heading stand texts, the first of them as a title; a last row that is the sum of
    the others (``has_total``) is bold.
    """
    sheet = workbook.create_sheet(name)
    heading_row = len(above) + 1
    for number, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = _width(column, rows)
    # The first column stays in sight as well: it says who or what a row is about.
    sheet.freeze_panes = f"B{heading_row + 1}"
    sheet.print_title_rows = f"{heading_row}:{heading_row}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.row_dimensions[heading_row].height = _HEADING_HEIGHT
    sheet._writer = _Writer(sheet)
    sheet._writer.texts = _area(columns, heading_row, rows)
    sheet._writer.write_top()
    sheet._values_to_row = _placed
    for index, text in enumerate(above):
        write_line(sheet, text, **({} if index else TITLE))
    headings = {column.name: column.heading for column in columns}
    _append(sheet, columns, [headings], **_HEADING)
    _append(sheet, columns, rows[:-1] if has_total else rows)
    if has_total:
        _append(sheet, columns, rows[-1:], **BOLD)
    return sheet


def write_line(sheet: WriteOnlyWorksheet, text: str, **style: Any) -> None:
    """Append a row of one text."""
    sheet.append([_with_text(_cell(sheet, **style), text)])


def _append(
    sheet: WriteOnlyWorksheet, columns: Sequence[Column], rows: Iterable[dict], **style: Any
) -> None:
    cells, alignment = [], style.pop("alignment", {})
    for column in columns:
        # Numbers to the right, as without a word; texts not right behind a number.
        side = {"horizontal": "right"} if column.format.is_number else _LEFT
        placed = Alignment(**side, **alignment)
        own = {"number_format": column.format.excel, "alignment": placed, **style}
        # What begins like a formula is a string by its type already; marked as quoted, it stays
        # one when somebody edits it.
        cells.append((_cell(sheet, **own), _cell(sheet, quotePrefix=True, **own)))
    for row in rows:
        figures = (row.get(column.name) for column in columns)
        sheet.append(_filled(value, *own) for value, own in zip(figures, cells, strict=True))


def _cell(sheet: WriteOnlyWorksheet, **style: Any) -> Cell:
    cell = WriteOnlyCell(sheet)
    for name, value in style.items():
        setattr(cell, name, value)
    return cell


def _filled(value: Any, plain: Cell, quoted: Cell) -> Cell | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _with_text(quoted if is_like_formula(value) else plain, value)
    plain.value = value
    return plain


def _with_text(cell: Cell, text: str) -> Cell:
    cell.value = in_workbook(text)
    # Of "=..." openpyxl has made a formula, of "#REF!" an error.
    cell.data_type = "s"
    return cell


def _width(column: Column, rows: Iterable[dict[str, Any]]) -> float:
    """Return the width of a column; Excel shows a sum that is wider than it as ``####``."""
    if column.format is not MONEY:
        return column.width
    figures = [row[column.name] for row in rows if row.get(column.name) is not None]
    ends = (min(figures), max(figures)) if figures else ()
    return max([column.width, *(len(f"{end:,.2f}") + 2 for end in ends)])


def _area(columns: Sequence[Column], heading_row: int, rows: Sequence[dict[str, Any]]) -> str:
    return f"A1:{get_column_letter(len(columns))}{heading_row + len(rows)}"


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

    texts: str

    def write_breaks(self) -> None:
        super().write_breaks()
        errors = Element("ignoredErrors")
        errors.append(Element("ignoredError", sqref=self.texts, numberStoredAsText="1"))
        self.xf.send(errors)
