"""The sample is what its seed makes of it, has every kind of dirt, and hides four archetypes."""

import subprocess
import sys
import weakref
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from pyarrow import compute
from pyarrow import parquet as pq

from benchmarks.sample import customers as sample_customers
from benchmarks.sample import writers
from benchmarks.sample.archetypes import ARCHETYPES
from benchmarks.sample.customers import (
    CUSTOMERS_PER_CHUNK,
    FIRST_CUSTOMER_ID,
    planted_archetypes,
)
from benchmarks.sample.transactions import COLUMNS, transaction_chunks
from benchmarks.sample.writers import (
    WORKBOOK_CUSTOMERS,
    write_parquet,
    write_workbook,
)
from customer_segments.errors import UserError
from customer_segments.source_files import SOURCE_SUFFIXES

COMMITTED = Path(__file__).parents[2] / "data/sample/online_retail_sample.xlsx"
SHEETS = ["Year 2023-2024", "Year 2024-2025"]
SERVICES = {"POST", "DOT", "M", "D", "S", "C2", "BANK CHARGES", "AMAZONFEE", "CRUK", "ADJUST"}
SERVICES |= {"TEST001", "GIFT_0001_20", "B"}

Cells = dict[str, list[tuple[object, ...]]]


def cells_of(path: Path) -> Cells:
    book = load_workbook(path, read_only=True)
    cells = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}
    book.close()
    return cells


@pytest.fixture(scope="module")
def committed() -> Cells:
    return cells_of(COMMITTED)


@pytest.fixture(scope="module")
def by_sheet(committed) -> pd.DataFrame:
    """All rows of the committed workbook, with their sheet, the cells as they are."""
    return pd.concat(
        pd.DataFrame(rows[1:], columns=COLUMNS, dtype=object).assign(sheet=sheet)
        for sheet, rows in committed.items()
    )


@pytest.fixture(scope="module")
def lines(by_sheet) -> pd.DataFrame:
    """The rows as the pipeline sees them: as text and numbers, shared invoices once."""
    later = set(by_sheet.loc[by_sheet["sheet"] == SHEETS[1], "Invoice"])
    superseded = (by_sheet["sheet"] == SHEETS[0]) & by_sheet["Invoice"].isin(later)
    once = by_sheet[~superseded].drop(columns="sheet").reset_index(drop=True)
    return once.assign(
        Invoice=once["Invoice"].astype("str"),
        StockCode=once["StockCode"].astype("str"),
        Description=once["Description"].astype("str"),
        Quantity=once["Quantity"].astype("int64"),
        InvoiceDate=once["InvoiceDate"].astype("datetime64[us]"),
        Price=once["Price"].astype("float64"),
        Country=once["Country"].astype("str"),
        **{"Customer ID": once["Customer ID"].astype("Int64")},
    )


@pytest.mark.slow  # who changes the generator makes the workbook anew
def test_committed_workbook_is_what_the_generator_makes(committed, tmp_path):
    write_workbook(tmp_path / "new folder" / "again.xlsx")
    again = cells_of(tmp_path / "new folder" / "again.xlsx")
    assert list(committed) == list(again) == SHEETS
    for sheet in SHEETS:
        assert committed[sheet][0] == tuple(COLUMNS)
        differing = [(a, b) for a, b in zip(committed[sheet], again[sheet], strict=True) if a != b]
        assert differing == []
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["again.xlsx"]


def test_sample_folder_holds_one_small_input():
    inputs = [file for file in COMMITTED.parent.iterdir() if file.suffix in SOURCE_SUFFIXES]
    assert inputs == [COMMITTED]
    assert COMMITTED.stat().st_size < 2_000_000


def test_both_writers_write_the_same_rows(lines, tmp_path):
    write_parquet(tmp_path / "sample.parquet", customers=WORKBOOK_CUSTOMERS)
    table = pq.read_table(tmp_path / "sample.parquet").to_pandas()
    table["Customer ID"] = table["Customer ID"].astype("Int64")
    pd.testing.assert_frame_equal(
        table, lines, check_dtype=False, check_exact=True, check_column_type=False
    )


