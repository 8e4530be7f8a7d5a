"""Each judge fails when what it watches goes wrong, and the run goes on."""

import duckdb
import pytest

from customer_segments.months import Months
from customer_segments.quality.evaluation import Level
from customer_segments.quality.scope import Scope
from customer_segments.rfm.judges import JUDGES
from customer_segments.settings import Settings
from customer_segments_tests.automation.shop import deliver, lines, month, put
from customer_segments_tests.installations import (
    evaluate_checks,
    execute,
    install,
    judged_when,
    materialize,
)
from customer_segments_tests.test_checks import tamper

# For each check what makes it fail: a change that contract and reconciliation cannot see.
EVERYBODY_A_CHAMPION = """
    UPDATE customer_segments AS s SET segment = m.segment, cluster = m.cluster
    FROM kmeans_model AS m WHERE m.segment = 'Champions' AND s.snapshot_month = '2024-12-01'
"""
EVERYBODY_MOVED = """
    UPDATE segment_migration SET from_segment = CASE from_segment WHEN 'Champions' THEN
    'Hibernating' WHEN 'Hibernating' THEN 'Promising' WHEN 'Promising' THEN 'Need Attention'
    WHEN 'Need Attention' THEN 'Champions' ELSE from_segment END
    WHERE snapshot_month = '2024-11-01'
"""
DECIDED = """
    INSERT INTO champion_model BY NAME SELECT decision + 1 AS decision, version,
    version AS previous_version, '{challenger}' AS challenger, 'kept' AS verdict, decided_at,
    reason, .4 AS moved_share, {stability} AS stability, '' AS matching, run_id FROM champion_model
"""
ANOTHER_VERSION = """
    INSERT INTO kmeans_model SELECT * REPLACE ('other' AS version) FROM kmeans_model
"""
CASES = {
    ("raw_transactions", "complete_month"): (
        ["UPDATE source_sheets SET last_date = '2024-12-09'"],
        "WARN",
        "2024-12: the data ends on 2024-12-09",
    ),
    ("customer_value", "expectation"): (
        [
            "UPDATE customer_value SET expected_3m = 3 * expected_3m "
            "WHERE snapshot_month = '2024-08-01'"
        ],
        "ERROR",
        "2024-11: 958,137 were expected three months before, and 443,047 came",
    ),
    ("kmeans_model", "fit"): (
        ["UPDATE kmeans_model SET silhouette = .1"],
        "ERROR",
        "has a silhouette of 0.10",
    ),
    ("champion_model", "silhouette"): (
        ["UPDATE kmeans_model SET silhouette = .2"],
        "WARN",
        "has a silhouette of 0.20",
    ),
    ("champion_model", "refit_moves"): (
        [ANOTHER_VERSION, DECIDED.format(challenger="other", stability=0.9)],
        "ERROR",
        "the newest refit alone would move 40.0%",
    ),
    ("customer_segments", "smallest_segment"): (
        [EVERYBODY_A_CHAMPION],
        "ERROR",
        "has 0.0% of the customers",
    ),
    ("customer_segments", "separation"): (
        [
            "UPDATE kmeans_model SET training_month = '2024-11-01'",
            EVERYBODY_A_CHAMPION,
        ],
        "ERROR",
        "2024-12: separation -",
    ),
    ("segment_migration", "movement"): (
        [EVERYBODY_MOVED],
        "ERROR",
        "2024-11: ",
    ),
    ("segment_profiles", "drift"): (
        [
            "UPDATE segment_profiles SET customers_last_month = 1, customers_last_year = 1 "
            "WHERE snapshot_month = '2024-11-01' AND segment = 'Hibernating'"
        ],
        "ERROR",
        "2024-11: segment sizes drift",
    ),
    ("segment_profiles", "typical_customer"): (
        [
            "UPDATE segment_profiles SET median_monetary = 3 * median_monetary "
            "WHERE snapshot_month = '2024-06-01' AND segment = 'Hibernating'"
        ],
        "ERROR",
        "2024-06: monetary of Hibernating is 3.",
    ),
}


@pytest.mark.parametrize(("table", "check"), CASES)
def test_it_fails(sample_warehouse, copy_of, table, check):
    statements, level, said = CASES[table, check]
    installed = copy_of(sample_warehouse)
    before = judged_when(installed, table)[check]
    changed = {statement.split()[2 if "INTO" in statement else 1] for statement in statements}
    checks = judged_when(installed, table, *statements, bare=changed)
    spine = [checks[name] for name in ("contract", "reconciliation") if name in checks]
    assert all(each.level is Level.OK for each in spine)
    assert checks[check].level.value == level.lower()
    assert said in checks[check].whole().said
    assert said not in before.whole().said


def test_moves_of_few_customers_are_not_judged(sample_warehouse, copy_of):
    settings = copy_of(sample_warehouse)
    settings.config.write_text("[checks]\nleast_customers = 100000\n")
    table = "segment_migration"
    found = judged_when(settings, table, EVERYBODY_MOVED, bare=[table])["movement"]
    assert found.level is Level.OK
    assert "too few customers" in found.whole().said


