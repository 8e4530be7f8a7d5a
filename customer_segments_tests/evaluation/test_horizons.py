"""What customers did after a date, and which dates there are."""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segments.errors import UserError
from customer_segments.evaluation.horizons import default_dates, followed, named_dates
from customer_segments.months import shift
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM
from customer_segments_tests.rfm.lines import line
from customer_segments_tests.segments.plain import rfm_row

FIRST = date(2011, 1, 1)
TODAY = date(2013, 1, 1)


def months_from(first: date, count: int) -> set[date]:
    return {shift(first, index) for index in range(count)}


@st.composite
def lines(draw):
    rows = []
    for number in range(draw(st.integers(0, 12))):
        month = shift(FIRST, draw(st.integers(0, 5)))
        is_credit = draw(st.booleans())
        rows.append(
            line(
                number,
                datetime(month.year, month.month, draw(st.sampled_from([1, 28])), 12),
                invoice=f"{'C' * is_credit}{number}",
                customer_id=draw(st.sampled_from(["A", "B", None])),
                quantity=draw(st.integers(1, 5)) * (-1 if is_credit else 1),
            )
        )
    return rows


@settings(max_examples=30)
@given(lines(), st.integers(0, 5), st.integers(1, 3))
def test_outcomes_are_what_plain_python_adds_up(rows, start, months):
    as_of = shift(FIRST, start)
    con = ibis.duckdb.connect()
    con.create_table(CLEANED_TRANSACTIONS.table, ibis.memtable(CLEANED_TRANSACTIONS.arrow(rows)))

    revenue, is_back = defaultdict(Decimal), defaultdict(bool)
    for row in rows:
        if row["customer_id"] and as_of <= row["invoice_date"].date() < shift(as_of, months):
            revenue[row["customer_id"]] += row["revenue"]
            is_back[row["customer_id"]] |= not row["is_credit"]
    names = ["A", "B", "who was never back"]
    snapshot = [rfm_row(shift(as_of, -1), name) for name in reversed(names)]
    con.create_table(CUSTOMER_RFM.table, ibis.memtable(CUSTOMER_RFM.arrow(snapshot)))
    outcome = followed(con.execute, CLEANED_TRANSACTIONS.relation, as_of, months)
    assert outcome.revenue.tolist() == [max(float(revenue[name]), 0.0) for name in names]
    assert outcome.is_back.tolist() == [is_back[name] for name in names]


def test_the_newest_date_is_followed_by_a_whole_horizon():
    # As in the UCI data, whose last month ends on the 9th; the first date has a year before it.
    snapshots = months_from(date(2010, 11, 1), 14)
    dates = default_dates(snapshots, date(2011, 12, 9), 6, TODAY)
    assert dates == [date(2010, 12, 1), date(2011, 3, 1), date(2011, 6, 1)]
    assert default_dates(snapshots, date(2011, 12, 31), 6, TODAY)[-1] == date(2011, 7, 1)
    # The month that is going on is not over, however much of it is there.
    assert default_dates(snapshots, date(2011, 12, 31), 6, date(2011, 12, 31))[-1] == dates[-1]


@pytest.mark.parametrize(("months", "expected"), [(6, 0), (7, 1), (9, 1), (10, 2), (13, 3)])
def test_less_history_gives_fewer_dates(months, expected):
    snapshots = months_from(FIRST, months)
    last_sale = shift(max(snapshots), 1)
    assert len(default_dates(snapshots, last_sale, 6, TODAY)) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2011-06-02", "not the first day"),
        ("2011-13-01", "not the first day"),
        ("2010-06-01", "customer_rfm lacks 2010-05"),
        ("2011-09-01", "not followed by 6 complete months"),
    ],
)
def test_dates_that_cannot_be_looked_back_to_are_errors(text, problem):
    with pytest.raises(UserError, match=problem):
        named_dates([text], months_from(FIRST, 12), date(2011, 12, 31), 6, TODAY)


def test_named_dates_are_sorted_and_once_each():
    wanted = ["2011-05-01", "2011-03-01", "2011-05-01"]
    found = named_dates(wanted, months_from(FIRST, 12), date(2011, 12, 31), 6, TODAY)
    assert found == [date(2011, 3, 1), date(2011, 5, 1)]
