"""Each rule by itself, its switch, the order in which they are asked, and what a kept line is."""

from datetime import datetime
from decimal import Decimal

import pytest

from customer_segments.cleaning.rules import REASONS
from customer_segments.policy.rules import UCI_PRODUCT_PATTERN, Cleaning
from customer_segments_tests.cleaning.raw_rows import (
    FEBRUARY,
    JANUARY,
    MARCH,
    clean,
    raw_row,
    reason_of,
)

# What makes a row break one rule, and the switch that lets it pass.
BREACHES: dict[str, tuple[dict, dict]] = {
    "unreadable_value": (
        {"quantity": None, "unreadable_column": "quantity", "unreadable_text": "six"},
        {},
    ),
    "outside_months": ({"invoice_date": datetime(2009, 7, 1, 9, 0)}, {}),
    "overlapping_invoice": ({"is_superseded": True}, {"drop_overlapping_invoices": False}),
    "missing_customer": ({"customer_id": None}, {"drop_missing_customer": False}),
    "other_status": ({"status": "cancelled"}, {"statuses": []}),
    "adjustment": ({"invoice": "A506401"}, {"drop_adjustments": False}),
    "non_product": ({"stock_code": "POST"}, {"drop_non_products": False}),
    "non_positive_price": ({"price": Decimal("0.0000")}, {"drop_non_positive_price": False}),
    "non_positive_quantity": ({"quantity": -1}, {"drop_non_positive_quantity": False}),
    "positive_credit_note": ({"invoice": "C1"}, {"drop_positive_credit_notes": False}),
    "credit_note": ({"invoice": "C1", "quantity": -1}, {}),
}
SWITCHED_ON = {
    "credit_note": {"drop_credit_notes": True},
    "other_status": {"statuses": ["Paid"]},
}


def test_a_plain_sale_is_kept_with_exact_revenue():
    kept, dropped = clean([raw_row()])

    assert dropped == []
    (line,) = kept
    assert line["revenue"] == Decimal("15.3000")
    assert (line["is_credit"], line["is_repeated"]) == (False, False)
    assert (line["workbook"], line["sheet"], line["row_number"]) == ("a.xlsx", "Sheet 1", 2)


@pytest.mark.parametrize("reason", BREACHES)
def test_a_row_that_breaks_one_rule_bears_its_reason(reason):
    breach, _ = BREACHES[reason]
    assert reason_of(raw_row(**breach), **SWITCHED_ON.get(reason, {})) == reason


@pytest.mark.parametrize("reason", [name for name, (_, off) in BREACHES.items() if off])
def test_a_switch_lets_pass_what_its_rule_rejects(reason):
    breach, off = BREACHES[reason]
    assert reason_of(raw_row(**breach), **off) is None


def test_credit_notes_are_kept_unless_asked_otherwise():
    breach, _ = BREACHES["credit_note"]
    assert reason_of(raw_row(**breach)) is None


def test_rows_that_break_several_rules_bear_the_first_reason():
    """One row breaks all rules; taking away the first breach each time shows the next."""
    everything = raw_row(
        invoice="A1",
        stock_code="POST",
        price=Decimal("-1.0000"),
        quantity=0,
        customer_id=None,
        invoice_date=datetime(2012, 1, 1),
        is_superseded=True,
        unreadable_column="description",
        status="Cancelled",
    )
    mended = [
        {"unreadable_column": None},
        {"invoice_date": datetime(2011, 1, 1)},
        {"is_superseded": False},
        {"customer_id": "1"},
        {"status": " PAID"},
        {"invoice": "1"},
        {"stock_code": "1"},
        {"price": Decimal("1.0000")},
        {"invoice": "C1"},
        {"quantity": -1},
    ]
    seen, row = [], everything
    for change in mended:
        seen.append(reason_of(row, drop_credit_notes=True, statuses=["paid"]))
        row = row | change
    seen.append(reason_of(row, drop_credit_notes=True, statuses=["paid"]))

    assert seen == [reason for reason in REASONS if reason != "repeated_line"]
    assert reason_of(row) is None


# --- what a sale is, and what a credit note


@pytest.mark.parametrize(
    ("invoice", "quantity", "rules", "is_credit"),
    [
        ("C536379", -1, {}, True),
        ("c536379", -1, {}, True),
        ("C536379", -1, {"credit_prefix": "c"}, True),
        ("R-1", -1, {"credit_prefix": "R-"}, True),
        ("536379", 1, {"credit_prefix": "R-"}, False),
        ("536379", -1, {"credit": "sign"}, True),
        ("536379", 1, {"credit": "sign"}, False),
        # By sign, an invoice that happens to start with C is a sale like any other.
        ("C536379", 1, {"credit": "sign"}, False),
        (None, -1, {"credit": "sign"}, True),
        (None, 1, {}, False),
    ],
)
def test_credit_lines_by_prefix_or_by_sign(invoice, quantity, rules, is_credit):
    row = raw_row(invoice=invoice, quantity=quantity)
    kept, dropped = clean([row], Cleaning(**rules))

    assert dropped == []
    assert kept[0]["is_credit"] is is_credit
    assert kept[0]["revenue"] == quantity * row["price"]


