"""Names beside the ids of customers: whether an id is one customer.

Belongs here: holding one against the other, over all files. Does not: ids alone (``doubts``).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import ibis
from ibis import _

from customer_segments.doubt import Doubt, doubt
from customer_segments.ingestion.columns.headings import found
from customer_segments.ingestion.columns.layout import NAMES, OTHER, shown
from customer_segments.ingestion.files.grid import cells_of
from customer_segments.ingestion.sheets.order_numbers import ENOUGH_ROWS, LINES, WHOSE
from customer_segments.ingestion.sheets.sheet import Sheet

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

TABLE = "names_of_customers"
# Of customers with several lines, those with names that have no word in common; households and
# firms have a few.
MANY, LEAST = 0.2, 10


def several_names(con: "Backend", sheets: list[Sheet]) -> Iterator[Doubt]:
    """Doubt ids that stand for people of other names: shops that number customers on their own.

    Of many rows, those of a part of the customers are looked at.
    """
    named = [(sheet, column) for sheet in sheets if (column := _name_of(sheet))]
    if not named:
        return
    parts = sum(sheet.rows for sheet, _column in named) // ENOUGH_ROWS + 1
    con.raw_sql(
        f"CREATE OR REPLACE TEMP TABLE {TABLE} (customer_id VARCHAR, name VARCHAR, n BIGINT)"
    )
    for sheet, column in named:
        rows = ibis.table(WHOSE, name=LINES).filter(_.customer_id.hash() % parts == 0)
        cells = cells_of(sheet.grid.schema).select("row_number", name=column)
        words = rows.inner_join(cells, "row_number").mutate(
            name=_.name.cast("string").lower().re_replace(r"[^\pL]+", " ").strip()
        )
        words = words.filter(words.customer_id.notnull(), words.name != "")
        query = str(ibis.to_sql(words.group_by("customer_id", "name").agg(n=_.count()), "duckdb"))
        query = sheet.grid.read_by(query).replace(f'"{LINES}"', f"({sheet.typed})")
        con.raw_sql(f"INSERT INTO {TABLE} {query}")
    each = (
        con.table(TABLE)
        .group_by("customer_id")
        .agg(lines=_.n.sum(), one=_.name.min(), other=_.name.max())
    )
    each = each.filter(each.lines > 1)
    is_other = each.one.split(" ").intersect(each.other.split(" ")).length() == 0
    counted = each.agg(ids=_.count(), others=is_other.sum().fill_null(0))
    (told,) = con.to_pyarrow(counted).to_pylist()
    if told["others"] < max(LEAST, MANY * told["ids"]):
        return
    (first,) = con.to_pyarrow(each.filter(is_other).order_by("customer_id").limit(1)).to_pylist()
    one, column = named[0]
    header = one.grid.header
    at = found("shop", header.ignored)
    beside = header.ignored[at[0]] if at else header.headings[column]
    change = {"layout": [{"columns": {"customer_id": [beside, header.headings["customer_id"]]}}]}
    files = ", ".join(dict.fromkeys(shown(sheet.workbook) for sheet, _column in named[:3]))
    yield doubt(
        "several_names",
        change,
        files=files,
        heading=header.headings[column],
        id=shown(first["customer_id"]),
        **told,
    )


def _name_of(sheet: Sheet) -> str | None:
    """Return the column of a name beside the customer's id."""
    headings = sheet.grid.header.headings
    others = [column for column in sheet.grid.schema if column.startswith(OTHER)]
    cells = [headings[column] for column in others]
    return next((others[at] for kind in NAMES for at in found(kind, cells)), None)
