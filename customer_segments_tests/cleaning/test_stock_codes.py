"""Which stock codes are products: the table, how a code is compared with it, its prefixes."""

import ibis
import pytest

from customer_segments.cleaning.stock_codes import is_product, non_products
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
    rows = ibis.memtable({"code": codes})
    con = ibis.duckdb.connect()
    return set(con.to_pyarrow(rows.filter(is_product(rows.code, None)))["code"].to_pylist())


def test_services_are_no_products_and_odd_codes_are():
    assert products_among(SERVICES + PRODUCTS) == set(PRODUCTS)


@pytest.mark.parametrize("code", ["post", "Post", "m", "gift_0001_20", "Bank Charges"])
def test_case_makes_no_difference(code):
    assert reason_of(raw_row(stock_code=code)) == "non_product"


@pytest.mark.parametrize("code", [" POST", "POST ", "\tpost  "])
def test_blanks_around_a_code_make_no_difference(code):
    assert reason_of(raw_row(stock_code=code)) == "non_product"


def test_the_table_is_written_as_codes_are_compared():
    table = non_products()
    codes = [row["stock_code"] for row in table]
    assert codes == [code.strip().upper() for code in codes]
    assert len(codes) == len(set(codes))
    assert {row["match"] for row in table} == {"exact", "prefix"}
    assert all(row["role"] and row["label"] for row in table)
