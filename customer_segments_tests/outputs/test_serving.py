"""The serving copy: a month reads from it as from the warehouse, and readers never wait."""

from dataclasses import fields

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from customer_segments.installation import Installation
from customer_segments.model.exchange import import_version
from customer_segments.outputs.reading import read_month
from customer_segments.outputs.serving import serve
from customer_segments.outputs.summary import print_summary
from customer_segments.tables import KMEANS_MODEL
from customer_segments_tests.installations import execute, install
from customer_segments_tests.machine import shop
from customer_segments_tests.outputs.conftest import MONTH, SHARE, TODAY

WAITS = "table_name = 'customer_segments' AND month = DATE '2024-12-01'"


@pytest.fixture(scope="module")
def installed(sample_warehouse) -> Installation:
    return Installation.of(sample_warehouse)


def test_a_month_reads_the_same_from_the_copy(installed):
    copied = read_month(installed.copy, MONTH, TODAY, SHARE)
    read = read_month(installed.warehouse, MONTH, TODAY, SHARE)
    assert copied is not read
    for name in (field.name for field in fields(read)):
        ours, theirs = getattr(copied, name), getattr(read, name)
        if isinstance(theirs, pd.DataFrame):
            pd.testing.assert_frame_equal(ours, theirs)
        elif isinstance(theirs, pd.Series):
            pd.testing.assert_series_equal(ours, theirs)
        else:
            assert ours == theirs, name


def test_the_terminal_reads_the_copy_unless_it_is_of_before(sample_warehouse, copy_of):
    installed = Installation.of(copy_of(sample_warehouse))
    console, rejected = Console(width=120), "missing_customer"
    with duckdb.connect(str(installed.copy.path)) as con:
        con.execute(f"DELETE FROM rows_by_reason WHERE reason = '{rejected}'")
    for is_copied in (True, False):
        if not is_copied:
            with installed.warehouse.writing() as con:
                con.raw_sql(f"DELETE FROM publications WHERE {WAITS}")
        with console.capture() as said:
            print_summary(installed, console)
        assert (rejected in said.get()) == (not is_copied)


def test_a_model_is_promoted_where_nobody_is_labelled_and_no_copy_is_made(tmp_path):
    settings = install(tmp_path, source_dir=tmp_path)
    installed = Installation.of(settings)
    import_version(installed.warehouse, shop.model(2), promote=False)
    version = installed.warehouse.load(KMEANS_MODEL)["version"].iloc[0]
    choice = {"config": {"version": version, "reason": ""}}
    assert execute(settings, "promote", run_config={"ops": {"champion_model": choice}}).success
    assert installed.warehouse.state().champion == version
    assert not installed.copy.path.exists()


def test_orders_and_products_add_up_to_the_lines(installed):
    with installed.warehouse.reading() as con:
        lines = "FROM cleaned_transactions WHERE customer_id IS NOT NULL"
        (totals,) = con.raw_sql(f"SELECT sum(quantity), sum(revenue), count(*) {lines}").fetchall()
    with installed.copy.reading() as con:
        orders = "SELECT sum(quantity), sum(revenue), sum(lines) FROM customer_orders"
        assert con.raw_sql(orders).fetchall() == [totals]
        products = "SELECT sum(quantity), sum(revenue) FROM customer_products"
        assert con.raw_sql(products).fetchall() == [totals[:2]]


def test_customers_have_all_that_is_known_of_them(installed):
    with installed.copy.reading() as con:
        customers = con.table("customers").to_pyarrow()
    in_parquet = pq.read_table(installed.copy.path.with_suffix(".parquet"))
    assert in_parquet.num_rows == customers.num_rows
    of_month = [row for row in in_parquet.to_pylist() if row["snapshot_month"] == MONTH]
    read = read_month(installed.warehouse, MONTH, TODAY, SHARE).customers.to_pylist()
    by_customer = {row["customer_id"]: row for row in read}
    assert len(of_month) == len(read)
    for row in of_month:
        # Why nothing is expected of them: not for lists.
        del row["reason"]
        assert {name: by_customer[row["customer_id"]][name] for name in row} == row


def test_what_customers_tell_is_in_the_copy_once(sample_warehouse, copy_of):
    installed = Installation.of(copy_of(sample_warehouse))
    names = ("customer_rfm", "customer_segments", "customer_value")
    # A snapshot that waits for its forecast, and for its labels.
    for waits, once in ((None, names), (names[2], names[:2]), (names[1], ())):
        if waits:
            line = f"table_name = '{waits}' AND month = DATE '2024-12-01'"
            with installed.warehouse.writing() as con:
                con.raw_sql(f"DELETE FROM publications WHERE {line}")
        serve(installed)
        for name in names:
            with installed.warehouse.reading() as con:
                ours = con.table(name).to_pandas()
            with installed.copy.reading() as con:
                theirs = con.table(name).to_pandas()
                held = con.raw_sql("SELECT view_name FROM duckdb_views() WHERE NOT internal")
                assert (name in {row for (row,) in held.fetchall()}) == (name in once)
            key = ["snapshot_month", "customer_id"]
            ours, theirs = (each.sort_values(key, ignore_index=True) for each in (ours, theirs))
            pd.testing.assert_frame_equal(ours, theirs)


def test_who_has_a_copy_open_reads_on_while_another_takes_its_place(sample_warehouse, copy_of):
    installed = Installation.of(copy_of(sample_warehouse))
    serve(installed)
    left = installed.copy.path.with_name(f".{installed.copy.path.name}.1")
    left.write_text("of a process that was killed")
    count = "SELECT count(*) FROM customers"
    with duckdb.connect(str(installed.copy.path), read_only=True) as reader:
        before = reader.execute(count).fetchall()
        with installed.warehouse.writing() as con:
            con.raw_sql("DELETE FROM customer_segments WHERE snapshot_month = DATE '2024-12-01'")
        serve(installed)
        assert reader.execute(count).fetchall() == before
    with duckdb.connect(str(installed.copy.path), read_only=True) as reader:
        assert reader.execute(count).fetchall() < before
    assert sorted(file.name for file in installed.copy.path.parent.iterdir()) == [
        installed.copy.path.name,
        f"{installed.copy.path.name}.state.json",
        installed.copy.path.with_suffix(".parquet").name,
    ]
