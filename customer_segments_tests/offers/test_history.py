"""What was bought, of a few lines: orders, what was taken back, what is not sold any more."""

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal

import ibis
import pyarrow as pa
import pytest

from customer_segments.offers.backtest import bought_since, newest_date
from customer_segments.offers.history import history, newest_sale
from customer_segments.offers.lift import segment_products
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_SEGMENTS
from customer_segments_tests.rfm.lines import Row, line

AS_OF = date(2011, 6, 1)
CLEANED = CLEANED_TRANSACTIONS.relation


def warehouse(*lines: Row):
    con = ibis.duckdb.connect()
    rows = CLEANED_TRANSACTIONS.arrow([row | {"row_number": at} for at, row in enumerate(lines)])
    con.create_table(CLEANED_TRANSACTIONS.table, ibis.memtable(rows))
    return con


def sold(days_ago: int, customer: str | None, product: str | None, **other) -> Row:
    when = datetime(2011, 6, 1, 12) - timedelta(days=days_ago)
    return line(0, when, **{"invoice": "1", "customer_id": customer, "stock_code": product} | other)


def taken_back(days_ago: int, customer: str, product: str, units: int) -> Row:
    return sold(days_ago, customer, product, invoice="C1", quantity=Decimal(-units))


def pairs(con) -> dict[tuple[str, str], tuple[int, int]]:
    """Return orders and age by customer and product."""
    known = history(con, CLEANED, AS_OF)
    customers, codes = (
        table[name].to_pylist()
        for table, name in ((known.customers, "customer_id"), (known.products, "stock_code"))
    )
    found = {}
    for number, customer in enumerate(customers):
        for at in range(*known.starts[number : number + 2]):
            found[customer, codes[known.product[at]]] = known.orders[at], known.age[at]
    return found


def test_an_order_is_invoice_customer_and_day():
    con = warehouse(
        *(sold(9, "a", "LAMP"), sold(9, "a", "LAMP")),
        *(sold(8, "a", "LAMP"), sold(8, "a", "LAMP", invoice="2"), sold(7, "b", "LAMP")),
        *(sold(5, None, "LAMP"), sold(5, "a", None), sold(0, "a", "LAMP"), sold(-3, "c", "VASE")),
    )
    assert pairs(con) == {("a", "LAMP"): (3, 8), ("b", "LAMP"): (1, 7)}
    assert newest_sale(con, CLEANED) == date(2011, 6, 4)


def test_what_was_taken_back_in_full_is_no_order():
    con = warehouse(
        *(sold(9, "a", "LAMP"), taken_back(9, "a", "LAMP", 2)),
        *(sold(9, "b", "LAMP"), taken_back(2, "b", "LAMP", 1)),
        # Of an order from before the data.
        *(taken_back(9, "c", "LAMP", 5), sold(3, "c", "LAMP")),
        *(sold(9, "d", "LAMP"), taken_back(-1, "d", "LAMP", 2)),
    )
    orders = {customer: orders for (customer, _), (orders, _) in pairs(con).items()}
    assert orders == {"a": 0, "b": 1, "c": 1, "d": 1}


def test_products_not_sold_for_a_year_are_left_out_and_texts_are_the_newest():
    con = warehouse(
        *(sold(366, "a", "OLD"), sold(400, "a", "LAMP", description="FIRST")),
        *(
            sold(99, "a", "LAMP", description=text)
            for text in ("NEW ", "NEW", "RARE", "RARE", "NEW")
        ),
        *(sold(20, "b", "LAMP", description=" "), sold(30, "b", "VASE"), sold(31, "b", "VASE")),
        sold(4, "c", "PLATE", description=None),
    )
    known = history(con, CLEANED, AS_OF)
    products = known.products.drop("product").to_pylist()
    assert [tuple(product.values())[:2] for product in products] == [
        *(("LAMP", 1), ("PLATE", 1), ("VASE", 1)),
    ]
    assert [product["description"] for product in products] == ["NEW", None, "LAMP"]
    assert list(known.is_sold(20)) == [True, True, False]
    # Who bought nothing else is a customer all the same.
    assert known.customers["customer_id"].to_pylist() == ["a", "b", "c"]


def test_what_was_bought_since_is_told_with_what_nobody_could_know():
    con = warehouse(
        *(sold(9, "a", "LAMP"), sold(9, "b", "VASE"), sold(400, "b", "OLD")),
        *(sold(-1, "a", "LAMP"), sold(-2, "a", "LAMP"), sold(-1, "b", "LAMP")),
        *(sold(-1, "b", "OLD"), sold(-1, "a", "COMING"), sold(-1, "c", "LAMP")),
        sold(-92, "a", "VASE"),
    )
    since = con.to_pyarrow(bought_since(CLEANED, AS_OF)).to_pylist()
    assert {tuple(row[name] for name in ("customer", "product", "is_new")) for row in since} == {
        *((0, 0, False), (1, 0, True), (1, -1, False), (0, -1, True)),
    }
    assert len(since) == 4


@pytest.mark.parametrize(
    ("last_sale", "newest"),
    [
        (date(2011, 12, 9), date(2011, 9, 1)),
        (date(2011, 12, 30), date(2011, 10, 1)),
        (date(2012, 1, 2), date(2011, 10, 1)),
    ],
)
def test_three_complete_months_follow_the_date_looked_back_to(last_sale, newest):
    assert newest_date(last_sale, date(2012, 2, 1)) == newest


def test_a_segment_has_what_it_bought_more_than_others_in_both_halves():
    lines, labels = [], []
    for number in range(400):
        customer, is_champion = f"{number}", number % 2 == 0
        label = {"snapshot_month": date(2011, 5, 1), "customer_id": customer, "model_version": "1"}
        labels.append(label | {"segment": "Champions" if is_champion else "Lost"})
        labels.append(label | {"snapshot_month": date(2011, 4, 1), "segment": "Promising"})
        # Champions buy twice as much of all, and the vase; only half of them have the plate.
        cups = {f"CUP {(number // 2 + at) % 20}" for at in range(10 if is_champion else 5)}
        vase = {"VASE"} if is_champion else set()
        half = hashlib.md5(customer.encode()).hexdigest() < "8"
        plate = {"PLATE"} if is_champion and half else set()
        lines += [sold(9, customer, product) for product in cups | vase | plate]
        lines.append(sold(400, customer, "OLD" if is_champion else "OLDER"))
    con = warehouse(*lines)
    segments = CUSTOMER_SEGMENTS.relation
    given = pa.Table.from_pylist(labels, segments.schema().to_pyarrow())
    con.create_table(CUSTOMER_SEGMENTS.table, ibis.memtable(given))
    rows = con.to_pyarrow(segment_products(CLEANED, segments, AS_OF)).to_pylist()
    assert [(row["segment"], row["stock_code"], row["rank"]) for row in rows] == [
        ("Champions", "VASE", 1)
    ]
    assert (rows[0]["customers"], rows[0]["expected"]) == (200, 0)
    # The smaller half has less than a hundred customers.
    assert 1 + 80 / 20 < rows[0]["lift"] <= 1 + 100 / 20
    assert rows[0]["snapshot_month"] == date(2011, 5, 1)