def test_seed_decides_the_rows():
    def frame(seed):
        return next(transaction_chunks(customers=200, seed=seed))

    pd.testing.assert_frame_equal(frame(7), frame(7))
    assert not frame(7).equals(frame(8))
    assert not planted_archetypes(customers=200, seed=7).equals(
        planted_archetypes(customers=200, seed=8)
    )


def sales_and_credits(lines: pd.DataFrame) -> pd.DataFrame:
    """Return what the cleaning rules keep, with its revenue."""
    code = lines["StockCode"].str.strip().str.upper()
    kept = lines[lines["Customer ID"].notna() & ~code.isin(SERVICES) & (lines["Price"] > 0)]
    kept = kept.assign(
        is_credit=kept["Invoice"].str.startswith("C"), revenue=kept["Quantity"] * kept["Price"]
    )
    assert ((kept["Quantity"] < 0) == kept["is_credit"]).all()
    return kept


def test_covers_24_months_that_all_bring_new_customers(lines):
    kept = sales_and_credits(lines)
    sales = kept[~kept["is_credit"]]
    first = sales.groupby("Customer ID")["InvoiceDate"].min()
    months = pd.period_range("2023-01", "2024-12", freq="M")
    assert set(sales["InvoiceDate"].dt.to_period("M")) == set(months)
    assert set(first.dt.to_period("M")) == set(months)
    assert lines["InvoiceDate"].min() < datetime(2023, 1, 5)
    assert datetime(2024, 12, 31) < lines["InvoiceDate"].max() < datetime(2025, 1, 1)
    assert len(first) >= 1000
    assert (first < datetime(2023, 12, 31)).sum() >= 600


def test_sheets_share_nine_days_line_for_line(by_sheet):
    first, second = (
        by_sheet[by_sheet["sheet"] == sheet].drop(columns="sheet").reset_index(drop=True)
        for sheet in SHEETS
    )
    shared = set(first["Invoice"]) & set(second["Invoice"])
    assert len(shared) > 20
    in_first = first[first["Invoice"].isin(shared)].reset_index(drop=True)
    in_second = second[second["Invoice"].isin(shared)].reset_index(drop=True)
    pd.testing.assert_frame_equal(in_first, in_second)
    assert in_first["InvoiceDate"].min() >= datetime(2024, 1, 1)
    assert in_first["InvoiceDate"].max() < datetime(2024, 1, 10)
    assert second["InvoiceDate"].min() >= datetime(2024, 1, 1)
    assert first["InvoiceDate"].max() < datetime(2024, 1, 10)


def test_cell_types_are_those_of_uci(by_sheet):
    def types(column):
        return Counter(type(value) for value in by_sheet[column])

    for column in ("Invoice", "StockCode"):
        assert set(types(column)) == {int, str}
        assert not any(str.isdigit(text) for text in by_sheet[column] if isinstance(text, str))
    assert set(types("Quantity")) == {int}
    assert set(types("InvoiceDate")) == {datetime}
    assert set(types("Price")) <= {int, float}
    assert set(types("Customer ID")) == {int, type(None)}
    assert set(types("Description")) == {str, type(None)}
    assert set(types("Country")) == {str}


DIRT = {
    "credit notes": lambda r: r["Invoice"].str.fullmatch(r"C\d{6}") & (r["Quantity"] < 0),
    "lower-case codes": lambda r: r["StockCode"].str.fullmatch(r"\d{5}[a-z]+"),
    "zero prices of a customer": lambda r: (r["Price"] == 0) & r["Customer ID"].notna(),
    "write-offs": lambda r: (
        r["Invoice"].str.fullmatch(r"\d{6}")
        & (r["Quantity"] < 0)
        & (r["Price"] == 0)
        & r["Customer ID"].isna()
    ),
    "missing descriptions": lambda r: r["Description"].isna(),
    "leading blanks": lambda r: r["Description"].str.startswith(" ", na=False),
    "repeated lines": lambda r: r.duplicated(),
    "prices of three decimals": lambda r: r["Price"].astype(str).str.fullmatch(r"\d+\.\d{3}"),
    "bad debts": lambda r: (
        r["Invoice"].str.fullmatch(r"A\d{6}")
        & (r["StockCode"] == "B")
        & (r["Price"] < 0)
        & r["Customer ID"].isna()
    ),
    **{
        f"service code {code}": lambda r, code=code: r["StockCode"].str.upper() == code
        for code in sorted(SERVICES)
    },
}


