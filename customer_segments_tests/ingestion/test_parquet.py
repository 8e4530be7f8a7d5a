"""Parquet files, whose columns have types of their own."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments_tests.ingestion.ingested import ask, ingest, ingest_metadata, raw
from customer_segments_tests.ingestion.workbooks import HEADER, line
from customer_segments_tests.installations import execute, install

MOMENT = datetime(2011, 3, 1, 7, 45)


def columns(rows: int = 1, **arrays: pa.Array) -> dict[str, pa.Array]:
    """Columns of good rows, with some changed."""
    good = {name: pa.array([cell] * rows) for name, cell in zip(HEADER, line(), strict=True)}
    return good | {name.replace("_", " "): array for name, array in arrays.items()}


def write(settings: Settings, columns: dict[str, pa.Array]) -> Path:
    path = settings.source_dir / "a.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_a_frame_of_pandas(installed):
    frame = pd.DataFrame([line(), line(Customer_ID=None)], columns=HEADER)
    assert str(frame["Customer ID"].dtype) == "float64"
    frame.to_parquet(installed.source_dir / "a.parquet")
    assert ingest(installed, "sheet, row_number, invoice, quantity, price, customer_id") == [
        ("a", 2, "489434", 12, Decimal("6.95"), "13085"),
        ("a", 3, "489434", 12, Decimal("6.95"), None),
    ]


def test_customers_as_floats(installed):
    ids = pa.array([13085.0, None, float("nan"), 1e6, 12345678901.0, 9007199254740991.0, 1.5])
    write(installed, columns(len(ids), Customer_ID=ids))
    assert [customer for (customer,) in ingest(installed, "customer_id")] == [
        *("13085", None, None, "1000000", "12345678901", "9007199254740991", "1.5")
    ]


@pytest.mark.parametrize(
    "dates",
    [
        *(pa.array([MOMENT] * 2, pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")),
        pa.array(["2011-03-01 07:45", "2011-03-01T07:45:00"]),
    ],
    ids=["s", "ms", "us", "ns", "text"],
)
def test_times(installed, dates):
    write(installed, columns(2, InvoiceDate=dates))
    assert ingest(installed, "invoice_date, month") == [(MOMENT, date(2011, 3, 1))] * 2


def test_types_of_other_columns(installed):
    write(
        installed,
        columns(
            3,
            Invoice=pa.array(["C1", "2", None]).dictionary_encode(),
            StockCode=pa.array(["85048", "POST", "M"], pa.large_string()),
            Quantity=pa.array([Decimal("12.00"), Decimal("-1.00"), Decimal("3.50")]),
            InvoiceDate=pa.array([date(2011, 3, 1)] * 3),
            Price=pa.array([Decimal("6.95"), Decimal(0), Decimal("1.2345")], pa.decimal128(20, 10)),
            Customer_ID=pa.array([Decimal(13085), Decimal(13086), None], pa.decimal128(38, 10)),
            Country=pa.nulls(3),
        ),
    )
    assert ingest(installed, "invoice, stock_code, quantity, price, customer_id, country") == [
        ("C1", "85048", 12, Decimal("6.95"), "13085", None),
        ("2", "POST", -1, Decimal(0), "13086", None),
        (None, "M", Decimal("3.5"), Decimal("1.2345"), None, None),
    ]


def test_small_integers_and_floats(installed):
    write(
        installed,
        columns(
            3,
            Quantity=pa.array([12.0, 3.5, None]),
            Price=pa.array([0.1 + 0.2, 2.55, 1e-5]),
            Customer_ID=pa.array([1, 2, None], pa.uint16()),
        ),
    )
    assert ingest(installed, "quantity, price, customer_id, unreadable_text") == [
        (12, Decimal("0.3"), "1", None),
        (Decimal("3.5"), Decimal("2.55"), "2", None),
        (None, Decimal("0.00001"), None, None),
    ]


def test_other_columns_may_be_of_any_type(installed):
    tags = {"tags": pa.array([["a"], []]), "blob": pa.array([b"\xff", None])}
    write(installed, columns(2) | tags | {"where": pa.array([{"x": 1}, None])})
    assert ingest_metadata(installed)["ignored_columns"] == ["blob", "tags", "where"]
    assert len(raw(installed)) == 2


def test_rows_that_hold_nothing_and_names_of_folders_are_no_data(tmp_path):
    source = tmp_path / "Shop=Nowhere"
    source.mkdir()
    installed = install(tmp_path, source_dir=source)
    cells = columns(3)
    hole = pa.array([True, False, True])
    write(installed, {name: pc.if_else(hole, c, None) for name, c in cells.items()})
    assert ingest(installed, "row_number, country") == [
        (2, "United Kingdom"),
        (4, "United Kingdom"),
    ]
    assert ask(installed, "SELECT blank_rows, ignored_columns FROM source_sheets") == [(1, "")]


def test_a_folder_of_folders_with_a_part_each_is_one_file(installed):
    for month in ("2011-03", "2011-04"):
        folder = installed.source_dir / f"sales.parquet/month={month}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table(columns(2, Country=pa.array([month] * 2))), folder / "0.parquet")
    assert ingest(installed, "workbook, sheet, row_number, country") == [
        ("sales.parquet", f"month={month}/0", row, month)
        for month in ("2011-03", "2011-04")
        for row in (2, 3)
    ]


def test_a_column_of_lists_is_no_money(installed):
    write(installed, columns(1, Price=pa.array([[6.95]])))
    with pytest.raises(UserError, match=r"a\.parquet, sheet 'a', column 'Price'"):
        execute(installed, "ingest")


def test_times_with_a_zone_are_the_retailers(installed):
    write(installed, columns(1, InvoiceDate=pa.array([MOMENT.replace(tzinfo=UTC)])))
    zone = ZoneInfo(Installation.of(installed).policy.source.time_zone)
    local = MOMENT.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    assert ingest(installed, "invoice_date") == [(local,)]
