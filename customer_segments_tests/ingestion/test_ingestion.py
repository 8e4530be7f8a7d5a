"""Workbooks through the real ``ingest`` job: what arrives, and what is refused with which words."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from customer_segments import months
from customer_segments.errors import UserError
from customer_segments.storage import Warehouse
from customer_segments_tests.ingestion.workbooks import HEADER, line, write
from customer_segments_tests.installations import evaluate_checks, execute, install


@pytest.fixture
def installed(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    return install(tmp_path, source_dir=source)


def raw(settings, columns: str = "*", where: str = "true") -> list[tuple]:
    with Warehouse(settings.warehouse_path).reading() as con:
        return con.raw_sql(
            f"SELECT {columns} FROM raw_transactions WHERE {where} "
            "ORDER BY workbook, sheet, row_number"
        ).fetchall()


def test_cells_get_their_types(installed):
    write(installed.source_dir / "a.xlsx", [HEADER, line(), line(Customer_ID="AB-17", Price=2)])
    execute(installed, "ingest")
    assert raw(
        installed, "row_number, invoice, stock_code, quantity, invoice_date, price, customer_id"
    ) == [
        (2, "489434", "85048", 12, datetime(2011, 3, 1, 7, 45), Decimal("6.9500"), "13085"),
        (3, "489434", "85048", 12, datetime(2011, 3, 1, 7, 45), Decimal("2.0000"), "AB-17"),
    ]


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        ({"Quantity": 3.5}, "quantity", "3.5"),
        ({"Quantity": "six"}, "quantity", "six"),
        ({"Quantity": "1e30"}, "quantity", "1e30"),
        ({"Price": "2,55"}, "price", "2,55"),
        ({"Price": "1e300"}, "price", "1e300"),
        ({"Price": 0.12345}, "price", "0.12345"),
        ({"Price": "#REF!"}, "price", "#REF!"),
        ({"Invoice": None}, "invoice", None),
        ({"InvoiceDate": "12/1/2010 8:26"}, "invoice_date", "12/1/2010 8:26"),
    ],
)
def test_an_unreadable_cell_rejects_its_row_and_nothing_else(installed, cells, column, said):
    write(installed.source_dir / "a.xlsx", [HEADER, line(), line(**cells), line()])
    execute(installed, "ingest")
    found = raw(installed, "unreadable_column, unreadable_text, month")
    assert found[0] == found[2] == (None, None, date(2011, 3, 1))
    assert found[1][0] == column
    if cells != {"Price": "#REF!"}:  # an error cell arrives as nothing
        assert found[1][1] == said
    execute(installed, "score", date(2011, 3, 1), date(2011, 3, 1), raise_on_error=False)
    with Warehouse(installed.warehouse_path).reading() as con:
        rejected = con.raw_sql("SELECT row_number, reason FROM rejected_transactions").fetchall()
    assert rejected == [(3, "unreadable_value")]


def test_iso_dates_as_text_are_read(installed):
    dates = ["2011-03-01 07:45", "2011-03-01T07:45:00", "2011-03-01"]
    write(installed.source_dir / "a.xlsx", [HEADER, *(line(InvoiceDate=d) for d in dates)])
    execute(installed, "ingest")
    assert {day.date() for (day,) in raw(installed, "invoice_date")} == {date(2011, 3, 1)}


def test_undated_rows_take_the_month_of_their_neighbour(installed):
    rows = [
        line(InvoiceDate="?"),
        line(InvoiceDate=datetime(2011, 2, 5)),
        line(InvoiceDate="?"),
        line(InvoiceDate=datetime(2011, 4, 5)),
    ]
    write(installed.source_dir / "a.xlsx", [HEADER, *rows])
    execute(installed, "ingest")
    assert [month.month for (month,) in raw(installed, "month")] == [2, 2, 2, 4]


def test_a_misread_year_does_not_stretch_the_months(installed):
    rows = [line(), line(InvoiceDate=datetime(2111, 3, 1)), line(InvoiceDate="1899-03-01")]
    write(installed.source_dir / "a.xlsx", [HEADER, *rows])
    execute(installed, "ingest")
    covered = months.load(installed)
    assert covered.first >= months.EARLIEST
    assert covered.newest == months.month_of(date.today())


def test_blank_rows_keep_the_numbers_of_the_others(installed):
    blank = [None] * len(HEADER)
    write(installed.source_dir / "a.xlsx", [HEADER, line(), blank, blank, line(), blank])
    execute(installed, "ingest")
    assert raw(installed, "row_number") == [(2,), (5,)]


def test_the_last_source_in_natural_order_supersedes(installed):
    write(installed.source_dir / "sales10.xlsx", [HEADER, line(Price=3)])
    write(installed.source_dir / "sales9.xlsx", [HEADER, line(Price=2), line(Invoice=1)])
    execute(installed, "ingest")
    assert raw(installed, "workbook, invoice, is_superseded") == [
        ("sales10.xlsx", "489434", False),
        ("sales9.xlsx", "489434", True),
        ("sales9.xlsx", "1", False),
    ]


def test_other_headings_orders_and_files_give_the_same_rows(installed):
    write(installed.source_dir / "a.xlsx", [HEADER, line()], names=("Größe 'é'",))
    execute(installed, "ingest")
    expected = raw(installed, "invoice, quantity, invoice_date, price, customer_id, country")
    (installed.source_dir / "a.xlsx").unlink()
    (installed.source_dir / "verkäufe 'ä'.csv").write_text(
        "country;UNIT_PRICE;invoice no;stockcode;DESCRIPTION;quantity;Invoice Date;CustomerID;x\n"
        '"United Kingdom";6.95;489434;85048;"two\nlines";12;2011-03-01 07:45;13085.0;y\n',
        encoding="utf-8",
    )
    result = execute(installed, "ingest")
    assert (
        raw(installed, "invoice, quantity, invoice_date, price, customer_id, country") == expected
    )
    metadata = result.asset_materializations_for_node("ingest_workbooks")[0].metadata
    assert metadata["ignored_columns"].value == ["x"]


def test_parquet_with_types_gives_the_same_rows(installed):
    import pandas as pd

    frame = pd.DataFrame([line(), line(Customer_ID=None)], columns=HEADER)
    frame.to_parquet(installed.source_dir / "a.parquet")
    execute(installed, "ingest")
    assert raw(installed, "invoice, quantity, invoice_date, price, customer_id") == [
        ("489434", 12, datetime(2011, 3, 1, 7, 45), Decimal("6.9500"), customer)
        for customer in ("13085", None)
    ]


def _bytes(content: bytes):
    return lambda path: path.write_bytes(content)


def _truncated(path):
    write(path, [HEADER, *(line() for _ in range(500))])
    path.write_bytes(path.read_bytes()[:2_000])


BAD = {
    "not a workbook": (_bytes(b"hello"), "is not a readable .xlsx workbook"),
    "truncated": (_truncated, "is not a readable .xlsx workbook"),
    "password-protected": (
        _bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"0" * 999),
        "password-protected",
    ),
    "empty file": (_bytes(b""), "is empty"),
    "empty sheets": (lambda path: write(path, [], []), "every sheet is empty"),
    "other content": (lambda path: write(path, [["a", "b"], [1, 2]]), "'a', 'b'"),
    "column missing": (
        lambda path: write(path, [HEADER[:-2], line()[:-2]]),
        "Sheet1.*column Customer ID or CustomerID, Country is missing",
    ),
    "header in row 3": (
        lambda path: write(path, [["Sales"], ["2011"], HEADER, line()]),
        "header stands in row 3",
    ),
    "column twice": (
        lambda path: write(path, [[*HEADER, "UnitPrice"], [*line(), 1]]),
        "column Price stands there 2 times",
    ),
    "no date at all": (
        lambda path: write(path, [HEADER, line(InvoiceDate="12/1/2010")]),
        "not one readable date.*'12/1/2010'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_the_last_good_tables_stay(installed, case):
    write(installed.source_dir / "good.xlsx", [HEADER, line()])
    execute(installed, "ingest")
    before = raw(installed)
    build, message = BAD[case]
    build(installed.source_dir / "später.xlsx")
    (installed.source_dir / "good.xlsx").unlink()
    with pytest.raises(UserError, match=message) as raised:
        execute(installed, "ingest")
    assert "später.xlsx" in str(raised.value)
    assert raw(installed) == before
    assert evaluate_checks(installed, "raw_transactions")["reconciliation"].passed


def test_a_row_of_a_csv_with_too_many_cells_is_named(installed):
    good = ",".join(map(str, line()))
    (installed.source_dir / "a.csv").write_text(f"{','.join(HEADER)}\n{good}\n{good},more\n")
    with pytest.raises(UserError, match=r"a\.csv.*3.*9 cells"):
        execute(installed, "ingest")


def test_a_removed_file_empties_its_months(installed):
    april = line(InvoiceDate=datetime(2011, 4, 1), Invoice=2)
    write(installed.source_dir / "march.xlsx", [HEADER, line()])
    write(installed.source_dir / "april.xlsx", [HEADER, april])
    execute(installed, "ingest")
    (installed.source_dir / "april.xlsx").unlink()
    result = execute(installed, "ingest")
    metadata = result.asset_materializations_for_node("ingest_workbooks")[0].metadata
    assert metadata["changed_months"].value == {"months": ["2011-04"]}
