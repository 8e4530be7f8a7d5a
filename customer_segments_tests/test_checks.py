"""Each check of the spine fails when its table is tampered with behind the pipeline's back."""

from datetime import date

import duckdb
import pytest

from customer_segments.quality.evaluation import Level
from customer_segments.quality.spine import audited
from customer_segments.segments.reconciliation import MOVED
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.ledger import latest
from customer_segments.tables import CUSTOMER_VALUE
from customer_segments.value import judges as value
from customer_segments_tests.automation import drafts
from customer_segments_tests.installations import evaluate_checks, execute, judged_when

# For each table a change that breaks its contract, and one that only reconciliation can see.
TAMPERED = {
    "raw_transactions": (
        "UPDATE {t} SET row_number = -row_number WHERE row_number = 2",
        "DELETE FROM {t} WHERE row_number = 2",
    ),
    "cleaned_transactions": (
        "UPDATE {t} SET revenue = revenue + 0.0001 WHERE row_number = 2",
        "DELETE FROM {t} WHERE row_number = (SELECT min(row_number) FROM {t})",
    ),
    "rejected_transactions": (
        "UPDATE {t} SET reason = NULL",
        "DELETE FROM {t} WHERE row_number = (SELECT min(row_number) FROM {t})",
    ),
    "customer_rfm": (
        "UPDATE {t} SET recency_days = 0 WHERE frequency = 1",
        "UPDATE {t} SET monetary = monetary + 0.0001 WHERE customer_id = (SELECT min(customer_id) "
        "FROM {t}) AND snapshot_month = '2024-12-01'",
    ),
    "customer_value": (
        "UPDATE {t} SET reason = NULL WHERE snapshot_month = '2023-01-01'",
        "UPDATE {t} SET revenue_12m = revenue_12m + 0.0001 WHERE customer_id = (SELECT "
        "min(customer_id) FROM {t}) AND snapshot_month = '2024-12-01'",
    ),
    "kmeans_model": (
        "UPDATE {t} SET customers = -1 WHERE cluster = 0",
        "UPDATE {t} SET customers = customers + 1 WHERE cluster = 0",
    ),
    "customer_segments": (
        "UPDATE {t} SET segment = '' WHERE cluster = 0",
        "UPDATE {t} SET segment = 'Nobody' WHERE cluster = 0",
    ),
    "segment_migration": (
        "UPDATE {t} SET customers = 0 WHERE from_segment = 'New'",
        "DELETE FROM {t} WHERE from_segment = 'New' AND snapshot_month = '2024-12-01'",
    ),
    "segment_profiles": (
        "UPDATE {t} SET share = 1.5 WHERE segment = 'Champions'",
        "UPDATE {t} SET customers = customers + 1 WHERE segment = 'Champions'",
    ),
}


def tamper(settings, table: str, sql: str) -> None:
    """Change a table after taking its constraints away, which would not let it happen."""
    with duckdb.connect(str(settings.warehouse_path)) as con:
        con.execute(f"CREATE TABLE bare AS SELECT * FROM {table}")
        con.execute(f"DROP TABLE {table}")
        con.execute(f"ALTER TABLE bare RENAME TO {table}")
        con.execute(sql.format(t=table))


@pytest.mark.parametrize("table", TAMPERED)
def test_broken_contracts_and_rows_or_money_that_went_missing_fail(
    sample_warehouse, copy_of, table
):
    installed = copy_of(sample_warehouse)
    breaks, loses = (sql.format(t=table) for sql in TAMPERED[table])
    assert judged_when(installed, table, breaks, bare=[table])["contract"].level is Level.ERROR
    checks = judged_when(installed, table, loses, bare=[table])
    assert checks["contract"].level is Level.OK
    assert checks["reconciliation"].level is Level.ERROR
    assert "Differs: expected" in checks["reconciliation"].whole().said


@pytest.mark.slow  # test_tries has it of the tiny shop
def test_a_failed_check_stops_the_run(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    # The workbook's own count says that a row is missing: cleaning must not build on it.
    with duckdb.connect(str(installed.warehouse_path)) as con:
        con.execute("DELETE FROM rejected_transactions WHERE month = '2023-05-01'")
    result = execute(installed, "score", date(2024, 12, 1), date(2024, 12, 1), raise_on_error=False)
    assert not result.success
    materialized = {
        event.asset_key.to_user_string() for event in result.get_asset_materialization_events()
    }
    assert "customer_rfm" not in materialized


def test_months_that_wait_for_a_run_are_left_out(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    with duckdb.connect(str(installed.warehouse_path)) as con:
        # As if a later ingestion had changed a month that was not scored since.
        con.execute("DELETE FROM raw_transactions WHERE month = '2024-05-01'")
        con.execute(
            "INSERT INTO publications SELECT (SELECT max(publication) + 1 FROM publications), "
            "* EXCLUDE (publication) FROM publications WHERE table_name = 'raw_transactions' AND "
            "month = '2024-05-01'"
        )
    check = evaluate_checks(installed, "cleaned_transactions")["reconciliation"]
    assert check.passed
    assert "1 months wait for a run" in (check.description or "")


def test_a_run_of_some_months_judges_these_alone(sample_warehouse, copy_of):
    settings = copy_of(sample_warehouse)
    tamper(settings, "customer_value", TAMPERED["customer_value"][0])
    with Warehouse(settings.warehouse_path).reading() as con:
        of = {
            month: audited(con, Catalog.of(con), CUSTOMER_VALUE, month and (month, month))[0]
            for month in (date(2023, 1, 1), date(2024, 12, 1), None)
        }
    assert [bool(said) for said in of.values()] == [True, False, True]


def test_what_a_run_wrote_is_not_audited_again_in_it(sample_warehouse, copy_of):
    settings = copy_of(sample_warehouse)
    tamper(settings, "customer_value", TAMPERED["customer_value"][0])
    with Warehouse(settings.warehouse_path).reading() as con:
        (wrote,) = {line.run_id for line in latest(con, "customer_value").values()}
        there = Catalog.of(con)
        own, others, nobodys = (
            audited(con, there, CUSTOMER_VALUE, run_id=run)[0] for run in (wrote, "another", None)
        )
    assert not own
    assert others == nobodys != ""


def test_a_table_that_is_gone_fails_both_checks(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    checks = judged_when(installed, "customer_rfm", "DROP TABLE customer_rfm")
    assert {name: check.level.value for name, check in checks.items()} == {
        "contract": "error",
        "reconciliation": "error",
    }


def test_months_that_wait_are_not_held_against_their_tables(tmp_path):
    """Lines of January came anew, and just March was made since, or its last month's snapshot."""
    draft = drafts.made(tmp_path)
    draft.publish("cleaned_transactions", 1)
    draft.publish("customer_rfm", 3)
    waiting = {*value.SPINE.also_waiting(draft.state)}
    assert waiting == {drafts.month(1), drafts.month(2), drafts.month(4)}
    # The moves of the month after it were made before.
    assert MOVED.also_waiting(draft.state) == [drafts.month(4)]
