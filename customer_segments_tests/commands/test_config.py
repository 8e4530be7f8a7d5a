"""The rules in force are said with where they come from, and a wrong one with where it stands."""

import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from customer_segments.commands.app import app
from customer_segments.errors import UserError
from customer_segments.policy import Policy
from customer_segments_tests.console import start


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    """The file of the policy, and an environment that names it and nothing else."""
    for name in [name for name in os.environ if name.startswith("CUSTOMER_SEGMENTS_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "customer_segments.toml"
    monkeypatch.setenv("CUSTOMER_SEGMENTS_CONFIG", str(path))
    monkeypatch.setenv("CUSTOMER_SEGMENTS_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    return path


def printed() -> dict[str, str]:
    """Return what is said behind each line's ``#``, by what stands before it."""
    done = CliRunner().invoke(app, ["config"])
    assert done.exit_code == 0, done.exception
    parts = [line.rpartition("  # ") for line in done.stdout.splitlines() if "  # " in line]
    return {said.strip(): where for said, _, where in parts}


def test_each_value_is_said_with_where_it_comes_from(config):
    config.write_text(
        "[cleaning]\ndrop_adjustments = false\n"
        '[cleaning.non_products]\n"BAG *" = "Bags"\nPOST = ""\n'
        "[checks.volume]\nwarn = 3\n[rfm]\nwindow_months = 12\n"
    )
    said = printed()
    by_file = {line for line, where in said.items() if where == "customer_segments.toml"}
    assert by_file == {
        "drop_adjustments = false",
        'non_products."BAG *" = "Bags"',
        'non_products.POST = ""',
        "volume.warn = 3.0",
        "window_months = 12",
    }
    assert said['channel = "phone"'] == said["volume.fail = 4.0"] == "default"
    assert said['uci_non_products.M = "Manual entry"'] == "default"
    assert said["# product_pattern is not set"] == "default"
    assert said[f'# CUSTOMER_SEGMENTS_CONFIG = "{config}"'] == "the environment"
    assert said["# CUSTOMER_SEGMENTS_FIRST_MONTH is not set"] == "default"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[model]\nn_clusters = 6\n[backtest]\nhorizons = [2, 4]\n",
        "actions = []\n[[layout]]\n[[layout]]\n",
        "[[actions]]\nmax_recency_days = 9\nwhy = 'Say \"so\": \\ #'\n[[actions]]\n",
    ],
)
def test_what_is_printed_is_a_file_that_says_the_same(config, text):
    config.write_text(text)
    done = CliRunner().invoke(app, ["config"])
    assert Policy(**tomllib.loads(done.stdout)) == Policy.load(config)
    assert len(done.stdout.splitlines()) > 100


def test_secrets_are_masked(config, monkeypatch):
    monkeypatch.setenv("CUSTOMER_SEGMENTS_ALERTS", "jsons://hooks.shop/T0P53CR3T")
    done = CliRunner().invoke(app, ["config"])
    assert done.exit_code == 0, done.exception
    assert "T0P53CR3T" not in done.stdout
    assert '# CUSTOMER_SEGMENTS_ALERTS = "**********"' in done.stdout


WRONG = {
    "no TOML": ("[model\n", {}, "{config} is not TOML: .*line 1"),
    "no such section": ("[modell]\n", {}, "{config} is wrong: modell: there is no such rule"),
    "no such key": (
        "[model]\nclusters = 4\n",
        {},
        "{config} is wrong: model.clusters: there is no",
    ),
    "wrong value": (
        "[checks.volume]\nwarn = 'much'\n",
        {},
        "{config} is wrong: checks.volume.warn: .*valid number",
    ),
    "no such setting": ("", {"WAREHUOSE": "x"}, "CUSTOMER_SEGMENTS_WAREHUOSE in the environment"),
    "no month": ("", {"FIRST_MONTH": "2011-13"}, "_FIRST_MONTH: it is not a month; .* 2011-06"),
    "no size": ("", {"MEMORY": "1.2.3GB"}, "_MEMORY: it is not a size; write it as 500MB or "),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_by_file_or_variable_and_key(config, monkeypatch, case):
    text, environment, message = WRONG[case]
    config.write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(f"CUSTOMER_SEGMENTS_{name}", value)
    done = CliRunner().invoke(app, ["config"])
    with pytest.raises(UserError, match=message.format(config=config)):
        raise done.exception


@pytest.mark.parametrize(
    ("arguments", "code"), [(["config"], 0), (["agenda"], 1), (["config", "--nonsense"], 2)]
)
def test_exit_codes(config, arguments, code):
    done = start(config.parent, *arguments, source=Path("/nowhere"))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
