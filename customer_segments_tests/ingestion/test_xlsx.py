"""Workbooks through the ``ingest`` job: sheets, headings, cells, blank rows."""

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart

from customer_segments.doubts.doubts import require_none_stops
from customer_segments.doubts.dry_run import dry_run
from customer_segments.errors import UserError
from customer_segments.ingestion.files.reading import EMPTY_FORMULA, has_in_sheets
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments_tests.ingestion.ingested import ask, ingest_metadata, of_file
from customer_segments_tests.ingestion.workbooks import HEADER, add_styled_blanks, line, write
from customer_segments_tests.installations import execute, install, spine_checks

VALUES = "invoice, stock_code, description, quantity, invoice_date, price, customer_id, country"


OF_2010 = ["InvoiceNo", *HEADER[1:5], "UnitPrice", "CustomerID", "Country"]
SPELLINGS = [
    HEADER,
    OF_2010,
    [heading.upper() for heading in OF_2010],
    [re.sub("(?<=[a-z])(?=[A-Z])", "_", heading).lower() for heading in OF_2010],
    [f" {heading[:3]}\n{heading[3:]}_" for heading in HEADER],
]
IDS = [13085, 13085.0, "13085", "13085.0", " 13085 ", "AB-17", "0042", None]
CODES = [85048, 85048.0, "85048", "85123A", "85123A", "POST", "gift_0001_20", "M"]
INVOICES = [489434, 489434.0, "489434", "C489449", "C489449", "A506401", "1-2", 7]
NAME, SHEET = 'O\'Brien "2011"; -- año 売上.xlsx', 'D\'été "N°1" 売上'
CUSTOMER = "Łukasz 'Ł' \"O'Neil\" 😀; DROP TABLE raw_transactions"
DATES = ["2011-03-01 07:45", "2011-03-01T07:45:00", "2011-03-01", "1.3.2011", date(2011, 3, 1)]
BAD: list[tuple[dict, str, str | None]] = [
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
ODD = [line(Invoice=None), line(StockCode="#N/A"), line(Quantity=3.5), line(Price=0.1234567)]
FINE = [line(Invoice=number) for number in range(40)]
ENDINGS = ["a.XLSX", "a.Csv", "a.PARQUET"]


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Settings:
    """Workbooks of several kinds, ingested at once; ``ignored`` has the columns not used."""
    folder = tmp_path_factory.mktemp("together")
    settings = install(folder, folder)
    settings.config.write_text("source.accept = ['outlying_customer']")
    for number, header in enumerate(SPELLINGS):
        order = sorted(range(len(HEADER)), key=lambda position: (position * 3 + number) % 8)
        rows = [[row[position] for position in order] for row in (header, line(Invoice=number))]
        write(folder / f"spelling{number}.xlsx", rows)
    header = ["Shop", *HEADER, None, "Größe 'é' \"x\""]
    write(folder / "other a.xlsx", [header, ["N1", *line(), "lost", 7]])
    write(folder / "other b.xlsx", [[*HEADER, "Shop"], [*line(), None]])
    ids = [
        line(Customer_ID=customer, StockCode=code, Invoice=invoice)
        for customer, code, invoice in zip(IDS, CODES, INVOICES, strict=True)
    ]
    write(folder / "ids.xlsx", [HEADER, *ids])
    named = line(Customer_ID=CUSTOMER, Description="50% 'off' \"now\" \\ é")
    write(folder / NAME, [HEADER, named], names=(SHEET,))
    write_sheets(folder / "sheets.xlsx")
    blank = [None] * len(HEADER)
    rows = [HEADER, blank, line(), *[blank] * 3, line(), ["  ", *blank[1:]], line()]
    add_styled_blanks(write(folder / "blank.xlsx", rows), first=10, last=50_000)
    bad = [line(**changed) for changed, *_ in BAD]
    write(folder / "bad.xlsx", [HEADER, line(), *bad, *ODD, *FINE])
    write(folder / "dates.xlsx", [HEADER, *(line(InvoiceDate=day) for day in DATES)])
    write(folder / "no price.xlsx", [HEADER, line(Price="?")], [HEADER, *FINE[:9]])
    capital, text, parquet = (folder / name for name in ENDINGS)
    write(capital, [HEADER, line()])
    text.write_text(f"{','.join(HEADER)}\n{','.join(map(str, line()))}\n")
    pd.DataFrame([line()], columns=HEADER).to_parquet(parquet)
    write(folder / "types.xlsx", [HEADER, line(), line(Price=2, Customer_ID=None)])
    metadata = ingest_metadata(settings)
    assert metadata["months_covered"] == "2011-03 to 2011-03"
    (folder / "ignored").write_text(metadata["ignored_columns"].replace(", ", "\n"))
    return settings


def write_sheets(path: Path) -> None:
    book = Workbook()
    book.active.title = "Empty"
    book.create_sheet("Formatted only")["C5"].number_format = "0.00"
    book.create_chartsheet("Chart").add_chart(BarChart())
    for name, rows in {"Old": [line()], "Header only": [], "New": [line(), line()]}.items():
        sheet = book.create_sheet(name)
        for row in [HEADER, *rows]:
            sheet.append(row)
    book["New"].sheet_state = "hidden"
    book.save(path)


def of_sheets(settings: Settings, columns: str, workbook: str) -> list[tuple]:
    sql = f"SELECT {columns} FROM source_sheets WHERE workbook = '{workbook}'"
    return ask(settings, f"{sql} ORDER BY source_order")


def test_cells_get_their_types(together):
    lights = ("489434", "85048", "CHRISTMAS LIGHTS", 12, datetime(2011, 3, 1, 7, 45))
    assert of_file(together, "types.xlsx", f"sheet, row_number, {VALUES}, month") == [
        ("Sheet1", row, *lights, price, customer, "United Kingdom", date(2011, 3, 1))
        for row, price, customer in ((2, Decimal("6.95"), "13085"), (3, Decimal(2), None))
    ]


def test_headings_of_both_uci_workbooks_in_any_case_and_order_give_the_same_rows(together):
    found = [of_file(together, f"spelling{n}.xlsx", VALUES) for n in range(len(SPELLINGS))]
    (first,), *others = found
    assert [row[1:] for (row,) in others] == [first[1:]] * 4
    assert first[1:4] == ("85048", "CHRISTMAS LIGHTS", 12)


def test_other_columns_are_ignored_and_named(together):
    ignored = (together.source_dir / "ignored").read_text().splitlines()
    assert ignored == ["Größe 'é' \"x\"", "Shop"]
    others = [f"other {name}.xlsx" for name in "ab"]
    assert [of_sheets(together, "ignored_columns", name) for name in others] == [
        [('["Shop", "Größe \'é\' \\"x\\""]',)],
        [('["Shop"]',)],
    ]
    assert len({*(row for name in others for row in of_file(together, name, VALUES))}) == 1


def test_numbers_and_text_are_the_same_customer_invoice_and_stock_code(together):
    read = of_file(together, "ids.xlsx", "customer_id, stock_code, invoice")
    assert [row[0] for row in read] == [*["13085"] * 5, "AB-17", "0042", None]
    assert [row[1] for row in read] == ["85048"] * 3 + CODES[3:]
    assert [row[2] for row in read] == ["489434"] * 3 + [*INVOICES[3:7], "7"]


def test_names_may_hold_quotes_and_any_script(together):
    assert of_file(together, NAME, "sheet, customer_id, description") == [
        (SHEET, CUSTOMER, "50% 'off' \"now\" \\ é")
    ]


def test_every_sheet_with_rows_is_read_and_empty_ones_are_skipped(together):
    assert of_file(together, "sheets.xlsx", "sheet, row_number") == [("Old", 2)]
    assert of_sheets(together, "sheet, row_count, revenue", "sheets.xlsx") == [
        ("Old", 1, Decimal("83.4")),
        ("Header only", 0, None),
    ]


def test_blank_rows_are_no_rows_but_count_in_the_numbers_of_others(together):
    assert of_file(together, "blank.xlsx", "row_number") == [(3,), (7,), (9,)]
    assert of_sheets(together, "row_count, blank_rows", "blank.xlsx") == [(3, 5)]


def test_a_cell_that_is_not_of_its_column_rejects_its_row_and_nothing_else(together):
    columns = "row_number, quantity, price, unreadable_column, unreadable_text, month"
    rows = of_file(together, "bad.xlsx", columns)
    readable = [row[:3] for row in rows if row[3] is None]
    assert readable[0] == (2, 12, Decimal("6.95"))
    assert readable[3:5] == [(15, Decimal("3.5"), Decimal("6.95")), (16, 12, Decimal("0.123457"))]
    assert len(readable) == 1 + len(ODD) + len(FINE)
    found = [row[3:] for row in rows if row[3]]
    assert found == [(column, text, date(2011, 3, 1)) for _, column, text in BAD]
    assert of_sheets(together, "unreadable_rows, row_count", "bad.xlsx") == [(10, 55)]

    execute(together, "clean", date(2011, 3, 1), date(2011, 3, 1))
    rejected = (
        "SELECT reason, count(*) FROM rejected_transactions WHERE workbook = 'bad.xlsx' "
        "AND reason <> 'overlapping_invoice' GROUP BY 1"
    )
    assert ask(together, rejected) == [("unreadable_value", 10)]


def test_dates_as_text_and_as_cells(together):
    days = of_file(together, "dates.xlsx", "invoice_date")
    assert days == [(datetime(2011, 3, 1, 7, 45),)] * 2 + [(datetime(2011, 3, 1),)] * 3


def test_a_sheet_without_one_readable_price_has_no_revenue_and_reconciles(together):
    revenue = of_sheets(together, "revenue", "no price.xlsx")
    assert revenue == [(None,), (9 * Decimal("83.4"),)]
    assert spine_checks(together, "raw_transactions")["reconciliation"]


@pytest.mark.parametrize("name", ENDINGS)
def test_the_ending_may_be_in_capitals(together, name):
    assert of_file(together, name, "customer_id, price") == [("13085", Decimal("6.95"))]


@pytest.mark.parametrize("column", ["Quantity", "Customer ID", "InvoiceDate"])
def test_formulas_without_values_are_the_cause_whatever_the_column(tmp_path, column):
    path = write(tmp_path / "a.xlsx", [HEADER, line(**{column: "=A1"}), line(**{column: "=A2"})])
    with pytest.raises(UserError, match=f"'{column}': 2 of 2 cells have a formula"):
        require_none_stops(dry_run([path], Installation.of(install(tmp_path, tmp_path))).doubts)


@pytest.mark.parametrize("is_filtered", [True, False])
def test_rows_that_a_filter_hides_are_said(tmp_path, is_filtered):
    path = write(tmp_path / "a.xlsx", [HEADER, line(), line()])
    book = load_workbook(path)
    book.active.sheet_properties.filterMode = is_filtered
    book.save(path)
    doubts = dry_run([path], Installation.of(install(tmp_path, tmp_path))).doubts
    assert [each.level for each in doubts if each.name == "filtered"] == ["warns"] * is_filtered


def test_a_checksum_that_is_wrong_says_nothing_of_formulas(tmp_path):
    path = write(tmp_path / "a.xlsx", [HEADER, line()])
    data = path.read_bytes()
    for entry in re.finditer(rb"PK\x01\x02", data):
        data = data[: entry.start() + 16] + bytes(4) + data[entry.start() + 20 :]
    path.write_bytes(data)
    assert not has_in_sheets(path, EMPTY_FORMULA)
