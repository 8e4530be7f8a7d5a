"""Workbooks through the ``ingest`` job: sheets, headings, cells, blank rows."""

import re
from datetime import date, datetime
from decimal import Decimal

import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart

from customer_segments.ingestion.reading import has_formulas_without_values
from customer_segments_tests.ingestion.ingested import ask, ingest, ingest_metadata, raw
from customer_segments_tests.ingestion.workbooks import HEADER, add_styled_blanks, line, write
from customer_segments_tests.installations import execute

VALUES = "invoice, stock_code, description, quantity, invoice_date, price, customer_id, country"


def test_cells_get_their_types(installed):
    write(installed.source_dir / "a.xlsx", [HEADER, line(), line(Price=2, Customer_ID=None)])
    lights = ("489434", "85048", "CHRISTMAS LIGHTS", 12, datetime(2011, 3, 1, 7, 45))
    assert ingest(installed, f"workbook, sheet, row_number, {VALUES}, month, is_superseded") == [
        ("a.xlsx", "Sheet1", row, *lights, price, customer, *rest)
        for row, price, customer in ((2, Decimal("6.95"), "13085"), (3, Decimal(2), None))
        for rest in [("United Kingdom", date(2011, 3, 1), False)]
    ]


def test_headings_of_both_uci_workbooks_in_any_case_and_order_give_the_same_rows(installed):
    of_2010 = ["InvoiceNo", *HEADER[1:5], "UnitPrice", "CustomerID", "Country"]
    spellings = {
        "1.xlsx": HEADER,
        "2.xlsx": of_2010,
        "3.xlsx": [heading.upper() for heading in of_2010],
        "4.xlsx": [re.sub("(?<=[a-z])(?=[A-Z])", "_", heading).lower() for heading in of_2010],
        "5.xlsx": [f" {heading[:3]}\n{heading[3:]}_" for heading in HEADER],
    }
    for number, (name, header) in enumerate(spellings.items()):
        order = sorted(range(len(HEADER)), key=lambda position: (position * 3 + number) % 8)
        rows = [[row[position] for position in order] for row in (header, line(Invoice=number))]
        write(installed.source_dir / name, rows)
    first, *others = ingest(installed, VALUES)
    assert [row[1:] for row in others] == [first[1:]] * 4
    assert first[1:4] == ("85048", "CHRISTMAS LIGHTS", 12)


def test_other_columns_are_ignored_and_named(installed):
    header = ["Shop", *HEADER, None, "Größe 'é' \"x\""]
    write(installed.source_dir / "a.xlsx", [header, ["N1", *line(), "lost", 7]])
    write(installed.source_dir / "b.xlsx", [[*HEADER, "Shop"], [*line(), None]])
    metadata = ingest_metadata(installed)
    assert metadata["ignored_columns"] == ["Größe 'é' \"x\"", "Shop"]
    assert metadata["files"]["read"] == ["a.xlsx", "b.xlsx"]
    assert metadata["months_covered"] == "2011-03 to 2011-03"
    assert ask(installed, "SELECT ignored_columns FROM source_sheets ORDER BY source_order") == [
        ("Shop, Größe 'é' \"x\"",),
        ("Shop",),
    ]
    assert len(set(raw(installed, VALUES))) == 1


def test_numbers_and_text_are_the_same_customer_invoice_and_stock_code(installed):
    ids = [13085, 13085.0, "13085", "13085.0", " 13085 ", "AB-17", "0042", None]
    codes = [85048, 85048.0, "85048", "85123A", "85123A", "POST", "gift_0001_20", "M"]
    invoices = [489434, 489434.0, "489434", "C489449", "C489449", "A506401", "1-2", 7]
    rows = [
        line(Customer_ID=customer, StockCode=code, Invoice=invoice)
        for customer, code, invoice in zip(ids, codes, invoices, strict=True)
    ]
    write(installed.source_dir / "a.xlsx", [HEADER, *rows])
    read = ingest(installed, "customer_id, stock_code, invoice")
    assert [row[0] for row in read] == [*["13085"] * 5, "AB-17", "0042", None]
    assert [row[1] for row in read] == ["85048"] * 3 + codes[3:]
    assert [row[2] for row in read] == ["489434"] * 3 + [*invoices[3:7], "7"]


def test_names_may_hold_quotes_and_any_script(installed):
    name, sheet = 'O\'Brien "2011"; -- año 売上.xlsx', 'D\'été "N°1" 売上'
    customer = "Łukasz 'Ł' \"O'Neil\" 😀; DROP TABLE raw_transactions"
    rows = [HEADER, line(Customer_ID=customer, Description="50% 'off' \"now\" \\ é")]
    write(installed.source_dir / name, rows, names=(sheet,))
    assert ingest(installed, "workbook, sheet, customer_id, description") == [
        (name, sheet, customer, "50% 'off' \"now\" \\ é")
    ]


