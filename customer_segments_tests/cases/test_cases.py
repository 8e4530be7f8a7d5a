"""Inputs that people really bring, and what has to become of each, as its ``case.toml`` says.

The small ones stand beside this file; the others are read from ``../shared/cases``, where that is.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from customer_segments.commands import check
from customer_segments.commands.app import app
from customer_segments.commands.proposal import proposal
from customer_segments.installation import settings_here
from customer_segments.policy import Policy
from customer_segments.settings import project_root
from customer_segments.source_files import natural_order

HERE = Path(__file__).parent
SHARED = project_root().parent / "shared" / "cases"
CASES = {
    file.parent.name: file.parent
    for folder in (SHARED, HERE)
    for file in folder.glob("*/case.toml")
}
# What a user says where a doubt or an error asks.
TOLD = {
    "06-leading-zero-ids": '[source]\nleading_zeros = "drop"',
    "11e-merged-invoice": "[[layout]]\nfill_down = true",
    "25-300-customers": "[model]\nmin_customers = 300",
    "25c-four-months": "[model]\nmin_months = 3",
    "57-ids-in-two-cases": '[source]\nletter_case = "ignore"',
    "61-quantity-misspelt": '[[layout]]\ncolumns = { quantity = "Qtity" }',
    "66-ids-grouped-in-one-file": '[source]\nid_signs = "drop"',
    "72-orders-by-phone": '[[layout]]\ncolumns = { customer_id = "Phone" }',
}
# Words of the message that stops.
STOPS = {
    "04-ids-scientific": ["shop_orders_saved_by_excel.csv", "Customer ID", "5.8"],
    "08-swapped-dates-xlsx": ["orders_us_excel.xlsx", "InvoiceDate"],
    "48-formulas-no-cache": ["o.xlsx", "Price", "formula"],
    "60-currency-in-headings": ["GBP in a.csv", "EUR in b.csv"],
}
# Doubts of what is told, and of what is said and published all the same.
DOUBTS = {
    "06-leading-zero-ids": "padded_ids",
    "24b-discount-column": "unused_money",
    "57-ids-in-two-cases": "padded_ids",
    "61-quantity-misspelt": "no_quantity",
    "66-ids-grouped-in-one-file": "padded_ids",
    "72-orders-by-phone": "empty_column",
}
# Counts of rows by the reason that rejects them.
REASONS = {
    "missing_customer": "missing_customer",
    "unreadable": "unreadable_value",
    "outside_months": "outside_months",
}


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "customer_segments.toml"
    monkeypatch.setenv("CUSTOMER_SEGMENTS_CONFIG", str(path))
    monkeypatch.setenv("CUSTOMER_SEGMENTS_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("TZ", "UTC")
    return path


def checked(folder: Path) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["check", str(folder), "--json"])
    assert done.stdout, done.exception
    return done.exit_code, json.loads(done.stdout)


def require_figures(figures: dict[str, Any], said: dict[str, Any]) -> None:
    """All figures that a case names are those that came out."""
    assert said["would_publish"], said["doubts"]
    for name, figure in figures.items():
        if name in REASONS:
            assert said["rejected"].get(REASONS[name], {"rows": 0})["rows"] == figure, name
        elif name == "revenue":
            assert said["revenue"] == pytest.approx(figure, abs=0.01)
        elif name != "credit_lines":
            assert said[{"rows": "kept"}.get(name, name)] == figure, name


@pytest.mark.parametrize("name", sorted(CASES))
def test_case(name, config):
    case = tomllib.loads((CASES[name] / "case.toml").read_text(encoding="utf-8"))
    figures, folder = case.get("figures", {}), CASES[name] / "in"
    files = natural_order(list(folder.iterdir()))
    if case["outcome"] == "proposes":
        # The first months say it; what is accepted holds for those that follow.
        proposed = proposal(files[:3], settings_here())
        config.write_text(proposed.text())
        assert Policy.load(config) == Policy(**proposed.sections)
        if not files[3:]:
            # As `check` would say it again.
            require_figures(figures, json.loads(check.to_json(check.said(proposed.run))))
            return
    if case["outcome"] == "told" and name in DOUBTS:
        code, said = checked(folder)
        assert code == 1
        assert DOUBTS[name] in [doubt["name"] for doubt in said["doubts"]]
    if case["outcome"] == "told":
        config.write_text(TOLD[name])
    code, said = checked(folder)
    told = json.dumps(said["doubts"])
    if case["outcome"] == "stops":
        assert (code, said["would_publish"]) == (1, False)
        for word in STOPS[name]:
            assert word in told
        return
    assert code == 0, told
    require_figures(figures, said)
    if case["outcome"] == "warns":
        assert DOUBTS[name] in [doubt["name"] for doubt in said["doubts"]]
