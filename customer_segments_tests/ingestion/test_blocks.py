"""A sheet that was appended to itself counts once; whatever else is repeated in one stays."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments_tests.examples import costly
from customer_segments_tests.ingestion.typed import Row, settled

START = datetime(2011, 3, 1, 8)
FEW_EXAMPLES = costly(4)


@st.composite
def orders(draw: st.DrawFn, least: int = 12) -> list[list[Row]]:
    """Orders as a shop writes them, some of one line, some with a line that is scanned twice."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=least, max_size=20))
    doubled = draw(st.sets(st.integers(0, len(sizes) - 1), max_size=4))
    made = []
    for number, size in enumerate(sizes):
        order = {"invoice": f"{number}", "invoice_date": START + timedelta(hours=7 * number)}
        lines = [order | {"stock_code": f"P{number * 5 % 7 + line}"} for line in range(size)]
        made.append(lines + lines[-1:] if number in doubled else lines)
    return made


def flat(made: list[list[Row]]) -> list[Row]:
    return [line for order in made for line in order]


@given(orders(), st.data())
@FEW_EXAMPLES
def test_blocks_appended_up_to_three_times_count_once(made, data):
    appended = []
    for _ in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.integers(0, len(made) - 10))
        appended += flat(made[first:])
    found = settled(flat(made) + appended)
    assert len(found.standing) == len(flat(made))
    # The last block that has an order counts.
    last = {row["invoice"]: row["row_number"] for row in found.rows}
    kept = {row["invoice"]: row["row_number"] for row in found.standing}
    assert kept == last


@given(orders(least=1), st.randoms(use_true_random=False), st.booleans())
@FEW_EXAMPLES
def test_a_file_that_is_scattered_or_sorted_by_product_is_never_split(made, random, is_sorted):
    rows = flat(made)
    random.shuffle(rows)
    if is_sorted:
        rows.sort(key=lambda row: row["stock_code"])
    assert len(settled(rows).standing) == len(rows)


def test_a_scattered_file_that_was_appended_to_itself_counts_once():
    rows = [
        {"invoice": f"{number % 20}", "stock_code": f"P{number}", "quantity": number}
        for number in range(1, 100)
    ]
    assert len(settled(rows + rows[60:] + rows).standing) == len(rows)


def test_of_an_order_inside_which_a_block_begins_all_lines_count():
    made = [
        [{"invoice": f"{n}", "stock_code": code, "customer_id": f"{n}"} for code in "ABC"]
        for n in range(20)
    ]
    found = settled(flat(made) + flat(made)[25:])
    # Of order 8 the block has two lines; the first to stand has all three.
    assert [row["row_number"] for row in found.standing] == [*range(2, 29), *range(64, 97)]
    # Headings stand above the rows that were appended, and are read as one of them.
    headings = {"invoice": "Invoice", "invoice_date": None, "customer_id": "Customer"}
    assert len(settled([*flat(made), headings, *flat(made)[25:]]).standing) == 61


def test_a_corrected_export_appended_replaces_also_customers_and_dates():
    made = [
        [{"invoice": f"{n}", "stock_code": code, "customer_id": f"{n}"} for code in "AB"]
        for n in range(20)
    ]
    again = [
        [row | {"price": 3} for row in order] if n < 5 else order for n, order in enumerate(made)
    ]
    again[7] = [row | {"customer_id": "new"} for row in again[7]]
    again[8] = [row | {"invoice_date": datetime(2011, 4, 1)} for row in again[8]]
    found = settled(flat(made) + flat(again))
    assert [row["row_number"] for row in found.standing] == list(range(42, 82))
    assert "the same export again" in found.said[0]


def test_an_export_appended_without_the_times_of_day_counts_once():
    made = [[{"invoice": f"{n}", "stock_code": code} for code in "AB"] for n in range(20)]
    again = [row | {"invoice_date": datetime(2011, 3, 1)} for row in flat(made[12:])]
    assert len(settled(flat(made) + again).standing) == 40


@pytest.mark.parametrize("has_numbers", [True, False])
def test_an_export_of_one_line_per_order_appended_to_itself(has_numbers):
    rows = [
        {
            "invoice": f"{n}" if has_numbers else None,
            "customer_id": f"{n % 7}",
            "stock_code": None,
            "price": n,
            "invoice_date": START + timedelta(days=n),
        }
        for n in range(40)
    ]
    found = settled(rows + rows[-12:])
    assert [row["row_number"] for row in found.standing] == [*range(2, 30), *range(42, 54)]


def test_who_buys_the_same_twice_on_a_day_is_no_block():
    """A log without numbers and times of a shop that sells coffee, sorted by day or by nothing."""
    coffee = {"invoice": None, "stock_code": None}
    day = [coffee | {"customer_id": f"{n}"} for n in range(10)] * 2
    days = [
        [row | {"invoice_date": START.replace(hour=0) + timedelta(days=n)} for row in day]
        for n in range(3)
    ]
    assert len(settled(flat(days)).standing) == 60
    scattered = sorted(
        flat(days),
        key=lambda row: hash((row["customer_id"], row["invoice_date"].day * 7919 % 31)) % 97,
    )
    assert len(settled(scattered).standing) == 60


def test_two_tills_that_write_into_one_log_are_no_blocks():
    rows = []
    for n in range(20):
        mine = [{"invoice": f"A{n}", "stock_code": code} for code in "AB"]
        other = [{"invoice": f"B{n}", "stock_code": code} for code in "CDE"]
        rows += [*mine, other[0], *mine, *other[1:]]
    assert len(settled(rows).standing) == len(rows)


@given(st.lists(st.integers(3, 15), min_size=2, max_size=6))
@FEW_EXAMPLES
def test_numbers_that_start_anew_in_one_file_are_other_orders(sizes):
    rows = [
        {
            "invoice": f"{number}",
            "stock_code": code,
            "invoice_date": START + timedelta(days=31 * month),
        }
        for month, size in enumerate(sizes)
        for number in range(size)
        for code in "AB"
    ]
    assert len(settled(rows).standing) == len(rows)
