"""The layout of a transaction sheet: which columns, under which headings.

Belongs here: matching a header row. Does not: reading files, or what a cell may hold.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from customer_segments.errors import UserError

# Headings of both UCI workbooks, in any case, with or without blanks and underscores.
HEADINGS = {
    "invoice": ("Invoice", "InvoiceNo"),
    "stock_code": ("StockCode",),
    "description": ("Description",),
    "quantity": ("Quantity",),
    "invoice_date": ("InvoiceDate",),
    "price": ("Price", "UnitPrice"),
    "customer_id": ("Customer ID", "CustomerID"),
    "country": ("Country",),
}
# Rows in which a header that is not in the first one is looked for, to say where it stands.
HEADER_SEARCH_ROWS = 20
# More of a cell or a list is no help in a message.
SHOWN_CHARACTERS = 500


def shown(text: str) -> str:
    """Return how messages show a file name or another foreign text: on one line, not endless."""
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def where(workbook: str, sheet: str) -> str:
    """Return how messages name a sheet."""
    return f"{shown(workbook)}, sheet {sheet!r}"


def _plain(heading: str | None) -> str:
    return re.sub(r"[\s_]+", "", heading or "").casefold()


_COLUMN_OF = {_plain(heading): column for column, names in HEADINGS.items() for heading in names}


class Header(NamedTuple):
    """Where each column stands in a sheet.

    Parameters
    ----------
    positions
        Position in the sheet by column, in the order of ``HEADINGS``.
    ignored
        Headings of columns that are not part of the layout.
    """

    positions: dict[str, int]
    ignored: tuple[str, ...]


def match_header(rows: Sequence[Sequence[str | None]], where: str) -> Header:
    """Find the columns in the first row of a sheet.

    Parameters
    ----------
    rows
        The first rows of the sheet, as text; the first is the header.
    where
        File and sheet, for messages.

    Raises
    ------
    UserError
        If a column is missing or stands there twice, or the header is in a later row.
    """
    headings = rows[0]
    found: dict[str, list[int]] = {}
    for position, heading in enumerate(headings):
        found.setdefault(_COLUMN_OF.get(_plain(heading), ""), []).append(position)
    missing = [column for column in HEADINGS if column not in found]
    if missing:
        for number, row in enumerate(rows[1:], 2):
            if {_COLUMN_OF.get(_plain(cell)) for cell in row} >= set(HEADINGS):
                raise UserError(
                    f"{where}: the header stands in row {number}, and has to be in row 1.",
                    "Delete the rows above it.",
                )
        wanted = ", ".join(" or ".join(HEADINGS[column]) for column in missing)
        given = ", ".join(repr(heading) for heading in headings if heading) or "nothing"
        raise UserError(
            f"{where}: column {wanted} is missing; its first row has {shown(given)}.",
            "Add or rename the column; a sheet with other content belongs in another file.",
        )
    for column, positions in found.items():
        if column and len(positions) > 1:
            names = ", ".join(repr(headings[position]) for position in positions)
            raise UserError(
                f"{where}: column {HEADINGS[column][0]} stands there {len(positions)} times "
                f"({shown(names)}).",
                "Keep the one that counts.",
            )
    return Header(
        positions={column: found[column][0] for column in HEADINGS},
        ignored=tuple(heading for p in found.get("", []) if (heading := headings[p])),
    )