@pytest.mark.parametrize("kind", DIRT)
def test_has_every_kind_of_dirt(lines, kind):
    assert 2 <= DIRT[kind](lines).sum() < 0.1 * len(lines)


def test_a_fifth_of_the_lines_has_no_customer(lines):
    assert 0.17 < lines["Customer ID"].isna().mean() < 0.23


def test_united_kingdom_dominates_a_handful_of_countries(lines):
    countries = lines["Country"].value_counts(normalize=True)
    assert countries["United Kingdom"] > 0.85
    assert 5 <= len(countries) <= 10


def test_credit_notes_take_back_part_of_an_earlier_order(lines):
    kept = sales_and_credits(lines)
    credits_, sales = kept[kept["is_credit"]], kept[~kept["is_credit"]]
    pairs = credits_.merge(sales, on=["Customer ID", "StockCode", "Price"], suffixes=("", "_sold"))
    earlier = pairs[
        (pairs["InvoiceDate_sold"] < pairs["InvoiceDate"])
        & (pairs["Quantity_sold"] >= -pairs["Quantity"])
    ]
    matched = earlier.drop_duplicates(["Invoice", "StockCode", "Quantity"])
    assert len(matched) > 0.95 * len(credits_)


def test_giant_orders_are_reversed_within_minutes(lines):
    giants = lines[lines["Quantity"] > 30_000]
    assert len(giants) >= 2
    kept = sales_and_credits(lines)
    for giant in giants.itertuples(index=False):
        customer = kept[kept["Customer ID"] == giant[COLUMNS.index("Customer ID")]]
        reversal = customer[customer["Quantity"] == -giant.Quantity]
        assert reversal["Invoice"].str.startswith("C").all()
        waited = reversal["InvoiceDate"] - giant.InvoiceDate
        assert waited.tolist() == [pd.Timedelta(minutes=12)]
        assert 0 < customer["revenue"].sum() < 20


def test_planted_archetypes_are_found_again(lines):
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from sklearn.preprocessing import StandardScaler

    kept = sales_and_credits(lines)
    sales = kept[~kept["is_credit"]].groupby("Customer ID")
    last_day = sales["InvoiceDate"].max().dt.normalize()
    rfm = pd.DataFrame(
        {
            "recency_days": (pd.Timestamp("2025-01-01") - last_day).dt.days,
            "frequency": sales["Invoice"].nunique(),
            "monetary": kept.groupby("Customer ID")["revenue"].sum().clip(lower=0),
        }
    ).dropna()
    planted = planted_archetypes(customers=WORKBOOK_CUSTOMERS).set_index("customer_id")
    assert sorted(planted.index) == sorted(rfm.index.astype("str"))
    assert set(planted["archetype"]) == {archetype.name for archetype in ARCHETYPES}

    features = StandardScaler().fit_transform(np.log1p(rfm.astype("float64")))
    found = KMeans(4, n_init=10, random_state=42).fit_predict(features)
    truth = planted.loc[rfm.index.astype("str"), "archetype"]
    # Above .8 they can be found; at 1 they would be no test of a segmentation.
    assert 0.8 < adjusted_rand_score(truth, found) < 0.97


def test_parquet_has_a_row_group_per_chunk_of_customers(tmp_path):
    customers = 2 * CUSTOMERS_PER_CHUNK + 1_000
    write_parquet(tmp_path / "big.parquet", customers=customers, seed=3)
    file = pq.ParquetFile(tmp_path / "big.parquet")
    assert file.schema_arrow.names == COLUMNS
    assert file.num_row_groups == 3

    ids = [file.read_row_group(group)["Customer ID"] for group in range(3)]
    bounds = [tuple(compute.min_max(group).as_py().values()) for group in ids]
    first = FIRST_CUSTOMER_ID
    assert bounds == [
        (first, first + CUSTOMERS_PER_CHUNK - 1),
        (first + CUSTOMERS_PER_CHUNK, first + 2 * CUSTOMERS_PER_CHUNK - 1),
        (first + 2 * CUSTOMERS_PER_CHUNK, first + customers - 1),
    ]
    table = file.read().to_pandas()
    # A number stands for one document of one customer, across row groups too.
    named = table[table["Customer ID"].notna()]
    assert named.groupby("Invoice")["Customer ID"].nunique().max() == 1
    assert table.groupby("Invoice")["InvoiceDate"].nunique().max() == 1
    planted = planted_archetypes(customers=customers, seed=3)
    sales = named[~named["Invoice"].str.startswith("C")]
    assert set(planted["customer_id"]) == set(sales["Customer ID"].astype("int64").astype("str"))