@pytest.mark.parametrize(("invoice", "rules"), [("C1", {}), ("1", {"credit": "sign"})])
def test_a_return_whose_price_is_negative_too_is_taken_off(invoice, rules):
    row = raw_row(invoice=invoice, quantity=-2, price=Decimal(-5))
    ((line,), dropped) = clean([row], Cleaning(**rules))
    assert dropped == []
    assert (line["quantity"], line["price"], line["revenue"]) == (-2, 5, -10)


def test_a_prefix_marks_credit_notes_only_where_its_quantities_are_mostly_negative():
    """CA-2024-1 is an order of California, and a return on it no credit note of UCI's."""
    order = raw_row(invoice="CA-2024-1", is_negative_prefix=False)
    kept, _ = clean([order])
    assert [line["is_credit"] for line in kept] == [False]
    assert reason_of(order | {"quantity": -1}) == "non_positive_quantity"


def test_by_price_both_signs_are_turned_on_credit_lines():
    rules = Cleaning(credit="price")
    kept, dropped = clean(
        [
            raw_row(2),
            raw_row(3, quantity=Decimal("1.5"), price=Decimal("-2.345678")),
            # Money that comes in twice negative is no refund; nor is a return without a refund.
            raw_row(4, quantity=-1, price=Decimal(-1)),
            raw_row(5, quantity=-1),
        ],
        rules,
    )
    told = [(line["is_credit"], line["quantity"], line["price"], line["revenue"]) for line in kept]
    assert told == [
        (False, 6, Decimal("2.55"), Decimal("15.3000")),
        (True, Decimal("-1.5"), Decimal("2.345678"), Decimal("-3.5185")),
    ]
    assert [(row["reason"], row["revenue"]) for row in dropped] == [
        ("positive_credit_note", 1),
        ("non_positive_quantity", Decimal("-2.5500")),
    ]


def test_a_negative_quantity_is_no_sale_where_credit_notes_have_a_prefix():
    assert reason_of(raw_row(quantity=-1)) == "non_positive_quantity"
    assert reason_of(raw_row(quantity=0)) == "non_positive_quantity"
    assert reason_of(raw_row(quantity=0), credit="sign") == "non_positive_quantity"
    assert reason_of(raw_row(invoice="C1", quantity=0)) == "positive_credit_note"


def test_what_is_ucis_own_is_no_rule_for_others():
    """A100001 is an order of a channel, and 22016 or M somebody's product."""
    for row in ({"invoice": "A100001"}, {"stock_code": "22016"}, {"stock_code": "M"}):
        assert reason_of(raw_row(**row)) in {"adjustment", "non_product"}
        assert reason_of(raw_row(**row, is_uci=False)) is None


def test_statuses_are_compared_without_case_and_blanks():
    said = [" paid", "PAID", "Shipped", "refunded", None]
    rows = [raw_row(number, status=status) for number, status in enumerate(said, 2)]
    kept, dropped = clean(rows, Cleaning(statuses=["Paid", "shipped "]))
    assert [line["row_number"] for line in kept] == [2, 3, 4]
    assert {row["reason"] for row in dropped} == {"other_status"}
    assert reason_of(rows[-1], statuses=["paid", ""]) is None


# --- what a file may lack, and fractions


def test_without_an_invoice_number_the_day_stands_in_its_place():
    kept, _ = clean([raw_row(invoice=None)])
    assert kept[0]["invoice"] == "2011-01-17"
    assert kept[0]["is_credit"] is False


def test_without_a_product_a_line_is_kept_and_can_be_repeated():
    bare = {"stock_code": None, "description": None, "country": None}
    kept, dropped = clean([raw_row(2, **bare), raw_row(3, **bare), raw_row(4, **bare, quantity=7)])
    assert dropped == []
    assert [line["stock_code"] for line in kept] == [None] * 3
    assert [line["is_repeated"] for line in kept] == [False, True, False]
    assert reason_of(raw_row(**bare), product_pattern=UCI_PRODUCT_PATTERN) is None
    assert reason_of(raw_row(**bare), non_products={"BAG*": "Bag"}) is None


@pytest.mark.parametrize(
    ("quantity", "price", "revenue"),
    [
        ("0.75", "3.99", "2.9925"),
        ("0.0001", "0.500000", "0.0001"),
        ("0.0001", "0.499999", "0.0000"),
        ("-0.0001", "0.500000", "-0.0001"),
        ("3", "0.333333", "1.0000"),
        ("9999.9999", "9999.999999", "99999998.9900"),
        ("10000.0001", "9999.999999", "100000000.9900"),
    ],
)
def test_revenue_is_rounded_half_up_to_four_decimals(quantity, price, revenue):
    row = raw_row(invoice="C1", quantity=Decimal(quantity), price=Decimal(price))
    kept, dropped = clean([row], Cleaning(drop_positive_credit_notes=False))
    assert dropped == []
    assert kept[0]["revenue"] == Decimal(revenue)
    assert (kept[0]["quantity"], kept[0]["price"]) == (Decimal(quantity), Decimal(price))


