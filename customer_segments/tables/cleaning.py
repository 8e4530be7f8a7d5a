"""The tables of ``cleaning``: rows kept and rejected."""

from customer_segments.storage import Column, Contract, Rule, WriteMode
from customer_segments.tables.ingestion import RAW_TRANSACTIONS
from customer_segments.tables.money import LINE

_SOURCE = RAW_TRANSACTIONS.columns[:3]
_MONTH = Column("month", "!date", "First day of the month of the line.")

CLEANED_TRANSACTIONS = Contract(
    table="cleaned_transactions",
    grain="a sale or credit line that counts",
    columns=(
        _MONTH,
        Column("invoice", "!string", "Invoice number, upper case."),
        Column("invoice_date", "!timestamp(6)", "When, in the retailer's local time."),
        Column("customer_id", "string", "Customer; null only if anonymous lines are kept."),
        Column("country", "string", "Country of the customer."),
        Column("stock_code", "!string", "Product, trimmed and upper case."),
        Column("description", "string", "Text of the line."),
        Column("quantity", "!int64", "Units; negative on credit lines."),
        Column("price", f"!{LINE}", "Price per unit."),
        Column("revenue", f"!{LINE}", "Quantity times price, exact."),
        Column("is_credit", "!boolean", "Whether it takes a sale back."),
        Column("is_repeated", "!boolean", "Says the same as an earlier line of its invoice."),
        *_SOURCE,
    ),
    key=("month", *RAW_TRANSACTIONS.key),
    rules=(
        Rule("month is that of invoice_date", "date_trunc('month', invoice_date) = month"),
        Rule("revenue is quantity times price", "revenue = quantity * price"),
    ),
    month_column="month",
    write_mode=WriteMode.REPLACE_MONTHS,
    revenue="revenue",
    built_from="raw_transactions",
    is_big=True,
    version=2,
    sections=("source", "cleaning"),
)

REJECTED_TRANSACTIONS = Contract(
    table="rejected_transactions",
    grain="a workbook row that was not kept, with its reason",
    columns=(
        _MONTH,
        Column("reason", "!string", "First cleaning rule that rejects the row."),
        Column("unreadable_column", "string", "For unreadable_value: which column."),
        Column("unreadable_text", "string", "For unreadable_value: what the cell says."),
        *RAW_TRANSACTIONS.columns[3:11],
        Column("revenue", LINE, "Quantity times price, where both are readable."),
        *_SOURCE,
    ),
    key=("month", *RAW_TRANSACTIONS.key),
    month_column="month",
    write_mode=WriteMode.REPLACE_MONTHS,
    revenue="revenue",
    built_from="raw_transactions",
    is_big=True,
    version=2,
    sections=("source", "cleaning"),
)
