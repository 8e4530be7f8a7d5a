"""Sentences of the report: true for whatever the data says."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from customer_segments.outputs.figures import moves_of, tasks
from customer_segments.outputs.report.page import render
from customer_segments.outputs.view import MonthView
from customer_segments_tests.outputs.conftest import MONTH
from customer_segments_tests.outputs.pages import Page

LAST = pd.Timestamp(MONTH)


def page_of(view: MonthView) -> Page:
    return Page(render(view, [], [], is_sample=False))


def said(view: MonthView) -> str:
    """What the summary says."""
    return page_of(view).text.rpartition("In short")[2].partition("Whom to turn to first")[0]


def alone(view: MonthView) -> MonthView:
    """The same month, with no month and no year before it."""
    profiles = view.profiles[view.profiles["snapshot_month"] == LAST].copy()
    before = [name for name in profiles if name.endswith(("_last_month", "_last_year"))]
    profiles[before] = float("nan")
    rows = view.rows[view.rows["month"] == LAST]
    # As the table has the first month: everybody is new.
    new = moved(view, [("New", name, 5, 0.0) for name in profiles["segment"]])
    return replace(
        view,
        profiles=profiles,
        migration=new.migration,
        rows=rows,
        year={},
        retention=view.retention[0:0],
    )


def moved(view: MonthView, rows: list[tuple[str, str, int, float]]) -> MonthView:
    """The same month with these moves: from, to, customers, and what they had brought."""
    columns = ["from_segment", "to_segment", "customers", "revenue_before"]
    moves = pd.DataFrame(rows, columns=columns)
    moves = moves.assign(
        snapshot_month=LAST, revenue=moves["revenue_before"] + 10.0, revenue_moved=10.0
    )
    return replace(view, migration=moves)


def test_a_first_month_is_compared_with_nothing(sample_view):
    first = alone(sample_view)
    text = said(first)
    assert "before" not in text
    assert "Turn first" not in text
    assert "moved" not in text
    page = page_of(first)
    assert "There is no month before to compare with." in page.text
    assert "There is no snapshot a year before." in page.text
    assert "moves" not in page.tables
    assert "tasks" not in page.tables
    assert page.row("segments", "Champions")[3:5] == ["\N{EN DASH}"] * 2
    assert "less than a year before" in page.text  # the data begins in this very month


@pytest.mark.parametrize(
    ("month", "last_month", "words"),
    [
        (100.0, 90.0, "brought 100, more than the month before (90)"),
        (90.0, 100.0, "brought 90, less than the month before (100)"),
        (100.2, 99.9, "brought 100, as much as the month before (100)"),
        (-5.4, 3e6, "brought \N{MINUS SIGN}5, less than the month before (3.00 million)"),
        (-0.2, 0.1, "brought 0, as much as the month before (0)"),
    ],
)
def test_the_months_money_is_compared(sample_view, month, last_month, words):
    rows = pd.DataFrame(
        {
            "month": [LAST, pd.Timestamp(2024, 11, 1)],
            "reason": "kept",
            "rows": 1,
            "revenue": [month, last_month],
        }
    )
    assert words in said(replace(sample_view, rows=rows))


@pytest.mark.parametrize(
    ("before", "words"),
    [(1_310, "10 fewer than a month before"), (1_300, "as many as a month before")],
)
def test_the_number_of_customers_is_compared(sample_view, before, words):
    view = moved(sample_view, [("Champions", "Champions", before, 5.0)])
    assert f"1,300 customers had bought at least once, {words};" in said(view)
    assert "0% of the customers changed segment since last month" in said(view)


def test_who_slipped_comes_first_by_money_and_not_by_number(sample_view):
    view = moved(
        sample_view,
        [
            ("Need Attention", "Hibernating", 900, 50.0),
            ("Champions", "Need Attention", 3, 70_000.0),
            ("Hibernating", "Champions", 1, 90_000.0),
            ("Champions", "Champions", 40, 9e9),
        ],
    )
    text = said(view)
    assert "Turn first to the 3 customers who slipped from Champions to Need Attention" in text
    assert [(task["how"], task["customers"]) for task in tasks(view)] == [
        ("slipped", 3),
        ("slipped", 900),
        ("rose", 1),
    ]


def test_one_customer_is_not_some_customers(sample_view):
    view = moved(sample_view, [("Champions", "Hibernating", 1, 80.0)])
    assert "Turn first to the 1 customer who slipped" in said(view)


def test_a_challengers_evidence_is_not_the_models(sample_view):
    other = sample_view.selection.assign(training_month=pd.Timestamp("2024-03-01"))
    words = page_of(replace(sample_view, selection=other)).text
    assert "worst segment's Jaccard index" in page_of(sample_view).text
    assert "worst segment's Jaccard index" not in words
    assert "what is there is of March 2024, of a model that is not in use" in words


def test_nobody_slipped(sample_view):
    view = moved(sample_view, [("Hibernating", "Champions", 2, 80.0)])
    assert "Nobody who had brought money slipped" in said(view)


def test_as_recent_for_less_money_is_slipping(sample_view):
    clusters = sample_view.clusters.assign(
        recency_rank=[0.80, 0.78, 0.3, 0.2, 0.1],
        monetary_rank=[0.5, 0.9, 0.4, 0.1, 0.0],
    )
    low, high = clusters["segment"][:2]
    view = moved(sample_view, [(high, low, 2, 80.0), (low, high, 2, 80.0)])
    moves = moves_of(replace(view, clusters=clusters))
    assert {(m["origin"], m["direction"]) for m in moves} == {(high, "slipped"), (low, "rose")}


def test_a_month_that_is_cut_short_is_said_first(sample_view):
    cut = replace(sample_view, snapshot_date=date(2024, 12, 10))
    page, whole = page_of(cut), page_of(sample_view)
    top = page.text.partition("Contents")[0]
    assert "The state at the end of 9 December 2024." in top
    assert "December 2024 is not complete. The data ends on 9 December 2024: this is the" in top
    assert "take the report of November 2024" in top
    assert "so far, more than the month before" in page.text
    assert "not complete, so nobody is named here" in page.text
    assert "slipped" not in said(cut)
    assert "tasks" not in page.tables
    assert "not complete" not in whole.text.partition("Glossary")[0]
    assert "slipped" in said(sample_view)
    assert "tasks" in whole.tables


def test_a_window_of_months_is_said(sample_view):
    window = pa.array([6] * sample_view.customers.num_rows, pa.int64())
    index = sample_view.customers.column_names.index("window_months")
    customers = sample_view.customers.set_column(index, "window_months", window)
    view = replace(sample_view, customers=customers, year={})
    assert "1,300 customers had bought in the 6 months before" in said(view)
    page, whole = page_of(view), page_of(sample_view)
    assert "orders in the last 6 months, " in page.text
    assert "orders so far, " in whole.text
    # What left the window is no goods that were returned.
    assert page.tables["moves"][0][-1] == "More or less"
    assert whole.tables["moves"][0][-1] == "Brought since"


def test_money_without_returns_is_not_called_net(sample_view):
    rejected = sample_view.rows[-1:].assign(reason="credit_note")
    rows = pd.concat([sample_view.rows, rejected])
    assert "Money is before returns" in page_of(replace(sample_view, rows=rows)).text
    assert "Money is net of returns" in page_of(sample_view).text


def backtest(ours: float, plain: float) -> pd.DataFrame:
    names = ["KMeans, 5 clusters", "Quintile sum", "RFM grid", "Gradient boosting"]
    return pd.DataFrame(
        {
            "horizon_months": 6,
            "kind": "segments",
            "labelling": names,
            "explained_variance": [ours, plain, 0.1, 0.5],
            "repurchase_auc": 0.7,
            "top_tenth_share": [0.4, 0.5, 0.3, 0.6],
            "repurchase_share": 0.5,
            "as_of": LAST - timedelta(days=200),
        }
    )


@pytest.mark.parametrize(
    ("ours", "plain", "words"),
    [
        (0.292, 0.336, "do not foretell what customers spend in the next 6 months better than a"),
        (0.336, 0.292, "foretell what customers spend in the next 6 months better than a plain"),
        (0.300, 0.301, "foretell what customers spend in the next 6 months as well as a plain"),
    ],
)
def test_where_a_plain_sum_is_better_it_is_said(sample_view, ours, plain, words):
    page = page_of(replace(sample_view, backtest=backtest(ours, plain)))
    assert f"These segments {words}" in page.text
    assert f"{ours:.1%} against {plain:.1%}" in page.text
    assert page.row("foretold", "Quintile sum")[1] == f"{plain:.1%}"
    assert "customer-segments evaluate" not in page.text


def test_sold_to_nobody_known(sample_view):
    rows = pd.DataFrame(
        {
            "month": LAST,
            "reason": ["missing_customer", "kept"],
            "rows": [1_200, 7],
            "revenue": [100.0, 300.0],
        }
    )
    sentence = "1,200 rows with 100, 25% of the money, so far."
    assert sentence in page_of(replace(sample_view, rows=rows)).text
    assert "without giving a name" not in page_of(replace(sample_view, rows=rows[1:])).text


@pytest.mark.parametrize("window", [None, 12])
def test_money_that_is_in_no_segment_is_said(sample_view, window):
    def said_of(customers: int, revenue: float) -> str:
        left_out = {"customers": customers, "revenue": revenue}
        people = sample_view.customers.set_column(
            sample_view.customers.column_names.index("window_months"),
            "window_months",
            pa.array([window] * len(sample_view.customers), pa.int64()),
        )
        return page_of(replace(sample_view, customers=people, credits_only=left_out)).text

    assert "credit notes only" not in said_of(0, 0.0)
    said = said_of(23, -1406.13)
    ends = "nor is what is older than 12 months." if window else "are in no segment."
    assert "23 customers with credit notes only (\N{MINUS SIGN}1,406.13) are in no segment" in said
    assert ends in said
    assert "1 customer with credit notes only (\N{MINUS SIGN}5.00) is in no segment" in said_of(
        1, -5
    )