def test_a_warning_and_an_error_are_told_to_dagster(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    tamper(installed, "kmeans_model", "UPDATE {t} SET silhouette = .1")
    failed = [
        evaluate_checks(installed, "kmeans_model")["fit"],
        evaluate_checks(installed, "champion_model")["silhouette"],
    ]
    assert [(each.passed, each.severity.value) for each in failed] == [(False, "ERROR")] * 2
    with duckdb.connect(str(installed.warehouse_path)) as con:
        con.execute("UPDATE kmeans_model SET silhouette = .2")
    warned = evaluate_checks(installed, "champion_model")["silhouette"]
    assert (warned.passed, warned.severity.value) == (False, "WARN")


def test_an_unstable_champion_fails(sample_warehouse, copy_of):
    promoted = (
        "INSERT INTO champion_model BY NAME SELECT decision + 1 AS decision, 'other' AS "
        "version, version AS previous_version, 'other' AS challenger, 'promoted' AS verdict, "
        "decided_at, reason, .02 AS moved_share, .6 AS stability, '' AS matching, run_id "
        "FROM champion_model"
    )
    checks = judged_when(copy_of(sample_warehouse), "champion_model", ANOTHER_VERSION, promoted)
    assert checks["stability"].level is Level.ERROR
    said = "the champion other is stable under resampling to 0.60 only"
    assert said in checks["stability"].whole().said


def test_a_refit_that_was_promoted_since_moves_nobody_any_more(sample_warehouse, copy_of):
    chosen = (
        "INSERT INTO champion_model BY NAME SELECT max(decision) + 1 AS decision, 'other' AS "
        "version, any_value(version) AS previous_version, 'other' AS challenger, 'chosen' AS "
        "verdict, max(decided_at) AS decided_at, '' AS reason, NULL AS moved_share, "
        "NULL AS stability, '' AS matching, '' AS run_id FROM champion_model"
    )
    refused = DECIDED.format(challenger="other", stability=0.9)
    changed = copy_of(sample_warehouse), "champion_model", ANOTHER_VERSION, refused
    assert judged_when(*changed)["refit_moves"].level is Level.ERROR
    check = judged_when(*changed, chosen)["refit_moves"]
    assert (check.level, check.whole().said) == (Level.OK, "no refit so far")


def test_the_first_champions_stability_is_the_evidences(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    measured = "UPDATE model_selection SET stability = 0.8 WHERE is_recommended"
    changed = installed, "champion_model", measured
    check = judged_when(*changed, bare=["model_selection"])["stability"]
    assert check.level is Level.WARN
    assert "is stable under resampling to 0.80 only" in check.whole().said
    assert check.whole().figures["stability"] == 0.8

    # Evidence of other customers is none.
    others = "UPDATE model_selection SET training_customers = training_customers - 1"
    check = judged_when(*changed, others, bare=["model_selection"])["stability"]
    assert check.level is Level.OK
    assert "not measured yet" in check.whole().said


@pytest.fixture(scope="module")
def another_shops_month(tmp_path_factory) -> Settings:
    """A shop of 13 good months, and a last one that brings strangers who return all they buy."""
    made = ("cleaned_transactions", "rejected_transactions", "customer_rfm")
    folder = tmp_path_factory.mktemp("shop")
    (folder / "source").mkdir()
    installed = install(folder, source_dir=folder / "source")
    deliver(installed.source_dir, range(14, 1, -1))
    execute(installed, "ingest", checks=False)
    materialize(installed, made, month(14), month(2), checks=False)
    day = f"{month(1):%Y-%m}-27 10:00"
    strangers = [
        [f"{sign}9{n:05d}", "85048", "LIGHTS", units, day, "2.50", f"9{n:05d}", "France"]
        for n in range(1_100)
        for sign, units in (("", 1), ("C", -1))
    ]
    nobody = [[f"8{n:05d}", "85048", "LIGHTS", 1, day, "2.50", "", "France"] for n in range(4000)]
    put(installed.source_dir / f"{month(1):%Y-%m}.csv", lines(1) + strangers + nobody)
    execute(installed, "ingest", checks=False)
    assert materialize(installed, made, month(1)).success
    return installed


@pytest.mark.parametrize(
    ("table", "check", "said"),
    [
        ("cleaned_transactions", "volume", "times the usual"),
        ("rejected_transactions", "reject_rate", "missing_customer"),
        ("customer_rfm", "customers", "more than a month before"),
        ("customer_rfm", "negative_monetary", "of the customers have no money left"),
    ],
)
def test_a_months_data_of_another_shop_fails(another_shops_month, table, check, said):
    failed = judged_when(another_shops_month, table)[check]
    assert failed.level is Level.ERROR
    assert said in failed.whole().said
    assert f"{month(1):%Y-%m}: " in failed.whole().said


def test_the_run_that_scored_it_judged_its_own_months_only(another_shops_month):
    """A sensor's run judges the month that came, not those of years ago, again and again."""
    with duckdb.connect(str(another_shops_month.warehouse_path), read_only=True) as con:
        rows = con.execute(
            "SELECT h.month FROM check_history AS h JOIN publications AS p USING (publication) "
            "WHERE check_name = 'volume' AND h.run_id = p.run_id "
            "QUALIFY evaluated_at = max(evaluated_at) OVER () ORDER BY ALL"
        ).fetchall()
    assert rows == [(month(1),)]


def test_customers_that_leave_fail():
    """Without a look-back window nobody leaves, unless a workbook was taken away."""
    rows = [{"month": month(ago), "customers": n} for ago, n in ((3, 500), (2, 450))]
    months = Months(month(3), month(0), True, month(0))
    (customers,) = (judge for judge in JUDGES if judge.check == "customers")
    result = customers.judge(rows, Scope(month(3), month(0), months, month(0)))
    assert result.level is Level.WARN
    assert "450 customers, 10.0% fewer than a month before" in result.whole().said
