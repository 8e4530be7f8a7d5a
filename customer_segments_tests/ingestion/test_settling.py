"""Months of undated rows, months covered, superseded invoices: whatever the order of arrival."""

import os
from collections import Counter
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments import months
from customer_segments.doubts.dry_run import dry_run
from customer_segments.ingestion.judges import conflicting_invoices
from customer_segments.ingestion.survey import main_months
from customer_segments.installation import Installation
from customer_segments.settings import input_of
from customer_segments.source_files import natural_order
from customer_segments_tests.examples import costly
from customer_segments_tests.ingestion.ingested import ask, digests, ingest, ingest_metadata, raw
from customer_segments_tests.ingestion.taken import dry_rows
from customer_segments_tests.ingestion.typed import settled_rows
from customer_segments_tests.ingestion.workbooks import HEADER, dated, line, write, write_csv

NOON = time(12)
FEBRUARY, MARCH, APRIL = (date(2011, month, 1) for month in (2, 3, 4))


DAYS = st.none() | st.dates(date(2010, 1, 1), date(2011, 12, 31))


@given(st.lists(st.lists(DAYS, min_size=1, max_size=12).filter(any), min_size=1, max_size=3))
@costly(4)
def test_months_of_any_mixture_of_dated_and_undated_rows(sheets):
    rows = [
        {"sheet": str(number), "row_number": row, "day": day}
        for number, days in enumerate(sheets)
        for row, day in enumerate(days, 2)
    ]
    typed = [
        {"workbook": "a", **row, "invoice_date": row["day"] and datetime.combine(row["day"], NOON)}
        for row in rows
    ]
    order = [{"workbook": "a", "sheet": str(n), "source_order": n} for n in range(len(sheets))]
    found = settled_rows(typed, order, date(2010, 3, 1), date(2011, 10, 1))

    def nearest(sheet: str, row_number: int) -> date:
        of_sheet = [row for row in rows if row["sheet"] == sheet and row["day"]]
        before = [row["day"] for row in of_sheet if row["row_number"] <= row_number]
        day = before[-1] if before else of_sheet[0]["day"]
        return min(max(months.month_of(day), date(2010, 3, 1)), date(2011, 10, 1))

    expected = [nearest(row["sheet"], row["row_number"]) for row in rows]
    assert [row["month"] for row in found.rows] == expected


def test_a_misread_year_does_not_stretch_the_months(installed):
    days = ["1900-01-01", "1969-12-31 23:59", "2111-02-03", "9999-12-31", "0001-01-01"]
    rows = [dated(datetime(2011, 3, 5)), *map(dated, days), dated("2011-04-05"), dated("?")]
    # Not one date of the second sheet can be right.
    write(
        installed.source_dir / "a.xlsx", [HEADER, *rows], [HEADER, dated("1900-01-01", Invoice=2)]
    )
    found = dry_rows(installed, "month", "reason", "invoice_date", "unreadable_column")
    assert [month for month, *_ in found] == [
        *[MARCH, MARCH, MARCH, APRIL, APRIL, MARCH, APRIL, APRIL, MARCH]
    ]
    reasons = Counter(reason for _, reason, *_ in found)
    assert reasons == {"outside_months": 6, "unreadable_value": 1, None: 2}
    assert [column for *_, day, column in found if not day] == ["invoice_date"]


def covered(settings) -> tuple[date, date, bool]:
    found = Installation.of(settings).months
    return found.first, found.last, found.is_open


