"""Whatever rows come and whatever is switched: each lands once, by the rules, with its money.

The rules are written down a second time here, in plain Python, row by row.
"""

import re
from collections import Counter
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import event, given
from hypothesis import strategies as st

from customer_segments.policy.rules import UCI_PRODUCT_PATTERN, Cleaning
from customer_segments_tests.cleaning.raw_rows import FEBRUARY, JANUARY, MARCH, Row, clean, raw_row
from customer_segments_tests.examples import costly

SERVICES = {"POST", "DOT", "M", "BANK CHARGES", "22016", "23702"}
# A plain row of few kinds, so that rows repeat each other, and what may be odd about it.
ODDITIES: dict[str, list] = {
    "invoice": ["C1", "c1", "A1", "RET1", None],
    "stock_code": ["post", "m", "GIFT_0001_20", "Bank Charges", "PADS", "85123a", None],
    "description": [None],
    "quantity": [Decimal(-6), Decimal(0), Decimal(-1), Decimal(2**31), Decimal("0.0125")],
    "invoice_date": [datetime(2010, 6, 1), datetime(2011, 2, 9), datetime(2011, 3, 31, 23, 59)],
    "price": [Decimal("0.000001"), Decimal(0), Decimal("-11062.0600"), Decimal("-0.013333")],
    "customer_id": ["AB-17", None],
    "country": [None],
    "status": ["paid", "Cancelled "],
    "is_superseded": [True],
    "is_negative_prefix": [False],
    "is_uci": [False],
    "unreadable_column": ["quantity", "price", "invoice_date"],
}


@st.composite
def raw_rows(draw: st.DrawFn) -> list[Row]:
    rows = []
    for number in range(draw(st.integers(1, 25))):
        odd = draw(st.lists(st.sampled_from(list(ODDITIES)), max_size=3, unique=True))
        row = raw_row(
            number + 2,
            sheet=draw(st.sampled_from(["Sheet 1", "Sheet 2"])),
            **{name: draw(st.sampled_from(ODDITIES[name])) for name in odd},
        )
        row["month"] = max(row["invoice_date"].date().replace(day=1), JANUARY)
        if row["unreadable_column"]:
            row[row["unreadable_column"]] = None
            row["unreadable_text"] = "???"
        rows.append(row)
    return rows


switches = st.builds(
    Cleaning,
    **{name: st.booleans() for name in Cleaning.model_fields if name.startswith("drop_")},
    product_pattern=st.sampled_from([None, UCI_PRODUCT_PATTERN]),
    credit=st.sampled_from(["prefix", "sign", "price"]),
    credit_prefix=st.sampled_from(["C", "ret"]),
    non_products=st.sampled_from([{}, {"85123*": "Lamp", "post": ""}]),
    statuses=st.sampled_from([[], ["Paid", ""], ["cancelled"]]),
)


def is_credit(row: Row, config: Cleaning) -> bool:
    if config.credit == "prefix":
        number = (row["invoice"] or "").upper()
        return row["is_negative_prefix"] and number.startswith(config.credit_prefix.upper())
    quantity, price = row["quantity"] or 0, row["price"] or 0
    if config.credit == "sign":
        return quantity < 0 or (price < 0 < quantity)
    return price < 0


def is_product(row: Row, config: Cleaning) -> bool:
    if row["stock_code"] is None:
        return True
    code = row["stock_code"].upper()
    if config.product_pattern is not None:
        return re.search(config.product_pattern, code) is not None
    if config.non_products and code.startswith("85123"):
        return False
    if not row["is_uci"] or (config.non_products and code == "POST"):
        return True
    return code not in SERVICES and not code.startswith("GIFT_")


def invoice_of(row: Row) -> str:
    day = row["invoice_date"] and row["invoice_date"].date().isoformat()
    return (row["invoice"] or day or "").upper()


