"""Cleaned lines, and RFM of them written down a second time, in plain Python.

Belongs here: what several test modules of this folder need. Does not: what only one needs.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

import ibis

from customer_segments.months import shift
from customer_segments.rfm.rfm import customer_rfm
from customer_segments.tables import CLEANED_TRANSACTIONS

Row = dict[str, Any]

# Long after all lines: months are over, though their data may end before them.
TODAY = date(2026, 1, 1)
JANUARY, FEBRUARY, MARCH, APRIL, MAY = (date(2011, month, 1) for month in (1, 2, 3, 4, 5))


def line(row_number: int, when: datetime, **other: Any) -> Row:
    """Return a sale line of customer 17850, or a credit line where ``invoice`` starts with C."""
    row = {
        "month": when.date().replace(day=1),
        "invoice": f"I{row_number}",
        "invoice_date": when,
        "customer_id": "17850",
        "country": "United Kingdom",
        "stock_code": "85123A",
        "description": "LAMP",
        "quantity": Decimal(2),
        "price": Decimal("2.5000"),
        "is_repeated": False,
        "workbook": "a.xlsx",
        "sheet": "Sheet 1",
        "row_number": row_number,
    } | other
    row["is_credit"] = row["invoice"].startswith("C")
    revenue = (row["quantity"] * row["price"]).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return row | {"revenue": revenue}


def snapshots(
    lines: Iterable[Row],
    first: date,
    last: date,
    window_months: int | None = None,
    today: date = TODAY,
) -> list[Row]:
    """Return what the expression makes of the lines, in order of snapshot and customer."""
    con = ibis.duckdb.connect()
    con.create_table(
        CLEANED_TRANSACTIONS.table, ibis.memtable(CLEANED_TRANSACTIONS.arrow(list(lines)))
    )
    return con.to_pyarrow(_ordered(first, last, today, window_months)).to_pylist()


@cache
def _ordered(first: date, last: date, today: date, window_months: int | None) -> ibis.Table:
    """Return the expression, made once: that takes longer than to run it on a few lines."""
    rfm = customer_rfm(CLEANED_TRANSACTIONS.relation, first, last, today, window_months)
    return rfm.order_by("snapshot_month", "customer_id")


def expected_snapshots(
    lines: list[Row],
    first: date,
    last: date,
    window_months: int | None = None,
    today: date = TODAY,
) -> list[Row]:
    """Return the same as the design has it, one customer and one snapshot after the other."""
    known = [row for row in lines if row["customer_id"] is not None]
    newest = max((row["month"] for row in known), default=first)
    last_day = max((row["invoice_date"].date() for row in known), default=first)
    rows = []
    month = first
    while month <= min(last, newest):
        since = shift(month, -window_months) if window_months else date.min
        after = shift(month, 1)
        is_over = today >= after and (after - last_day).days <= 7
        of_day = after if last_day >= after or is_over else last_day + timedelta(days=1)
        seen = [row for row in known if since < row["month"] <= month]
        for customer in sorted({row["customer_id"] for row in seen}):
            own = [row for row in seen if row["customer_id"] == customer]
            if not all(row["is_credit"] for row in own):
                rows.append(_expected(customer, own, month, of_day, window_months))
        month = shift(month, 1)
    return rows


def _expected(
    customer: str, lines: list[Row], month: date, of_day: date, window_months: int | None
) -> Row:
    sales = [row for row in lines if not row["is_credit"]]
    sold = sum((row["revenue"] for row in sales), Decimal(0))
    returned = -sum((row["revenue"] for row in lines if row["is_credit"]), Decimal(0))
    times = [row["invoice_date"] for row in sales]
    orders = {(row["invoice"], row["invoice_date"].date()) for row in sales}
    products = {row["stock_code"] for row in sales} - {None}
    last_countries = {row["country"] for row in sales if row["invoice_date"] == max(times)}
    return {
        "snapshot_month": month,
        "customer_id": customer,
        "snapshot_date": of_day,
        "recency_days": (of_day - max(times).date()) // timedelta(days=1),
        "frequency": len(orders),
        "monetary": sold - returned,
        "first_purchase_date": min(times).date(),
        "last_purchase_date": max(times).date(),
        "average_order_value": (sold / len(orders)).quantize(Decimal("0.0001"), ROUND_HALF_UP),
        "units": sum(row["quantity"] for row in lines),
        "products": len(products) or None,
        "credit_share": float(max(returned, 0) / sold) if sold > 0 else 0.0,
        # Two sales in the same minute from two countries: the first by name.
        "country": min(filter(None, last_countries), default=None),
        "months_active": len({row["month"] for row in sales}),
        "window_months": window_months,
    }
