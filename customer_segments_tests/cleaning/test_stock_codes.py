"""Which stock codes are products: the table, how a code is compared with it, its prefixes."""

import ibis
import pytest

from customer_segments.cleaning.rules import is_product
from customer_segments.policy.rules import UCI_NON_PRODUCTS, Cleaning
from customer_segments_tests.cleaning.raw_rows import raw_row, reason_of

SERVICES = [
    "POST",
    "DOT",
    "C2",
    "C3",
    "23444",
    "23574",
    "M",
    "D",
    "S",
    "ADJUST",
    "ADJUST2",
    "B",
    "AMAZONFEE",
    "CRUK",
    "TEST001",
    "TEST002",
    "22016",
    "GIFT",
    "23702",
    "BANK CHARGES",
    "GIFT_0001_10",
    "GIFT_0001_80",
]
# Codes that look odd, and numbers beside those of services, are products all the same.
PRODUCTS = [
    "PADS",
    "SP1002",
    "DCGS0003",
    "DCGSSBOY",
    "85123A",
    "10002",
    "22017",
    "23445",
    "23703",
    "C21",
    "MM",
    "POSTER",
    "GIFTBOX",
    "15056BL",
]


def products_among(codes: list[str]) -> set[str]:
    rows = ibis.memtable({"stock_code": codes, "is_uci": [True] * len(codes)})
    products = ibis.duckdb.connect().to_pyarrow(rows.filter(is_product(rows, Cleaning())))
    return set(products["stock_code"].to_pylist())


def test_services_are_no_products_and_odd_codes_are():
    assert products_among(SERVICES + PRODUCTS) == set(PRODUCTS)


@pytest.mark.parametrize("code", ["post", "Post", "m", "gift_0001_20", "Bank Charges"])
def test_case_makes_no_difference(code):
    assert reason_of(raw_row(stock_code=code)) == "non_product"


def test_a_file_adds_to_the_table_of_uci_and_takes_out_of_it():
    rules = Cleaning(non_products={"FEE*": "Fee", "bag": "Bag", "post": "", "gift_*": ""})
    codes = {"POST": None, "FEES": "non_product", "BAG": "non_product", "DOT": "non_product"}
    codes |= {"GIFT_0001_10": None, "GIFT": "non_product"}
    assert {code: reason_of(raw_row(stock_code=code), **dict(rules)) for code in codes} == codes


def test_a_file_s_own_table_holds_for_any_shop():
    rules = {"non_products": {"FEE*": "Fee", "POST": ""}}
    codes = {"POST": None, "FEES": "non_product", "DOT": None, "22016": None}
    found = {code: reason_of(raw_row(stock_code=code, is_uci=False), **rules) for code in codes}
    assert found == codes


def test_the_table_is_written_as_codes_are_compared():
    assert list(UCI_NON_PRODUCTS) == [code.strip().upper() for code in UCI_NON_PRODUCTS]
    assert all(UCI_NON_PRODUCTS.values())
