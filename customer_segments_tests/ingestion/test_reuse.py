"""A file that has not changed is not read again, and nobody can tell from the tables."""

import shutil
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segments.ingestion.intake import parser_of
from customer_segments.ingestion.reuse import parsed_before
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments.tables import CUSTOMER_CONTACTS
from customer_segments_tests.ingestion.ingested import (
    ask,
    digests,
    ingest,
    ingest_metadata,
    published,
)
from customer_segments_tests.ingestion.workbooks import HEADER, dated, line, write, write_csv
from customer_segments_tests.installations import execute, install


def files(metadata: dict) -> dict[str, list[str]]:
    told = {what: metadata.get(f"files_{what}") for what in ("read", "reused", "removed")}
    return {what: which.split(", ") for what, which in told.items() if which}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory) -> Path:
    """A folder with an installation of three files."""
    folder = tmp_path_factory.mktemp("ingested")
    (folder / "source").mkdir()
    for month in (3, 4, 5):
        rows = [HEADER, dated(f"2011-0{month}-05", Invoice=month), dated("?", Invoice=f"{month}x")]
        write(folder / f"source/{month}.xlsx", rows)
    ingest(install(folder, folder / "source"))
    return folder


@pytest.fixture
def three_files(ingested, tmp_path) -> Settings:
    folder = shutil.copytree(ingested, tmp_path / "copy")
    return install(folder, folder / "source")


def assert_alike(one: Settings, other: Settings) -> None:
    tables = [published(each) for each in (one, other)]
    assert tables[0]["raw_transactions"] == tables[1]["raw_transactions"]
    assert tables[0]["source_sheets"] == tables[1]["source_sheets"]
    with_rows = [[row for row in digests(each) if row[1]] for each in (one, other)]
    assert with_rows[0] == with_rows[1]


def test_only_new_and_changed_files_are_read_and_all_is_as_if_read_at_once(
    three_files, tmp_path, monkeypatch
):
    import fastexcel

    def refuse(*_, **__):
        raise AssertionError("parsed again")

    with monkeypatch.context() as patch:
        # An unchanged file is not even opened as a workbook.
        patch.setattr(fastexcel, "read_excel", refuse)
        assert files(ingest_metadata(three_files)) == {"reused": ["3.xlsx", "4.xlsx", "5.xlsx"]}
    source = three_files.source_dir
    (source / "3.xlsx").unlink()
    write(source / "4.xlsx", [HEADER, dated("2011-04-05", Invoice=44)])
    write_csv(source / "10.csv", [HEADER, line(Invoice=5), dated("?", Invoice="4x")])
    metadata = ingest_metadata(three_files)
    assert files(metadata) == {
        "read": ["4.xlsx", "10.csv"],
        "reused": ["5.xlsx"],
        "removed": ["3.xlsx"],
    }
    at_once = install(tmp_path / "at once", source)
    ingest(at_once)
    assert_alike(three_files, at_once)


def test_reread_reads_all(three_files):
    config = {"ops": {"ingest_workbooks": {"config": {"reread": True}}}}
    result = execute(three_files, "ingest", run_config=config, checks=False)
    (event,) = (e for e in result.get_asset_materialization_events() if "raw" in str(e.asset_key))
    metadata = event.step_materialization_data.materialization.metadata
    assert "files_reused" not in metadata


def test_what_was_doubted_of_a_file_as_it_was_read_is_said_again(installed):
    installed.config.write_text('source.accept = ["ambiguous_dates"]')
    rows = [HEADER, line(InvoiceDate="03/04/2011"), line(InvoiceDate="05/04/2011")]
    write_csv(installed.source_dir / "a.csv", rows)
    said = "SELECT name, level, said FROM source_doubts"
    ingest(installed)
    ((name, level, first),) = ask(installed, said)
    assert (name, level) == ("ambiguous_dates", "warns")
    assert files(ingest_metadata(installed)) == {"reused": ["a.csv"]}
    assert ask(installed, said) == [(name, level, first)]
    (installed.source_dir / "a.csv").unlink()
    write_csv(installed.source_dir / "b.csv", [HEADER, line(), line(Invoice=2)])
    ingest(installed)
    assert ask(installed, said) == []


LOST = "DELETE FROM raw_transactions WHERE workbook = '3.xlsx' AND row_number = 2"


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE source_sheets SET parser = 'older' WHERE workbook = '3.xlsx'",
        LOST,
        # As if the run had been killed between the two tables.
        "UPDATE publications SET raw_version = 'newer' WHERE table_name = 'raw_transactions'",
        "DROP TABLE source_sheets",
    ],
    ids=["another parser", "rows are missing", "killed in between", "table is gone"],
)
def test_what_cannot_be_trusted_is_not_taken_for_parsed(three_files, harm):
    installed = Installation.of(three_files)

    def trusted() -> list[str]:
        return list(parsed_before(installed.warehouse, parser_of(installed.policy))["workbook"])

    assert trusted() == ["3.xlsx", "4.xlsx", "5.xlsx"]
    with duckdb.connect(str(three_files.warehouse_path)) as con:
        con.execute(harm)
    # One of another parser is itself alone not trusted.
    assert trusted() == (["4.xlsx", "5.xlsx"] if "parser" in harm else [])


def test_files_are_read_again_for_a_table_that_is_not_there(three_files):
    installed = Installation.of(three_files)
    parser = parser_of(installed.policy)
    assert parsed_before(installed.warehouse, parser, [CUSTOMER_CONTACTS]).empty


DAYS = st.sampled_from(["2011-03-05", "2011-04-05", "2011-05-05", "?"])
FILE = st.lists(st.tuples(st.integers(1, 4), DAYS), max_size=4)
FOLDER = st.dictionaries(st.sampled_from(["2.csv", "10.csv", "a.csv", "b.csv"]), FILE, min_size=1)


def fill(folder: Path, content: dict[str, list[tuple[int, str]]]) -> None:
    for old in folder.iterdir():
        old.unlink()
    write_csv(folder / "0.csv", [HEADER, dated("2011-02-05", Invoice=0)])
    for name, rows in content.items():
        readable = [dated("2011-03-01", Invoice=9)] if rows else []
        write_csv(
            folder / name,
            [HEADER, *readable, *(dated(day, Invoice=invoice) for invoice, day in rows)],
        )


@pytest.mark.slow  # test_only_new_and_changed has one
@given(st.lists(FOLDER, min_size=2, max_size=3))
@settings(max_examples=20)
def test_any_history_of_a_folder_ends_as_if_read_at_once(tmp_path_factory, folders):
    root = tmp_path_factory.mktemp("history")
    (root / "source").mkdir()
    stepwise = install(root / "stepwise", source_dir=root / "source")
    for content in folders:
        fill(root / "source", content)
        ingest(stepwise)
    at_once = install(root / "at once", source_dir=root / "source")
    ingest(at_once)
    assert_alike(stepwise, at_once)
