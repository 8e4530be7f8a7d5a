"""Cells -> typed rows, inside the engine.

Belongs here: what a cell's text means, row by row. Does not: what needs sight of other rows
(``settling``). A cell that cannot be its column's type does not stop the file: the row says
which column and what the cell said, and cleaning rejects it.
"""

import ibis
from ibis.expr.types import StringValue, Table, Value

from customer_segments.tables.money import LINE

# To be changed with what a cell means: files parsed by another version are parsed anew.
PARSER = "2"
# In layout order: the first that is unreadable is named.
REQUIRED = ("invoice", "stock_code", "quantity", "invoice_date", "price")
EXACT = "decimal(38, 19)"  # holds every BIGINT and every price in full
FLOAT_NOISE = 1e-9
# What DuckDB takes for a number, and nobody else: 1_000, and 30e4. with its last point.
NOT_A_NUMBER = r"_|[eE].*\."
ISO_DATE = (
    r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([ T]([01]?[0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?$"
)
# Line revenue beyond this is a misread cell: it would not fit its type either.
LARGEST_LINE = 10**14 - 1
# Unicode's white space, and what has no width: a copy from a web page or a PDF brings them along.
BLANKS = (
    r"\t\n\x0B\f\r\x1C-\x1F \x85\xA0"
    "\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


def typed_rows(cells: Table) -> Table:
    """Give every cell its column's type.

    Parameters
    ----------
    cells
        Text columns of the layout, and ``workbook``, ``sheet``, ``row_number``, which are handed
        through.

    Returns
    -------
    Table
        Same rows; a row whose cells are not all readable has ``unreadable_column`` (the first
        of them in layout order) and ``unreadable_text``.
    """
    said = {f"{name}_text": cells[name] for name in REQUIRED}
    typed = cells.mutate(
        invoice=_identifier(cells.invoice),
        stock_code=_identifier(cells.stock_code),
        customer_id=_identifier(cells.customer_id),
        quantity=_whole_number(cells.quantity),
        invoice_date=_timestamp(cells.invoice_date),
        price=_money(cells.price),
        **said,
    )
    revenue = typed.quantity.cast("float64") * typed.price.cast("float64")
    is_line = revenue.abs() <= LARGEST_LINE
    typed = typed.mutate(
        price=ibis.ifelse(is_line | revenue.isnull(), typed.price, ibis.null(LINE))
    )
    is_unreadable = {name: typed[name].isnull() for name in REQUIRED}
    return typed.mutate(
        unreadable_column=ibis.cases(*((bad, name) for name, bad in is_unreadable.items())),
        unreadable_text=ibis.cases(
            *((bad, typed[f"{name}_text"]) for name, bad in is_unreadable.items())
        ),
    ).drop(*said)


def _identifier(text: StringValue) -> Value:
    """Trim every kind of blank; a number that came as 13085.0 is 13085."""
    is_padded = text.re_search(f"^[{BLANKS}]|[{BLANKS}]$")
    trimmed = text.re_extract(f"(?s)^[{BLANKS}]*(.*?)[{BLANKS}]*$", 1)
    text = ibis.ifelse(is_padded, trimmed, text).nullif("")
    digits = text.re_extract(r"^([0-9]+)\.0+$", 1).nullif("")
    return ibis.ifelse(text.contains(".0"), digits.fill_null(text), text)


def _whole_number(text: StringValue) -> Value:
    """Null unless the text is a whole number: a cast alone would round 3.5, and read 1_000."""
    whole = text.try_cast("int64")
    # A decimal too small for EXACT would be rounded by that cast already.
    is_exact = (whole.cast(EXACT) == text.try_cast(EXACT)) & ~text.re_search(
        NOT_A_NUMBER + r"|[eE]-|\.[0-9]{20}"
    )
    return ibis.ifelse(is_exact, whole, ibis.null("int64"))


def _money(text: StringValue) -> Value:
    """Null unless four decimals hold the number; a float's noise beyond them is dropped."""
    money = text.try_cast(LINE)
    noise = (money.cast(EXACT) - text.try_cast(EXACT)).abs()
    is_exact = (noise <= FLOAT_NOISE) & ~text.re_search(NOT_A_NUMBER)
    return ibis.ifelse(is_exact, money, ibis.null(LINE))


def _timestamp(text: StringValue) -> Value:
    """Null unless the text is an ISO date or date and time; a date cell reads as one.

    A time zone or AM and PM are not dropped but unreadable: times are the retailer's own.
    """
    text = text.strip()
    is_iso = text.re_search(ISO_DATE)
    return ibis.ifelse(is_iso, text.try_cast("timestamp(6)"), ibis.null("timestamp(6)"))
