"""The tables of ``rfm``: customers by snapshot."""

from customer_segments.storage import Column, Contract, Rule, WriteMode
from customer_segments.tables.money import SUM

CUSTOMER_RFM = Contract(
    table="customer_rfm",
    grain="a customer at the end of a month, if with a sale by then",
    columns=(
        Column("snapshot_month", "!date", "First day of the month at whose end this holds."),
        Column("customer_id", "!string", "Customer."),
        Column("snapshot_date", "!date", "The day after the month: recency is measured from it."),
        Column("recency_days", "!int64", "Whole days from the last sale to snapshot_date."),
        Column("frequency", "!int64", "Distinct sale invoices."),
        Column("monetary", f"!{SUM}", "Sales minus credit notes; may be negative."),
        Column("first_purchase_date", "!date", "Day of the first sale."),
        Column("last_purchase_date", "!date", "Day of the last sale."),
        Column("average_order_value", f"!{SUM}", "Sales per sale invoice."),
        Column("units", "!int64", "Units sold minus units returned."),
        Column("products", "!int64", "Distinct stock codes bought."),
        Column("credit_share", "!float64", "Credit notes as a share of sales, 0 for none."),
        Column("country", "string", "Country of the most recent sale."),
        Column("months_active", "!int64", "Months with a sale."),
        Column("window_months", "int64", "Months looked back on; null for all history."),
    ),
    key=("snapshot_month", "customer_id"),
    rules=(
        Rule("snapshot_date follows the month", "snapshot_date > snapshot_month"),
        Rule("recency is at least a day", "recency_days >= 1"),
        Rule("frequency is at least one", "frequency >= 1"),
        Rule("a first purchase is not after the last", "first_purchase_date <= last_purchase_date"),
        # Not at most frequency: an invoice may have lines on both sides of a month's end.
        Rule("months_active is at least one", "months_active >= 1"),
        Rule("credit_share is not negative", "credit_share >= 0"),
    ),
    month_column="snapshot_month",
    write_mode=WriteMode.REPLACE_MONTHS,
    revenue="monetary",
    built_from="cleaned_transactions",
    needs_history=True,
    version=3,
    sections=("source", "cleaning", "rfm"),
)
