"""What `check` says to people and to programs, and with which exit code it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customer_segments.commands.app import app
from customer_segments_tests.commands.shops import orders, returns, shop

KEYS = "rows kept rejected customers orders revenue first last unused_columns passed_over doubts"


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "customer_segments.toml"
    monkeypatch.setenv("CUSTOMER_SEGMENTS_CONFIG", str(path))
    monkeypatch.setenv("CUSTOMER_SEGMENTS_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def as_json(*arguments: object) -> tuple[int, dict]:
    done = run(*arguments, "--json")
    return done.exit_code, json.loads(done.stdout)


def test_figures_of_a_folder_for_programs(config, tmp_path):
    guest = [3000, "A1", "RED MUG", 1, "2024-03-28", 5, "Guest"]
    source = shop(tmp_path / "source", guest)
    (source / "notes.pdf").write_text("x")
    code, said = as_json(source)
    assert code == 0
    assert [*said] == [*KEYS.split(), "would_publish"]
    assert said == {
        "rows": 181,
        "kept": 180,
        "rejected": {"missing_customer": {"rows": 1, "revenue": 5.0}},
        "customers": 20,
        "orders": 60,
        "revenue": 1800.0,
        "first": "2024-01-01",
        "last": "2024-03-20",
        "unused_columns": [],
        "passed_over": ["notes.pdf"],
        "doubts": [],
        "would_publish": True,
    }
    assert {path.name for path in tmp_path.iterdir()} == {"source"}


def test_what_stops_ends_with_1_until_the_policy_answers(config, tmp_path):
    source = shop(tmp_path / "source", *returns())
    code, said = as_json(source)
    assert (code, said["would_publish"]) == (1, False)
    assert said["rejected"] == {"non_positive_quantity": {"rows": 12, "revenue": -60.0}}
    (doubt,) = said["doubts"]
    assert [*doubt] == ["name", "level", "said", "advice", "accept"]
    assert (doubt["name"], doubt["level"]) == ("unnetted_returns", "stops")
    config.write_text(doubt["accept"])
    code, said = as_json(source)
    assert (code, said["doubts"][0]["level"]) == (0, "warns")
    config.write_text(doubt["advice"].partition("\n")[2])
    code, said = as_json(source)
    assert (code, said["doubts"], said["revenue"]) == (0, [], 1740.0)


def test_a_discount_on_a_line_of_its_own_makes_no_other_order(config, tmp_path):
    off = [1000, "OFF", "Loyalty", 1, "2024-01-01 10:00", -1, "k000"]
    source = shop(tmp_path / "source", off)
    config.write_text("[cleaning]\ndrop_non_positive_price = false")
    _code, said = as_json(source)
    assert (said["kept"], said["orders"], said["revenue"]) == (181, 60, 1799.0)


def test_what_it_says_to_people(config, tmp_path):
    rows = [[*line, "paid"] for line in orders()]
    source = shop(tmp_path / "source", *returns(), rows=rows)
    text = (source / "orders.csv").read_text().replace("Customer ID", "Customer ID,Tax", 1)
    (source / "orders.csv").write_text(text)
    done = run(source / "orders.csv")
    assert done.exit_code == 1
    words = " ".join(done.stdout.split())
    for said in (
        "Rows: 192",
        "non_positive_quantity 12",
        "20 customers, 60 orders, 2024-01-01 to 2024-03-20.",
        "Largest customers: k000 (90.00 in 9 lines)",
        "customer_id: 'Customer ID'",
        "Columns that are not used: Tax.",
        "non_positive_quantity: orders.csv, orders, row 182: invoice 2000, A1",
        "unused_money warns",
        "unnetted_returns stops",
        'credit = "sign"',
        'accept = ["unnetted_returns"]',
        "Nothing would be published.",
    ):
        assert said in words


def test_a_file_that_is_refused_is_a_doubt_for_programs(config, tmp_path):
    broken = tmp_path / "orders.xlsx"
    broken.write_bytes(b"PK\3\4 no workbook")
    code, said = as_json(broken)
    assert (code, said["would_publish"], said["kept"]) == (1, False, 0)
    assert (said["doubts"][0]["name"], said["doubts"][0]["level"]) == ("refused", "stops")
    assert "orders.xlsx" in said["doubts"][0]["said"]


def test_nothing_kept_ends_with_1_and_wrong_usage_with_2(config, tmp_path):
    guests = [[*line[:6], "Guest"] for line in orders()]
    code, said = as_json(shop(tmp_path / "source", rows=guests[:9]))
    assert (code, said["first"], said["doubts"]) == (1, None, [])
    assert run("--nonsense").exit_code == 2


def test_a_file_that_is_not_there_is_said_to_be_so(config, tmp_path):
    code, said = as_json(tmp_path / "nowhere.csv")
    assert (code, said["doubts"][0]["name"]) == (1, "refused")
    assert "nowhere.csv is not there" in said["doubts"][0]["said"]


def test_two_files_of_one_name_are_refused(config, tmp_path):
    code, said = as_json(shop(tmp_path / "a"), shop(tmp_path / "b"))
    assert (code, said["kept"]) == (1, 0)
    assert said["doubts"][0]["said"].startswith("orders.csv is given more than once")


def test_one_is_one_and_money_has_its_currency(config, tmp_path):
    config.write_text('[source]\ncurrency = "EUR"\n')
    guest = [3000, "A1", "RED MUG", 1, "2024-03-28", 5, "Guest"]
    words = " ".join(run(shop(tmp_path / "source", guest, rows=[*orders()][:3])).stdout.split())
    for said in (
        "Revenue, EUR",
        "1 customer, 1 order,",
        "k000 (30.00 in 3 lines)",
        "invoice 3000, A1, 1 x 5, customer -",
    ):
        assert said in words
