"""Figures on the dashboard's pages are those of the report, and of plain SQL on the warehouse."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
import streamlit as st

from customer_segments import tables
from customer_segments.campaigns.result import ALL_CUSTOMERS
from customer_segments.dashboard.campaign import reached
from customer_segments.dashboard.month import headlines
from customer_segments.dashboard.trust import _column
from customer_segments.errors import UserError
from customer_segments.outputs.campaigns import measurable
from customer_segments.outputs.words import UNKNOWN
from customer_segments.storage import Warehouse
from customer_segments_tests.outputs.conftest import MONTH, reported  # noqa: F401

THIS = f"snapshot_month = DATE '{MONTH}'"


@pytest.fixture(scope="module")
def sql(sample_warehouse):
    """Ask the warehouse itself; the answer's rows, or its only value."""

    def ask(text: str):
        with Warehouse(sample_warehouse.warehouse_path).reading() as con:
            rows = con.raw_sql(text).fetchall()
        return rows[0][0] if len(rows) == len(rows[0]) == 1 else rows

    return ask


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_this_month(opened, sql, reported):  # noqa: F811
    app = opened("month")
    shown = metrics(app)
    customers = sql(f"SELECT count(*) FROM customer_segments WHERE {THIS}")
    assert shown["Customers"] == f"{customers:,}"
    assert reported.page.tables["segments"][-1][1] == shown["Customers"]
    money = "SELECT sum(revenue) FROM cleaned_transactions WHERE month = DATE '2024-12-01'"
    assert shown["Sales"] == f"{sql(money):,.0f}"
    moves = f"SELECT sum(customers) FROM segment_migration WHERE {THIS} AND from_segment = 'New'"
    assert shown["New"] == f"{sql(moves):,}"
    slipping, rising, new = (frame.value for frame in app.dataframe)
    assert shown["Slipped"] == f"{len(slipping):,}"
    assert len(new) == sql(moves)
    # As the report has them: a table of every move, with how.
    how = {(row[0], row[1]): row[2] for row in reported.page.tables["moves"][1:]}
    for frame, said in ((slipping, "slipped"), (rising, "rose"), (new, "new")):
        ends = zip(frame["from_segment"], frame["segment"], strict=True)
        assert {how[end] for end in ends} == {said}
    assert slipping["revenue_12m"].is_monotonic_decreasing


def test_a_month_that_goes_on_is_not_compared_with_a_whole_one(seen):
    cut = replace(seen.view, snapshot_date=seen.view.snapshot_date - timedelta(days=20))
    shown = {label: said for label, *said in headlines(cut, seen.segments)}
    assert shown["Sales so far"][1] is shown["New"][1] is None
    assert shown["Year on year"][0] == shown["Slipped"][0] == UNKNOWN
    first = replace(seen.view, month=seen.months[0])
    shown = {label: said for label, *said in headlines(first, seen.segments)}
    assert shown["New"][0] == shown["Slipped"][0] == UNKNOWN


def test_segments(opened, sql, reported):  # noqa: F811
    sizes = opened("segments").dataframe[0].value.set_index("segment")
    for name, count, money, days in sql(
        f"SELECT segment, count(*), sum(monetary), median(recency_days) FROM customer_segments "
        f"WHERE {THIS} GROUP BY segment"
    ):
        row = sizes.loc[name]
        assert (row["customers"], row["median_recency_days"]) == (count, days)
        assert row["revenue"] == pytest.approx(float(money))
        in_report = reported.page.row("segments", name)
        assert (in_report[1], in_report[5]) == (f"{count:,}", f"{money:,.0f}")


def test_filters_leave_whom_they_say(opened, sql):
    app = opened("segments", country=["Germany"], spent_from=100, days_to=200)
    left = sql(
        f"SELECT count(*) FROM customer_segments JOIN customer_rfm USING (snapshot_month, "
        f"customer_id) WHERE {THIS} AND country = 'Germany' AND customer_segments.monetary >= 100 "
        "AND customer_segments.recency_days <= 200"
    )
    assert 0 < left < 200
    assert app.dataframe[0].value["customers"].sum() == len(app.dataframe[2].value) == left


def test_nobody_is_left(opened):
    app = opened("segments", spent_from=10**9)
    assert [info.value for info in app.info] == ["No customer is left: take a filter away."]


def test_whom_a_filter_asks_for_and_is_nobody_is_not_everybody(opened):
    app = opened("segments", segment=["Cannot Lose Them"])
    assert "take a filter away" in app.info[0].value
    assert not app.dataframe
    app = opened("segments", segment=["Champions", "Cannot Lose Them"])
    assert [*app.dataframe[0].value["segment"]] == ["Champions"]
    assert "nobody of this month is: Cannot Lose Them." in app.warning[0].value


