"""The orders of the sources: where each stands, and of how many rows.

Belongs here: keys under which an order, or a line of it, is found again elsewhere. Does not: which
of the places counts (``identity``), where a sheet holds the same twice (``blocks``).
"""

from datetime import date

import ibis
from ibis.expr.types import IntegerValue, Table

from customer_segments.texts import read_toml

# A sheet of a file.
SHEET = ["workbook", "sheet"]
# An order. The number alone says little: receipts restart each month, and tills count on their own.
# Where a file has no numbers, a customer's day is an order.
KEY = ("number", "customer", "day")
NO_DAY = date(1, 1, 1)
# Ends the number of lines that take something back: an export of refunds names the orders and days
# that a file of sales has.
BACK = "\t-"
CREDIT = read_toml("customer_segments.doubts", "words.toml")["credit"]


def with_keys(rows: Table) -> Table:
    """Add ``number``, ``customer`` and ``day``, empty where there is none, to be joined by."""
    number = rows.invoice.upper().fill_null("")
    is_back = (rows.quantity < 0) | (rows.price < 0) | rows.status.re_search(CREDIT)
    is_back = (number != "") & is_back.fill_null(False)
    return rows.mutate(
        number=ibis.ifelse(is_back, number + BACK, number),
        customer=rows.customer_id.fill_null(""),
        day=rows.invoice_date.date().fill_null(ibis.date(NO_DAY)),
    )


def orders_of(rows: Table) -> Table:
    """Return the orders of rows that have their keys and ``place``, that of a sheet or a block.

    ``rows`` (how many), ``negative`` (how many of them with a quantity below nothing), ``low``
    and ``high``: the first and the last ``row_number``.
    """
    return rows.group_by("place", *KEY).agg(
        rows=rows.count(),
        negative=(rows.quantity < 0).sum().fill_null(0),
        low=rows.row_number.min(),
        high=rows.row_number.max(),
    )


def line_hash(rows: Table) -> IntegerValue:
    """Return a number of what a line of an order says, the time aside, that not all exports have.

    Sums of it over an order do not overflow.
    """
    says = {name: rows[name] for name in ("stock_code", "quantity", "price")}
    return ibis.struct(says).hash() % 2**31
