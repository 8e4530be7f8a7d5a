"""Moves between segments: a plain model, what adds up, and that another model moves nobody."""

from collections import Counter
from datetime import date

import duckdb
import pytest
from hypothesis import given

from customer_segments.installation import Installation
from customer_segments.model.exchange import import_version
from customer_segments.months import shift
from customer_segments.quality.evaluation import Level
from customer_segments.segments.migration import segment_migration
from customer_segments_tests.examples import costly
from customer_segments_tests.installations import judged_when, materialize, spine_checks
from customer_segments_tests.machine import shop
from customer_segments_tests.segments.plain import (
    SOURCES,
    approximately,
    expected_migration,
    expected_profiles,
    in_memory,
    rows_of,
    sums,
)
from customer_segments_tests.segments.worlds import FIRST, MODEL, unmoved, worlds

BEGIN, END = date(2023, 1, 1), date(2024, 12, 1)
PASSED = {"contract": True, "reconciliation": True}


def verdicts(installed) -> dict[str, bool]:
    return spine_checks(installed, "segment_migration")


def sources(installed) -> list:
    return [rows_of(installed, table) for table in SOURCES]


# Any snapshots are below, and UCI's are reconciled in test_real_workbook.
@pytest.mark.parametrize(
    "fixture", ["sample_warehouse", pytest.param("uci_warehouse", marks=pytest.mark.slow)]
)
def test_the_table_is_what_plain_python_makes_of_the_customers(fixture, request):
    installed = request.getfixturevalue(fixture)
    assert rows_of(installed, "segment_migration") == expected_migration(*sources(installed))


@pytest.mark.slow  # the sample's table is plain Python's, above
def test_the_moves_add_up_to_both_months(uci_warehouse):
    moves = rows_of(uci_warehouse, "segment_migration")
    after = [row for row in moves if row["to_segment"] != "Gone"]
    segments = [row | {"customers": 1} for row in rows_of(uci_warehouse, "customer_segments")]
    assert sums(
        after, "snapshot_month", "to_segment", customers="customers", revenue="revenue"
    ) == sums(segments, "snapshot_month", "segment", customers="customers", revenue="monetary")

    before = [row for row in moves if row["from_segment"] != "New"]
    snapshots = [
        row | {"customers": 1, "snapshot_month": shift(row["snapshot_month"], 1)}
        for row in rows_of(uci_warehouse, "customer_rfm")
        if row["snapshot_month"] < date(2011, 12, 1)
    ]
    assert sums(before, "snapshot_month", customers="customers", revenue="revenue_before") == sums(
        snapshots, "snapshot_month", customers="customers", revenue="monetary"
    )


@pytest.mark.parametrize("fixture", ["sample_warehouse", "uci_warehouse"])
def test_new_are_those_whose_first_purchase_it_was_and_nobody_goes(fixture, request):
    installed = request.getfixturevalue(fixture)
    moves = rows_of(installed, "segment_migration")
    new = Counter()
    for row in moves:
        new[row["snapshot_month"]] += row["customers"] * (row["from_segment"] == "New")
    first_purchases = Counter(
        row["snapshot_month"]
        for row in rows_of(installed, "customer_rfm")
        if row["first_purchase_date"] >= row["snapshot_month"]
    )
    assert +new == first_purchases
    assert "Gone" not in {row["to_segment"] for row in moves}


