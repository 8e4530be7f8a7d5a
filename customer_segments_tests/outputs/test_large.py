"""A month of more customers than people are shown: what is left out, and that it is said."""

from functools import partial

import pyarrow as pa
import pytest
from openpyxl import load_workbook

from customer_segments.outputs import people, queries, serving
from customer_segments.outputs.campaigns import measurable
from customer_segments.outputs.figures import shown_segments
from customer_segments.outputs.people import all_customers
from customer_segments.outputs.pictures import draw_pictures
from customer_segments.outputs.reading import read_month
from customer_segments.outputs.report.page import render
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.workbook import workbook
from customer_segments.storage import Warehouse
from customer_segments_tests.outputs.conftest import MONTH, SHARE, TODAY

MOST, LISTED = 700, 20


@pytest.fixture(scope="module")
def large(sample_warehouse) -> MonthView:
    """The sample's newest month, read as if it had far more than all take part of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "LISTED", LISTED)
        warehouse = Warehouse(sample_warehouse.warehouse_path)
        return read_month(warehouse, MONTH, TODAY, SHARE, most=MOST)


def test_counts_are_scaled_to_all_customers(large: MonthView, sample_view: MonthView):
    everybody = sample_view.customers.num_rows
    assert large.of_all == everybody > MOST > len(large.people) > 0
    assert measurable(large)[-1]["customers"] == everybody
    rows, exact = shown_segments(large), shown_segments(sample_view)
    assert [row["customers"] for row in rows] == [row["customers"] for row in exact]
    for name in ("wholesale", "another_action"):
        found, true = (sum(row[name] for row in each) for each in (rows, exact))
        assert found == pytest.approx(true, abs=6 * max(true, 1) ** 0.5)


def test_lists_for_machines_have_all_and_the_workbook_those_who_spent_most(
    large: MonthView, sample_view: MonthView, sample_warehouse, tmp_path, monkeypatch
):
    monkeypatch.setattr(workbook, "LISTED", LISTED)
    monkeypatch.setattr(people, "BATCH", 300)
    with all_customers(Warehouse(sample_warehouse.warehouse_path), large) as parts:
        found = pa.concat_tables(parts)
    assert found.select(sample_view.customers.column_names) == sample_view.customers
    book = []
    for view in (large, sample_view):
        workbook.write_workbook(view, tmp_path / "book.xlsx", is_sample=True)
        book.append(load_workbook(tmp_path / "book.xlsx"))
    assert book[0].sheetnames == book[1].sheetnames
    for name in book[0].sheetnames[1:-1]:
        rows, all_rows = ([*each[name].iter_rows(values_only=True)] for each in book)
        assert rows == all_rows[: LISTED + 1]
    said = [str(cell.value) for cell in book[0]["Summary"]["A"]]
    assert any("THE LISTS ARE NOT WHOLE: each has the 20 customers" in text for text in said)
    assert not any("NOT WHOLE" in str(cell.value) for cell in book[1]["Summary"]["A"])


def test_the_report_says_which_way_was_taken(large: MonthView, sample_view: MonthView):
    for view, said in ((large, "more than 200,000 customers"), (sample_view, "all take part")):
        assert said in render(view, draw_pictures(view), (), is_sample=True)


def test_a_copy_written_in_spans_and_parts_is_the_same(world, monkeypatch):
    installed, copies = world.installed, []
    # Of some sixty rows and lines: all at once, and in several.
    for most in (None, 20):
        if most:
            monkeypatch.setattr(serving, "spans", partial(serving.spans, most=most))
            monkeypatch.setattr(serving, "MOST_LINES", most)
        serving.serve(installed)
        with installed.copy.reading() as con:
            customers = con.table("customers").to_pyarrow()
            orders = con.table("customer_orders").to_pyarrow()
        copies.append(
            (customers, orders.sort_by([(name, "ascending") for name in orders.schema.names]))
        )
    assert copies[0] == copies[1]
    assert orders["customer_id"] != copies[0][1]["customer_id"]
