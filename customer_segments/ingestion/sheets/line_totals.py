"""A column of line totals beside the prices: whether it says what quantity times price says.

Belongs here: holding one against the other. Does not: which column is which (``layout``).
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import ibis
from ibis import _

from customer_segments.doubt import Doubt, doubt
from customer_segments.ingestion.cells.casting import number, quantity_of
from customer_segments.ingestion.cells.forms import Form
from customer_segments.ingestion.columns.layout import LINE_TOTAL, where
from customer_segments.ingestion.files.grid import Grid, cells_of
from customer_segments.tables.money import LINE, PRICE

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Of lines with a price, those that have a total: an order's often stands on its first line alone.
NEARLY_ALL = 0.95
# Of orders of several lines, those whose lines all have the same total: it is the order's.
MOST_ALIKE = 0.5
# Of a total, from where on a line and a sheet differ; beyond the last it is no matter of taxes.
CENT, DIFFERS, STOPS = 0.01, 0.001, 0.3
LEAST_ROWS = 20


def other_totals(con: "Backend", grid: Grid, forms: Mapping[str, Form]) -> Iterator[Doubt]:
    """Look for line totals, not used beside a price, that do not add up to quantity times price."""
    # What a discount takes off is off the total as well.
    if LINE_TOTAL not in grid.schema or "discount" in grid.schema:
        return
    cells = cells_of(grid.schema)
    forms = {**forms, LINE_TOTAL: forms.get("price", Form())._replace(is_plain=False)}
    price = number(cells, "price", forms, PRICE)
    lines = cells.select(
        order=cells["invoice" if "invoice" in grid.schema else "invoice_date"],
        product=quantity_of(cells, forms).cast("float64") * price.cast("float64"),
        total=number(cells, LINE_TOTAL, forms, LINE).cast("float64"),
    ).filter(_.product.notnull())
    is_other = (lines.total - lines.product).abs() > CENT + DIFFERS * lines.product.abs()
    of_lines = lines.agg(
        rows=lines.count(),
        said=lines.total.count(),
        product=lines.product.sum(where=lines.total.notnull()),
        total=lines.total.sum(),
        other=is_other.sum(),
    )
    orders = lines.group_by("order").agg(
        lines=_.total.count(), least=_.total.min(), most=_.total.max()
    )
    orders = orders.filter(orders.lines > 1, orders.order.notnull())
    of_orders = orders.agg(several=_.count(), alike=(_.least == _.most).sum())
    query = str(ibis.to_sql(of_lines.cross_join(of_orders), "duckdb"))
    told = grid.counted(con, query)
    rows, other, product, total = (told[name] for name in ("rows", "other", "product", "total"))
    is_of_orders = (told["alike"] or 0) > MOST_ALIKE * told["several"]
    if rows < LEAST_ROWS or told["said"] < NEARLY_ALL * rows or is_of_orders:
        return
    share = abs(total - product) / max(abs(total), abs(product), CENT)
    if share < DIFFERS:
        return
    headings = {"heading": LINE_TOTAL, "price": "price"}
    headings = {name: grid.header.headings[column] for name, column in headings.items()}
    found = doubt(
        "other_totals",
        {"layout": [{"columns": {"amount": headings["heading"]}}]},
        level="stops" if share > STOPS else "warns",
        where=where(grid.source.name, grid.sheet),
        **headings | told,
    )
    # Where all lines differ a little, one of them is with tax: which it is to be, nobody can see.
    is_tax = found.level == "warns" and other > NEARLY_ALL * rows
    yield found._replace(change={}) if is_tax else found
