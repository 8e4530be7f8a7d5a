"""The vocabulary of columns: what each is called, how it is written, how wide it is.

Belongs here: headings and formats, once, for report, workbook and terminal. Does not: the figures
(``figures``), laying tables out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from customer_segments.outputs.words import UNKNOWN, number, plain, signed


def whole(value: float) -> str:
    """Return a whole number; a median of an even number of them may be a half."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def change(count: float) -> str:
    """Return a change with its sign."""
    return signed(f"{count:+,.0f}") if count else "\N{PLUS-MINUS SIGN}0"


class Format(NamedTuple):
    """How a figure is written: Excel's number format, and as text."""

    excel: str
    text: Callable[[Any], str] = str
    is_number: bool = True


TEXT, GENERAL = Format("@", is_number=False), Format("General", is_number=False)
DATE = Format("yyyy-mm-dd", lambda day: f"{day:%Y-%m-%d}")
WHOLE = Format("#,##0", whole)
TENTHS = Format("#,##0.0", whole)
MONEY = Format("#,##0.00", plain)
SHARE = Format("0.0%", lambda share: signed(f"{share:.1%}"))
SINCE = "Change in customers since"
CHANGE = Format("+#,##0;-#,##0;0", change)


@dataclass(frozen=True)
class Column:
    """A column of figures: ``name`` is the figure's in a row.

    ``heading`` and ``width``, in characters, are a workbook's, in which there is room; ``short``
    is the heading in report and terminal.
    """

    name: str
    heading: str
    format: Format
    width: float
    short: str = ""

    def under(self, heading: str | None) -> "Column":
        """Return the column under another heading, if one is given."""
        return replace(self, heading=heading, short=heading) if heading else self

    def text(self, row: dict[str, Any], *, is_short: bool = False) -> str:
        """Return the figure of a row as text, large money in words if short; unknown, a dash."""
        value = row.get(self.name)
        if value is None:
            return UNKNOWN
        return number(value) if is_short and self.format is MONEY else self.format.text(value)


_OF_SEGMENTS = (
    Column("segment", "Segment", GENERAL, 22, "Segment"),
    Column("customers", "Customers", WHOLE, 11, "Customers"),
    Column("share", "Share of customers", SHARE, 11, "Share"),
    Column("revenue", "Spent", MONEY, 16, "Brought so far"),
    Column("revenue_share", "Share of spending", SHARE, 11, "Share"),
    Column("year", "Spent in twelve months", MONEY, 16, "In twelve months"),
    Column("median_recency_days", "Typical days since last order", WHOLE, 15, "Days"),
    Column("median_frequency", "Typical orders", TENTHS, 10, "Orders"),
    Column("median_monetary", "Typical spending", MONEY, 12, "Money"),
    Column("since_last_month", f"{SINCE} last month", CHANGE, 17, "Since last month"),
    Column("since_last_year", f"{SINCE} last year", CHANGE, 17, "Since last year"),
    Column("suggested_action", "What to do", GENERAL, 80),
)
_OF_CUSTOMERS = (
    Column("customer_id", "Customer", TEXT, 14),
    Column("account", "Account", GENERAL, 11),
    Column("country", "Country", GENERAL, 18),
    Column("monetary", "Spent", MONEY, 14),
    Column("frequency", "Orders", WHOLE, 9),
    Column("average_order_value", "Average order", MONEY, 12),
    Column("products", "Products", WHOLE, 10),
    Column("recency_days", "Days since last order", WHOLE, 12),
    Column("last_purchase_date", "Last order", DATE, 12),
    Column("first_purchase_date", "First order", DATE, 12),
    Column("moved_from", "Moved here from", GENERAL, 20),
    Column("from_segment", "From", GENERAL, 20),
    Column("to_segment", "To", GENERAL, 20),
)
_COLUMNS = {column.name: column for column in (*_OF_SEGMENTS, *_OF_CUSTOMERS)}


def columns_of(names: str, **headings: str) -> tuple[Column, ...]:
    """Return the columns of these names; some under other headings, where a table needs them."""
    return tuple(_COLUMNS[name].under(headings.get(name)) for name in names.split())
