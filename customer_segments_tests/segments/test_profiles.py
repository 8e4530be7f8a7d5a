"""Profiles of segments: a plain model, shares, earlier months; another model: test_migration."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from customer_segments.months import shift
from customer_segments.segments.profiles import segment_profiles
from customer_segments_tests.examples import costly
from customer_segments_tests.segments.plain import (
    SOURCES,
    approximately,
    expected_profiles,
    in_memory,
    labelled,
    rfm_row,
    rows_of,
)
from customer_segments_tests.segments.worlds import FIRST, MODEL, VERSIONS, unmoved, worlds


# Any snapshots are below, and UCI's are reconciled in test_real_workbook.
@pytest.mark.parametrize(
    "fixture", ["sample_warehouse", pytest.param("uci_warehouse", marks=pytest.mark.slow)]
)
def test_the_table_is_what_plain_python_makes_of_the_customers(fixture, request):
    installed = request.getfixturevalue(fixture)
    expected = expected_profiles(*(rows_of(installed, table) for table in SOURCES))
    assert rows_of(installed, "segment_profiles") == approximately(expected)


def test_shares_add_up_to_one_in_every_month(uci_warehouse):
    profiles = rows_of(uci_warehouse, "segment_profiles")
    months = {row["snapshot_month"] for row in profiles}
    assert len(months) == 25
    for month in months:
        own = [row for row in profiles if row["snapshot_month"] == month]
        assert sum(row["share"] for row in own) == pytest.approx(1)
        assert sum(row["revenue_share"] for row in own) == pytest.approx(1)


def test_under_one_model_last_month_is_what_last_months_profile_says(uci_warehouse):
    profiles = rows_of(uci_warehouse, "segment_profiles")
    known = {(row["snapshot_month"], row["segment"]): row for row in profiles}
    compared = {"last_month": 0, "last_year": 0}
    for (month, segment), row in known.items():
        for name, back in (("last_month", 1), ("last_year", 12)):
            then = known.get((shift(month, -back), segment))
            if then:
                assert row[f"customers_{name}"] == then["customers"]
                assert row[f"revenue_{name}"] == then["revenue"]
                compared[name] += 1
    assert compared == {"last_month": 160, "last_year": 83}
    first_year = [row for row in profiles if row["snapshot_month"] < date(2010, 12, 1)]
    assert {row["customers_last_year"] for row in first_year} == {None}


@pytest.mark.parametrize("version", ["a", "b"])
def test_where_nobody_changes_no_segment_does_whatever_labelled_it_before(version):
    month = date(2011, 3, 1)
    segments, rfm = unmoved(month, version, months=13)
    profiles = in_memory(segment_profiles, segments, rfm, MODEL)
    own = [row for row in profiles if row["snapshot_month"] == month]
    assert sum(row["customers"] for row in own) == 5
    for row in own:
        for name in ("last_month", "last_year"):
            assert row[f"customers_{name}"] == row["customers"]
            assert row[f"revenue_{name}"] == row["revenue"]


def test_nobody_then_is_zero_and_no_snapshot_then_is_null():
    lost = {"recency_days": 300, "frequency": 1, "monetary": Decimal(5)}
    rfm = [
        rfm_row(FIRST, "A", **lost),
        rfm_row(shift(FIRST, 1), "A", recency_days=1, frequency=25, monetary=Decimal(2_000)),
    ]
    segments = labelled(rfm, VERSIONS["a"])
    first, second = in_memory(segment_profiles, segments, rfm, MODEL)
    assert (first["segment"], second["segment"]) == ("Lost", "Champions")
    assert (first["customers_last_month"], first["revenue_last_month"]) == (None, None)
    assert (second["customers_last_month"], second["revenue_last_month"]) == (0, Decimal(0))
    assert second["customers_last_year"] is None


def test_shares_of_money_that_was_all_returned_are_unknown():
    rfm = [rfm_row(FIRST, "A"), rfm_row(FIRST, "B", monetary=Decimal(-10))]
    rows = in_memory(segment_profiles, labelled(rfm, VERSIONS["a"]), rfm, MODEL)
    assert {row["revenue_share"] for row in rows} == {None}


@given(worlds(offsets=(0, 1, 12, 13, 24)))
@costly(8)
def test_any_snapshots_give_what_plain_python_gives(world):
    segments, rfm = world
    made = in_memory(segment_profiles, segments, rfm, MODEL)
    assert made == approximately(expected_profiles(segments, rfm, MODEL))