def test_rows_are_made_as_they_are_asked_for():
    first = next(transaction_chunks(customers=10**12, seed=7))
    assert first["Customer ID"].nunique() == CUSTOMERS_PER_CHUNK


def test_parquet_writer_keeps_no_chunk_it_has_written(tmp_path, monkeypatch):
    chunks = []
    alive = []

    def watched(**arguments):
        for lines in transaction_chunks(**arguments):
            alive.append(sum(chunk() is not None for chunk in chunks))
            chunks.append(weakref.ref(lines))
            yield lines

    monkeypatch.setattr(sample_customers, "CUSTOMERS_PER_CHUNK", 50)
    monkeypatch.setattr(writers, "transaction_chunks", watched)
    write_parquet(tmp_path / "big.parquet", customers=400)
    assert len(chunks) == pq.ParquetFile(tmp_path / "big.parquet").num_row_groups == 8
    # The one before, which the writer's loop has not let go of yet.
    assert max(alive) <= 1


@pytest.mark.parametrize("customers", [1, 2, 3, 10])
def test_a_few_customers_are_enough(customers, tmp_path):
    write_parquet(tmp_path / "few.parquet", customers=customers)
    ids = pq.read_table(tmp_path / "few.parquet")["Customer ID"].drop_null().unique()
    assert sorted(ids.cast("string").to_pylist()) == (
        planted_archetypes(customers=customers)["customer_id"].tolist()
    )


@pytest.mark.parametrize(("customers", "seed"), [(0, 7), (-5, 7), (10, -1)])
def test_impossible_samples_are_refused(customers, seed, tmp_path):
    for make in (
        lambda: planted_archetypes(customers=customers, seed=seed),
        lambda: write_workbook(tmp_path / "no.xlsx", customers=customers, seed=seed),
        lambda: write_parquet(tmp_path / "no.parquet", customers=customers, seed=seed),
    ):
        with pytest.raises(UserError):
            make()
    assert list(tmp_path.iterdir()) == []


def test_workbook_that_excel_cannot_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "_SHEET_ROWS", 1_000)
    with pytest.raises(UserError, match=r"more lines than the 1,000 .* \.parquet"):
        write_workbook(tmp_path / "big.xlsx", customers=100)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    target = tmp_path / "sample.parquet"
    target.write_text("before")

    def breaks_off(**arguments):
        yield next(transaction_chunks(**arguments))
        raise RuntimeError("no space left")

    monkeypatch.setattr(writers, "transaction_chunks", breaks_off)
    with pytest.raises(RuntimeError):
        write_parquet(target, customers=10)
    assert [file.name for file in tmp_path.iterdir()] == ["sample.parquet"]
    assert target.read_text() == "before"


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import benchmarks.sample, sys;"
        "assert not {'numpy', 'pandas', 'pyarrow', 'openpyxl'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["x.txt"], 1, "x.txt is neither .xlsx nor .parquet."),
        (["x.parquet", "--customers", "0"], 1, "A sample of 0 customers cannot be made."),
        (["x.parquet", "--customers", "5"], 0, "x.parquet is written."),
    ],
)
def test_the_command(tmp_path, arguments, code, said):
    path, *others = arguments
    command = [sys.executable, "-m", "benchmarks.sample", str(tmp_path / path), *others]
    done = subprocess.run(command, capture_output=True, text=True, cwd=COMMITTED.parents[2])
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True)
    assert [each.name for each in tmp_path.iterdir()] == ([] if code else [path])
