"""Bad input gets an error that says where, and the last good tables stay as they were."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

from customer_segments.doubts.dry_run import dry_run
from customer_segments.errors import UserError
from customer_segments.ingestion.files.contained import sheets_of
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments_tests.ingestion.ingested import ingest, published
from customer_segments_tests.ingestion.workbooks import HEADER, line, write, write_csv
from customer_segments_tests.installations import execute, install, spine_checks

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
NO_DATE = line(InvoiceDate="soon")


def content(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def sheets(*rows: list[list], names: tuple[str, ...] = ()) -> Callable[[Path], object]:
    return lambda path: write(path, *rows, names=names)


def records(*rows: list) -> Callable[[Path], object]:
    return lambda path: write_csv(path, rows)


def table(header: list[str], row: list) -> Callable[[Path], object]:
    return lambda path: pd.DataFrame([row], columns=header).to_parquet(path)


def cut_off(share: float) -> Callable[[Path], object]:
    """Make a good file of this kind that breaks off."""

    def make(path: Path) -> None:
        rows = [line(Invoice=number) for number in range(500)]
        if path.suffix == ".xlsx":
            write(path, [HEADER, *rows])
        else:
            pd.DataFrame(rows, columns=HEADER).to_parquet(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return make


def archive(path: Path) -> None:
    with ZipFile(path, "w") as file:
        file.writestr("letter.txt", "not a sheet")


# File name, what makes it, and the words that the message must have.
BAD: dict[str, tuple[str, Callable[[Path], object], list[str]]] = {
    "text": ("a.xlsx", content(b"hello"), ["not a readable .xlsx workbook", "save it anew"]),
    "web page": ("a.xlsx", content(b"<html><table>"), ["is a web page", "save it as .xlsx"]),
    "other archive": ("a.xlsx", archive, ["not a readable .xlsx workbook"]),
    "cut off": ("a.xlsx", cut_off(0.5), ["not a readable .xlsx workbook", "copy it again"]),
    "cut off at the end": ("a.xlsx", cut_off(0.99), ["not a readable .xlsx workbook"]),
    "password": ("a.xlsx", content(OLE + b"\0" * 4096), ["password-protected", "without a"]),
    "0 bytes": ("a.xlsx", content(b""), ["is empty (0 bytes)"]),
    "quotes in the name": ('it\'s "a" ü.xlsx', content(b""), ["is empty (0 bytes)"]),
    "empty sheets": ("z.xlsx", sheets([], []), ["z.xlsx", "not one row of transactions"]),
    "header only": ("a.xlsx", sheets([HEADER]), ["not one row"]),
    "other content": (
        "a.xlsx",
        sheets([["Region", "Target"], ["North", 7]], names=("Plan 'B'",)),
        ["sheet \"Plan 'B'\"", "no column was found for the customer", "'Region', 'Target'"],
    ),
    "column missing": (
        "a.xlsx",
        sheets([HEADER[:5] + HEADER[6:], line()[:5] + line()[6:]]),
        ["sheet 'Sheet1'", "no column was found for money", "'Customer ID', 'Country'"],
    ),
    "column twice": (
        "a.xlsx",
        sheets([[*HEADER, "PRICE (GBP)"], [*line(), 1]]),
        ["sheet 'Sheet1'", "column price stands there 2 times", "'PRICE (GBP)')"],
    ),
    "no date": (
        "a.xlsx",
        sheets([HEADER, line()], [HEADER, [None] * 8, NO_DATE, NO_DATE]),
        ["sheet 'Sheet2'", "column 'InvoiceDate'", "row 3 says 'soon'", "ISO"],
    ),
    "dates are errors": (
        "a.xlsx",
        sheets([HEADER, line(InvoiceDate="#REF!")]),
        ["sheet 'Sheet1'", "column 'InvoiceDate'", "row 2 says 'nothing'"],
    ),
    "csv of 0 bytes": ("a.csv", content(b""), ["is empty (0 bytes)"]),
    "csv of blank lines": (
        "a.csv",
        content(b"\n\r\n  \n,,\n" * 9),
        ["not one row"],
    ),
    "csv, header only": ("a.csv", records(HEADER), ["not one row"]),
    "csv, other content": (
        "a.csv",
        records(["a", "b"]),
        ["sheet 'a'", "no column was found", "'a'"],
    ),
    "csv, column twice": (
        "a.csv",
        records([*HEADER, "CUSTOMERID"], [*line(), 1]),
        ["sheet 'a'", "column customer_id stands there 2 times"],
    ),
    "csv, quotation mark not closed": (
        "a.csv",
        content(f'{",".join(HEADER)}\n1,2,"12 INCH,3\n4,5,x,6\n'.encode()),
        ["line 3", "quotation marks"],
    ),
    "csv, text goes on after the quotation mark": (
        "a.csv",
        content(f'{",".join(HEADER)}\n1,2,"12" INCH,3\n'.encode()),
        ["line 2", "quotation marks"],
    ),
    "csv, binary": ("a.csv", archive, ["not a readable text file"]),
    "csv, two bytes each": ("a.csv", content("x,y\n".encode("utf-16")), ["no column was found"]),
    "csv, no date": ("a.csv", records(HEADER, NO_DATE), ["InvoiceDate", "'soon'"]),
    "parquet, text": ("a.parquet", content(b"hello" * 9), ["not a readable Parquet file"]),
    "parquet, cut off": ("a.parquet", cut_off(0.5), ["not a readable Parquet file"]),
    "parquet of 0 bytes": ("a.parquet", content(b""), ["is empty (0 bytes)"]),
    "parquet, column missing": (
        "a.parquet",
        table(HEADER[:5] + HEADER[6:], line()[:5] + line()[6:]),
        ["sheet 'a'", "no column was found for money"],
    ),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Settings:
    """An installation with good tables, which no bad input may change."""
    folder = tmp_path_factory.mktemp("good")
    source = folder / "source"
    source.mkdir()
    write(source / "good.xlsx", [HEADER, line(), line(Quantity="six")])
    settings = install(folder, source_dir=source)
    ingest(settings)
    return settings


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(tmp_path, case):
    name, make, words = BAD[case]
    make(tmp_path / name)
    with pytest.raises(UserError) as raised:
        dry_run([tmp_path / name], Installation.of(install(tmp_path, tmp_path)))
    for word in [name, *words]:
        assert word in str(raised.value)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


# As it is opened, and as it is typed.
@pytest.mark.parametrize("case", ["cut off", "no date"])
def test_the_last_good_tables_stay(good, tmp_path, case):
    name, make, words = BAD[case]
    make(tmp_path / name)
    before = published(good)
    with pytest.raises(UserError, match=re.escape(words[-1])):
        execute(install(good.warehouse_path.parent, source_dir=tmp_path), "ingest")
    assert published(good) == before


def test_who_unpacks_foreign_files_is_told_no_secret(tmp_path, monkeypatch):
    told: dict[str, str] = {}
    popen = subprocess.Popen

    def started(*arguments, **named) -> subprocess.Popen:
        told.update(named["env"])
        return popen(*arguments, **named)

    monkeypatch.setenv("CUSTOMER_SEGMENTS_DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("SOMEBODYS_TOKEN", "secret")
    monkeypatch.setattr(subprocess, "Popen", started)
    assert sheets_of(write(tmp_path / "a.xlsx", [HEADER, line()]), [])
    assert "PATH" in told
    assert "secret" not in told.values()


@pytest.mark.parametrize("neighbour", ["0 before.xlsx", "z after.xlsx"])
def test_one_bad_file_among_good_ones_is_named_alone(good, tmp_path, neighbour):
    files = [tmp_path / neighbour, tmp_path / "bad.xlsx"]
    shutil.copy(good.source_dir / "good.xlsx", files[0])
    files[1].write_bytes(b"hello")
    with pytest.raises(UserError, match=r"^bad\.xlsx is not") as raised:
        dry_run(files, Installation.of(good))
    assert neighbour not in str(raised.value)


def test_after_refused_input_the_tables_pass_their_checks_and_good_input_goes_in(good, tmp_path):
    folder = shutil.copytree(good.warehouse_path.parent, tmp_path / "copy")
    copied = install(folder, source_dir=folder / "source")
    (copied.source_dir / "b.csv").write_text("nonsense")
    with pytest.raises(UserError):
        execute(copied, "ingest")
    assert all(spine_checks(copied, "raw_transactions").values())
    write_csv(copied.source_dir / "b.csv", [HEADER, line(Invoice=7)])
    assert ingest(copied, "workbook, invoice") == [
        ("b.csv", "7"),
        *[("good.xlsx", "489434")] * 2,
    ]
