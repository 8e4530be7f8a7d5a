"""Whose ways of writing a sheet has: letters in front of numbers, codes that are no products."""

from decimal import Decimal

import pytest

from customer_segments_tests.ingestion.typed import Row, settled


def lines(*invoices_and_quantities: tuple[str | None, float]) -> list[Row]:
    return [
        {"invoice": invoice, "stock_code": f"P{n}", "quantity": Decimal(str(quantity))}
        for n, (invoice, quantity) in enumerate(invoices_and_quantities)
    ]


def test_letters_in_front_mark_credit_notes_where_most_quantities_are_negative():
    found = settled(
        lines(("1", 5), ("c2", -1), ("C3", -0.5), ("C4", 2), ("RET-5", -1), ("6R", -1), (None, -1)),
        lines(("C1", 5), ("C2", 1), ("C3", -1), ("R4", -1), ("R5", 1)),
        lines(("1", -5), ("2", -1)),
    )
    marked = [(row["workbook"], row["invoice"]) for row in found.rows if row["is_negative_prefix"]]
    assert marked == [("0.csv", name) for name in ("c2", "C3", "C4", "RET-5")]


UCI = [
    ("POST", "POSTAGE"),
    ("dot", "Dotcom Postage"),
    ("M", "Manual"),
    ("GIFT_0001_20", "Dotcomgiftshop Gift Voucher £20.00"),
]
SIZES = [("S", "T-shirt small"), ("M", "T-shirt"), ("D", "Dress"), ("22016", "Lamp")]


@pytest.mark.parametrize(
    ("codes", "is_uci"),
    [
        (UCI, True),
        (UCI[:1], True),
        ([*UCI, ("POST", None), ("S", "?")], True),
        ([*UCI, *SIZES[:4]], True),
        (SIZES, False),
        # Postage is called so everywhere.
        ([*UCI[:1] * 9, *SIZES], False),
        # So is a discount.
        ([("D", "Discount")], False),
        ([("POST", None), ("M", " ")], False),
        ([("85123A", "POSTAGE")], False),
        ([], False),
    ],
)
def test_a_sheet_is_ucis_if_its_codes_say_what_ucis_do(codes, is_uci):
    rows = [{"stock_code": code, "description": said} for code, said in codes]
    other = {"stock_code": "85123A", "description": "LAMP"}
    found = settled([*rows, other], [other])
    assert {row["is_uci"] for row in found.rows if row["workbook"] == "0.csv"} == {is_uci}
    assert not found.rows[-1]["is_uci"]
