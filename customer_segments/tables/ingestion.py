"""The tables of ``ingestion``: rows as the files have them."""

from customer_segments.storage import Column, Contract, Rule, WriteMode
from customer_segments.tables.money import LINE, SUM

RAW_TRANSACTIONS = Contract(
    table="raw_transactions",
    grain="a row of a workbook sheet that holds anything",
    columns=(
        Column("workbook", "!string", "File name."),
        Column("sheet", "!string", "Sheet of the workbook; a CSV or Parquet file's own stem."),
        Column("row_number", "!int64", "Row in the sheet, as Excel shows it."),
        Column("invoice", "string", "Invoice number; C in front marks a credit note."),
        Column("stock_code", "string", "Product, or service, fee or voucher."),
        Column("description", "string", "Text of the line."),
        Column("quantity", "int64", "Units; negative on credit notes."),
        Column("invoice_date", "timestamp(6)", "When, in the retailer's local time."),
        Column("price", LINE, "Price per unit, in the currency of the workbooks."),
        Column("customer_id", "string", "Customer; null for anonymous sales."),
        Column("country", "string", "Country of the customer."),
        Column(
            "month",
            "!date",
            "Month of invoice_date, or that of the nearest dated row of the sheet; within the "
            "months covered.",
        ),
        Column("unreadable_column", "string", "First column whose cell is not of its type."),
        Column("unreadable_text", "string", "What that cell says; null for an error like #REF!."),
        Column("is_superseded", "!boolean", "The invoice also stands in a later source."),
    ),
    key=("workbook", "sheet", "row_number"),
    rules=(
        Rule("row_number is positive", "row_number >= 1"),
        Rule(
            "a row is readable or says what is not",
            "unreadable_column IS NOT NULL OR (invoice IS NOT NULL AND stock_code IS NOT NULL "
            "AND quantity IS NOT NULL AND invoice_date IS NOT NULL AND price IS NOT NULL)",
        ),
    ),
    month_column="month",
    write_mode=WriteMode.REPLACE,
    revenue="quantity * price",
    is_big=True,
    sections=("source",),
)

SOURCE_SHEETS = Contract(
    table="source_sheets",
    grain="a sheet that was read into raw_transactions",
    columns=(
        Column("workbook", "!string", "File name."),
        Column("sheet", "!string", "Sheet of the workbook; a CSV or Parquet file's own stem."),
        Column("source_order", "!int64", "Place among all sheets; a later one supersedes."),
        Column("content_hash", "!string", "SHA-256 of the file."),
        Column("file_size", "!int64", "Bytes of the file."),
        Column("parser", "!string", "Version of the reading that made the rows."),
        Column("row_count", "!int64", "Rows that hold anything, without the header."),
        Column("blank_rows", "!int64", "Rows that hold nothing, before the last that does."),
        Column("unreadable_rows", "!int64", "Rows with a cell that is not of its column's type."),
        Column("first_date", "timestamp(6)", "Earliest date that can be right: from 2000 on."),
        Column("last_date", "timestamp(6)", "Latest date that can be right: up to this month."),
        Column("revenue", SUM, "Quantity times price of all rows that have both."),
        Column("ignored_columns", "!string", "Headings that are not part of the layout."),
    ),
    key=("workbook", "sheet"),
    rules=(Rule("row_count is not negative", "row_count >= 0"),),
    write_mode=WriteMode.REPLACE,
    revenue="revenue",
    built_from="raw_transactions",
    version=2,
    sections=("source",),
)
