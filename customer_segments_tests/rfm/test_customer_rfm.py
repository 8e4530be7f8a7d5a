"""What each figure of a customer means, and that random lines give what plain Python gives."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from customer_segments.months import shift, snapshot_date
from customer_segments_tests.examples import costly
from customer_segments_tests.rfm.lines import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    MAY,
    TODAY,
    Row,
    expected_snapshots,
    line,
    snapshots,
)


def one_snapshot(lines: list[Row], month: date, window_months: int | None = None) -> dict[str, Row]:
    return {row["customer_id"]: row for row in snapshots(lines, month, month, window_months)}


def test_a_customer_with_two_orders_and_a_credit_note():
    customer = one_snapshot(
        [
            line(1, datetime(2011, 1, 3, 9), invoice="1", quantity=10, stock_code="A"),
            line(2, datetime(2011, 1, 3, 9), invoice="1", quantity=2, stock_code="B"),
            line(3, datetime(2011, 3, 30, 18), invoice="2", quantity=4, stock_code="A"),
            line(4, datetime(2011, 3, 31, 23, 59), invoice="C3", quantity=-6, stock_code="A"),
        ],
        MARCH,
    )["17850"]
    assert customer == {
        "snapshot_month": MARCH,
        "customer_id": "17850",
        "snapshot_date": APRIL,
        "recency_days": 2,
        "frequency": 2,
        "monetary": Decimal("25.0000"),
        "first_purchase_date": date(2011, 1, 3),
        "last_purchase_date": date(2011, 3, 30),
        "average_order_value": Decimal("20.0000"),
        "units": 10,
        "products": 2,
        "credit_share": 0.375,
        "country": "United Kingdom",
        "months_active": 2,
        "window_months": None,
    }


@pytest.mark.parametrize(
    ("bought", "days"),
    [
        (datetime(2011, 1, 31, 0, 0), 1),
        (datetime(2011, 1, 31, 23, 59, 59), 1),
        (datetime(2011, 1, 30, 23, 59, 59), 2),
        (datetime(2011, 1, 1, 0, 0), 31),
    ],
)
def test_recency_counts_days_not_hours_and_the_last_day_is_one(bought, days):
    lines = [line(1, bought), line(2, datetime(2011, 1, 31), customer_id="other")]
    assert one_snapshot(lines, JANUARY)["17850"]["recency_days"] == days


def test_a_leap_day_counts():
    lines = [line(1, datetime(2012, 2, 1)), line(2, datetime(2012, 3, 1))]
    rows = snapshots(lines, date(2012, 2, 1), date(2012, 2, 1))
    assert rows[0]["recency_days"] == 29


@pytest.mark.parametrize(
    ("newest", "today", "of_day"),
    [
        (date(2011, 1, 9), date(2011, 1, 9), date(2011, 1, 10)),
        (date(2011, 1, 9), TODAY, date(2011, 1, 10)),
        # The last week of it, and it is over; not before.
        (date(2011, 1, 25), date(2011, 2, 1), FEBRUARY),
        (date(2011, 1, 25), date(2011, 1, 31), date(2011, 1, 26)),
        (date(2011, 1, 24), TODAY, date(2011, 1, 25)),
        (date(2011, 2, 1), date(2011, 2, 1), FEBRUARY),
    ],
)
def test_an_incomplete_month_is_the_state_after_the_datas_last_day(newest, today, of_day):
    """Also where that day has credit notes alone, or a month is taken alone."""
    lines = [
        line(1, datetime(2011, 1, 3)),
        line(2, datetime.combine(newest, time(9)), invoice="C2", quantity=-1),
        # Nobody's lines are no data of customers.
        line(3, datetime(2011, 2, 20), customer_id=None),
    ]
    (row,) = snapshots(lines, JANUARY, JANUARY, today=today)
    assert row["snapshot_date"] == of_day == snapshot_date(JANUARY, newest, today)
    assert row["recency_days"] == (of_day - date(2011, 1, 3)).days


def test_who_only_ever_returned_goods_is_absent():
    rows = one_snapshot(
        [
            line(1, datetime(2011, 1, 3), invoice="C1", quantity=-1),
            line(2, datetime(2011, 1, 4)),
            line(3, datetime(2011, 1, 5), invoice="C2", quantity=-1, customer_id="1"),
        ],
        JANUARY,
    )
    assert set(rows) == {"17850"}


def test_a_line_without_a_customer_is_nobodys():
    rows = one_snapshot(
        [line(1, datetime(2011, 1, 3)), line(2, datetime(2011, 1, 3), customer_id=None)], JANUARY
    )
    assert [(row["customer_id"], row["units"]) for row in rows.values()] == [("17850", 2)]


def test_a_credit_note_counts_in_its_own_month_and_moves_no_recency():
    lines = [
        line(1, datetime(2011, 1, 31), quantity=10),
        line(2, datetime(2011, 3, 1), invoice="C2", quantity=-10),
    ]
    months = {row["snapshot_month"]: row for row in snapshots(lines, JANUARY, MARCH)}
    assert [row["monetary"] for row in months.values()] == [25, 25, 0]
    # March is the state after its 1st.
    assert [row["recency_days"] for row in months.values()] == [1, 29, 30]


def test_returns_beyond_what_was_bought_make_money_negative():
    lines = [
        line(1, datetime(2011, 1, 3), quantity=1),
        line(2, datetime(2011, 1, 4), invoice="C2", quantity=-5),
    ]
    customer = one_snapshot(lines, JANUARY)["17850"]
    assert (customer["monetary"], customer["credit_share"]) == (Decimal("-10.0000"), 5.0)


def test_the_same_number_on_another_day_is_another_order():
    """A till's receipts start at 1 again."""
    lines = [
        line(1, datetime(2011, 1, 31, 9, 0), invoice="1"),
        line(2, datetime(2011, 1, 31, 23, 59), invoice="1"),
        line(3, datetime(2011, 2, 1, 0, 0), invoice="1"),
    ]
    for window in (None, 2):
        customer = one_snapshot(lines, FEBRUARY, window)["17850"]
        assert (customer["frequency"], customer["months_active"]) == (2, 2)