def test_every_sheet_with_rows_is_read_and_empty_ones_are_skipped(installed):
    book = Workbook()
    book.active.title = "Empty"
    book.create_sheet("Formatted only")["C5"].number_format = "0.00"
    book.create_chartsheet("Chart").add_chart(BarChart())
    for name, rows in {"Old": [line()], "Header only": [], "New": [line(), line()]}.items():
        sheet = book.create_sheet(name)
        for row in [HEADER, *rows]:
            sheet.append(row)
    book["New"].sheet_state = "hidden"
    book.save(installed.source_dir / "a.xlsx")
    assert ingest(installed, "sheet, row_number") == [("Old", 2)]
    assert ask(
        installed, "SELECT sheet, row_count, revenue FROM source_sheets ORDER BY source_order"
    ) == [("Old", 1, Decimal("83.4")), ("Header only", 0, None)]


def test_blank_rows_are_no_rows_but_count_in_the_numbers_of_others(installed):
    path = installed.source_dir / "a.xlsx"
    blank = [None] * len(HEADER)
    write(path, [HEADER, blank, line(), *[blank] * 3, line(), ["  ", *blank[1:]], line()])
    add_styled_blanks(path, first=10, last=200_000)
    assert ingest(installed, "row_number") == [(3,), (7,), (9,)]
    assert ask(installed, "SELECT row_count, blank_rows FROM source_sheets") == [(3, 5)]


def test_a_cell_that_is_not_of_its_column_rejects_its_row_and_nothing_else(installed):
    cells: list[tuple[dict, str, str | None]] = [
        ({"Quantity": "six"}, "quantity", "six"),
        ({"Quantity": True}, "quantity", "true"),
        ({"Quantity": 10**30}, "quantity", "1000000000000000019884624838656"),
        ({"Quantity": "1e30"}, "quantity", "1e30"),
        ({"Quantity": "#DIV/0!"}, "quantity", None),
        ({"Price": "#REF!"}, "price", None),
        ({"Price": "=1/0"}, "price", None),
        ({"Price": 1e15}, "price", "1000000000000000"),
        ({"InvoiceDate": "soon"}, "invoice_date", "soon"),
        ({"Price": "?", "Quantity": "?!"}, "quantity", "?!"),
    ]
    bad = [line(**changed) for changed, *_ in cells]
    fine = [line(Invoice=number) for number in range(40)]
    odd = [line(Invoice=None), line(StockCode="#N/A"), line(Quantity=3.5), line(Price=0.1234567)]
    write(installed.source_dir / "a.xlsx", [HEADER, line(), *bad, *odd, *fine])
    execute(installed, "ingest")
    readable = raw(installed, "row_number, quantity, price", "unreadable_column IS NULL")
    assert readable[0] == (2, 12, Decimal("6.95"))
    assert readable[3:5] == [(15, Decimal("3.5"), Decimal("6.95")), (16, 12, Decimal("0.123457"))]
    assert len(readable) == 1 + len(odd) + len(fine)
    found = raw(
        installed, "unreadable_column, unreadable_text, month", "unreadable_column IS NOT NULL"
    )
    assert found == [(column, text, date(2011, 3, 1)) for _, column, text in cells]
    assert ask(installed, "SELECT unreadable_rows, row_count FROM source_sheets") == [(10, 55)]

    execute(installed, "score", date(2011, 3, 1), date(2011, 3, 1), raise_on_error=False)
    sql = "SELECT reason, count(*) FROM rejected_transactions GROUP BY 1"
    assert ask(installed, sql) == [("unreadable_value", 10)]


def test_dates_as_text_and_as_cells(installed):
    dates = ["2011-03-01 07:45", "2011-03-01T07:45:00", "2011-03-01", "1.3.2011", date(2011, 3, 1)]
    write(installed.source_dir / "a.xlsx", [HEADER, *(line(InvoiceDate=day) for day in dates)])
    assert ingest(installed, "invoice_date") == [
        (datetime(2011, 3, 1, 7, 45),),
        (datetime(2011, 3, 1, 7, 45),),
        (datetime(2011, 3, 1),),
        (datetime(2011, 3, 1),),
        (datetime(2011, 3, 1),),
    ]


def test_a_sheet_without_one_readable_price_has_no_revenue_and_reconciles(installed):
    lines = [line(Invoice=number) for number in range(9)]
    write(installed.source_dir / "a.xlsx", [HEADER, line(Price="?")], [HEADER, *lines])
    ingest(installed)
    assert ask(installed, "SELECT revenue FROM source_sheets ORDER BY source_order") == [
        (None,),
        (9 * Decimal("83.4"),),
    ]


@pytest.mark.parametrize("suffix", [".XLSX", ".Csv", ".PARQUET"])
def test_the_ending_may_be_in_capitals(installed, suffix):
    path = installed.source_dir / f"a{suffix}"
    if suffix == ".XLSX":
        write(path, [HEADER, line()])
    elif suffix == ".Csv":
        path.write_text(f"{','.join(HEADER)}\n{','.join(map(str, line()))}\n")
    else:
        import pandas as pd

        pd.DataFrame([line()], columns=HEADER).to_parquet(path)
    assert ingest(installed, "workbook, customer_id, price") == [
        (path.name, "13085", Decimal("6.95"))
    ]


def test_a_checksum_that_is_wrong_says_nothing_of_formulas(tmp_path):
    path = write(tmp_path / "a.xlsx", [HEADER, line()])
    data = path.read_bytes()
    for entry in re.finditer(rb"PK\x01\x02", data):
        data = data[: entry.start() + 16] + bytes(4) + data[entry.start() + 20 :]
    path.write_bytes(data)
    assert not has_formulas_without_values(path)
