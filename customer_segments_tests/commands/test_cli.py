"""The console command, as a user starts it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from customer_segments.commands.app import PANELS, app
from customer_segments.commands.run import parse_range
from customer_segments.errors import UserError
from customer_segments.instance import (
    MARK,
    forget_killed,
    held_open,
    is_at_rest,
    prepare_dagster_home,
)
from customer_segments.months import parse_month
from customer_segments.settings import Settings, project_root
from customer_segments.storage.ledger import code_version
from customer_segments_tests.console import COMMAND, SAMPLE, Done, environment, start
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.ingestion.workbooks import HEADER, line, write
from customer_segments_tests.installations import install
from customer_segments_tests.machine import shop


@pytest.fixture
def sample_copied(tmp_path, sample_warehouse) -> Settings:
    """The sample's finished warehouse, where ``start`` has its own."""
    installed = install(tmp_path, source_dir=SAMPLE)
    shutil.copy(sample_warehouse.warehouse_path, installed.warehouse_path)
    shutil.copy(sample_warehouse.months_path, installed.months_path)
    shutil.copytree(sample_warehouse.serving_path.parent, installed.serving_path.parent)
    return installed


def test_run_says_what_came_out(sample_warehouse):
    """Of nothing but the sample, as a newcomer starts it."""
    said = sample_warehouse.warehouse_path.with_name("said.txt").read_text()
    assert "Rows: 38,607" in said
    for word in ("missing_customer", "Segments of 2024-12", "Champions", "warehouse.duckdb"):
        assert word in said
    assert len([line for line in said.splitlines() if line.lstrip().startswith("!")]) == 1
    assert "volume" in said
    assert "3.3 times the usual" not in said


def test_each_of_several_statements_is_answered(sample_warehouse):
    folder = sample_warehouse.warehouse_path.parent
    done = start(folder, "sql", "SELECT 111 AS first; SELECT 222 AS last")
    assert done.returncode == 0, done.stderr
    assert "111" in done.stdout
    assert "222" in done.stdout


@pytest.mark.slow  # a fit
def test_the_first_model_is_fitted_on_all_months_whichever_is_asked_for(world):
    world.settings.warehouse_path.unlink()
    done = start(world.folder, "run", "--months", "2010-01", source=world.source)
    assert done.returncode == 0, done.stderr
    assert "full_refresh 2010-01 to 2010-03" in done.stdout
    assert "Segments of 2010-01" in done.stdout


def test_a_command_that_was_killed_leaves_its_mark_until_the_next_has_seen_it(tmp_path):
    home, settings = prepare_dagster_home(tmp_path), install(tmp_path, source_dir=SAMPLE)
    assert is_at_rest(settings, home)
    with held_open(home):
        (home / f"{MARK}2000000000").touch()
        assert not is_at_rest(settings, home)
        forget_killed(home)
        assert [mark.name for mark in home.glob(f"{MARK}*")] == [f"{MARK}{os.getpid()}"]
    assert is_at_rest(settings, home)


def test_run_does_what_is_due_until_nothing_is(tmp_path, sample_copied):
    step = "report 2024-12: 2024-12 has no report yet."
    offers = "recommend: product_recommendations was never made."
    assert start(tmp_path, "agenda").stdout.splitlines() == [step, offers]
    done = start(tmp_path, "run", "--verbose")
    assert done.returncode == 0, done.stderr
    for said in (step, "Segments of 2024-12", "segment_report_2024-12.html"):
        assert said in done.stdout
    # What checks found is said on request.
    said = " ".join(done.stdout.split())
    assert "cleaned_transactions, volume, 2023-11: rows 1,735, 3.3 times the usual" in said
    assert "Nothing is due: every month is labelled already." in start(tmp_path, "run").stdout
    # A run of a command that was killed is recorded all the same.
    mark = tmp_path.parent / f"checkout/.dagster/{MARK}2000000000"
    mark.touch()
    assert "Nothing is due: every month is labelled already." in start(tmp_path, "run").stdout
    assert not mark.exists()
    # Of themselves: offers are no part of a run.
    assert start(tmp_path, "agenda").stdout.splitlines() == [offers]


@pytest.mark.slow  # the agenda's table has it as a decision
def test_months_that_the_settings_leave_out_do_not_stop_the_run(
    tmp_path, sample_copied, monkeypatch
):
    monkeypatch.setenv("CUSTOMER_SEGMENTS_LAST_MONTH", "2024-10")
    done = start(tmp_path, "run")
    assert done.returncode == 0, done.stderr
    assert "Segments of 2024-10" in done.stdout
    assert start(tmp_path, "agenda").stdout.startswith("recommend: ")


