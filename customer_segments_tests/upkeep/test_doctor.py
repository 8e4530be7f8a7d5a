"""The doctor names what is wrong with a broken installation, and never falls over it."""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from customer_segments.commands.app import app
from customer_segments.commands.upkeep import MARKS
from customer_segments.instance import serving
from customer_segments.quality.evaluation import Level
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.upkeep.doctor import examine, verdict
from customer_segments_tests.ingestion.workbooks import HEADER, line, write
from customer_segments_tests.storage.processes import held_by_other


@pytest.fixture
def patient(sample_warehouse, copy_of, tmp_path, monkeypatch) -> Settings:
    """A healthy installation with a workbook of its own, as the environment names it."""
    settings = copy_of(sample_warehouse)
    source = tmp_path / "source"
    source.mkdir()
    write(source / "mine.xlsx", [HEADER, line()])
    home = tmp_path / "project/.dagster"
    home.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr("customer_segments.upkeep.surroundings.dagster_home", lambda **_: home)
    monkeypatch.setattr(
        "customer_segments.upkeep.surroundings.project_root", lambda: tmp_path / "copy"
    )
    values = {"SOURCE_DIR": source, "WAREHOUSE": settings.warehouse_path, "CONFIG": settings.config}
    for name, value in values.items():
        monkeypatch.setenv(f"CUSTOMER_SEGMENTS_{name}", str(value))
    settings.config.touch()
    for path in (settings.warehouse_path, settings.months_path):
        path.chmod(0o600)
    return settings.model_copy(update={"source_dir": source})


def found() -> list[str]:
    """Return what is not well, a line each, after what to do was asked of all that is wrong."""
    findings = examine()
    assert verdict(findings)[1] == all(each.level is not Level.ERROR for each in findings)
    for each in findings:
        # A check says by itself what to look at.
        assert each.remedy or each.level is not Level.ERROR or each.topic == "checks", each
    return [
        f"{MARKS[each.level][0]} {each.topic}: {each.said} {each.remedy}"
        for each in findings
        if each.level is not Level.OK and each.topic != "checks" and "report" not in each.said
    ]


def test_rules_that_are_named_and_not_there_are_said(patient):
    patient.config.unlink()
    assert [line.partition(" is not there")[0] for line in found()] == [
        f"! settings: {patient.config}"
    ]


def test_a_healthy_installation(patient):
    assert found() == []
    topics = {finding.topic for finding in examine()}
    assert topics >= {
        *("versions", "settings", "source", "disk", "files", "Dagster"),
        *("warehouse", "contracts", "ledger", "months", "champion"),
    }


def sql(*statements: str) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        with duckdb.connect(str(settings.warehouse_path)) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


