"""The view of a month: read as the tables have it, retention as the transactions have it."""

from collections import Counter
from datetime import date, datetime, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segments.errors import UserError
from customer_segments.months import shift
from customer_segments.outputs.queries import MONTHS_AFTER, credits_only, retention
from customer_segments.outputs.reading import read_month
from customer_segments.storage import Warehouse
from customer_segments.tables import CLEANED_TRANSACTIONS
from customer_segments_tests.outputs.conftest import SHARE, TODAY
from customer_segments_tests.rfm import lines
from customer_segments_tests.segments.plain import in_memory, rfm_row, rows_of

FIRST, LAST = date(2023, 1, 1), date(2024, 12, 1)
MONTH = date(2024, 6, 1)


@pytest.fixture(scope="module")
def view(sample_warehouse):
    return read_month(Warehouse(sample_warehouse.warehouse_path), MONTH, TODAY, SHARE)


def of_month(rows: list[dict], month: date) -> list[dict]:
    return [row for row in rows if row["snapshot_month"] == month]


def test_customers_are_those_of_the_month_with_what_is_known_of_them(view, sample_warehouse):
    labelled = of_month(rows_of(sample_warehouse, "customer_segments"), MONTH)
    known = {
        row["customer_id"]: row
        for row in of_month(rows_of(sample_warehouse, "customer_rfm"), MONTH)
    }
    read = view.people.to_dict("records")
    assert len(read) == len(labelled) > 500
    for row, expected in zip(read, labelled, strict=True):
        expected = expected | known[row["customer_id"]]
        assert row["segment"] == expected["segment"]
        assert row["monetary"] == pytest.approx(float(expected["monetary"]))
        assert row["average_order_value"] == pytest.approx(float(expected["average_order_value"]))
        for name in ("country", "products", "months_active", "frequency", "account_tier"):
            assert row[name] == expected[name]
        for name in ("first_purchase_date", "last_purchase_date", "snapshot_date"):
            assert row[name] == pd.Timestamp(expected[name])


@pytest.mark.parametrize("table", ["profiles", "migration"])
def test_history_ends_with_the_month(view, sample_warehouse, table):
    expected = [
        row
        for row in rows_of(sample_warehouse, f"segment_{table}")
        if row["snapshot_month"] <= MONTH
    ]
    read = getattr(view, table)
    assert read["snapshot_month"].max() == pd.Timestamp(MONTH)
    assert read["snapshot_month"].min() == pd.Timestamp(FIRST)
    assert read["customers"].to_list() == [row["customers"] for row in expected]
    assert read["revenue"].to_list() == pytest.approx([float(row["revenue"]) for row in expected])


def test_the_model_is_the_one_that_labelled_the_month(view, sample_warehouse):
    (version,) = set(view.people["model_version"])
    assert set(view.clusters["version"]) == {version}
    assert view.clusters["cluster"].to_list() == [0, 1, 2, 3, 4]
    assert set(view.people["segment"]) <= set(view.clusters["segment"])
    assert view.decision["version"] == version
    assert view.decision["verdict"] == "first fit"
    assert view.selection["n_clusters"].to_list() == list(range(2, 11))


def test_without_an_evaluation_there_is_none(view):
    assert view.comparison.empty
    assert view.backtest.empty
    assert "explained_variance" in view.backtest.columns


def test_a_month_without_customers_is_an_error(sample_warehouse):
    with pytest.raises(UserError, match="Nobody is labelled in 2030-01"):
        read_month(Warehouse(sample_warehouse.warehouse_path), date(2030, 1, 1), TODAY, SHARE)


def test_it_is_read_once_until_the_warehouse_changes(sample_warehouse, copy_of):
    warehouse = Warehouse(copy_of(sample_warehouse).warehouse_path)
    first = read_month(warehouse, MONTH, TODAY, SHARE)
    assert read_month(warehouse, MONTH, TODAY, SHARE) is first
    assert read_month(warehouse, MONTH, date(2024, 6, 20), SHARE) is not first
    with warehouse.writing() as con:
        con.raw_sql("UPDATE customer_segments SET account_tier = 'retail'")
    assert set(read_month(warehouse, MONTH, TODAY, SHARE).people["account_tier"]) == {"retail"}


