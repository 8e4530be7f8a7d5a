"""The figures of the real workbook, to the row and to the fourth decimal."""

from datetime import date
from decimal import Decimal

import pytest

from customer_segments.cleaning.rules import cleaned
from customer_segments.outputs.queries import credits_only
from customer_segments.policy.rules import UCI_PRODUCT_PATTERN, Cleaning
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS

FIRST, LAST = date(2009, 12, 1), date(2011, 12, 1)
SPINE = (
    "raw_transactions",
    "cleaned_transactions",
    "rejected_transactions",
    "customer_rfm",
    "kmeans_model",
    "customer_segments",
    "segment_migration",
    "segment_profiles",
    "customer_value",
)
EVERYTHING_KEPT = Cleaning(
    drop_overlapping_invoices=False,
    drop_adjustments=False,
    drop_non_products=False,
    drop_credit_notes=True,
)


@pytest.fixture(scope="module")
def ask(real_warehouse: Settings):
    """Ask the warehouse in SQL; the first row."""

    def ask(sql: str) -> tuple:
        with Warehouse(real_warehouse.warehouse_path).reading() as con:
            return con.raw_sql(sql).fetchone()

    return ask


def test_raw_rows(ask):
    assert ask(
        "SELECT count(*), count(*) FILTER (sheet = 'Year 2009-2010'), sum(is_superseded::INT), "
        "count(unreadable_column), count(DISTINCT month) FROM raw_transactions"
    ) == (1_067_371, 525_461, 22_523, 0, 25)


@pytest.mark.parametrize(
    ("reason", "rows"),
    [
        ("unreadable_value", 0),
        ("outside_months", 0),
        ("overlapping_invoice", 22_523),
        ("missing_customer", 235_287),
        ("adjustment", 0),
        ("non_product", 3_751),
        ("non_positive_price", 61),
        ("non_positive_quantity", 0),
        ("positive_credit_note", 0),
    ],
)
def test_rows_rejected(ask, reason, rows):
    sql = f"SELECT count(*) FROM rejected_transactions WHERE reason = '{reason}'"
    assert ask(sql) == (rows,)


def test_rows_kept(ask):
    assert ask(
        "SELECT count(*), sum((NOT is_credit)::INT), sum(is_credit::INT), sum(is_repeated::INT), "
        "count(DISTINCT invoice) FILTER (NOT is_credit), "
        "count(DISTINCT customer_id) FILTER (NOT is_credit), count(DISTINCT customer_id) "
        "FROM cleaned_transactions"
    ) == (805_749, 788_110, 17_639, 11_665, 36_591, 5_852, 5_875)


def test_money_of_customers_with_a_sale(ask):
    assert ask(
        "SELECT sum(revenue) FROM cleaned_transactions WHERE customer_id IN "
        "(SELECT customer_id FROM cleaned_transactions WHERE NOT is_credit)"
    ) == (Decimal("16411998.8770"),)


def test_money_of_customers_with_credit_notes_only(real_warehouse):
    # 23 of 5,875 customers: the rest of 16,410,592.7470.
    with Warehouse(real_warehouse.warehouse_path).reading() as con:
        found = con.execute(credits_only(CLEANED_TRANSACTIONS.relation, LAST, None))
    assert found.to_dict("records") == [{"customers": 23, "revenue": -1406.13}]


@pytest.mark.parametrize(
    ("config", "sheet", "expected"),
    [
        (EVERYTHING_KEPT, "%", (805_549, 5_878, 17_743_429)),
        (
            EVERYTHING_KEPT.model_copy(update={"drop_overlapping_invoices": True}),
            "%",
            (791_045, 5_878, 17_431_551),
        ),
        (
            EVERYTHING_KEPT.model_copy(update={"drop_repeated_lines": True}),
            "%",
            (779_425, 5_878, 17_374_804),
        ),
        (
            EVERYTHING_KEPT.model_copy(
                update={"drop_non_products": True, "product_pattern": UCI_PRODUCT_PATTERN}
            ),
            "Year 2009-2010",
            (406_309, 4_285, None),
        ),
    ],
    ids=["overlap kept", "overlap dropped", "all duplicates dropped", "first sheet, products"],
)
def test_published_treatments(real_warehouse, config, sheet, expected):
    raw = RAW_TRANSACTIONS.relation
    kept = cleaned(raw.filter(raw.sheet.like(sheet)), config, FIRST, LAST)
    totals = Warehouse(real_warehouse.warehouse_path).query(
        kept.agg(
            rows=kept.count(), customers=kept.customer_id.nunique(), revenue=kept.revenue.sum()
        )
    )
    rows, customers, revenue = totals.iloc[0]
    assert (rows, customers) == expected[:2]
    assert expected[2] is None or round(revenue) == expected[2]


@pytest.mark.parametrize(
    ("snapshot", "customers", "orders", "money"),
    [
        ("2010-11-01", 4_239, 18_192, "8127044.3740"),
        ("2011-05-01", 4_908, 25_556, "11232596.5050"),
        ("2011-12-01", 5_852, 36_591, "16411998.8770"),
    ],
)
def test_snapshots(ask, snapshot, customers, orders, money):
    assert ask(
        "SELECT count(*), sum(frequency), sum(monetary) FROM customer_rfm "
        f"WHERE snapshot_month = '{snapshot}'"
    ) == (customers, orders, Decimal(money))


def test_a_reversed_giant_order_makes_nobody_a_champion(ask):
    assert ask(
        "SELECT monetary, segment <> 'Champions' FROM customer_segments "
        "WHERE customer_id = '16446' AND snapshot_month = '2011-12-01'"
    ) == (Decimal("2.9000"), True)


def test_every_customer_of_every_snapshot_is_labelled_by_one_model(ask):
    assert ask(
        "SELECT count(*) = (SELECT count(*) FROM customer_rfm), count(DISTINCT model_version), "
        "count(DISTINCT snapshot_month), count(DISTINCT segment) FROM customer_segments"
    ) == (True, 1, 25, 7)


@pytest.mark.parametrize("asset", SPINE)
def test_no_check_is_in_error(real_warehouse, asset):
    from customer_segments_tests.installations import evaluate_checks

    checks = evaluate_checks(real_warehouse, asset)
    assert {"contract", "reconciliation"} <= checks.keys()
    failed = [check for check in checks.values() if not check.passed]
    assert [check.check_name for check in failed if check.severity.value == "ERROR"] == []