def damage_blocks(settings: Settings) -> None:
    content = bytearray(settings.warehouse_path.read_bytes())
    # Behind the header, every block has a checksum; some are free, and never read.
    for position in range(len(content) // 3, len(content), 100_000):
        content[position] ^= 0xFF
    settings.warehouse_path.write_bytes(content)


def left_behind(settings: Settings) -> None:
    settings.warehouse_path.with_name(".new-abc").mkdir()


BROKEN: dict[str, tuple[Callable[[Settings], object], str]] = {
    "no source": (
        lambda s: [(s.source_dir / "mine.xlsx").unlink(), s.source_dir.rmdir()],
        "✗ source: The source folder {source} does not exist.",
    ),
    "empty file": (
        lambda s: (s.source_dir / "b.csv").touch(),
        "✗ source: b.csv is empty. Copy it again",
    ),
    "another kind": (
        lambda s: (s.source_dir / "c.numbers").touch(),
        "! source: c.numbers is not read. Save it as .xlsx",
    ),
    "open in Excel": (
        lambda s: (s.source_dir / "~$mine.xlsx").touch(),
        "! source: ~$mine.xlsx: somebody has that workbook open",
    ),
    "no warehouse": (
        lambda s: s.warehouse_path.unlink(),
        "! warehouse: There is none at {warehouse} yet. `customer-segments run`",
    ),
    "a text for a warehouse": (
        lambda s: s.warehouse_path.write_text("x"),
        "✗ warehouse: The warehouse {warehouse} cannot be opened",
    ),
    "damaged blocks": (damage_blocks, "✗ warehouse: "),
    "an earlier contract": (
        sql("UPDATE publications SET contract = 'old' WHERE table_name = 'customer_rfm'"),
        "✗ contracts: An earlier version of the code wrote customer_rfm. `customer-segments mig",
    ),
    "a later contract": (
        sql("UPDATE publications SET contract = 'v99-x' WHERE table_name = 'customer_rfm'"),
        "✗ warehouse: A newer version of customer-segments wrote customer_rfm",
    ),
    "a later code": (
        sql("UPDATE publications SET code_version = '99.1' WHERE table_name = 'customer_rfm'"),
        "✗ versions: customer-segments 99.1 wrote this warehouse; this is 0.1.0.",
    ),
    "rows lost": (
        sql("DELETE FROM customer_segments WHERE snapshot_month = '2024-03-01'"),
        "✗ ledger: customer_segments of 2024-03 holds 0 rows",
    ),
    "months file damaged": (
        lambda s: s.months_path.write_text("{"),
        "✗ rules: The file of months {months} is damaged. Delete it",
    ),
    "months file lost": (
        lambda s: s.months_path.unlink(),
        "✗ months: The data has 2023-01 to 2024-12, which warehouse.duckdb.months.json does not",
    ),
    "months file of before": (
        lambda s: s.months_path.write_text(s.months_path.read_text().replace("2024-12", "2024-06")),
        "✗ months: The data has 2023-01 to 2024-12, which warehouse.duckdb.months.json does not",
    ),
    "a month waits": (
        sql(
            "DELETE FROM publications WHERE table_name = 'customer_rfm' AND month = '2024-12-01'",
            "DELETE FROM customer_rfm WHERE snapshot_month = '2024-12-01'",
        ),
        "! agenda: Due: score 2024-12: customer_rfm of 2024-12 was never made. `customer-seg",
    ),
    "no such version": (
        sql("UPDATE champion_model SET version = 'gone'"),
        "✗ champion: gone is to label, but kmeans_model does not have it. `customer-segments mod",
    ),
    "open to all": (
        lambda s: s.warehouse_path.chmod(0o644),
        "! files: Others on this machine may read {warehouse}. If that is not wanted: chmod go=",
    ),
    "passwords open to all": (
        lambda s: [(s.config.parent / ".env").touch(), (s.config.parent / ".env").chmod(0o644)],
        "! files: Others on this machine may read {folder}/.env. If that is not wanted: chmod go=",
    ),
    "an earlier ledger": (
        sql("ALTER TABLE publications DROP COLUMN made_by"),
        "✗ contracts: An earlier version of the code wrote publications. `customer-segments mig",
    ),
    "a rule changed": (
        lambda s: s.config.write_text("[rfm]\nwindow_months = 6\n"),
        "! agenda: Due: score 2023-01 to 2024-12: the rules changed since customer_rfm of 2023-",
    ),
    "a model of other rules": (
        lambda s: s.config.write_text("[model]\nseed = 7\n"),
        "! champion: The newest model was fitted by other rules than those in force: `cust",
    ),
    "a rule that is none": (
        lambda s: s.config.write_text("[rfm]\nwindow_mnths = 6\n"),
        "✗ rules: {config} is wrong: rfm.window_mnths: there is no such rule.",
    ),
    "left behind": (left_behind, "! files: {folder}/.new-abc was left behind"),
}


@pytest.mark.parametrize("breakage", BROKEN)
def test_what_is_broken_is_named_with_what_to_do(patient, breakage):
    break_it, expected = BROKEN[breakage]
    break_it(patient)
    expected = expected.format(
        source=patient.source_dir,
        warehouse=patient.warehouse_path,
        months=patient.months_path,
        config=patient.config,
        folder=patient.warehouse_path.parent,
    )
    assert any(said.startswith(expected) for said in found()), found()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LAST_MONTH", "2024-13", "✗ settings: A setting is wrong: CUSTOMER_SEGMENTS_LAST_MONTH"),
        ("WAREHUOSE", "x", "✗ settings: No such setting: CUSTOMER_SEGMENTS_WAREHUOSE in the env"),
        ("LAST_MONTH", "2024-10", "! months: The settings leave out 2 months of"),
        ("WAREHOUSE", "/nowhere/w.duckdb", "✗ files: The folder of the warehouse /nowhere/w.duckd"),
        ("AUTOMATION", "true", "! Dagster: The automation is on, but the UI and its daemon do not"),
    ],
)
def test_settings(patient, monkeypatch, name, value, expected):
    monkeypatch.setenv(f"CUSTOMER_SEGMENTS_{name}", value)
    assert any(said.startswith(expected) for said in found()), found()


def test_who_holds_the_warehouse_is_named_without_waiting(patient):
    with held_by_other(Warehouse(patient.warehouse_path), "writing") as (pid, _):
        (said,) = found()
    assert said.startswith("! warehouse: It is held by another process:")
    assert f"PID {pid}" in said


def test_a_running_ui_is_seen(patient, tmp_path):
    home = tmp_path / "project/.dagster"
    with serving(home):
        assert f"The UI and its daemon run, in process {os.getpid()}." in [
            finding.said for finding in examine()
        ]
    assert "The UI does not run." in [finding.said for finding in examine()]


def test_a_part_that_falls_over_is_a_finding(patient, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: 1 / 0)
    findings = examine()
    (broken,) = [each for each in findings if each.topic == "disk"]
    assert (broken.level, "ZeroDivisionError" in broken.said) == (Level.ERROR, True)
    assert "champion" in {each.topic for each in findings}


def test_the_command_ends_with_1_if_something_is_wrong(patient):
    well = CliRunner().invoke(app, ["doctor"])
    assert (well.exit_code, "✓" in well.output) == (0, True)
    Path(patient.source_dir, "b.csv").touch()
    ill = CliRunner().invoke(app, ["doctor"])
    assert ill.exit_code == 1
    assert "1 thing is wrong." in ill.output
    assert max(map(len, ill.output.splitlines())) <= 80
