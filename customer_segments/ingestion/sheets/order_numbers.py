"""Which column has the order numbers, where no heading says so: it is told by its cells.

Belongs here: looking among the columns that nobody uses. Does not: what an order is (``orders``).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import ibis

from customer_segments.doubt import Doubt, doubt
from customer_segments.ingestion.cells.dates import TIMESTAMP
from customer_segments.ingestion.columns.layout import OTHER, shown, where
from customer_segments.ingestion.files.grid import cells_of
from customer_segments.ingestion.sheets.sheet import Sheet

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Of more rows, those of a part of the customers tell as much.
ENOUGH_ROWS = 500_000
# Of an order number's values, those of one customer and day; it tells so many more orders than days
# do, and stands on so many of the rows.
NEARLY_ALL, MORE, FILLED = 0.99, 1.005, 0.95
LEAST_ROWS = 50
LINES = "lines_of_a_sheet"
WHOSE = {"row_number": "int64", "customer_id": "string", "invoice_date": TIMESTAMP}
PRODUCTS = {"stock_code", "description", "quantity"}


def order_numbers(con: "Backend", sheet: Sheet) -> Iterator[Doubt]:
    """Doubt that customers' days are orders where a column tells orders apart, or may do so.

    A value of such a column is of one customer and day, and a day may have several. What differs
    on each row is a line's, unless there are no products: then rows are orders.
    """
    schema, headings = sheet.grid.schema, sheet.grid.header.headings
    others = [column for column in schema if column.startswith(OTHER)]
    is_known = "invoice" in {*schema, *sheet.layout.columns}
    if is_known or not others or sheet.rows < LEAST_ROWS:
        return
    cells = cells_of(schema).select("row_number", *others)
    rows = ibis.table(WHOSE, name=LINES).mutate(day=ibis._.invoice_date.date())
    parts = sheet.rows // ENOUGH_ROWS + 1
    rows = rows.filter(rows.customer_id.hash() % parts == 0, rows.day.notnull())
    rows = rows.inner_join(cells, "row_number").mutate(
        whose=ibis.struct({"customer": ibis._.customer_id, "day": ibis._.day})
    )
    figures = {"rows": rows.count(), "days": rows.whose.nunique()}
    for column in others:
        figures[f"{column}:filled"] = rows[column].count()
        figures[f"{column}:values"] = rows[column].nunique()
        of_whom = ibis.struct({"value": rows[column], "whose": rows.whose})
        figures[f"{column}:apart"] = of_whom.nunique(where=rows[column].notnull())
    query = str(ibis.to_sql(rows.agg(**figures), "duckdb"))
    said = sheet.grid.counted(con, query.replace(f'"{LINES}"', f"({sheet.typed})"))
    days, lines = said["days"], said["rows"]
    if days * MORE >= lines:
        return
    most = FILLED * lines if PRODUCTS & {*schema} else lines
    found = [
        (said[f"{column}:apart"] - values, -values, column)
        for column in others
        if said[f"{column}:filled"] >= FILLED * lines
        and NEARLY_ALL * said[f"{column}:apart"] <= (values := said[f"{column}:values"])
        and days * MORE < values <= most
    ]
    facts = {"where": where(sheet.workbook, sheet.name), "days": days}
    if found:
        _, values, column = min(found)
        change = {"layout": [{"columns": {"invoice": headings[column]}}]}
        facts |= {"heading": headings[column], "values": -values}
        yield doubt("order_numbers", change, **facts)
        return
    change = {"layout": [{"columns": {"invoice": "HEADING"}}]}
    named = shown(", ".join(repr(headings[column]) for column in others))
    yield doubt("order_numbers.none", change, others=named, **facts)
