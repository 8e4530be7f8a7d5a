"""Snapshots as runs make them: how much work they are, and what they need to be there."""

import re
from datetime import date, datetime
from pathlib import Path

import ibis
import pytest
from ibis.backends.duckdb import Backend

from customer_segments.errors import UserError
from customer_segments.quality.evaluation import Level
from customer_segments.rfm.rfm import customer_rfm
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM
from customer_segments_tests.ingestion.workbooks import HEADER, line, write_csv
from customer_segments_tests.installations import (
    execute,
    install,
    judged_when,
    materialize,
    spine_checks,
)
from customer_segments_tests.rfm.lines import TODAY

FIRST, LAST = date(2023, 1, 1), date(2024, 12, 1)
PASSED = {"contract": True, "reconciliation": True}


def verdicts(settings: Settings) -> dict[str, bool]:
    return spine_checks(settings, "customer_rfm")


def published(settings: Settings) -> list[tuple]:
    with Warehouse(settings.warehouse_path).reading() as con:
        return con.raw_sql(
            "SELECT snapshot_month, customer_id, frequency, months_active, recency_days "
            "FROM customer_rfm ORDER BY ALL"
        ).fetchall()


def installed_with(folder: Path, lines: list[list]) -> Settings:
    """Return an installation that has ingested and cleaned these lines of a workbook."""
    source = folder / "source"
    source.mkdir()
    write_csv(source / "lines.csv", [HEADER, *lines])
    settings = install(folder, source_dir=source)
    execute(settings, "ingest", checks=False)
    return settings


def clean(settings: Settings, first: date, last: date) -> None:
    made = ["cleaned_transactions", "rejected_transactions"]
    assert materialize(settings, made, first, last, checks=False).success


def snapshots_only(settings: Settings, first: date, last: date) -> None:
    """Publish snapshots of the months: the expression, the audit, the ledger."""
    Warehouse(settings.warehouse_path).publish(
        CUSTOMER_RFM,
        customer_rfm(CLEANED_TRANSACTIONS.relation, first, last, TODAY),
        months=(first, last),
    )


def test_statements_do_not_grow_with_months(sample_warehouse, copy_of, monkeypatch):
    installed = copy_of(sample_warehouse)
    # From then on the file beside the warehouse says what did not change.
    Warehouse(installed.warehouse_path).state()
    statements: list[str] = []
    raw_sql = Backend.raw_sql

    def noted(self, query, **options):
        statements.append(str(query))
        return raw_sql(self, query, **options)

    monkeypatch.setattr(Backend, "raw_sql", noted)
    counts = []
    for first, last in ((LAST, LAST), (date(2024, 1, 1), LAST), (FIRST, LAST)):
        statements.clear()
        snapshots_only(installed, first, last)
        counts.append(len(statements))
    assert counts[0] > 0
    assert len(set(counts)) == 1


@pytest.mark.parametrize("window_months", [None, 6])
def test_the_query_is_the_same_for_one_month_and_for_all(window_months):
    def query(first: date, last: date) -> str:
        rfm = customer_rfm(CLEANED_TRANSACTIONS.relation, first, last, TODAY, window_months)
        sql = str(ibis.to_sql(rfm, dialect="duckdb"))
        return re.sub(r"(MAKE_DATE|MAKE_TIMESTAMP)\([^)]*\)|'\d{4}-[^']*'", "?", sql)

    assert query(LAST, LAST) == query(FIRST, LAST)


def test_one_month_again_is_the_same_month_out_of_the_whole_range(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    before = published(installed)
    assert len(before) > 10_000
    for month in (FIRST, date(2024, 2, 1), LAST):
        snapshots_only(installed, month, month)
    assert published(installed) == before


def test_a_number_on_both_sides_of_a_months_end_is_two_orders_and_returns_alone_are_no_customer(
    tmp_path,
):
    installed = installed_with(
        tmp_path,
        [
            line(Invoice=1, InvoiceDate=datetime(2011, 1, 31, 23, 59)),
            line(Invoice=1, InvoiceDate=datetime(2011, 2, 1, 0, 1)),
            line(Invoice="C2", Quantity=-3, Customer_ID=1, InvoiceDate=datetime(2011, 2, 1)),
        ],
    )
    clean(installed, date(2011, 1, 1), date(2011, 2, 1))
    snapshots_only(installed, date(2011, 1, 1), date(2011, 2, 1))
    assert published(installed) == [
        (date(2011, 1, 1), "13085", 1, 1, 1),
        (date(2011, 2, 1), "13085", 2, 2, 1),
    ]
    assert verdicts(installed) == PASSED


def test_a_month_that_was_never_cleaned_or_whose_lines_changed_waits(tmp_path):
    rows = [line(Invoice=n, InvoiceDate=datetime(2011, n, 3)) for n in (1, 2, 3)]
    installed = installed_with(tmp_path, rows)
    first, last = date(2011, 1, 1), date(2011, 3, 1)
    for month in (first, last):
        clean(installed, month, month)
    with pytest.raises(UserError, match="not there yet: 2011-02"):
        snapshots_only(installed, last, last)
    snapshots_only(installed, first, first)
    assert [row[0] for row in published(installed)] == [first]
    clean(installed, date(2011, 2, 1), date(2011, 2, 1))
    snapshots_only(installed, first, last)
    write_csv(
        installed.source_dir / "lines.csv",
        [HEADER, *rows, line(Invoice=9, InvoiceDate=datetime(2011, 2, 4))],
    )
    execute(installed, "ingest", checks=False)
    clean(installed, first, last)

    def pending() -> str:
        check = judged_when(installed, "customer_rfm")["reconciliation"]
        assert check.level is Level.OK
        return check.metadata["pending_months"]

    assert pending() == "2011-02, 2011-03"
    snapshots_only(installed, first, last)
    assert pending() == "none"
