"""The tables as runs make them: what is not known yet, and the figures of UCI's data."""

from datetime import date

import pandas as pd
import pytest

from customer_segments.storage import Warehouse
from customer_segments.tables import (
    CUSTOMER_VALUE,
    SEGMENT_PROFILES,
    SEGMENT_VALUE_BACKTEST,
    VALUE_BACKTEST,
)
from customer_segments.value.backtest import dates_followed, means
from customer_segments.value.customer_value import TOO_EARLY
from customer_segments_tests.installations import install, materialize

BACKTEST = (VALUE_BACKTEST.table, SEGMENT_VALUE_BACKTEST.table)
FIRST = date(2010, 12, 1)


@pytest.fixture(scope="module")
def evaluated(real_warehouse, tmp_path_factory) -> Warehouse:
    """The real workbook's warehouse with the back-test of value."""
    settings = install(tmp_path_factory.mktemp("value"), source_dir=real_warehouse.source_dir)
    settings.warehouse_path.write_bytes(real_warehouse.warehouse_path.read_bytes())
    settings.months_path.write_bytes(real_warehouse.months_path.read_bytes())
    materialize(settings, BACKTEST)
    return Warehouse(settings.warehouse_path)


@pytest.mark.parametrize(
    ("fixture", "first"), [("sample_warehouse", "2024-06-01"), ("real_warehouse", "2011-05-01")]
)
def test_nothing_is_expected_of_less_than_eighteen_months(request, fixture, first):
    settings = request.getfixturevalue(fixture)
    with Warehouse(settings.warehouse_path).reading() as con:
        (early, known) = con.raw_sql(
            "SELECT count(*), count(reason), count(expected_3m), count(expected_3m_high), "
            "count(expected_6m), count(expected_6m_high), max(reason) FROM customer_value "
            f"GROUP BY snapshot_month >= '{first}' ORDER BY snapshot_month >= '{first}'"
        ).fetchall()
    assert early == (early[0], early[0], 0, 0, 0, 0, TOO_EARLY)
    assert known == (known[0], 0, *[known[0]] * 4, None)


def test_six_months_of_uci_are_foretold_as_well_as_by_experiment(evaluated):
    backtest = evaluated.load(VALUE_BACKTEST)
    six = backtest[backtest["horizon_months"] == 6]
    assert sorted(set(six["as_of"].dt.date)) == [
        (pd.Timestamp(FIRST) + pd.DateOffset(months=months)).date() for months in range(7)
    ]
    found = means(six).set_index("forecast")
    formula, naive = found.loc["formula"], found.loc["pro rata"]
    assert formula["bias"] == pytest.approx(0.096, abs=0.001)
    assert naive["bias"] == pytest.approx(0.279, abs=0.001)
    assert formula["mae"] == pytest.approx(452, abs=1)
    assert naive["mae"] == pytest.approx(546, abs=1)
    assert formula["spearman"] == pytest.approx(0.595, abs=0.001)
    assert naive["spearman"] == pytest.approx(0.577, abs=0.001)
    assert formula["decile_error"] == pytest.approx(0.109, abs=0.002)
    assert naive["decile_error"] == pytest.approx(0.300, abs=0.002)
    assert formula["coverage"] == pytest.approx(0.864, abs=0.002)
    # A base is learned once its own six months are over, a year after the first month.
    assert list(six.set_index("as_of")["base"].dropna().index.strftime("%Y-%m")) == ["2011-06"]


def test_what_was_published_is_what_the_backtest_judges(evaluated):
    values = CUSTOMER_VALUE.relation
    totals = evaluated.query(
        values.group_by("snapshot_month").agg(
            expected_3m=values.expected_3m.sum(), expected_6m=values.expected_6m.sum()
        )
    ).set_index("snapshot_month")
    totals.index += pd.offsets.MonthBegin()
    backtest = evaluated.load(VALUE_BACKTEST).query("forecast == 'formula'")
    compared = 0
    for row in backtest.itertuples():
        total = totals[f"expected_{row.horizon_months}m"].get(row.as_of)
        if total is not None and pd.notna(total):
            assert row.expected == total
            compared += 1
    assert compared == 5


def test_totals_are_shown_where_they_were_near(evaluated):
    errors = evaluated.load(SEGMENT_VALUE_BACKTEST)
    assert set(errors["segment"]) == set(evaluated.load(SEGMENT_PROFILES)["segment"])
    assert set(errors["dates"]) == {7, 10}
    assert (errors["is_shown"] == (errors["error"] < 0.2)).all()
    assert 0 < errors["is_shown"].sum() < len(errors)


def test_dates_are_the_newest_twelve_that_are_followed():
    months = [date(2020 + index // 12, index % 12 + 1, 1) for index in range(30)]
    found = dates_followed(months, date(2022, 6, 15), date(2022, 6, 20))
    three = [as_of for as_of, horizon in found if horizon == 3]
    six = [as_of for as_of, horizon in found if horizon == 6]
    # May is the newest complete month.
    assert (three[0], three[-1], len(three)) == (date(2021, 4, 1), date(2022, 3, 1), 12)
    assert (six[-1], len(six)) == (date(2021, 12, 1), 12)
