"""Small contracts shaped like the real tables, one per write mode, and rows for them.

Belongs here: what several test modules need. Does not: anything that only one of them needs.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import pyarrow as pa

from customer_segments.storage import Contract, Warehouse, WriteMode
from customer_segments.storage.content import LedgerLine
from customer_segments.storage.ledger import latest

if TYPE_CHECKING:
    from pathlib import Path

JANUARY, FEBRUARY, MARCH, APRIL = (date(2011, month, 1) for month in (1, 2, 3, 4))

RAW = Contract(
    table="raw_transactions",
    grain="a row of a workbook's sheet",
    columns={
        "row_number": ("!int64", "Row as Excel shows it."),
        "month": ("!date", "Month it belongs to."),
        "customer_id": ("string", "Customer's id; it may be missing."),
        "quantity": ("int64", "Units."),
        "price": ("decimal(18, 4)", "Price of a unit."),
    },
    key=("row_number",),
    write_mode=WriteMode.REPLACE,
    month_column="month",
    revenue="quantity * price",
    is_big=True,
    is_indexed=False,
)

CLEANED = Contract(
    table="cleaned_transactions",
    grain="a kept line",
    columns={
        "month": ("!date", "Month of the line."),
        "row_number": ("!int64", "Row as Excel shows it."),
        "customer_id": ("!string", "Customer's id."),
        "note": ("string", "The clerk's \"note\"; it's optional."),
        "quantity": ("!int64", "Units."),
        "revenue": ("!decimal(18, 4)", "Quantity times price."),
    },
    key=("month", "row_number"),
    rules={
        "quantity is positive": "quantity > 0",
        "revenue is not negative": "revenue >= 0",
    },
    write_mode=WriteMode.REPLACE_MONTHS,
    month_column="month",
    revenue="revenue",
    built_from="raw_transactions",
)

RFM = Contract(
    table="customer_rfm",
    grain="a customer at the end of a month",
    columns={
        "snapshot_month": ("!date", "Month at whose end the customer is seen."),
        "customer_id": ("!string", "Customer's id."),
        "monetary": ("!decimal(18, 4)", "All revenue up to then."),
    },
    key=("snapshot_month", "customer_id"),
    write_mode=WriteMode.REPLACE_MONTHS,
    month_column="snapshot_month",
    revenue="monetary",
    built_from="cleaned_transactions",
    needs_history=True,
)

MODEL = Contract(
    table="kmeans_model",
    grain="a cluster of a model version",
    columns={
        "model_version": ("!string", "Hash of the model."),
        "cluster": ("!int64", "Number of the cluster."),
        "centre": ("!float64", "Its centre."),
    },
    key=("model_version", "cluster"),
    write_mode=WriteMode.INSERT_NEW,
    built_from="customer_rfm",
)

COUNTRIES = Contract(
    table="countries",
    grain="a country",
    columns={
        "country": ("!string", "Name."),
        "customers": ("int64", "Customers who live there."),
    },
    key=("country",),
    rules={"customers are counted": "customers >= 0"},
    write_mode=WriteMode.REPLACE,
)

CONTRACTS = {contract.table: contract for contract in (RAW, CLEANED, RFM, MODEL, COUNTRIES)}


def raw_row(row_number: int, month: date = JANUARY, **other: Any) -> dict[str, Any]:
    values = {"customer_id": "c1", "quantity": 2, "price": Decimal("1.2500")}
    return {"row_number": row_number, "month": month, **values, **other}


def cleaned_row(row_number: int, month: date = JANUARY, **other: Any) -> dict[str, Any]:
    values = {"customer_id": "c1", "note": None, "quantity": 2, "revenue": Decimal("2.5000")}
    return {"month": month, "row_number": row_number, **values, **other}


def arrow(contract: Contract, rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Return rows in the contract's types, not yet held to its rules or nullability."""
    schema = pa.schema(
        [(name, dtype.to_pyarrow()) for name, dtype in contract.schema.items()],
    )
    return pa.Table.from_pylist(list(rows), schema=schema)


def numbered(contract: Contract, rows: int, generation: int, months: list[date]) -> ibis.Table:
    """Return ``rows`` rows per month for ``CLEANED`` or ``RAW``, all marked with a generation."""
    number = ibis.range(0, rows * len(months)).unnest().name("row_number").as_table().row_number
    month = ibis.cases(
        *((number % len(months) == at, month) for at, month in enumerate(months)),
        else_=months[0],
    ).cast("date")
    values = {
        "row_number": number.cast("int64"),
        "month": month,
        "customer_id": number.cast("string"),
        "note": ibis.literal(f"generation {generation}"),
        "quantity": ibis.literal(generation + 1, "int64"),
        "price": ibis.literal(Decimal("0.0001"), "decimal(18, 4)"),
        "revenue": ((number % 1000) * Decimal("0.0001")).cast("decimal(18, 4)"),
    }
    return number.as_table().select(**{name: values[name] for name in contract.schema.names})


def content(warehouse: Warehouse, contract: Contract) -> list[tuple]:
    """Return the table's rows in order of the key, read by DuckDB alone."""
    key = ", ".join(contract.key)
    return rows_of(warehouse.path, f"SELECT * FROM {contract.table} ORDER BY {key}")


def rows_of(path: "Path", sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def ledger_of(warehouse: Warehouse, contract: Contract) -> dict[date | None, LedgerLine]:
    """Return the newest line of each month."""
    with warehouse.reading() as con:
        return latest(con, contract.table)


def state(warehouse: Warehouse) -> dict[str, list[tuple]]:
    """Return all that the file holds, row for row: what a failed write must leave as it was."""
    tables = rows_of(warehouse.path, "SELECT table_name FROM duckdb_tables() ORDER BY 1")
    return {name: sorted(rows_of(warehouse.path, f"FROM {name}"), key=repr) for (name,) in tables}


def constraints(warehouse: Warehouse, contract: Contract) -> list[tuple]:
    return rows_of(
        warehouse.path,
        "SELECT constraint_type, constraint_text FROM duckdb_constraints() "
        f"WHERE table_name = '{contract.table}' ORDER BY ALL",
    )