def test_with_a_window_customers_go_and_come_back_as_new(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    made = ["customer_rfm", "customer_segments", "segment_migration"]
    materialize(
        installed, made, BEGIN, END, config={"customer_rfm": {"window_months": 3}}, checks=False
    )
    moves = rows_of(installed, "segment_migration")
    assert moves == expected_migration(*sources(installed))
    gone = [row for row in moves if row["to_segment"] == "Gone"]
    assert len({row["snapshot_month"] for row in gone}) > 12
    # The launchpad's window is kept with the snapshots.
    snapshots = rows_of(installed, "customer_rfm")
    assert {row["window_months"] for row in snapshots} == {3}
    assert max(row["recency_days"] for row in snapshots) <= 92
    assert spine_checks(installed, "customer_rfm") == PASSED
    assert all(row["revenue"] == 0 for row in gone)
    assert verdicts(installed) == PASSED


@pytest.mark.slow  # of snapshots in memory it is below, by two models and against plain Python
def test_another_model_moves_nobody_and_earlier_months_are_counted_by_it(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    month, following = date(2024, 6, 1), date(2024, 7, 1)
    tables = ["segment_migration", "segment_profiles"]
    before = {table: rows_of(installed, table) for table in tables}
    another = shop.model(3)
    import_version(Installation.of(installed).warehouse, another, promote=True)
    materialize(installed, ["customer_segments", *tables], month, checks=False)
    # Their last month's labels are another model's now; each is judged by its own all the same.
    materialize(installed, tables, following, END, checks=False)

    after = {table: rows_of(installed, table) for table in tables}
    for table in tables:
        assert [row for row in after[table] if row["snapshot_month"] != month] == [
            row for row in before[table] if row["snapshot_month"] != month
        ]
    moves, profiles = (after[table] for table in tables)
    segments, rfm, model = sources(installed)
    assert moves == expected_migration(segments, rfm, model)
    assert profiles == approximately(expected_profiles(segments, rfm, model))
    now = [row for row in moves if row["snapshot_month"] == month]
    (version,) = {row["model_version"] for row in now}
    names = {row["segment"] for row in model if row["version"] == version}
    assert version in another
    assert {row["from_segment"] for row in now} <= names | {"New"}
    assert {row["to_segment"] for row in now} == names
    own = [row for row in profiles if row["snapshot_month"] == month]
    last = [row for row in rfm if row["snapshot_month"] == shift(month, -1)]
    assert sum(row["customers_last_month"] for row in own) == len(last)
    for table in tables:
        assert spine_checks(installed, table) == PASSED


@pytest.mark.parametrize("version", ["a", "b"])
def test_customers_who_do_not_change_do_not_move_when_the_model_does(version):
    month = date(2011, 3, 1)
    segments, rfm = unmoved(month, version)
    labels = {(row["customer_id"], row["segment"]) for row in segments}
    assert len(labels) > 5, "the two versions should disagree, else this shows nothing"
    moves = [
        row
        for row in in_memory(segment_migration, segments, rfm, MODEL)
        if row["snapshot_month"] == month
    ]
    assert sum(row["customers"] for row in moves) == 5
    assert all(row["from_segment"] == row["to_segment"] for row in moves)
    assert all(row["revenue_moved"] == 0 for row in moves)


@given(worlds())
@costly(8)
def test_any_snapshots_give_what_plain_python_gives(world):
    segments, rfm = world
    assert in_memory(segment_migration, segments, rfm, MODEL) == expected_migration(
        segments, rfm, MODEL
    )


def test_a_month_without_labels_has_no_rows():
    _, rfm = unmoved(FIRST, "a")
    assert in_memory(segment_migration, [], rfm, MODEL) == []


def test_a_first_month_is_all_new_and_one_whose_last_month_was_never_taken_has_no_rows(
    sample_warehouse, copy_of
):
    installed = copy_of(sample_warehouse)
    moves = rows_of(installed, "segment_migration")
    assert {row["from_segment"] for row in moves if row["snapshot_month"] == BEGIN} == {"New"}

    never_taken, following = date(2024, 5, 1), date(2024, 6, 1)
    with duckdb.connect(str(installed.warehouse_path)) as con:
        for table in ("customer_rfm", "customer_segments", "segment_migration"):
            con.execute(f"DELETE FROM {table} WHERE snapshot_month = '{never_taken}'")
    materialize(installed, ["segment_migration"], following, checks=False)
    left = [row for row in moves if row["snapshot_month"] not in (never_taken, following)]
    assert rows_of(installed, "segment_migration") == left
    assert verdicts(installed) == PASSED


def test_a_month_whose_last_month_changed_since_waits_for_a_run(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    month, following = date(2024, 5, 1), date(2024, 6, 1)
    materialize(
        installed,
        ["customer_rfm"],
        month,
        config={"customer_rfm": {"window_months": 2}},
        checks=False,
    )
    for pending in ("2024-06", "none"):
        check = judged_when(installed, "segment_migration")["reconciliation"]
        assert check.level is Level.OK
        assert check.metadata["pending_months"] == pending
        materialize(installed, ["segment_migration"], following, checks=False)


@pytest.mark.parametrize(
    "change",
    [
        "customers = customers + 1 WHERE from_segment = 'New' AND snapshot_month = '2024-03-01'",
        "revenue = revenue + 0.0001, revenue_moved = revenue_moved + 0.0001 "
        "WHERE from_segment = to_segment AND snapshot_month = '2024-03-01'",
        "revenue_before = revenue_before + 0.0001, revenue_moved = revenue_moved - 0.0001 "
        "WHERE from_segment = to_segment AND snapshot_month = '2024-03-01'",
        "to_segment = 'Gone', revenue = 0, revenue_moved = -revenue_before "
        "WHERE from_segment = to_segment AND snapshot_month = '2024-03-01'",
        "to_segment = 'Nobody' WHERE from_segment = 'New' AND snapshot_month = '2024-03-01'",
    ],
)
def test_a_customer_or_a_penny_more_is_noticed(sample_warehouse, copy_of, change):
    from customer_segments_tests.test_checks import tamper

    installed = copy_of(sample_warehouse)
    tamper(installed, "segment_migration", "SELECT 1")
    with duckdb.connect(str(installed.warehouse_path)) as con:
        # One row alone, so that no two rows come to have one key.
        if "'Gone'" in change:
            change += " AND to_segment = 'Champions'"
        if "'Nobody'" in change:
            change += " AND to_segment = 'About To Sleep'"
        con.execute(f"UPDATE segment_migration SET {change}")
    assert verdicts(installed) == {"contract": True, "reconciliation": False}
