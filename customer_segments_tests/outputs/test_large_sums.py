"""Sums above 1e14, as in Indonesian rupiah: exact where cells are, whole and legible elsewhere."""

import re
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest
from openpyxl import load_workbook
from rich.console import Console

from customer_segments.outputs.figures import by_segment
from customer_segments.outputs.pictures import draw_pictures
from customer_segments.outputs.report.page import render
from customer_segments.outputs.summary import segments_grid
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import amount, short
from customer_segments.outputs.workbook.tables import write_parquet
from customer_segments.outputs.workbook.workbook import write_workbook
from customer_segments_tests.outputs.pages import Page

TIMES = 10**9
MONEY = pa.decimal128(38, 4)


@pytest.fixture(scope="module")
def rupiah(sample_view) -> MonthView:
    """The sample in a currency of which a billion buy one of its own."""

    def larger(table):
        money = [
            name
            for name in table
            if name.startswith(("revenue", "median_monetary")) and name != "revenue_share"
        ]
        return table.assign(**{name: table[name] * TIMES for name in money})

    customers = sample_view.customers
    for name in ("monetary", "average_order_value"):
        values = [value * TIMES for value in customers[name].to_pylist()]
        index = customers.column_names.index(name)
        customers = customers.set_column(index, name, pa.array(values, MONEY))
    return replace(
        sample_view,
        customers=customers,
        **{name: larger(getattr(sample_view, name)) for name in ("profiles", "migration", "rows")},
        year={name: money * TIMES for name, money in sample_view.year.items()},
    )


def test_the_workbook_adds_them_up_and_shows_them(rupiah, tmp_path):
    write_workbook(rupiah, tmp_path / "book.xlsx", is_sample=False)
    summary, *lists = load_workbook(tmp_path / "book.xlsx")
    total = next(row for row in summary.values if row[0] == "All customers")
    exact = sum(rupiah.customers["monetary"].to_pylist(), Decimal(0))
    assert total[3] == float(exact) > 1e15
    of_customers = [each for each in lists if each.title in {*rupiah.clusters["segment"]}]
    assert of_customers
    for sheet, column in ((summary, "D"), *((each, "E") for each in of_customers)):
        cells = [cell for cell in sheet[column] if isinstance(cell.value, int | float)]
        longest = max(len(f"{cell.value:,.2f}") for cell in cells)
        # Excel shows #### in place of a number that is wider than its column.
        assert sheet.column_dimensions[column].width > longest
        assert {cell.number_format for cell in cells} == {"#,##0.00"}


def test_parquet_keeps_every_digit(rupiah, tmp_path):
    import pyarrow.parquet as pq

    write_parquet([rupiah.customers], tmp_path / "customers.parquet")
    found = pq.read_table(tmp_path / "customers.parquet")
    assert found.schema.field("monetary").type == MONEY
    assert found["monetary"].to_pylist() == rupiah.customers["monetary"].to_pylist()


def test_the_report_says_them_in_words_and_its_pictures_in_short(rupiah, sample_view):
    pictures = draw_pictures(rupiah)
    assert len(pictures) == len(draw_pictures(sample_view))
    page = Page(render(rupiah, pictures, [], is_sample=False))
    for text in (page.text, *(picture.title for picture in pictures)):
        assert not re.search(r"\de\+|inf\b|nan\b", text)
    total = sum(rupiah.profiles[rupiah.profiles["snapshot_month"] == "2024-12-01"]["revenue"])
    assert f"together they brought {amount(total)}, net of returns" in page.text
    assert amount(total).endswith("trillion")
    assert page.row("segments", "All")[5] == f"{round(total):,}"


def test_the_terminal_has_room_for_them(rupiah):
    console = Console(width=80)
    with console.capture() as captured:
        console.print(segments_grid(rupiah))
    said = captured.get()
    assert "\N{HORIZONTAL ELLIPSIS}" not in said
    for row in by_segment(rupiah):
        assert short(row["median_monetary"]) in said
        assert f"{row['revenue_share']:.1%}" in said


@pytest.mark.parametrize(
    ("money", "said"),
    [
        (999_999, "999,999"),
        (16_411_999, "16.41 million"),
        (2.5e9, "2.50 billion"),
        (-1.25e14, "\N{MINUS SIGN}125.00 trillion"),
    ],
)
def test_amounts(money, said):
    assert amount(money) == said