def test_what_an_address_asks_for_in_vain_is_said(opened):
    app = opened("", address={"month": "1999-01"})
    assert "Month: there is no 1999\\-01. This is 2024\\-12." in [w.value for w in app.warning]
    app = opened("segments", address={"spent_from": "abc", "segment": "Cannot Lose Them"})
    assert app.warning[0].value.startswith("Spent at least: abc is no number")
    assert not app.dataframe


@pytest.mark.parametrize("name", ["month", "segments", "moves", "campaign"])
def test_each_list_has_the_group_of_each_customer(opened, seen, name):
    lists = [frame.value for frame in opened(name).dataframe if "customer_id" in frame.value]
    assert lists
    groups = seen.view.people.set_index("customer_id")["campaign_group"]
    for people in lists:
        own = people.set_index("customer_id")["campaign_group"]
        assert (own == groups[own.index]).all()


def test_moves_since_last_month_are_the_migration(opened, sql):
    totals = opened("moves").dataframe[0].value
    ends = zip(totals["from_segment"], totals["to_segment"], strict=True)
    shown = dict(zip(ends, zip(totals["customers"], totals["before"], strict=True), strict=True))
    moves = "SELECT from_segment, to_segment, customers, revenue_before FROM segment_migration"
    found = sql(f"{moves} WHERE {THIS}")
    assert {(origin, target): count for origin, target, count, _ in found} == {
        ends: count for ends, (count, _) in shown.items()
    }
    for origin, target, _, before in found:
        assert shown[origin, target][1] == pytest.approx(float(before))


def test_moves_over_months_name_who_is_behind_a_figure(opened, sql):
    app = opened("moves", since="2024-06")
    totals = app.dataframe[0].value
    gone = sql(
        "SELECT count(DISTINCT customer_id) FILTER (customer_id NOT IN (SELECT customer_id FROM "
        f"customer_segments WHERE snapshot_month = DATE '2024-06-01')) FROM customer_segments "
        f"WHERE {THIS}"
    )
    assert totals[totals["from_segment"] == "New"]["customers"].sum() == gone > 0
    first = totals.iloc[0]
    app.selectbox[1].set_value(first["from_segment"])
    app.selectbox[2].set_value(first["to_segment"])
    app.run()
    names = app.dataframe[1].value
    assert len(names) == first["customers"]
    assert names["before"].sum() == pytest.approx(first["before"])


def test_a_customer(opened, sql):
    customer, money, orders = sql(
        f"SELECT customer_id, monetary, frequency FROM customer_segments WHERE {THIS} "
        "AND segment = 'Need Attention' ORDER BY monetary DESC LIMIT 1"
    )[0]
    app = opened("customers", search=customer)
    shown = metrics(app)
    assert f"{customer}: Need Attention" in [header.value for header in app.header]
    assert (shown["Spent"], shown["Orders"]) == (f"{money:,.0f}", f"{orders:,}")
    ahead, *_, history, bought, products = (frame.value for frame in app.dataframe)
    # An order brings them nearer; more days alone never do.
    assert ahead["segment"].iloc[0] != ahead["segment"].iloc[-1]
    assert history["monetary"].iloc[0] == pytest.approx(float(money))
    lines = f"SELECT sum(revenue) FROM cleaned_transactions WHERE customer_id = '{customer}'"
    for frame in (bought, products):
        assert frame["revenue"].sum() == pytest.approx(float(sql(lines)))
    assert bought[~bought["is_credit"]]["invoice"].nunique() == orders


def test_a_customer_stays_in_another_month(opened, sql, monkeypatch):
    least = sql(
        f"SELECT customer_id FROM customer_segments WHERE {THIS} ORDER BY monetary, customer_id "
        "LIMIT 1"
    )
    app = opened("customers", **{"customer ": least})
    assert app.header[0].value.startswith(f"{least}: ")
    assert not app.warning
    app = opened("customers", **{"customer ": "X"})
    assert app.warning[0].value == "X is no customer of December 2024: this is another."
    # What a window keeps of orders after so many days is not known.
    ahead = app.dataframe[0].value
    monkeypatch.setattr("customer_segments.outputs.view.MonthView.window_months", 12)
    pd.testing.assert_frame_equal(opened("customers").dataframe[0].value, ahead[:1])


