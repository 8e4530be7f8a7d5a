"""The checks of ``raw_transactions`` judge what is published, and say what they found."""

import duckdb
import pytest

from customer_segments.quality.evaluation import Level
from customer_segments.settings import Settings
from customer_segments_tests.ingestion.ingested import ingest
from customer_segments_tests.ingestion.workbooks import HEADER, dated, line, write, write_csv
from customer_segments_tests.installations import (
    evaluate_checks,
    execute,
    install,
    judged_when,
    spine_checks,
)


@pytest.fixture(scope="module")
def ingested(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("ingested")
    (folder / "source").mkdir()
    installed = install(folder, folder / "source")
    write(installed.source_dir / "a.xlsx", [HEADER, line(), line(Quantity="six")], [HEADER])
    write_csv(installed.source_dir / "b.csv", [HEADER, line(Quantity=-1), line(Price=2)])
    ingest(installed)
    return installed


def test_good_input_passes_with_its_figures(ingested):
    checks = evaluate_checks(ingested, "raw_transactions")
    assert {name: check.passed for name, check in checks.items()} == {
        "contract": True,
        "reconciliation": True,
        "awaited_month": True,
        "complete_month": False,
        "conflicting_invoices": False,
        "misread_dates": True,
        "doubts": False,
    }
    assert "unnetted_returns: b.csv" in (checks["doubts"].description or "")
    assert "1 orders stand in several sheets" in (checks["conflicting_invoices"].description or "")
    figures = {name: value.value for name, value in checks["reconciliation"].metadata.items()}
    # 12 x 6.95 - 1 x 6.95 + 12 x 2; the row that says six has no revenue.
    assert (figures["rows"], figures["revenue"]) == ("4", "100.4500")


@pytest.mark.parametrize(("first_month", "passes"), [(None, False), ("2011-03", True)])
def test_rows_dated_years_off_are_said_unless_a_setting_leaves_them_out(
    installed, first_month, passes
):
    rows = [dated("2011-03-05", Invoice=number) for number in range(30)]
    write(installed.source_dir / "a.xlsx", [HEADER, *rows, dated("2001-03-05", Invoice=99)])
    settings = installed.model_copy(update={"first_month": first_month})
    ingest(settings)
    check = judged_when(settings, "raw_transactions")["misread_dates"]
    assert (check.level is Level.OK) == passes
    if not passes:
        assert "count in none: 1, dated 2001-03-05 to 2001-03-05" in check.whole().said


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE raw_transactions SET month = NULL", ["month is null: 4 rows"]),
        (
            "UPDATE raw_transactions SET unreadable_column = NULL",
            ["a row is readable or says what is not: 1 row", "'workbook': 'a.xlsx'", "3"],
        ),
        (
            "INSERT INTO raw_transactions FROM raw_transactions LIMIT 1",
            ["key (workbook, sheet, row_number) is unique: 2 rows"],
        ),
        (
            "UPDATE raw_transactions SET month = '2011-03-02' WHERE workbook = 'b.csv'",
            ["month is the first day of a month: 2 rows"],
        ),
        ("ALTER TABLE raw_transactions ADD COLUMN x INT", ["column x is not in the contract"]),
        (
            "DELETE FROM publications WHERE table_name = 'raw_transactions'",
            ["the ledger has no line of it"],
        ),
    ],
    ids=["null", "rule", "key", "month", "column", "ledger"],
)
def test_a_broken_contract_fails(ingested, statement, words):
    bare = ["raw_transactions"]
    check = judged_when(ingested, "raw_transactions", statement, bare=bare)["contract"]
    assert check.level is Level.ERROR
    for word in words:
        assert word in check.whole().said


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM raw_transactions WHERE workbook = 'b.csv' AND row_number = 3", ["rows=1"]),
        ("DELETE FROM raw_transactions WHERE workbook = 'b.csv'", ["expected", "b.csv"]),
        ("UPDATE raw_transactions SET price = 2.0001 WHERE price = 2", ["revenue=17.0512"]),
        ("UPDATE raw_transactions SET sheet = 'B' WHERE sheet = 'b'", ["sheet=b", "sheet=B"]),
    ],
    ids=["row", "sheet", "money", "name"],
)
def test_rows_or_money_that_are_not_those_of_the_sheets_fail(ingested, statement, words):
    checks = judged_when(ingested, "raw_transactions", statement)
    assert checks["contract"].level is Level.OK
    assert checks["reconciliation"].level is Level.ERROR
    for word in words:
        assert word in checks["reconciliation"].whole().said


def test_the_next_ingestion_mends_the_table(ingested, copy_of):
    good = copy_of(ingested)
    with duckdb.connect(str(good.warehouse_path)) as con:
        con.execute("DELETE FROM raw_transactions")
    assert not spine_checks(good, "raw_transactions")["reconciliation"]
    execute(good, "ingest", checks=False)
    assert spine_checks(good, "raw_transactions")["reconciliation"]