def test_products_are_not_counted_where_the_files_name_none():
    bare = {"stock_code": None, "description": None, "country": None}
    lines = [
        line(1, datetime(2011, 1, 3), **bare),
        line(2, datetime(2011, 1, 3), **bare, customer_id="some"),
        line(3, datetime(2011, 1, 4), customer_id="some"),
    ]
    for window in (None, 2):
        found = one_snapshot(lines, JANUARY, window)
        products = {name: (row["products"], row["country"]) for name, row in found.items()}
        assert products == {"17850": (None, None), "some": (1, "United Kingdom")}


def test_units_may_be_fractions():
    lines = [line(number, datetime(2011, 1, 3), quantity=Decimal("0.35")) for number in (1, 2)]
    assert one_snapshot(lines, JANUARY)["17850"]["units"] == Decimal("0.70")


def test_the_country_is_that_of_the_most_recent_sale():
    lines = [
        line(1, datetime(2011, 1, 3, 9), country="France"),
        line(2, datetime(2011, 1, 3, 10), country="Eire"),
        line(3, datetime(2011, 1, 4), country="Spain", invoice="C3", quantity=-1),
        line(4, datetime(2011, 2, 1), country="Germany"),
    ]
    assert [row["country"] for row in snapshots(lines, JANUARY, FEBRUARY)] == ["Eire", "Germany"]


def test_a_credit_note_of_a_positive_amount_is_no_negative_share():
    """Cleaning rejects such lines, unless it is told not to."""
    lines = [
        line(1, datetime(2011, 1, 3)),
        line(2, datetime(2011, 1, 4), invoice="C2", quantity=1),
    ]
    customer = one_snapshot(lines, JANUARY)["17850"]
    assert (customer["monetary"], customer["credit_share"]) == (Decimal("7.5000"), 0.0)


def test_an_unknown_country_of_the_most_recent_sale_stays_unknown():
    lines = [line(1, datetime(2011, 1, 3)), line(2, datetime(2011, 2, 1), country=None)]
    assert [row["country"] for row in snapshots(lines, JANUARY, FEBRUARY)] == [
        "United Kingdom",
        None,
    ]


# --- snapshots


def test_a_month_without_a_sale_has_its_snapshot_and_one_after_the_data_has_none():
    lines = [line(1, datetime(2011, 1, 3)), line(2, datetime(2011, 3, 3))]
    months = [row["snapshot_month"] for row in snapshots(lines, JANUARY, MAY)]
    assert months == [JANUARY, FEBRUARY, MARCH]


