"""Money is in the currency that the policy names, segments in the model's order, everywhere."""

from dataclasses import replace
from datetime import date

import pytest
from openpyxl import load_workbook
from rich.console import Console

from customer_segments.installation import Installation
from customer_segments.model.names import SEGMENTS, in_order
from customer_segments.outputs.figures import shown_segments
from customer_segments.outputs.pictures.moves import moved
from customer_segments.outputs.report.page import render
from customer_segments.outputs.summary import print_summary, segments_grid
from customer_segments.outputs.words import in_currency
from customer_segments.outputs.workbook.workbook import write_workbook
from customer_segments.shown import state_of
from customer_segments.storage import Warehouse

MONTH, TODAY = date(2024, 12, 1), date(2026, 1, 1)


@pytest.mark.parametrize("currency", ["", "GBP"])
def test_report_and_workbook_name_the_currency(sample_view, tmp_path, currency):
    view = replace(sample_view, currency=currency)
    write_workbook(view, tmp_path / "a.xlsx", is_sample=True)
    book = load_workbook(tmp_path / "a.xlsx", read_only=True)
    headings, *_ = book["Champions"].iter_rows(values_only=True)
    assert ("Spent, GBP" in headings, "Average order, GBP" in headings) == (bool(currency),) * 2
    summary = f"{[*book['Summary'].iter_rows(values_only=True)]}"
    assert ("Money is in GBP." in summary) == bool(currency)
    html = " ".join(render(view, [], [], is_sample=True).split())
    for said in ("returns, in GBP.", "brought GBP "):
        assert (said in html) == bool(currency)


def test_the_terminal_names_it_and_reports_are_due_when_it_changes(sample_warehouse, copy_of):
    settings = copy_of(sample_warehouse)
    settings.config.write_text("[source]\ncurrency = '€'\n")
    console = Console(width=120)
    with console.capture() as said:
        print_summary(Installation.of(settings), console, MONTH)
    assert "Money is in €." in said.get()
    state = Warehouse(settings.warehouse_path).state()
    assert len({state_of(state, MONTH, TODAY, 0.2, currency) for currency in ("", "€", "GBP")}) == 3


def test_a_sign_stands_close_and_a_code_apart():
    assert [in_currency("5,476", currency) for currency in ("", "€", "GBP")] == [
        "5,476",
        "€5,476",
        "GBP 5,476",
    ]


def test_terminal_report_and_pictures_have_segments_in_the_models_order(sample_view):
    order = [*sample_view.clusters["segment"]]
    assert [*segments_grid(sample_view).columns[0].cells] == order
    upside_down = replace(sample_view, clusters=sample_view.clusters[::-1])
    for view, rank in ((sample_view, order), (upside_down, order[::-1])):
        assert [row["segment"] for row in shown_segments(view)] == rank
        assert [name for name in moved(view).index if name in order] == rank
    # Where no model is at hand, by the score of what names mean.
    assert in_order(SEGMENTS) == sorted(SEGMENTS, key=lambda name: -sum(SEGMENTS[name][0]))
