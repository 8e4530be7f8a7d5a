"""Parquet files, whose columns have types of their own."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from customer_segments.errors import UserError
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments_tests.ingestion.ingested import ask, ingest_metadata, of_file
from customer_segments_tests.ingestion.taken import take
from customer_segments_tests.ingestion.workbooks import HEADER, line
from customer_segments_tests.installations import install

MOMENT = datetime(2011, 3, 1, 7, 45)


def columns(rows: int = 1, **arrays: pa.Array) -> dict[str, pa.Array]:
    """Columns of good rows, with some changed."""
    good = {name: pa.array([cell] * rows) for name, cell in zip(HEADER, line(), strict=True)}
    return good | {name.replace("_", " "): array for name, array in arrays.items()}


def taken(folder: Path, columns: dict[str, pa.Array], *names: str) -> list[tuple]:
    """Write columns, and read some of what they are taken for."""
    pq.write_table(pa.table(columns), folder / "a.parquet")
    return [tuple(row[name] for name in names) for row in take(folder / "a.parquet").rows]


def test_a_frame_of_pandas(tmp_path):
    frame = pd.DataFrame([line(), line(Customer_ID=None)], columns=HEADER)
    assert str(frame["Customer ID"].dtype) == "float64"
    frame.to_parquet(tmp_path / "a.parquet")
    names = ("sheet", "row_number", "invoice", "quantity", "price", "customer_id")
    assert [tuple(row[name] for name in names) for row in take(tmp_path / "a.parquet").rows] == [
        ("a", 2, "489434", 12, Decimal("6.95"), "13085"),
        ("a", 3, "489434", 12, Decimal("6.95"), None),
    ]


def test_customers_as_floats(tmp_path):
    ids = pa.array([13085.0, None, float("nan"), 1e6, 12345678901.0, 9007199254740991.0, 1.5])
    found = taken(tmp_path, columns(len(ids), Customer_ID=ids), "customer_id")
    assert [customer for (customer,) in found] == [
        *("13085", None, None, "1000000", "12345678901", "9007199254740991", "1.5")
    ]


def test_bytes_are_text_or_ids(tmp_path):
    ids = pa.array([bytes(range(n, n + 16)) for n in (32, 240)], pa.binary(16))
    found = taken(
        tmp_path,
        columns(2, Customer_ID=ids, StockCode=pa.array([b"85048", None])),
        *("customer_id", "stock_code"),
    )
    assert found == [
        ("202122232425262728292a2b2c2d2e2f", "85048"),
        ("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", None),
    ]


@pytest.mark.parametrize(
    "dates",
    [
        *(pa.array([MOMENT] * 2, pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")),
        pa.array(["2011-03-01 07:45", "2011-03-01T07:45:00"]),
    ],
    ids=["s", "ms", "us", "ns", "text"],
)
def test_times(tmp_path, dates):
    assert taken(tmp_path, columns(2, InvoiceDate=dates), "invoice_date") == [(MOMENT,)] * 2


def test_types_of_other_columns(tmp_path):
    cells = columns(
        3,
        Invoice=pa.array(["C1", "2", None]).dictionary_encode(),
        StockCode=pa.array(["85048", "POST", "M"], pa.large_string()),
        Quantity=pa.array([Decimal("12.00"), Decimal("-1.00"), Decimal("3.50")]),
        InvoiceDate=pa.array([date(2011, 3, 1)] * 3),
        Price=pa.array([Decimal("6.95"), Decimal(0), Decimal("1.2345")], pa.decimal128(20, 10)),
        Customer_ID=pa.array([Decimal(13085), Decimal(13086), None], pa.decimal128(38, 10)),
        Country=pa.nulls(3),
    )
    names = ("invoice", "stock_code", "quantity", "price", "customer_id", "country")
    assert taken(tmp_path, cells, *names) == [
        ("C1", "85048", 12, Decimal("6.95"), "13085", None),
        ("2", "POST", -1, Decimal(0), "13086", None),
        (None, "M", Decimal("3.5"), Decimal("1.2345"), None, None),
    ]


def test_small_integers_and_floats(tmp_path):
    cells = columns(
        3,
        Quantity=pa.array([12.0, 3.5, None]),
        Price=pa.array([0.1 + 0.2, 2.55, 1e-5]),
        Customer_ID=pa.array([1, 2, None], pa.uint16()),
    )
    names = ("quantity", "price", "customer_id", "unreadable_text")
    assert taken(tmp_path, cells, *names) == [
        (12, Decimal("0.3"), "1", None),
        (Decimal("3.5"), Decimal("2.55"), "2", None),
        (None, Decimal("0.00001"), None, None),
    ]


def test_other_columns_rows_that_hold_nothing_and_names_of_folders_are_no_data(tmp_path):
    source = tmp_path / "Shop=Nowhere"
    source.mkdir()
    installed = install(tmp_path, source_dir=source)
    hole = pa.array([True, False, True])
    cells = {name: pc.if_else(hole, each, None) for name, each in columns(3).items()}
    tags = {"tags": pa.array([["a"], None, []]), "blob": pa.array([b"\xff", None, None])}
    others = tags | {"where": pa.array([{"x": 1}, None, None])}
    pq.write_table(pa.table(cells | others), source / "a.parquet")
    # A folder of folders with a part each is one file.
    for month in ("2011-03", "2011-04"):
        folder = source / f"sales.parquet/month={month}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table(columns(2, Country=pa.array([month] * 2))), folder / "0.parquet")
    assert ingest_metadata(installed)["ignored_columns"] == "blob, tags, where"
    assert of_file(installed, "a.parquet", "row_number, country") == [
        (2, "United Kingdom"),
        (4, "United Kingdom"),
    ]
    blank = "SELECT blank_rows, ignored_columns FROM source_sheets WHERE sheet = 'a'"
    assert ask(installed, blank) == [(1, '["tags", "blob", "where"]')]
    assert of_file(installed, "sales.parquet", "sheet, row_number, country") == [
        (f"month={month}/0", row, month) for month in ("2011-03", "2011-04") for row in (2, 3)
    ]


def test_a_column_of_lists_is_no_money(tmp_path):
    with pytest.raises(UserError, match=r"a\.parquet, sheet 'a', column 'Price'"):
        taken(tmp_path, columns(1, Price=pa.array([[6.95]])))


def test_times_with_a_zone_are_the_retailers(tmp_path):
    dates = pa.array([MOMENT.replace(month=7, tzinfo=UTC)])
    assert taken(tmp_path, columns(1, InvoiceDate=dates), "invoice_date") == [
        (MOMENT.replace(month=7, hour=8),)
    ]


def test_a_table_of_delta_lake_whose_files_were_replaced_is_refused(tmp_path):
    log = tmp_path / "sales" / "_delta_log"
    log.mkdir(parents=True)
    (log.parent / "part-0.parquet").write_bytes(b"")
    (log / "0.json").write_text('{"add": {"path": "part-0.parquet"}}')
    assert len(fingerprinted([log.parent])) == 1
    (log / "1.json").write_text('{"remove": {"path": "part-0.parquet"}}')
    with pytest.raises(UserError, match="no longer count"):
        fingerprinted([log.parent])


def test_a_table_of_iceberg_is_refused(tmp_path):
    for name in ("data/day=1/a.parquet", "metadata/snap-1.avro"):
        (tmp_path / "sales" / name).parent.mkdir(parents=True)
        (tmp_path / "sales" / name).write_bytes(b"")
    with pytest.raises(UserError, match="no longer count"):
        fingerprinted([tmp_path / "sales"])