def test_a_lower_case_adjustment_is_one_too():
    assert reason_of(raw_row(invoice="a506401")) == "adjustment"


def test_a_price_below_the_last_decimal_kept_is_no_rounding_error():
    assert reason_of(raw_row(price=Decimal("0.000001"))) is None
    assert reason_of(raw_row(price=Decimal("-0.000001"))) == "non_positive_price"


def test_a_pattern_stands_in_for_the_table_of_non_products():
    verdicts = {
        code: reason_of(raw_row(stock_code=code), product_pattern=UCI_PRODUCT_PATTERN)
        for code in ("85123", "85123a", "PADS", "23444", "POST", "SP1002", "DCGS0003", "851231")
    }
    assert {code for code, reason in verdicts.items() if reason is None} == {
        "85123",
        "85123a",
        "PADS",
        "23444",
    }
    assert set(verdicts.values()) == {None, "non_product"}


# --- repeated lines


def test_all_but_the_first_of_identical_lines_are_flagged():
    kept, _ = clean([raw_row(4), raw_row(2), raw_row(3)])
    assert [(line["row_number"], line["is_repeated"]) for line in kept] == [
        (2, False),
        (3, True),
        (4, True),
    ]


def test_a_switch_drops_repeated_lines_and_keeps_the_first():
    kept, dropped = clean([raw_row(2), raw_row(3), raw_row(4)], Cleaning(drop_repeated_lines=True))
    assert [(line["row_number"], line["is_repeated"]) for line in kept] == [(2, False)]
    assert [(row["row_number"], row["reason"]) for row in dropped] == [
        (3, "repeated_line"),
        (4, "repeated_line"),
    ]


@pytest.mark.parametrize(
    "difference",
    [
        {"invoice": "536366"},
        {"stock_code": "85123B"},
        {"description": None},
        {"quantity": 7},
        {"invoice_date": datetime(2011, 1, 17, 8, 27)},
        {"price": Decimal("2.5501")},
        {"customer_id": "17851"},
        {"country": "EIRE"},
    ],
    ids=lambda difference: next(iter(difference)),
)
def test_lines_that_differ_in_anything_are_not_repeated(difference):
    kept, _ = clean([raw_row(2), raw_row(3, **difference)])
    assert [line["is_repeated"] for line in kept] == [False, False]


def test_unknown_descriptions_count_as_the_same():
    kept, _ = clean([raw_row(2, description=None), raw_row(3, description=None)])
    assert [line["is_repeated"] for line in kept] == [False, True]


def test_a_rejected_row_makes_no_kept_line_a_repetition():
    """The older source's copy is superseded, and comes first in order of names."""
    kept, dropped = clean(
        [
            raw_row(2, sheet="Sheet 1", is_superseded=True),
            raw_row(2, sheet="Sheet 2"),
        ]
    )
    assert [line["is_repeated"] for line in kept] == [False]
    assert [row["reason"] for row in dropped] == ["overlapping_invoice"]


# --- months


def test_only_rows_of_the_months_asked_for_are_taken():
    rows = [
        raw_row(2, month=JANUARY, invoice_date=datetime(2011, 1, 31, 23, 59)),
        raw_row(3, month=FEBRUARY, invoice_date=datetime(2011, 2, 1)),
        raw_row(4, month=FEBRUARY, invoice_date=datetime(2011, 2, 28, 23, 59), price=0),
        raw_row(5, month=MARCH, invoice_date=datetime(2011, 3, 1)),
    ]
    kept, dropped = clean(rows, first=FEBRUARY, last=FEBRUARY)
    assert [line["row_number"] for line in kept] == [3]
    assert [row["row_number"] for row in dropped] == [4]


def test_rejected_rows_say_what_was_in_them():
    (row,) = clean(
        [raw_row(price=None, unreadable_column="price", unreadable_text="2.55 GBP", quantity=3)]
    )[1]
    assert row["reason"] == "unreadable_value"
    assert (row["unreadable_column"], row["unreadable_text"]) == ("price", "2.55 GBP")
    assert (row["quantity"], row["price"], row["revenue"]) == (3, None, None)


@pytest.mark.parametrize(("quantity", "price"), [(3, 2), (-3, 2), (3, -2), (-3, -2)])
def test_a_credit_status_takes_a_line_off_whatever_its_sign(quantity, price):
    row = raw_row(status="Credit Memo", quantity=Decimal(quantity), price=Decimal(price))
    kept, _ = clean([row], Cleaning(credit_statuses=["credit memo"], statuses=["Invoice"]))
    (line,) = kept
    assert (line["quantity"], line["price"], line["revenue"]) == (-3, 2, -6)
    assert line["is_credit"]
