"""The files of real runs: who stands in which sheet, with which figures, and who may read them."""

import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from openpyxl import load_workbook

from customer_segments.outputs.queries import customers_of
from customer_segments.outputs.reading import read_month
from customer_segments.outputs.workbook.workbook import write_workbook
from customer_segments.policy.model import MOST_CLUSTERS
from customer_segments.private import replacing
from customer_segments.segments.migration import with_origin
from customer_segments.settings import Settings
from customer_segments.shown import SUFFIXES, workbook_files, workbook_path
from customer_segments.storage import Warehouse
from customer_segments.tables import CUSTOMER_RFM, CUSTOMER_SEGMENTS, CUSTOMER_VALUE
from customer_segments_tests.installations import materialize
from customer_segments_tests.outputs.conftest import SHARE, TODAY
from customer_segments_tests.segments.plain import expected_migration, in_memory, rows_of
from customer_segments_tests.segments.worlds import MODEL, worlds

MONTH = date(2024, 6, 1)


def written(original: Settings, folder: Path, first: date, last: date | None = None):
    """Write the files of an installation's months into a folder."""
    settings = original.model_copy(update={"reports_dir": folder})
    return settings, materialize(settings, ["segment_workbook"], first, last)


@pytest.fixture(scope="module")
def sample_files(sample_warehouse, tmp_path_factory):
    return written(sample_warehouse, tmp_path_factory.mktemp("files"), MONTH)


def sheet_rows(sheet, heading_row: int = 1) -> list[dict]:
    headings, *rows = sheet.iter_rows(min_row=heading_row, values_only=True)
    return [dict(zip(headings, row, strict=True)) for row in rows]


def summary_rows(book) -> list[dict]:
    sheet = book["Summary"]
    start = next(cell.row for cell in sheet["A"] if cell.value == "Segment")
    rows = sheet_rows(sheet, start)
    end = next(index for index, row in enumerate(rows) if row["Segment"] == "All customers")
    return rows[: end + 1]


def agrees(settings: Settings, month: date, *, is_cut: bool = False) -> dict[str, int]:
    """Assert that a month's workbook says what the tables say; return customers per sheet.

    One that is cut has no sheet of changes.
    """
    book = load_workbook(workbook_path(settings.reports_path, month))
    segments = {
        row["customer_id"]: row
        for row in rows_of(settings, "customer_segments")
        if row["snapshot_month"] == month
    }
    profiles = {
        row["segment"]: row
        for row in rows_of(settings, "segment_profiles")
        if row["snapshot_month"] == month
    }
    assert book.sheetnames[0] == "Summary"
    assert set(book.sheetnames[1:]) == {*profiles, "Campaigns", *(() if is_cut else ("Changes",))}
    for name in profiles:
        rows = sheet_rows(book[name])
        ids = [row["Customer"] for row in rows]
        assert sorted(ids) == sorted(c for c, row in segments.items() if row["segment"] == name)
        assert [row["Spent"] for row in rows] == sorted(
            (row["Spent"] for row in rows), reverse=True
        )
        for row in rows:
            known = segments[row["Customer"]]
            assert row["Spent"] == float(known["monetary"])
            assert row["Days since last order"] == known["recency_days"]
            assert row["Account"].lower() == known["account_tier"]
            told = [row["What to do"], row["How to reach them"], row["Why"]]
            assert told == [known[name] or None for name in ("suggested_action", "channel", "why")]
            assert isinstance(row["Last order"], datetime)
        assert book[name].freeze_panes == "B2"
        assert book[name].auto_filter.ref.startswith("A1:")

    *rows, total = summary_rows(book)
    drawn = Counter(row["Campaign group"] for name in profiles for row in sheet_rows(book[name]))
    whole = sheet_rows(book["Campaigns"])[-1]
    assert whole["Customers"] == drawn["test"] + drawn["control"] == len(segments)
    assert whole["Left alone"] == drawn["control"]
    for row in rows:
        if row["Segment"] not in profiles:
            assert (row["Customers"], row["Spent"]) == (0, 0)
            continue
        profile = profiles[row["Segment"]]
        assert row["Customers"] == profile["customers"]
        assert row["Spent"] == float(profile["revenue"])
        assert row["Typical days since last order"] == profile["median_recency_days"]
        before = profile["customers_last_month"]
        change = None if before is None else profile["customers"] - before
        assert row["Change in customers since last month"] == change
    assert total["Customers"] == len(segments)
    assert total["Spent"] == float(sum(row["monetary"] for row in segments.values()))

    if not is_cut:
        moved = Counter((row["From"], row["To"]) for row in sheet_rows(book["Changes"]))
        assert moved == {
            (row["from_segment"], row["to_segment"]): row["customers"]
            for row in rows_of(settings, "segment_migration")
            if row["snapshot_month"] == month and row["from_segment"] != row["to_segment"]
        }
    return {row["Segment"]: row["Customers"] for row in rows}