def test_a_date_far_beyond_the_rest_neither_stretches_the_months_nor_makes_a_file_live(installed):
    rows = [dated("2011-03-05", Invoice=number) for number in range(40)]
    far = [dated(f"{year}-03-05", Invoice=year) for year in (1900, 2026, 2111)]
    write_csv(installed.source_dir / "a.csv", [HEADER, *rows, *far])
    ingest(installed)
    assert covered(installed) == (MARCH, MARCH, False)
    assert ask(installed, "SELECT first_date, last_date FROM source_sheets") == [
        (datetime(2011, 3, 5), datetime(2011, 3, 5))
    ]


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 900)), min_size=1, max_size=30),
    st.integers(0, 200),
)
def test_months_without_a_year_between_them_all_count_and_a_few_rows_beyond_do_not(gaps, beyond):
    rows, month = {}, date(2005, 1, 1)
    for empty, count in gaps:
        rows[month] = count
        month = months.shift(month, empty + 1)
    assert main_months(rows) == list(rows)
    far = {months.shift(max(rows), 13 + beyond), months.shift(min(rows), -13 - beyond)}
    few = dict.fromkeys(far, max(sum(rows.values()) // 150, 1))
    if sum(rows.values()) >= 20:
        assert main_months(rows | few) == list(rows)


@pytest.mark.parametrize(
    ("sizes", "counted"),
    [
        # In June of each year: eleven months lie empty between one and the next.
        ({2010: 3_876, 2026: 1}, [2010]),
        ({2010: 19, 2026: 1}, [2010]),
        ({2010: 18, 2026: 1}, [2010, 2026]),
        ({2010: 990, 2026: 10}, [2010, 2026]),
        ({2010: 991, 2026: 9}, [2010]),
        ({2009: 1, 2010: 1, 2011: 900}, [2009, 2010, 2011]),
        ({2003: 1, 2010: 900, 2012: 900, 2026: 2}, [2010, 2012]),
        (dict.fromkeys(range(2000, 2050, 2), 1), list(range(2000, 2050, 2))),
        ({}, []),
    ],
)
def test_what_is_few_and_far(sizes, counted):
    rows = {date(year, 6, 1): n for year, n in sizes.items()}
    assert sorted({month.year for month in main_months(rows)}) == counted


def test_a_date_in_the_next_month_does_not_either(installed):
    this_month = months.month_of(Installation.of(installed).months.today)
    days = [this_month, months.shift(this_month, 1)]
    write(installed.source_dir / "a.xlsx", [HEADER, *(dated(day) for day in days)])
    assert dry_rows(installed, "month") == [(this_month,), (this_month,)]


def test_months_set_by_hand_clip_the_rows_and_go_back_before_2000(installed):
    settings = installed.model_copy(update={"first_month": "1999-11", "last_month": "2011-02"})
    write(settings.source_dir / "a.xlsx", [HEADER, dated("1900-01-01"), dated("1999-12-05")])
    write(settings.source_dir / "b.xlsx", [HEADER, line(Invoice=2)])
    found = dry_rows(settings, "invoice_date", "month")
    assert [month for _, month in found[:2]] == [date(1999, 11, 1), date(1999, 12, 1)]
    assert found[2] == (datetime(2011, 3, 1, 7, 45), FEBRUARY)


def test_a_later_source_in_natural_order_supersedes_an_invoice(installed):
    write(installed.source_dir / "sales10.xlsx", [HEADER, line(Invoice="A1")])
    two_sheets = [HEADER, line(Invoice="A1"), line(Invoice=7), line(Invoice=7)]
    write(installed.source_dir / "Sales9.xlsx", two_sheets, [HEADER, line(Invoice="7.0")])
    write_csv(
        installed.source_dir / "sales11.csv",
        [HEADER, line(Invoice=8), line(Invoice=8), line(Invoice=None), dated("2011-03-01 07:45")],
    )
    write(installed.source_dir / "sales2.xlsx", [HEADER, line(Invoice=None), line(Invoice=8)])
    ingest(installed)
    order = "SELECT workbook, sheet FROM source_sheets ORDER BY source_order"
    assert ask(installed, order) == [
        ("sales2.xlsx", "Sheet1"),
        ("Sales9.xlsx", "Sheet1"),
        ("Sales9.xlsx", "Sheet2"),
        ("sales10.xlsx", "Sheet1"),
        ("sales11.csv", "sales11"),
    ]
    columns = "workbook, sheet, invoice"
    assert raw(installed, columns, "is_superseded") == [
        ("Sales9.xlsx", "Sheet1", "A1"),
        ("Sales9.xlsx", "Sheet1", "7"),
        ("Sales9.xlsx", "Sheet1", "7"),
        # Without a number, the same lines of a customer's day are the same order.
        ("sales2.xlsx", "Sheet1", None),
        ("sales2.xlsx", "Sheet1", "8"),
    ]
    assert len(raw(installed)) == 11


def test_a_sheet_called_a_backup_comes_before_those_it_is_of(installed):
    book = [HEADER, line(Quantity=2)], [HEADER, line(Quantity=1)]
    write(installed.source_dir / "a.xlsx", *book, names=("Sales", "Sales (backup)"))
    found = dry_run([], Installation.of(installed)).found
    rows = found.con.execute(found.rows.order_by("quantity"))
    assert rows["is_superseded"].tolist() == [True, False]


def test_case_makes_no_other_invoice(installed):
    write_csv(installed.source_dir / "1.csv", [HEADER, line(Invoice="c536380", Quantity=-1)])
    write_csv(installed.source_dir / "2.csv", [HEADER, line(Invoice="C536380", Quantity=-2)])
    found = dry_run([], Installation.of(installed)).found
    told_apart = found.con.execute(conflicting_invoices(found.rows))
    assert told_apart["invoice"].tolist() == ["C536380"]
    rows = found.con.execute(found.rows.order_by("workbook"))
    assert rows["is_superseded"].tolist() == [True, False]


@pytest.mark.parametrize("turned", [False, True])
def test_order_and_time_of_arrival_play_no_part(tmp_path, turned):
    names = ["01.csv", "1.csv", "A.csv", "a.csv", "B1.xlsx", "b2.xlsx", "b10.csv"]
    for age, name in enumerate(reversed(names) if turned else names):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age * 10**6, age * 10**6))
    found, _ = input_of(tmp_path)
    assert [path.name for path in natural_order(found)] == names


def test_months_change_whose_rows_do_and_one_whose_file_goes_away_is_empty(installed):
    rows = [HEADER, dated("2011-02-05"), dated("2011-03-05", Invoice=2)]
    write(installed.source_dir / "a.xlsx", rows)
    write_csv(installed.source_dir / "april.csv", [HEADER, dated("2011-04-01", Invoice=3)])
    assert ingest_metadata(installed)["changed_months"] == "2011-02 to 2011-04"
    write(installed.source_dir / "a.xlsx", [*rows[:2], dated("2011-03-05", Invoice=2, Price=7)])
    (installed.source_dir / "april.csv").unlink()
    assert ingest_metadata(installed)["changed_months"] == "2011-03 to 2011-04"
    assert [row[:2] for row in digests(installed)] == [(FEBRUARY, 1), (MARCH, 1), (APRIL, 0)]
    assert Installation.of(installed).months.last == MARCH
