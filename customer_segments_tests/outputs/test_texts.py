"""Any text of the data is a text in the workbook and in the CSV file, and never a formula."""

import csv
import operator
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from customer_segments.outputs.columns import GENERAL, TEXT, Column
from customer_segments.outputs.workbook.sheets import add_table, in_workbook, sheet_names
from customer_segments.outputs.workbook.tables import (
    FORMULA_STARTS,
    is_like_formula,
    write_csv,
    write_parquet,
)

NASTY = (
    '=HYPERLINK("http://x","y")',
    "=1+1",
    "+44 20",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1+1",
    "#REF!",
    "#N/A",
    "007",
    "12346.0",
    "TRUE",
    "2011-12-01",
    "  blank  ",
    "'quoted'",
    'a"b;c,d',
    "bell\x07",
    "\x00=1",
    "\ufffe\uffff",
    "<&>",
    "x;=1+1",
    'x; "=1+1"',
    "x\t-1",
    'x"\n@SUM(A1)',
    "_x0041_",
)
# What DuckDB can hold: any Unicode but surrogates.
texts = st.one_of(
    st.sampled_from(NASTY),
    st.builds("".join, st.tuples(st.sampled_from(FORMULA_STARTS), st.text(max_size=20))),
    st.text(min_size=1, max_size=40),
).filter(lambda text: text.isascii() or text.encode("utf-8", "ignore").decode() == text)
COLUMNS = (Column("customer_id", "Customer", TEXT, 14), Column("country", "Country", GENERAL, 18))


def saved(path: Path, rows: list[dict], **options) -> Path:
    workbook = Workbook(write_only=True)
    add_table(workbook, "Champions", COLUMNS, rows, **options)
    workbook.save(path)
    return path


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=40))
@settings(max_examples=60)
def test_any_text_comes_back_from_a_workbook_as_a_text(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("any") / "any.xlsx"
    saved(path, [{"customer_id": customer, "country": country} for customer, country in pairs])
    # What openpyxl would take for a formula is read as one: without their results.
    sheet = load_workbook(path)["Champions"]
    found = [tuple(row) for row in sheet.iter_rows(min_row=2)]
    assert [tuple(cell.value for cell in row) for row in found] == [
        tuple(in_workbook(text) for text in pair) for pair in pairs
    ]
    for row, pair in zip(found, pairs, strict=True):
        for cell, text in zip(row, pair, strict=True):
            assert cell.data_type == "s"
            assert bool(cell.quotePrefix) is is_like_formula(text)
    with zipfile.ZipFile(path) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", ["007", "Köln", "=1+1", "O'Brien", "a b", "\tx", "_x0041_"])
def test_what_a_workbook_can_hold_is_not_changed(text):
    assert in_workbook(text) == text


def test_what_a_workbook_cannot_hold_is_marked():
    assert in_workbook("a\x07b\ufffec") == "a\ufffdb\ufffdc"
    assert in_workbook("a\r\nb\rc") == "a\nb\nc"
    assert len(in_workbook("x" * 40_000)) == 32_767


def table(pairs: list[tuple[str | None, str | None]]) -> pa.Table:
    ids, countries = zip(*pairs, strict=True)
    return pa.table(
        {"customer_id": list(ids), "country": list(countries), "money": [-5] * len(ids)}
    )


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=40))
@settings(max_examples=60)
def test_no_text_of_a_csv_file_begins_like_a_formula(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    guarded = write_csv([table(pairs)], path)
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    assert len(rows) == len(pairs)
    for separator in ";\t":
        # As a spreadsheet takes it whose lists are separated so.
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file, delimiter=separator) for cell in row]
        assert not [cell for cell in cells if cell.startswith(tuple(FORMULA_STARTS[:8]))]
    for row, pair in zip(rows, pairs, strict=True):
        for found, text in zip(row[:2], pair, strict=True):
            assert not found.startswith(tuple(FORMULA_STARTS))
            assert found.replace("'", "") == text.replace("'", "")
            if not set(text) & set(";\t\r\n"):
                assert found == (f"'{text}" if is_like_formula(text) else text)
        # A number is no text: it stays what it is.
        assert row[2] == "-5"
    found = [text for row in rows for text in row[:2]]
    given = [text for pair in pairs for text in pair]
    assert guarded == sum(map(operator.ne, found, given))


def test_parquet_has_texts_as_they_are(tmp_path):
    import pyarrow.parquet as pq

    customers = table([(text, None) for text in NASTY])
    write_parquet([customers], tmp_path / "customers.parquet")
    found = pq.read_table(tmp_path / "customers.parquet")
    assert found.schema.field("customer_id").type in (pa.string(), pa.large_string())
    assert found.to_pylist() == customers.to_pylist()


@given(st.lists(texts, unique=True, max_size=12))
def test_any_segment_has_a_sheet_name_that_excel_allows(segments):
    taken = ("Summary", "Changes")
    names = sheet_names(segments, taken)
    assert list(names) == segments
    lower = [name.lower() for name in (*names.values(), *taken, "History")]
    assert len(set(lower)) == len(lower)
    for name in names.values():
        assert 1 <= len(name) <= 31
        assert not set(name) & set("[]:*?/\\\x00\n\r\t")
        assert name == name.strip("'")
        Workbook(write_only=True).create_sheet(name)


def test_long_and_equal_names_stay_apart():
    long = "Champions of the northern and southern regions"
    names = sheet_names([long, f"{long} 2", "a/b", "A:B", "summary", "history"], ["Summary"])
    assert list(names.values()) == [
        "Champions of the northern and s",
        "Champions of the northern a (2)",
        "a-b",
        "A-B (2)",
        "summary (2)",
        "history (2)",
    ]


def test_more_rows_than_a_sheet_can_hold_go_on_in_another(tmp_path):
    rows = [{"customer_id": f"{number:03}", "country": None} for number in range(7)]
    book = load_workbook(saved(tmp_path / "many.xlsx", rows, most_rows=3))
    assert book.sheetnames == ["Champions", "Champions (2)", "Champions (3)"]
    found = [row[0] for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert found == [row["customer_id"] for row in rows]
    assert {sheet["A1"].value for sheet in book} == {"Customer"}
    assert [sheet.auto_filter.ref for sheet in book] == ["A1:B4", "A1:B4", "A1:B2"]


def test_excel_is_told_that_ids_are_texts_on_purpose(tmp_path):
    path = saved(tmp_path / "ids.xlsx", [{"customer_id": "12346", "country": "EIRE"}])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert '<ignoredError sqref="A1:B2" numberStoredAsText="1"' in sheet
    # In the order that the format wants: behind the page, before what else there may be.
    assert sheet.index("<pageSetup") < sheet.index("<ignoredErrors>")
