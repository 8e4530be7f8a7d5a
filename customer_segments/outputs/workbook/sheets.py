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
from customer_segments.outputs.workbook.texts import in_workbook, is_like_formula

# Of 1,048,576 rows one is the heading.
MOST_ROWS = 1_048_575
# Excel keeps this name for itself.
_RESERVED = {"history"}
# Excel does not grow a row to the heading that is wrapped in it.
_HEADING_HEIGHT = 48
_HEADING = {
    "font": Font("Calibri", 11, bold=True),
    "fill": PatternFill("solid", fgColor="E7E6E6"),
    "border": Border(bottom=Side("thin")),
}


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
        sheet = add_sheet(workbook, sheet_name, columns, part)
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{1 + len(part)}"
        append_rows(sheet, columns, part)


def add_sheet(
    workbook: Workbook,
    name: str,
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],
    *,
    above: Sequence[Sequence[Any]] = (),
) -> WriteOnlyWorksheet:
    """Add a sheet that is set up for rows, with the heading, to which rows are to be appended.

    Parameters
    ----------
    above
        Texts above the heading, each with its style.
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
    bottom_right = f"{get_column_letter(len(columns))}{heading_row + len(rows)}"
    sheet._writer = _Writer(sheet, texts=f"A1:{bottom_right}")
    sheet._writer.write_top()
    sheet._values_to_row = _placed
    for text, style in above:
        sheet.append([styled(sheet, text, **style)])
    wrapped = {"wrap_text": True, "vertical": "center"}
    sheet.append(
        styled(sheet, column.heading, alignment=_alignment(column, **wrapped), **_HEADING)
        for column in columns
    )
    return sheet


def append_rows(
    sheet: WriteOnlyWorksheet,
    columns: Sequence[Column],
    rows: Iterable[dict[str, Any]],
    **style: Any,
) -> None:
    """Append a row of cells for each row of figures; what is not known has no cell."""
    cells = []
    for column in columns:
        own = {"number_format": column.format.excel, "alignment": _alignment(column), **style}
        # What begins like a formula is a string by its type already; marked as quoted, it stays
        # one when somebody edits it.
        quoted = styled(sheet, None, quotePrefix=True, **own)
        cells.append((column.name, styled(sheet, None, **own), quoted))
    for row in rows:
        sheet.append([_filled(row.get(name), *kinds) for name, *kinds in cells])


def styled(sheet: WriteOnlyWorksheet, text: str | None, **style: Any) -> Cell:
    """Return a cell of its own style, with a text."""
    cell = WriteOnlyCell(sheet)
    for name, value in style.items():
        setattr(cell, name, value)
    return cell if text is None else _with_text(cell, text)


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


def _alignment(column: Column, **options: Any) -> Alignment:
    """Numbers to the right, as without a word; texts not right behind a number."""
    if column.format.is_number:
        return Alignment(horizontal="right", **options)
    return Alignment(horizontal="left", indent=1, **options)


def _width(column: Column, rows: Iterable[dict[str, Any]]) -> float:
    """Return the width of a column; Excel shows a sum that is wider than it as ``####``."""
    if column.format is not MONEY:
        return column.width
    figures = [row[column.name] for row in rows if row.get(column.name) is not None]
    ends = (min(figures), max(figures)) if figures else ()
    return max([column.width, *(len(f"{end:,.2f}") + 2 for end in ends)])


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
