"""Rows of ``raw_transactions`` as ingestion would hand them on, and cleaning run over them.

Belongs here: what several test modules of this folder need. Does not: what only one needs.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
from ibis.backends.duckdb import Backend

from customer_segments.cleaning.rules import cleaned, rejected
from customer_segments.policy.rules import Cleaning
from customer_segments.tables import RAW_TRANSACTIONS

JANUARY, FEBRUARY, MARCH = (date(2011, month, 1) for month in (1, 2, 3))

Row = dict[str, Any]


def raw_row(row_number: int = 2, **other: Any) -> Row:
    """Return a sale line of UCI's that every rule lets pass, but for the columns given.

    Whatever stands in front of its invoice number has mostly negative quantities.
    """
    return {
        "workbook": "a.xlsx",
        "sheet": "Sheet 1",
        "row_number": row_number,
        "invoice": "536365",
        "stock_code": "85123A",
        "description": "WHITE HANGING HEART T-LIGHT HOLDER",
        "quantity": Decimal(6),
        "invoice_date": datetime(2011, 1, 17, 8, 26),
        "price": Decimal("2.550000"),
        "customer_id": "17850",
        "country": "United Kingdom",
        "status": None,
        "month": JANUARY,
        "unreadable_column": None,
        "unreadable_text": None,
        "is_superseded": False,
        "is_negative_prefix": True,
        "is_uci": True,
    } | other


def database_of(rows: list[Row]) -> Backend:
    """Return an engine with these rows as ``raw_transactions``."""
    con = ibis.duckdb.connect()
    con.create_table(RAW_TRANSACTIONS.table, ibis.memtable(RAW_TRANSACTIONS.arrow(rows)))
    return con


def clean(
    rows: list[Row],
    config: Cleaning | None = None,
    first: date = JANUARY,
    last: date = MARCH,
) -> tuple[list[Row], list[Row]]:
    """Return kept and rejected rows, each in order of the sheet."""
    con = database_of(rows)
    kept, dropped = (
        con.to_pyarrow(side(RAW_TRANSACTIONS.relation, config or Cleaning(), first, last))
        for side in (cleaned, rejected)
    )
    order = [(name, "ascending") for name in RAW_TRANSACTIONS.key]
    return kept.sort_by(order).to_pylist(), dropped.sort_by(order).to_pylist()


def reason_of(row: Row, **switches: Any) -> str | None:
    """Return why the row alone is rejected, or ``None`` if it is kept."""
    kept, dropped = clean([row], Cleaning(**switches))
    assert len(kept) + len(dropped) == 1
    return dropped[0]["reason"] if dropped else None