def first_reason(row: Row, config: Cleaning) -> str | None:
    """Return the first rule that rejects the row by itself, as the design lists them."""
    if row["unreadable_column"] is not None:
        return "unreadable_value"
    credit = is_credit(row, config)
    by_price = config.credit == "price" or (
        config.credit == "sign" and row["price"] < 0 < row["quantity"]
    )
    turned = -1 if credit and by_price else 1
    quantity, price = row["quantity"] * turned, row["price"] * turned
    status = (row["status"] or "").strip().upper()
    rules = {
        "outside_months": row["invoice_date"].date().replace(day=1) != row["month"],
        "overlapping_invoice": config.drop_overlapping_invoices and row["is_superseded"],
        "missing_customer": config.drop_missing_customer and row["customer_id"] is None,
        "other_status": config.statuses and status not in map(str.upper, config.statuses),
        "adjustment": (
            config.drop_adjustments and row["is_uci"] and invoice_of(row).startswith("A")
        ),
        "non_product": config.drop_non_products and not is_product(row, config),
        "non_positive_price": config.drop_non_positive_price and price <= 0,
        "non_positive_quantity": (
            config.drop_non_positive_quantity and not credit and quantity <= 0
        ),
        "positive_credit_note": (config.drop_positive_credit_notes and credit and quantity >= 0),
        "credit_note": config.drop_credit_notes and credit,
    }
    return next((reason for reason, rejects in rules.items() if rejects), None)


def place_of(rows: list[Row], config: Cleaning) -> dict[tuple, tuple[str | None, bool]]:
    """Return each row's reason, ``None`` if kept, and whether it repeats a kept line."""
    places, seen = {}, set()
    for row in sorted(rows, key=key_of):
        reason = first_reason(row, config)
        says = (
            invoice_of(row),
            (row["stock_code"] or "").upper(),
            *(row[name] for name in ("description", "quantity", "invoice_date", "price")),
            row["customer_id"],
            row["country"],
        )
        is_repeated = reason is None and says in seen
        if reason is None:
            seen.add(says)
        if is_repeated and config.drop_repeated_lines:
            reason = "repeated_line"
        places[key_of(row)] = (reason, is_repeated)
    return places


def key_of(row: Row) -> tuple:
    return row["workbook"], row["sheet"], row["row_number"]


def money(rows: list[Row]) -> Decimal:
    return sum(map(revenue_of, rows), Decimal(0))


def revenue_of(row: Row) -> Decimal:
    """Return the money of a line, rounded half up; nothing where a cell is missing."""
    if None in money_cells(row):
        return Decimal(0)
    return (row["quantity"] * row["price"]).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def money_cells(row: Row) -> tuple:
    return row["quantity"], row["price"]


@given(raw_rows(), switches, st.sampled_from([(JANUARY, MARCH), (FEBRUARY, FEBRUARY)]))
@costly(12)
def test_every_row_lands_once_by_the_rules_with_its_money(
    rows: list[Row], config: Cleaning, months: tuple[date, date]
):
    first, last = months
    asked_for = [row for row in rows if first <= row["month"] <= last]
    expected = place_of(asked_for, config)

    kept, dropped = clean(rows, config, first, last)

    keys = [key_of(row) for row in kept + dropped]
    assert Counter(keys) == Counter(list(expected))
    assert {key_of(row): row["reason"] for row in dropped} == {
        key: reason for key, (reason, _) in expected.items() if reason
    }
    if not config.drop_repeated_lines:
        assert {key_of(row): row["is_repeated"] for row in kept} == {
            key: is_repeated for key, (reason, is_repeated) in expected.items() if not reason
        }
    assert sum((row["revenue"] or 0 for row in kept + dropped), Decimal(0)) == money(asked_for)
    given_rows = {key_of(row): row for row in asked_for}
    for row in kept:
        assert row["revenue"] == revenue_of(row)
        assert row["is_credit"] == is_credit(given_rows[key_of(row)], config)
    for reason in {row["reason"] for row in dropped}:
        event(reason)
    event(f"kept: {bool(kept)}")
