"""What the real workbook's two sheets hold, as ``source_sheets`` and ``raw_transactions`` say."""

from datetime import date, datetime
from decimal import Decimal

from customer_segments.ingestion.survey import main_months
from customer_segments.installation import Installation
from customer_segments_tests.ingestion.ingested import ask


def test_rows_of_each_sheet(real_warehouse):
    columns = "sheet, row_count, blank_rows, unreadable_rows, first_date, last_date"
    assert ask(real_warehouse, f"SELECT {columns} FROM source_sheets ORDER BY source_order") == [
        (
            "Year 2009-2010",
            *(525_461, 0, 0, datetime(2009, 12, 1, 7, 45), datetime(2010, 12, 9, 20, 1)),
        ),
        (
            "Year 2010-2011",
            *(541_910, 0, 0, datetime(2010, 12, 1, 8, 26), datetime(2011, 12, 9, 12, 50)),
        ),
    ]
    total = "SELECT sum(row_count), (SELECT count(*) FROM raw_transactions) FROM source_sheets"
    assert ask(real_warehouse, total) == [(1_067_371, 1_067_371)]


def test_superseded_rows_are_the_first_sheets_part_of_the_overlap(real_warehouse):
    assert ask(
        real_warehouse,
        "SELECT sheet, count(*), min(invoice_date)::DATE, max(invoice_date)::DATE, "
        "count(DISTINCT invoice) FROM raw_transactions WHERE is_superseded GROUP BY sheet",
    ) == [("Year 2009-2010", 22_523, date(2010, 12, 1), date(2010, 12, 9), 1_088)]


def test_every_row_is_dated_in_its_month(real_warehouse):
    assert ask(
        real_warehouse,
        "SELECT count(*) FILTER (month <> date_trunc('month', invoice_date)), "
        "count(DISTINCT month), count(unreadable_column) FROM raw_transactions",
    ) == [(0, 25, 0)]
    covered = Installation.of(real_warehouse).months
    assert (covered.first, covered.last) == (date(2009, 12, 1), date(2011, 12, 1))
    assert not covered.is_open
    assert len(list(covered)) == 25


def test_first_and_last_row_are_those_of_the_sheets(real_warehouse):
    columns = "row_number, invoice, stock_code, quantity, invoice_date, price, customer_id, country"
    ends = "SELECT {} FROM raw_transactions WHERE sheet = 'Year {}' ORDER BY row_number {} LIMIT 1"
    assert ask(real_warehouse, ends.format(columns, "2009-2010", "")) == [
        (
            *(2, "489434", "85048", 12, datetime(2009, 12, 1, 7, 45)),
            *(Decimal("6.9500"), "13085", "United Kingdom"),
        )
    ]
    assert ask(real_warehouse, ends.format(columns, "2010-2011", "DESC")) == [
        (
            *(541_911, "581587", "POST", 1, datetime(2011, 12, 9, 12, 50)),
            *(Decimal("18.0000"), "12680", "France"),
        )
    ]


def test_a_misread_date_among_real_rows_is_told_and_no_month_of_theirs_is(real_warehouse):
    counted = "SELECT month, count(*) FROM raw_transactions WHERE sheet = ? GROUP BY 1 ORDER BY 1"
    for sheet in ("Year 2009-2010", "Year 2010-2011"):
        rows = dict(ask(real_warehouse, counted.replace("?", f"'{sheet}'")))
        assert main_months(rows) == list(rows)
        assert len(rows) == 13
        assert main_months(rows | {date(2026, 3, 1): 1}) == list(rows)
        for month, count in rows.items():
            assert main_months({month: count, date(2026, 3, 1): 1}) == [month]