def test_a_table_that_is_missing_is_named(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    with Warehouse(installed.warehouse_path).writing() as con:
        con.raw_sql("DROP TABLE segment_migration")
    with pytest.raises(UserError, match="segment_migration"):
        read_month(Warehouse(installed.warehouse_path), MONTH, TODAY, SHARE)


def test_retention_is_what_the_transactions_say(view, sample_warehouse):
    """Counted a second time from the sales themselves, one customer after the other."""
    with Warehouse(sample_warehouse.warehouse_path).reading() as con:
        sales = con.con.execute(
            "SELECT DISTINCT customer_id, month FROM cleaned_transactions WHERE NOT is_credit"
        ).fetchall()
    customers, returned = Counter(), Counter()
    bought = set(sales)
    for row in rows_of(sample_warehouse, "customer_segments"):
        is_back = False
        for after in range(1, MONTHS_AFTER + 1):
            later = shift(row["snapshot_month"], after)
            if later > MONTH:
                break
            is_back = is_back or (row["customer_id"], later) in bought
            customers[row["segment"], after] += 1
            returned[row["segment"], after] += is_back
    read = view.retention.set_index(["segment", "months_after"])
    assert read["customers"].to_dict() == dict(customers)
    assert read["returned"].to_dict() == dict(returned)
    assert 0 < sum(returned.values()) < sum(customers.values())


def test_retention_is_of_labels_by_the_months_own_model(sample_warehouse, copy_of):
    """Where months keep the labels that they have, another model may use the same names."""
    warehouse = Warehouse(copy_of(sample_warehouse).warehouse_path)
    with warehouse.writing() as con:
        con.raw_sql(
            "UPDATE customer_segments SET model_version = 'other' "
            "WHERE snapshot_month < '2024-02-01'"
        )
    retention = read_month(warehouse, MONTH, TODAY, SHARE).retention
    assert retention["months_after"].max() == 4


def test_a_month_that_is_cut_short_says_nothing_of_who_stays_away(real_warehouse):
    """December 2011 ends on the 9th: who was not back by then may still come."""
    warehouse = Warehouse(real_warehouse.warehouse_path)
    november, december = (
        read_month(warehouse, date(2011, month, 1), TODAY, SHARE) for month in (11, 12)
    )
    assert december.retention.equals(november.retention)
    assert len(december.customers) > len(november.customers)


def test_what_segments_brought_in_a_year_is_what_their_lists_add_up_to(real_warehouse):
    """Of who had only taken goods back a year before, no snapshot of then knows anything."""
    warehouse = Warehouse(real_warehouse.warehouse_path)
    november = read_month(warehouse, date(2011, 11, 1), TODAY, SHARE)
    in_lists = november.people.groupby("segment")["revenue_12m"].sum()
    assert november.year == pytest.approx(in_lists.to_dict())


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from("ABC"), st.sets(st.integers(0, 5), min_size=1), min_size=1),
    st.sets(st.integers(0, 5), min_size=1),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(1, 3)),
)
def test_months_without_a_snapshot_are_not_guessed(purchases, snapshots, newest, window):
    """Any months bought in, snapshots missing, and a window that forgets customers."""
    months = {index: shift(FIRST, index) for index in range(6)}

    def known(index: int) -> dict[str, int]:
        """Return the last month that each customer is known to have bought in by a month's end."""
        oldest = index - window + 1 if window else 0
        seen = {
            who: [at for at in when if oldest <= at <= index] for who, when in purchases.items()
        }
        return {who: max(when) for who, when in seen.items() if when}

    rfm = [
        rfm_row(months[index], who, last_purchase_date=months[last] + timedelta(days=9))
        for index in snapshots
        for who, last in known(index).items()
    ]
    segments = [
        {
            **{name: row[name] for name in ("snapshot_month", "customer_id")},
            **{name: row[name] for name in ("recency_days", "frequency", "monetary")},
            "segment": "Champions" if row["customer_id"] == "A" else "Lost",
            "suggested_action": "",
            **{"account_tier": "retail", "channel": "", "why": ""},
            "cluster": 0,
            "model_version": "a",
        }
        for row in rfm
    ]
    expected: dict[tuple[str, int], list[int]] = {}
    for row in segments:
        start = next(index for index, month in months.items() if month == row["snapshot_month"])
        after = 1
        # A snapshot in which nobody is known leaves no trace: months count up to it.
        while start + after <= newest and start + after in snapshots and known(start + after):
            came_back = purchases[row["customer_id"]] & set(range(start + 1, start + after + 1))
            counts = expected.setdefault((row["segment"], after), [0, 0])
            counts[0] += 1
            counts[1] += bool(came_back)
            after += 1
    made = in_memory(
        lambda segments, rfm, model: retention(segments, rfm, months[newest]), segments, rfm, []
    )
    assert {
        (row["segment"], row["months_after"]): [row["customers"], row["returned"]] for row in made
    } == expected


@pytest.mark.parametrize(
    ("month", "window", "expected"),
    [
        (lines.JANUARY, None, (1, -5.0)),
        (lines.MARCH, None, (1, -10.0)),  # b bought in March, a never
        (lines.MARCH, 1, (1, -5.0)),
        (lines.FEBRUARY, 1, (1, -5.0)),  # b's credit note, without a's of January
        (lines.MAY, 1, (0, 0.0)),
    ],
)
def test_who_took_goods_back_only_is_counted(month, window, expected):
    rows = [
        lines.line(number, datetime(2011, when, 3), customer_id=who, invoice=invoice)
        for number, (when, who, invoice) in enumerate(
            [(1, "a", "C1"), (2, "b", "C2"), (3, "b", "3"), (3, "a", "C4"), (3, None, "C5")]
        )
    ]
    rows = [
        row | {"revenue": -row["revenue"] if row["is_credit"] else row["revenue"]} for row in rows
    ]
    bought = ibis.memtable(rows, schema=CLEANED_TRANSACTIONS.schema)
    found = ibis.duckdb.connect().execute(credits_only(bought, month, window))
    assert tuple(found.iloc[0]) == expected