def test_a_month_without_a_sale_taken_alone_has_its_snapshot_too():
    lines = [line(1, datetime(2011, 1, 3)), line(2, datetime(2011, 3, 3))]
    whole = snapshots(lines, JANUARY, MARCH)
    assert [row for row in whole if row["snapshot_month"] == FEBRUARY] == snapshots(
        lines, FEBRUARY, FEBRUARY
    )


def test_a_window_forgets_the_months_before_it():
    lines = [
        line(1, datetime(2011, 1, 31), stock_code="A"),
        line(2, datetime(2011, 2, 1), stock_code="B"),
        line(3, datetime(2011, 4, 30), invoice="C3", quantity=-1),
        line(4, datetime(2011, 4, 30), customer_id="other"),
    ]
    found = {
        row["snapshot_month"]: (row["frequency"], row["products"], row["monetary"])
        for row in snapshots(lines, JANUARY, APRIL, window_months=2)
        if row["customer_id"] == "17850"
    }
    # In April only the return is left: no sale in the window, so not in the snapshot.
    assert found == {JANUARY: (1, 1, 5), FEBRUARY: (2, 2, 10), MARCH: (1, 1, 5)}


# --- against plain Python

# Few different ones, so that orders meet in one minute; no April, so that a month stays empty.
times = st.sampled_from(
    [
        datetime(year, month, day, hour)
        for year, month in ((2010, 11), (2010, 12), (2011, 1), (2011, 2), (2011, 3), (2011, 5))
        for day, hour in ((1, 0), (9, 12), (9, 13), (28, 23))
    ]
)


@st.composite
def cleaned_lines(draw: st.DrawFn) -> list[Row]:
    # Credits of a positive quantity too: a switch of cleaning lets them pass.
    quantities = st.integers(1, 9) | st.integers(-9, 9) | st.sampled_from(["0.0125", "2.75"])
    return [
        line(
            number,
            draw(times),
            invoice=draw(st.sampled_from(["1", "2", "3", "C1", "C2"])),
            customer_id=draw(st.sampled_from(["a", "b", "c", None])),
            country=draw(st.sampled_from(["Eire", "France", None])),
            stock_code=draw(st.sampled_from(["X", "Y", "Z", None])),
            quantity=draw(quantities.map(Decimal)),
            price=draw(st.sampled_from(["0.000001", "2.500000", "1234.567891"]).map(Decimal)),
        )
        for number in range(1, draw(st.integers(2, 30)))
    ]


@pytest.mark.parametrize(
    ("price", "orders", "average"),
    [("1433.1100", 8, "179.1388"), ("0.0001", 2, "0.0001"), ("9828.6299", 24, "409.5262")],
)
def test_the_average_of_an_order_is_rounded_half_up_exactly(price, orders, average):
    """Floats come to 179.1387 for the first: they have no 179.13875."""
    lines = [
        line(n, datetime(2011, 3, n + 1), invoice=f"{n}", quantity=1, price=Decimal(0))
        for n in range(1, orders)
    ]
    dear = line(orders, datetime(2011, 3, 30), invoice="0", quantity=1, price=Decimal(price))
    assert one_snapshot([*lines, dear], MARCH)["17850"]["average_order_value"] == Decimal(average)


@given(
    cleaned_lines(),
    st.integers(-2, 4),
    st.integers(0, 5),
    st.sampled_from([None, 1, None, 3]),
    st.sampled_from([TODAY, MARCH, MAY + timedelta(days=30)]),
)
@costly(25)
def test_random_lines_give_what_plain_python_gives(
    lines: list[Row], start: int, length: int, window_months: int | None, today: date
):
    first = shift(JANUARY, start)
    last = shift(first, length)

    found = snapshots(lines, first, last, window_months, today)
    expected = expected_snapshots(lines, first, last, window_months, today)

    event(f"window {window_months is not None}, rows {bool(expected)}")
    assert [row | {"credit_share": pytest.approx(row["credit_share"])} for row in expected] == found


@given(cleaned_lines(), st.sampled_from([None, 2]))
@costly(8)
def test_a_month_alone_equals_the_same_month_out_of_the_whole_range(
    lines: list[Row], window_months: int | None
):
    first, last = date(2010, 11, 1), date(2011, 6, 1)
    whole = snapshots(lines, first, last, window_months)
    for month in (date(2010, 12, 1), FEBRUARY, APRIL):
        alone = snapshots(lines, month, month, window_months)
        assert alone == [row for row in whole if row["snapshot_month"] == month]
