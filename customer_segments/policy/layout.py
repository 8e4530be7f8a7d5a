"""How files are laid out where their headings and cells do not say it themselves: ``[[layout]]``.

Belongs here: what can be said of the files that a pattern names. Does not: finding out what is not
said (``ingestion``).
"""

from typing import Literal

from pydantic import Field

from customer_segments.policy.section import Section

Columns = Literal[
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "time",
    "price",
    "amount",
    "customer_id",
    "country",
    "discount",
    "status",
    "currency",
]
# What lists for people may pass on of a customer.
Contact = Literal["name", "email", "phone"]


class Layout(Section):
    """The form of some files; of several that match a file, the first counts."""

    files: str = "*"
    """Names of the files: orders-*.csv."""
    sheets: list[str] = Field(default_factory=list)
    """Names of the sheets to read, hidden ones too; empty for those that are visible."""
    columns: dict[Columns, str | list[str]] = Field(default_factory=dict)
    """Headings by column: invoice_date = "Paid at". An empty text: the file has no such column.
    Several headings are read as one: invoice_date = ["Year", "Month", "Day"], customer_id =
    ["Shop", "Customer"], and of numbers the first less the second: amount = ["Debit", "Credit"],
    quantity = ["Sold", "Returned"]."""
    contact: dict[Contact, str] = Field(default_factory=dict)
    """Headings by what lists for people pass on of each customer: email = "Billing Email"."""
    header_row: int | None = Field(default=None, ge=1)
    """Row of the headings."""
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    """What stands between the cells of a text file."""
    encoding: str | None = None
    """Code page of a text file: utf-8, utf-16, cp1252, cp1250."""
    dates: Literal["dmy", "mdy", "ymd", "1904"] | None = None
    """Order of day, month and year in dates such as 03/04/2011; or the year from which Excel's
    serial numbers count, if it is that of old Macs."""
    time_zone: str | None = None
    """Time zone of dates that bear none, if it is not the retailer's: UTC."""
    decimal: Literal[".", ","] | None = None
    """Decimal mark of numbers that are text."""
    fill_down: bool = False
    """Whether invoice, date, customer, country and status stand on the first line of an order
    alone."""
    credit: list[str] = Field(default_factory=list)
    """Names of sheets whose lines are credit notes, though they bear no minus; a file that has no
    sheets is one of its own name, without the suffix."""
    minor_units: bool = False
    """Whether money is in hundredths: 1995 is 19.95."""
    discount: Literal["rate", "percent", "amount"] | None = None
    """What the column of the discount has: a share of the price (0.2 or 20%), hundredths of it
    (20), or an amount of money per line."""