def test_the_workbook_says_what_the_tables_say(sample_files):
    settings, _ = sample_files
    assert sum(agrees(settings, MONTH).values()) > 300


def test_the_real_workbook(real_warehouse, tmp_path):
    month = date(2011, 12, 1)
    settings, _ = written(real_warehouse, tmp_path, month)
    assert agrees(settings, month, is_cut=True) == {
        "Champions": 609,
        "Loyal Customers": 913,
        "Need Attention": 1_050,
        "At Risk": 671,
        "Promising": 716,
        "Hibernating": 769,
        "Lost": 1_124,
    }
    said = [cell.value for cell in load_workbook(workbook_path(tmp_path, month))["Summary"]["A"]]
    assert said[1].endswith("fitted on November 2011.")
    assert said[2].startswith("December 2011 IS NOT COMPLETE: its data ends on 9 December 2011")


def test_csv_and_parquet_have_the_same_customers(sample_files):
    settings, _ = sample_files
    path = workbook_path(settings.reports_path, MONTH)
    parquet = pq.read_table(path.with_suffix(".parquet"))
    with Warehouse(settings.warehouse_path).reading() as con:
        segments, rfm = CUSTOMER_SEGMENTS.relation, CUSTOMER_RFM.relation
        expected = con.to_pyarrow(
            segments.inner_join(rfm, ["snapshot_month", "customer_id"])
            .inner_join(CUSTOMER_VALUE.relation, ["snapshot_month", "customer_id"])
            .filter(segments.snapshot_month == MONTH)
            .select(*parquet.drop(["from_segment", "campaign_group"]).column_names)
            .order_by("customer_id")
        )
    more = {"from_segment", "campaign_group"}
    assert parquet.drop([*more]).sort_by("customer_id").to_pylist() == expected.to_pylist()
    value = set(CUSTOMER_VALUE.relation.columns) - {"reason"}
    assert set(parquet.column_names) == {*segments.columns, *rfm.columns, *value} | more
    types = {name: str(parquet.schema.field(name).type) for name in ("monetary", "snapshot_month")}
    assert types == {"monetary": "decimal128(38, 4)", "snapshot_month": "date32[day]"}
    money = [field.name for field in parquet.schema if pa.types.is_decimal(field.type)]
    read_as = {"customer_id": "VARCHAR"} | dict.fromkeys(money, "DECIMAL(18,4)")
    again = duckdb.read_csv(str(path.with_suffix(".csv")), dtype=read_as).to_arrow_table()
    assert again.to_pylist() == parquet.to_pylist()


def test_files_are_their_owners_and_dagster_is_told_counts_alone(sample_files):
    settings, result = sample_files
    folder = workbook_path(settings.reports_path, MONTH).parent
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == sorted(SUFFIXES)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert metadata["path"].value == str(workbook_path(settings.reports_path, MONTH))
    links = [metadata[name].value for name in ("csv", "parquet", "url")]
    assert links == [f"/reports/2024-06/{file.name}" for file in files]
    assert metadata["bytes"].value == files[2].stat().st_size
    customers = pq.read_table(files[1]).num_rows
    assert metadata["dagster/row_count"].value == customers
    assert set(metadata) == {
        *("path", "url", "csv", "parquet", "bytes", "dagster/row_count"),
        "csv_texts_with_apostrophe",
    }