def test_who_is_sought_and_not_there(opened):
    app = opened("customers", search="*nobody*")
    assert [info.value for info in app.info] == [
        "No customer of the month has \\*nobody\\* in the number."
    ]


def test_a_campaign(opened, seen):
    shown = metrics(opened("campaign", cost=2.0, margin=50))
    (everybody,) = [row for row in measurable(seen.view) if row["segment"] == ALL_CUSTOMERS]
    turned_to = everybody["customers"] - everybody["control"]
    assert shown["Turned to"] == f"{turned_to:,}"
    assert shown["Cost"] == f"{2 * turned_to:,}"
    order = seen.view.people["average_order_value"].mean()
    assert shown["Pays from, points"] == f"+{100 * 2 / (0.5 * order):.1f}"
    # Rates of the segments, as the customers are now: near that of all customers then.
    base = float(shown["Back within 3 months"].rstrip("%")) / 100
    assert base == pytest.approx(everybody["return_rate"], abs=0.05)


def test_whose_channel_is_none_is_left_out_of_campaigns():
    people = pd.DataFrame({"customer_id": ["1", "2", "3"], "channel": ["mail", "none", ""]})
    assert reached(people)["customer_id"].to_list() == ["1", "3"]


def test_what_came_of_past_lists(opened, seen, sql):
    app = opened("campaign", lists="2024-06")
    order = [*seen.view.clusters["segment"]]
    assert [*app.dataframe[0].value["segment"].unique()] == order
    assert [*app.dataframe[2].value["segment"]] == [*order, ALL_CUSTOMERS]
    back = app.dataframe[2].value.set_index("segment").loc[ALL_CUSTOMERS]
    came = sql(
        "SELECT avg(CASE WHEN customer_id IN (SELECT customer_id FROM cleaned_transactions WHERE "
        "NOT is_credit AND month BETWEEN DATE '2024-07-01' AND DATE '2024-09-01') THEN 1 ELSE 0 "
        "END) FROM customer_segments WHERE snapshot_month = DATE '2024-06-01'"
    )
    assert min(back["test_mean"], back["control_mean"]) < 100 * came
    assert 100 * came < max(back["test_mean"], back["control_mean"])


def test_what_if_it_were_the_same_it_is(opened, seen):
    number = str(len(seen.view.clusters))
    today, same, moved = (frame.value for frame in opened("what_if", way=number).dataframe)
    pd.testing.assert_frame_equal(today, same)
    assert (moved["from_segment"] == moved["to_segment"]).all()
    app = opened("what_if", way="3")
    assert len(app.dataframe[1].value) == 3
    fitted = f"--clusters 3 --training-month {seen.month:%Y-%m}"
    assert app.code[0].value == f"customer-segments refit {fitted}"
    grid = opened("what_if", way="RFM grid")
    assert grid.dataframe[1].value["customers"].sum() == len(seen.view.people)
    assert not grid.code


def test_every_row_is_accounted_for(opened, sql):
    rows = opened("trust").dataframe[0].value
    assert rows["rows_so_far"].sum() == sql("SELECT count(*) FROM raw_transactions")
    kept = rows.set_index("reason").loc["kept"]
    money = "SELECT sum(revenue) FROM cleaned_transactions"
    assert kept["revenue_so_far"] == pytest.approx(float(sql(money)))


def test_a_month_that_is_cut_names_nobody(opened, monkeypatch):
    monkeypatch.setattr("customer_segments.outputs.view.MonthView.is_complete", False)
    app = opened("month")
    assert metrics(app)["Slipped"] == "\N{EN DASH}"
    assert not app.dataframe
    assert [info.value for info in app.info] == ["The month is not complete: nobody is named yet."]


def test_without_labels_a_page_says_what_to_do(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("CUSTOMER_SEGMENTS_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    app = opened("")
    assert app.title[0].value == "Nobody is labelled yet"
    assert app.code[0].value == "customer-segments run"


def test_a_copy_that_cannot_be_read_is_said(opened, monkeypatch):
    def damaged(*_, **__):
        raise UserError("It is damaged.", "Run it again.")

    monkeypatch.setattr("customer_segments.dashboard.reading.read_month", damaged)
    st.cache_resource.clear()
    assert [error.value for error in opened("").error] == ["It is damaged. Run it again."]


def test_headings_of_evidence_are_words():
    offers, value = tables.RECOMMENDATION_BACKTEST, tables.VALUE_BACKTEST
    for contract in (*tables.EVALUATION, value, offers):
        headings = {_column(name, contract)["label"] for name in contract.columns}
        assert not headings & {"Mae", "Ndcg", "Repurchase auc", "Davies bouldin"}
