"""The cells of one sheet, as a relation that the engine reads.

Belongs here: what a grid is. Does not: making one (``reading``, ``scans``).
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
from ibis.expr.types import StringValue, Table

from customer_segments.doubt import Doubt
from customer_segments.ingestion.columns.layout import PARTS, Header
from customer_segments.ingestion.files.sources import Source

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

# Queries are made once for all sheets with the same columns, which takes longer than a small file.
CELLS = "cells_of_a_sheet"
# Full-width, as Japanese keyboards write them; Arabic, Persian.
NARROW = (
    "".join(map(chr, range(0xFF01, 0xFF5F))) + "￥٠١٢٣٤٥٦٧٨٩٫٬۰۱۲۳۴۵۶۷۸۹",  # noqa: RUF001 - on purpose
    "".join(map(chr, range(0x21, 0x7F))) + "¥0123456789.,0123456789",
)
# A cell of money that says none.
NO_MONEY = "^[^1-9]*$"
# What nobody takes for a number, a date or an id.
WORDS = ("description", "country", "status", "overfull")


class Grid(NamedTuple):
    """The cells of one sheet, and the query that reads them.

    A file that has no sheets gives its own stem. There is a row per row that holds anything:
    ``row_number`` as Excel shows it, ``overfull``, and a column for each column of the layout, null
    where the cell is empty or an error.
    """

    source: Source
    sheet: str
    header: Header
    schema: ibis.Schema
    sql: str
    # What is doubted of the text as a whole.
    doubts: tuple[Doubt, ...] = ()

    def read_by(self, query: str) -> str:
        """Return a query of ``cells_of`` as one of this sheet."""
        return query.replace(f'"{CELLS}"', f"({self.sql})")

    def counted(self, con: "Backend", query: str) -> dict[str, Any]:
        """Return what a query of ``cells_of`` that comes to one row says of this sheet."""
        found = con.raw_sql(self.read_by(query))
        names = [column[0] for column in found.description]
        return dict(zip(names, found.fetchone(), strict=True))


def cells_of(schema: ibis.Schema) -> Table:
    """Return the cells of whatever sheet has these columns, texts with the usual digits."""
    cells = ibis.table(schema, name=CELLS)
    texts = [name for name in cells.columns if cells[name].type().is_string()]
    # A view: whoever reads a cell seven times would have it made usual seven times.
    narrow = cells.mutate(**{name: _narrow(cells[name]) for name in texts if name not in WORDS})
    return _joined(narrow).view()


def _joined(cells: Table) -> Table:
    """Make one column of those that are read together."""
    parts: dict[str, list[str]] = {}
    for name in cells.columns:
        if name.startswith(PARTS):
            parts.setdefault(name.rpartition("_of_")[2], []).append(name)
    joined = {}
    for column, names in parts.items():
        first, *others = (cells[name].cast("string") for name in (column, *names))
        for other in others:
            if column in ("quantity", "price", "amount"):
                # The first less the second; what is no number, the row says.
                less = _less(first, other)
                joined_by = ibis.cases(
                    (other.re_search(NO_MONEY) | other.isnull(), first),
                    (first.re_search(NO_MONEY) | first.isnull(), "-" + other),
                    else_=ibis.coalesce(less, first + " - " + other),
                )
            elif column == "invoice_date":
                joined_by = first + "-" + other
            else:
                joined_by = ibis.coalesce(first + " " + other, first, other)
            first = joined_by
        if column == "invoice_date":
            # 2024-March-5 is 5-March-2024.
            first = first.re_replace(r"^([0-9]{4})-([^0-9-]+)-([0-9]+)$", r"\3-\2-\1")
        joined[column] = first
    return cells.mutate(**joined).drop(*(name for names in parts.values() for name in names))


def _less(first: StringValue, other: StringValue) -> StringValue:
    """Return the first number less the other, with their decimal mark; null if one is none."""
    has_comma = (first + "|" + other).re_search(r",[0-9]{1,2}(\||$)")
    plain = (
        ibis.ifelse(has_comma, each.replace(".", "").replace(",", "."), each.replace(",", ""))
        for each in (first, other)
    )
    numbers = [each.try_cast("decimal(38, 6)") for each in plain]
    less = (numbers[0] - numbers[1]).cast("string")
    return ibis.ifelse(has_comma, less.replace(".", ","), less)


def _narrow(text: StringValue) -> StringValue:
    return ibis.ifelse(text.re_search("[^ -~]"), text.translate(*NARROW), text)