def test_a_range_of_months_gives_each_its_own_and_a_first_month_compares_with_nothing(
    sample_warehouse, tmp_path
):
    first = min(row["snapshot_month"] for row in rows_of(sample_warehouse, "segment_profiles"))
    last = date(first.year, first.month + 1, 1)
    settings, result = written(sample_warehouse, tmp_path, first, last)
    for month in (first, last):
        agrees(settings, month)
    events = result.get_asset_materialization_events()
    assert {event.partition: event.materialization.metadata["path"].value for event in events} == {
        str(month): str(workbook_path(tmp_path, month)) for month in (first, last)
    }


def test_a_month_that_has_no_customers_any_more_has_no_files(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    files = workbook_files(installed.reports_path, MONTH)
    files[0].parent.mkdir(parents=True)
    for file in files:
        file.touch()
    with duckdb.connect(str(installed.warehouse_path)) as con:
        for table in ("customer_segments", "segment_profiles", "customer_rfm"):
            con.execute(f"DELETE FROM {table} WHERE snapshot_month = ?", [MONTH])
            line = f"UPDATE publications SET rows = 0 WHERE table_name = '{table}' AND month = ?"
            con.execute(line, [MONTH])
    materialize(installed, ["segment_workbook"], MONTH)
    assert list(files[0].parent.iterdir()) == []


def test_a_segment_that_nobody_is_in_has_no_sheet_and_stands_in_the_summary(
    sample_warehouse, copy_of, tmp_path
):
    installed = copy_of(sample_warehouse)
    with duckdb.connect(str(installed.warehouse_path)) as con:
        for table in ("customer_segments", "segment_profiles"):
            con.execute(
                f"DELETE FROM {table} WHERE snapshot_month = ? AND segment = 'Champions'", [MONTH]
            )
    view = read_month(Warehouse(installed.warehouse_path), MONTH, TODAY, SHARE)
    write_workbook(view, tmp_path / "book.xlsx", is_sample=True)
    book = load_workbook(tmp_path / "book.xlsx")
    assert "Champions" not in book.sheetnames
    row = next(row for row in summary_rows(book) if row["Segment"] == "Champions")
    assert (row["Customers"], row["Spent"]) == (0, 0)
    # All who were there have left, and each is told of once.
    left = [row["Customer"] for row in sheet_rows(book["Changes"]) if row["From"] == "Champions"]
    assert row["Change in customers since last month"] == -len(left) < 0
    assert len(set(left)) == len(left)
    assert {row["To"] for row in sheet_rows(book["Changes"])} >= {"Gone"}
    assert any("INVENTED" in str(cell.value) for cell in book["Summary"]["A"])


def known_of(segments, rfm, model):
    """All that is known of customers."""
    return customers_of(with_origin(segments, rfm, model, MOST_CLUSTERS), rfm)


@given(worlds())
@hypothesis_settings(max_examples=12)
def test_who_came_from_where_agrees_with_segment_migration_in_any_world(world):
    segments, rfm = world
    customers = in_memory(known_of, segments, rfm, MODEL)
    assert [(row["snapshot_month"], row["customer_id"]) for row in customers] == sorted(
        (row["snapshot_month"], row["customer_id"]) for row in segments
    )
    assert Counter(
        (row["snapshot_month"], row["from_segment"], row["segment"])
        for row in customers
        if row["from_segment"]
    ) == {
        (row["snapshot_month"], row["from_segment"], row["to_segment"]): row["customers"]
        for row in expected_migration(segments, rfm, MODEL)
        if row["to_segment"] != "Gone"
    }


def test_a_write_takes_the_place_of_the_old_file_at_once(tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_text("old")
    with path.open() as reader:
        with replacing(path) as draft:
            draft.write_text("new")
            assert path.read_text() == "old"
        # Who has the old file open reads it to its end.
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as draft:
            draft.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_text("old")
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys\n"
            "from pathlib import Path\n"
            "from customer_segments.private import replacing\n"
            "with replacing(Path(sys.argv[1])) as draft:\n"
            "    draft.write_text('half')\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n",
            str(path),
        ],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
