"""The form of a column's cells: order of day and month, decimal mark, zone. Settled for the whole.

Belongs here: counting what all cells of a column look like, and deciding how they are read; what
two readings fit is a doubt. Does not: a cell's value (``dates``, ``numbers``).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ibis.expr.types import Table, Value

from customer_segments.ingestion import dates, numbers
from customer_segments.ingestion.doubt import Doubt
from customer_segments.policy.layout import Layout

NUMBERS = ("quantity", "price", "amount", "discount")


class Form(NamedTuple):
    """How the cells of a column are read.

    Parameters
    ----------
    said
        In words, for who asks: "decimal comma".
    kinds
        What kinds of cells there are, and how many of each.
    order
        Of day, month and year: ``dmy``, ``mdy`` or ``ymd``.
    decimal
        Decimal mark: ".", "," or "mixed".
    """

    said: str = ""
    kinds: Mapping[str, int] = {}
    order: str = "dmy"
    decimal: str = "."


def looked_at(cells: Table) -> dict[str, Value]:
    """Return the counts by which the forms of all text columns are settled, to be aggregated."""
    counts: dict[str, Value] = {}
    for column in ("invoice_date", *NUMBERS):
        if column not in cells.columns or not cells[column].type().is_string():
            continue
        kinds = (dates if column == "invoice_date" else numbers).kinds(cells[column])
        counts[f"{column}:all"] = cells[column].count()
        for kind, is_it in kinds.items():
            counts[f"{column}:{kind}"] = is_it.sum().fill_null(0)
            if kind in EXAMPLES:
                counts[f"{column}:{kind}:example"] = cells[column].max(where=is_it)
        if column == "invoice_date":
            counts |= {
                f"{column}:{kind}": count for kind, count in dates.spread(cells[column]).items()
            }
    return counts


# Kinds of which a message shows a cell.
EXAMPLES = ("numeric", "day_first", "month_first", "point_or_group", "comma_or_group", "comma")


def settled(
    counts: Mapping[str, Any], layout: Layout, place: str, headings: Mapping[str, str]
) -> tuple[dict[str, Form], list[Doubt]]:
    """Decide on the form of each text column.

    Parameters
    ----------
    counts
        What ``looked_at`` came to.
    place
        File and sheet, for messages.
    headings
        Heading by column.
    """
    forms: dict[str, Form] = {}
    doubts: list[Doubt] = []
    of: dict[str, dict[str, Any]] = {}
    for name, count in counts.items():
        column, _, kind = name.partition(":")
        of.setdefault(column, {})[kind] = count
    # What one column of numbers proves holds for those of the same file that prove nothing.
    proven = {numbers.proven(of[name]) for name in NUMBERS if name in of} - {None}
    others = proven.pop() if len(proven) == 1 else None
    for column, kinds in of.items():
        where = f"{place}, column {headings[column]!r}"
        if column == "invoice_date":
            order, doubt = dates.order(kinds, layout, where)
            forms[column] = Form(dates.said(kinds, order), kinds, order=order)
        else:
            decimal, doubt = numbers.decimal_mark(kinds, layout, others, where)
            forms[column] = Form(numbers.said(kinds, decimal), kinds, decimal=decimal)
        doubts += [doubt] if doubt else []
    return forms, doubts
