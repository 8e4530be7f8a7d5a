"""What `init` proposes, that it is read back as the same policy, and that it asks first."""

import tomllib
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from customer_segments.commands.app import app
from customer_segments.commands.proposal import with_change
from customer_segments.errors import UserError
from customer_segments.model.training import training_pool
from customer_segments.policy import Policy
from customer_segments.storage import Warehouse
from customer_segments_tests.commands.shops import CUSTOMERS, orders, returns, shop
from customer_segments_tests.installations import execute, install, materialize


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "customer_segments.toml"
    monkeypatch.setenv("CUSTOMER_SEGMENTS_CONFIG", str(path))
    monkeypatch.setenv("CUSTOMER_SEGMENTS_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    return path


def init(*arguments: object, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)], input=answer)


def proposed(config: Path, source: Path) -> dict:
    """Accept what is proposed; return it but for what all such shops have.

    The time zone is this machine's, and they are small.
    """
    done = init("--yes", source)
    assert done.exit_code == 0, done.output
    said = tomllib.loads(config.read_text())
    assert Policy.load(config) == Policy(**said)
    assert said["source"].pop("time_zone") == Policy().source.time_zone
    assert said.pop("model")["min_customers"] == CUSTOMERS
    return {name: section for name, section in said.items() if section}


def test_what_is_proposed_for_a_small_shop_is_enough_for_its_model(config, tmp_path):
    source = shop(tmp_path / "source")
    proposed(config, source)
    settings = install(tmp_path, source_dir=source)
    execute(settings, "ingest", checks=False)
    made = ("cleaned_transactions", "rejected_transactions", "customer_rfm")
    materialize(settings, made, date(2024, 1, 1), date(2024, 3, 1), checks=False)
    pool = partial(training_pool, Warehouse(settings.warehouse_path).query, date(2024, 2, 1))
    least = Policy.load(config).model.model_dump(include={"min_customers", "min_months"})
    assert len(np.unique(pool(**least).customer)) == CUSTOMERS
    for name in least:
        with pytest.raises(UserError, match=f"{name} = {least[name]}"):
            pool(**{name: least[name] + 1})


def test_a_file_without_fault_needs_a_time_zone_alone(config, tmp_path):
    source = shop(tmp_path / "source")
    assert proposed(config, source) == {}
    assert CliRunner().invoke(app, ["check", str(source)]).exit_code == 0


def test_ids_services_currency_and_addresses_are_proposed_together(config, tmp_path):
    rows = [[*line[:5], f"€{line[5]}", line[6].lstrip("k") + "7"] for line in orders()]
    bare = [[*line[:6], line[6].lstrip("0")] for line in rows if line[0] >= 1040]
    lines = [line for line in rows if line[0] < 1040] + bare
    service = [1000, "V9", "Versand (DHL)", 1, "2024-01-01 10:00", "€4.90", "0007"]
    clock = [1000, "U1", "CARRIAGE CLOCK", 1, "2024-01-01 10:00", "€10", "0007"]
    source = shop(tmp_path / "source", service, clock, rows=lines)
    # Of contacts those whose heading plainly says so.
    first, *text = (source / "orders.csv").read_text(encoding="utf-8").splitlines()
    headings = f"{first},Kundenname,Full Name,Product E-mail,E-Mail-Adresse,Name"
    whole = [headings, *(f"{line},Ann,Ann A,a@x.org,b@x.org,Lamp" for line in text)]
    (source / "orders.csv").write_text("\n".join(whole), encoding="utf-8")
    assert proposed(config, source) == {
        "source": {"currency": "€", "leading_zeros": "drop"},
        "cleaning": {"non_products": {"V9": "Versand (DHL)"}},
        "layout": [{"contact": {"name": "Full Name", "email": "E-Mail-Adresse"}}],
    }
    assert config.read_text().count("Of each customer") == 1


def test_lines_are_filled_down_before_returns_are_seen(config, tmp_path):
    rows = [*orders(), *returns()]
    first = {id(line) for line in rows if line[1] == "A1"}
    blank = [line if id(line) in first else ["", *line[1:4], "", line[5], ""] for line in rows]
    assert proposed(config, shop(tmp_path / "source", rows=blank)) == {
        "layout": [{"fill_down": True}],
        "cleaning": {"credit": "sign"},
    }


def test_first_rows_totals_and_reasons_are_shown_before_it_asks(config, tmp_path, monkeypatch):
    source = shop(tmp_path / "source", *returns())
    done = init(source, answer="n\n")
    assert done.exit_code == 1
    words = " ".join(done.stdout.split())
    for said in ("First rows as understood", "2024-01-01 10:00:00 k000 1000 A1 2 5", "Rows: 192"):
        assert said in words
    assert "12 lines with a negative quantity" in config_text(words)
    assert not config.exists()
    # What is there is not replaced unasked; without a file it is proposed for the source folder.
    config.write_text("[model]\nn_clusters = 6\n")
    refused = init("--yes", source)
    assert refused.exit_code == 1
    assert "--force" in str(refused.exception)
    monkeypatch.setenv("CUSTOMER_SEGMENTS_SOURCE_DIR", str(source))
    assert init(answer="\n").exit_code == 1
    assert config.read_text() == "[model]\nn_clusters = 6\n"
    assert init("--yes", "--force").exit_code == 0
    assert 'credit = "sign"' in config.read_text()
    assert "n_clusters" in (tmp_path / "customer_segments.toml.before").read_text()


def config_text(words: str) -> str:
    return words.partition("Proposed for")[2].replace("# ", "")


def test_what_only_the_retailer_knows_is_not_proposed(config, tmp_path):
    till = [[5000 + n, "A1", "RED MUG", 1, "2024-03-01", 5, "99999"] for n in range(40)]
    done = init("--yes", shop(tmp_path / "source", *till))
    assert done.exit_code == 1
    assert "outlying_customer stops" in " ".join(done.stdout.split())
    assert "99999" not in config.read_text()


def test_layouts_of_files_come_before_that_of_all():
    sections = with_change({}, {"layout": [{"fill_down": True}]})
    sections = with_change(sections, {"layout": [{"files": "a.csv", "dates": "dmy"}]})
    own = {"fill_down": True, "files": "a.csv", "dates": "dmy"}
    assert sections == {"layout": [own, {"fill_down": True}]}
