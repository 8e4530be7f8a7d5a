"""Columns that are empty where another is filled: e-mail addresses where people order by phone.

Belongs here: which column of the same sheet to name in its place. Does not: how many rows lack
something (``survey``).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import ibis

from customer_segments.doubt import Change, Doubt, doubt, layout_for
from customer_segments.ingestion.columns.headings import found
from customer_segments.ingestion.columns.layout import LINE_TOTAL, OTHER, STAND_INS, where
from customer_segments.ingestion.files.grid import cells_of
from customer_segments.ingestion.sheets.order_numbers import LINES
from customer_segments.ingestion.sheets.sheet import Sheet
from customer_segments.storage.connection import Connection

# Of a sheet's rows, those without; from where on they stop; and of them, those that the other has.
FEW, STOPS, HALF = 0.05, {"customer_id": 0.5}, 0.5
# Fewer are said where it is all of them; a column with fewer values names no single customers.
LEAST = 10
# Of all rows; and columns that are filled so much alike are chosen by what they are.
NEARLY_ALL, ALIKE = 0.95, 0.02
WITHOUT = {"customer_id": "customer", "invoice_date": "date", "price": "money"}


def empty_columns(con: Connection, counted: Iterable[Mapping], sheets: list[Sheet]) -> list[Doubt]:
    """Doubt columns that lack something in many rows while another column has it.

    ``counted`` are figures of sheets: of rows that are whole but for a column ``<column>_due``, and
    those that lack it, ``<column>_empty``. Files that are alike are one doubt.
    """
    by_name = {(sheet.workbook, sheet.name): sheet for sheet in sheets}
    alike: dict[str, list[tuple[Sheet, dict[str, Any]]]] = {}
    for row in counted:
        sheet = by_name.get((row["workbook"], row["sheet"]))
        for column in WITHOUT:
            rows, empty = row[f"{column}_due"], row[f"{column}_empty"]
            is_many = empty and empty >= max(FEW * rows, min(LEAST, rows))
            if sheet and is_many and (beside := filled_beside(con, sheet, column)):
                facts = {"column": column, "rows": rows, "empty": empty, **beside}
                alike.setdefault(str(beside["columns"]), []).append((sheet, facts))
    return [_said(of, sheets) for of in alike.values()]


def _said(alike: list[tuple[Sheet, dict[str, Any]]], sheets: list[Sheet]) -> Doubt:
    sheet, facts = alike[0]
    column, headings = facts["column"], sheet.grid.header.headings
    facts |= {name: sum(each[name] for _, each in alike) for name in ("rows", "empty", "filled")}
    more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    most = max(each["empty"] / each["rows"] for _, each in alike)
    # Customers are to be told alike in all files, as far as they can be.
    concerned = {each.workbook for each, _ in alike}
    if column == "customer_id":
        headers = [(each.workbook, each.grid.header) for each in sheets]
        has = {
            name for name, of in headers if facts["other"] in (*of.ignored, *of.headings.values())
        }
        concerned |= has
    files = [each.workbook for each in sheets]
    return doubt(
        "empty_column",
        layout_for(concerned, files, columns=facts.pop("columns")),
        level="stops" if most >= STOPS.get(column, HALF / 2) else "warns",
        where=where(sheet.workbook, sheet.name) + more,
        heading=headings.get(column) or headings["amount"],
        what=WITHOUT[column],
        **facts,
    )._replace(workbook=sheet.workbook)


def filled_beside(con: Connection, sheet: Sheet, column: str) -> dict[str, Any] | None:
    """Return the column that is filled where another is empty; ``None`` if none looks like it.

    ``columns`` are those of a layout, ``other`` is its heading, ``filled`` how many it fills.
    """
    schema, headings = sheet.grid.schema, sheet.grid.header.headings
    kinds = {
        name: kind
        for name in schema
        if name.startswith((OTHER, LINE_TOTAL))
        for kind in STAND_INS[column]
        if found(kind, [headings[name]])
    }
    if not kinds:
        return None
    cells = cells_of(schema)
    # What holds for an order may stand on its first line alone, where the date stands.
    is_first = cells.invoice_date.notnull() if column != "invoice_date" else True
    cells = cells.filter(is_first).select("row_number", *kinds)
    typed = ibis.table({"row_number": "int64", column: "string"}, name=LINES)
    rows = typed.inner_join(cells, "row_number")
    is_empty = rows[column].isnull()
    figures = {"all": rows.count(), "empty": is_empty.sum()}
    for name in kinds:
        figures[name] = rows[name].count()
        figures[f"{name}:beside"] = rows[name].count(where=is_empty)
        figures[f"{name}:values"] = rows[name].nunique(where=is_empty)
    query = sheet.grid.read_by(str(ibis.to_sql(rows.agg(**figures), "duckdb")))
    counted = con.raw_sql(query.replace(f'"{LINES}"', f"({sheet.typed})"))
    said = dict(zip([each[0] for each in counted.description], counted.fetchone(), strict=True))
    least = min(LEAST, said["empty"] / 2)
    filled = [
        name
        for name in kinds
        if said[f"{name}:beside"] >= HALF * said["empty"] and said[f"{name}:values"] >= least
    ]
    if not filled:
        return None
    most = max(said[name] for name in filled) - ALIKE * said["all"]
    order = STAND_INS[column].index
    # The surest kind, and of two telephones the fuller.
    best = min(filled, key=lambda name: (said[name] < most, order(kinds[name]), -said[name]))
    is_amount = column == "price" and found("amount", [headings[best]])
    named: Change = {"amount" if is_amount else column: headings[best]}
    if column == "customer_id" and said[best] < NEARLY_ALL * said["all"]:
        named = {column: [headings[best], headings[column]]}
    return {"columns": named, "other": headings[best], "filled": said[f"{best}:beside"]}