def test_a_refit_is_judged_and_a_rollback_is_one_command(world):
    installed = world.settings

    def run(*arguments: str) -> Done:
        return start(world.folder, *arguments, source=world.source)

    labels = "SELECT hash(customer_segments) FROM customer_segments ORDER BY 1"
    before = ask(installed, labels)
    done = run("refit", "--clusters", "4")
    assert done.returncode == 0, done.stderr
    assert "(kept: " in done.stdout
    assert ask(installed, labels) == before
    decision = "SELECT previous_version, challenger FROM champion_model ORDER BY decision DESC"
    old, new = ask(installed, decision)[0]
    assert "2" in run("models", "list").stdout

    done = run("promote", new, "--reason", "[four] it is")
    assert f"Champion: {new} (chosen: [four] it is)" in done.stdout
    assert "relabel 2010-01 to 2010-03: another model than the champion" in done.stdout
    assert ask(installed, "SELECT DISTINCT model_version FROM customer_segments") == [(new,)]

    assert run("promote", old).returncode == 0
    assert ask(installed, labels) == before


def test_check_names_rows_and_writes_nothing(tmp_path):
    """And here it is a process of its own, as all are for a user; of a terminal without ö."""
    workbook = write(tmp_path / "mine.xlsx", [[*HEADER, "Größe"], line(), line(Quantity="six")])
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "check", str(workbook)],
        env=os.environ | environment(tmp_path) | {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "unreadable_value: mine.xlsx, Sheet1, row 3: quantity says 'six'" in done.stdout
    assert "Columns that are not used: Gr??e" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mine.xlsx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "nowhere does not exist"),
        (["run", "--months", "2011-13"], "is not a range of months"),
        (["run", "--months", "2031-01"], "2031-01 is not covered"),
        (["check", "README.md"], "README.md is of a kind that is not read: .md"),
    ],
)
def test_errors_are_sentences(tmp_path, arguments, message):
    shop.deliver(tmp_path, 0)
    source = tmp_path if len(arguments) > 1 else Path("nowhere")
    done = start(
        install(tmp_path / "installed", source).warehouse_path.parent, *arguments, source=source
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_told():
    assert CliRunner().invoke(app, ["--version"]).output == f"customer-segments {code_version()}\n"


def test_where_there_is_no_model_it_is_said_what_makes_one(tmp_path):
    said = start(tmp_path, "models", "list").stdout
    assert said == "There is no model yet: `customer-segments run` fits one.\n"


def test_help_begins_with_what_a_newcomer_begins_with():
    said = CliRunner().invoke(app, ["--help"]).output
    places = [said.index(f" {name} ") for name in ("Begin", "init", *[*PANELS][1:])]
    assert places == sorted(places)
    # None is without a place.
    assert " Commands " not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["refit", "--training-month", "May"], "May is not a month"),
        (["refit", "--clusters", "1"], "1 is neither auto nor a number"),
        (["refit", "--seed", "4294967296"], "Invalid value for '--seed'"),
        (["campaign", "--month", "2011-13"], "2011-13 is not a month"),
        (["campaign", "--control-share", "7"], "Invalid value for '--control-share'"),
    ],
)
def test_what_is_no_value_is_told_before_anything_is_started(arguments, message):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_no_run_fails_for_a_name_that_is_none(tmp_path, sample_copied):
    (home := tmp_path / "home").mkdir()
    month = "2031-01"
    refused = [["promote", "nope"], ["campaign", "--month", month]]
    for arguments in [*refused, ["refit", "--training-month", month]]:
        done = start(tmp_path, *arguments, DAGSTER_HOME=str(home))
        assert (done.returncode, done.stderr.startswith("Error: ")) == (1, True)
    assert list(home.iterdir()) == []


def test_a_range_of_months():
    assert parse_range("2011-06:2011-12") == (parse_month("2011-06"), parse_month("2011-12"))
    assert parse_range("2011-06") == (parse_month("2011-06"),) * 2
    with pytest.raises(UserError, match="2011-06:2011-12"):
        parse_range("2011-12:2011-06")
    with pytest.raises(UserError, match="2011-06: is not a range"):
        parse_range("2011-06:")


def test_loading_the_graph_imports_nothing_heavy_and_opens_nothing(tmp_path):
    code = (
        "import sys; from customer_segments.definitions import build_defs\n"
        "from customer_segments.installation import Installation\n"
        "build_defs(Installation.here()).resolve_all_job_defs()\n"
        "heavy = {'pandas', 'sklearn', 'duckdb', 'pyarrow', 'matplotlib', 'openpyxl'}\n"
        "heavy |= {'deltalake', 'pyspark'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    named = os.environ | {"CUSTOMER_SEGMENTS_WAREHOUSE": str(tmp_path / "w.duckdb")}
    done = subprocess.run([sys.executable, "-c", code], env=named, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_dagster_is_not_loaded_to_see_what_is_due(tmp_path):
    code = (
        "import sys; from customer_segments.automation.agenda import of_run\n"
        "from customer_segments.automation.facts import look\n"
        "from customer_segments.commands import app, pipeline\n"
        "from customer_segments.installation import Installation\n"
        "from customer_segments.outputs import summary\n"
        "print(len(of_run(look(Installation.here()))), 'dagster' in sys.modules)"
    )
    named = os.environ | environment(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=named, capture_output=True, text=True)
    assert done.stdout.strip() == "1 False", done.stderr


@pytest.mark.slow  # test_webserver serves what it loads
def test_dagster_validates_the_workspace():
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=project_root(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
