"""Zip bombs, entity tricks and giant sheets: bounded memory and time, and a clear error."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import Workbook

from customer_segments_tests.hostile import bombs
from customer_segments_tests.hostile.measured import read
from customer_segments_tests.ingestion.workbooks import HEADER, line, write

BOMBS: dict[Callable[[Path], None], list[str]] = {
    bombs.blanks: ["is refused", "unpack to 1,15"],
    bombs.overlap: ["is refused", "unpack to 52,"],
    bombs.far_cell: ["takes more than 2.", "Ctrl+End"],
    bombs.endless_cell: ["sheet 'Sheet1', column 'Description', row 3", "131,072"],
    bombs.billion_laughs: ["sheet1.xml declares a document type"],
    bombs.external_entity: ["sheet1.xml declares a document type"],
    bombs.shared_strings_doctype: ["styles.xml declares a document type"],
}


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_is_refused_in_bounded_memory_and_time(tmp_path, bomb):
    path = tmp_path / "it's a bomb.xlsx"
    bomb(path)
    told = read(path)
    for words in [path.name, *BOMBS[bomb]]:
        assert words in told["error"]
    assert "root:" not in told["error"]


def test_an_archive_that_lies_about_its_size_meets_the_limit_of_memory(tmp_path):
    bombs.lie(tmp_path / "a.xlsx")
    told = read(tmp_path / "a.xlsx", memory=300 << 20)
    assert told["error"].startswith("a.xlsx takes more than 0.5 GB of memory to read")
    assert told["peak"] < 800 << 20


def test_a_sheet_that_takes_for_ever_meets_the_limit_of_time(tmp_path):
    bombs.many_columns(tmp_path / "a.xlsx")
    told = read(tmp_path / "a.xlsx", limit=1)
    assert told["error"].startswith("a.xlsx takes longer than 2 s to read")


def test_a_declared_dimension_means_nothing(tmp_path):
    path = tmp_path / "a.xlsx"

    def everything(xml: bytes) -> list[bytes]:
        return [xml.replace(b'ref="A1:H2"', b'ref="A1:XFD1048576"')]

    bombs.rebuilt(path, bombs.SHEET, everything)
    assert b"XFD1048576" in ZipFile(path).read(bombs.SHEET)
    assert read(path)["rows"] == [1]


def test_a_small_parquet_file_of_endless_text_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    index = pa.array([0] * 2_000_000, pa.int32())
    text = pa.DictionaryArray.from_arrays(index, ["x" * 100_000])
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(dict.fromkeys(HEADER, text)), path)
    assert path.stat().st_size < 1e7
    assert "unpack to 200,000,000,000 bytes of text" in read(path)["error"]


@pytest.mark.slow
def test_many_sheets_are_read_in_bounded_time(tmp_path):
    book = Workbook(write_only=True)
    for number in range(100):
        sheet = book.create_sheet(f"s{number}")
        sheet.append(HEADER)
        sheet.append(line())
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx")["rows"] == [1] * 100


def test_two_sheets_of_one_name_are_refused(tmp_path):
    path = write(tmp_path / "a.xlsx", [HEADER, line()], [HEADER, line()])
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"Sheet2", b"Sheet1")
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert "two sheets have this name" in read(path)["error"]


@pytest.mark.slow
def test_a_wide_header_over_many_short_rows_takes_no_rectangle(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join([*HEADER, *["x"] * 16_000]) + "\n1" * 100_000)
    assert read(path)["rows"] == [100_000]
    path.write_text(",".join([*HEADER, *["x"] * 50_000]) + "\n1" * 100_000)
    assert "its header has 50,008 columns" in read(path)["error"]


def test_a_wide_table_is_read_by_the_engine(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "\n".join(
            [",".join([*HEADER, *["x"] * 900]), *[",".join([*map(str, line()), *[""] * 900])] * 9]
        )
    )
    assert read(path)["rows"] == [9]


@pytest.mark.parametrize("text", ["," * 20_000_000, '"' + "x" * 20_000_000])
def test_a_text_file_of_one_endless_line_is_refused(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert "a.csv, line 1: it has more than 1,999,999 characters" in read(path)["error"]


def test_a_text_file_of_line_ends_alone_has_no_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n" * 20_000_000)
    assert read(path)["rows"] == []


def test_a_parquet_file_of_more_rows_than_bytes_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    zeros = pa.array([0] * 20_000_000, pa.int8())
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(dict.fromkeys(HEADER, zeros)), path)
    assert "unpack to 20,000,000 rows" in read(path)["error"]
