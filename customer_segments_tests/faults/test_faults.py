"""The short form of the faults, each once, and that their verdict notices what is broken.

All but queries that a signal ends are a part of ``make faults`` as well: each is a process that
imports everything anew. In the suite, ``automation/test_rules`` kills a run in the middle of a
write, ``storage/test_crash`` a process, and fills its disk; ``storage/test_locks`` holds a lock; a
run that is audited (``upkeep/test_exposure``) asks nobody.
"""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_segments.errors import INTERRUPTED
from customer_segments.ingestion.intake import taken_in
from customer_segments.policy import Policy
from customer_segments.storage import Warehouse
from customer_segments_tests.faults import others
from customer_segments_tests.faults.hooks import PHASES
from customer_segments_tests.faults.kills import Kill, plan, play
from customer_segments_tests.faults.project import Project
from customer_segments_tests.faults.scenarios import Scenario, prepare
from customer_segments_tests.faults.verdict import failed_checks, judge_tables

# Enough for a model to be fitted on eight months of theirs.
CUSTOMERS = 1_300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def project(folder: Path) -> Iterator[Project]:
    with Project(folder / "project") as project:
        yield project


@pytest.fixture(scope="module")
def scenarios(folder: Path, project: Project) -> dict[str, Scenario]:
    prepared = prepare(folder, project, customers=CUSTOMERS, is_short=True)
    return {scenario.name: scenario for scenario in prepared}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "table", "phase"),
    [
        ("first run", "kmeans_model", "commit"),
        ("changed workbook", "customer_segments", "closing"),
    ],
)
def test_a_killed_run_breaks_nothing_and_the_next_one_goes_on(
    project: Project, scenarios: dict[str, Scenario], name: str, table: str, phase: str
):
    scenario = scenarios[name]
    points = [p for p in scenario.points if (p.table, p.phase) == (table, phase)]
    result = play(project, scenario, Kill(name, points[-1], 0))
    assert result is not None
    assert result.where == f"{table}/{phase}"
    assert result.problems == ()


@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_nothing_else(project, scenarios):
    assert others.quota(project, scenarios["first run"]).problems == ()


@pytest.mark.slow
def test_sigterm_stops_the_run_and_nothing_else(project, scenarios):
    scenario = scenarios["changed workbook"]
    assert others.terminated(project, scenario, 1, ["swap-in"]).problems == ()


def write_without_end(warehouse: Warehouse) -> None:
    with warehouse.writing() as con:
        con.raw_sql("CREATE TABLE half AS SELECT range AS n FROM range(300000)")
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        con.raw_sql(
            "CREATE TABLE product AS SELECT a.n, sum(b.n) FROM half AS a JOIN half AS b "
            "ON a.n % 1000 = b.n % 1000 GROUP BY ALL"
        )


def test_a_query_that_a_signal_ends_is_an_interruption_and_no_error(tmp_path: Path):
    """DuckDB makes a RuntimeError of whatever the signal's handler raised."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_without_end(warehouse)
    finally:
        signal.signal(signal.SIGALRM, before)
    with warehouse.reading() as con:
        assert con.raw_sql("SELECT table_name FROM duckdb_tables()").fetchall() == []


def test_a_query_of_the_intake_that_a_signal_ends_is_an_interruption_as_well():
    with pytest.raises(KeyboardInterrupt), taken_in([], Policy()):
        raise RuntimeError(INTERRUPTED)


@pytest.mark.slow
def test_a_lock_is_waited_for_and_a_copy_is_whole_or_refused(project, scenarios):
    scenario = scenarios["changed workbook"]
    assert others.lock_held(project, scenario, seconds=0).problems == ()
    assert others.copied_while_in_use(project, scenario).problems == ()


@pytest.mark.slow
def test_runs_need_no_network_and_download_says_that_it_does(project, scenarios):
    assert others.offline(project, list(scenarios.values())).problems == ()


@pytest.mark.slow
def test_the_plan_aims_at_every_phase_of_every_table(scenarios):
    prepared = list(scenarios.values())
    aimed = {
        (kill.point.table, kill.point.phase)
        for kill in plan(prepared, 200, random.Random(7))
        if kill.point
    }
    tables = set(prepared[0].facts_after.tables)
    # These are published inside a transaction that somebody else has opened.
    ingested = {"raw_transactions", "source_doubts"}
    written_by_publish = tables - {"check_history", "champion_model"} - ingested
    assert {(table, phase) for table in written_by_publish for phase in PHASES} <= aimed
    within = {*PHASES} - {"opening", "commit", "closing"}
    assert {(table, phase) for table in ingested for phase in within} <= aimed
    assert {("source_doubts", "commit"), ("source_doubts", "closing")} <= aimed
    assert {("check_history", "ledger"), ("champion_model", "ledger")} <= aimed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("DELETE FROM customer_rfm WHERE snapshot_month = '2024-07-01'", "customer_rfm"),
        ("UPDATE customer_segments SET segment = 'Champions'", "customer_segments"),
        ("DELETE FROM publications WHERE table_name = 'segment_profiles'", "segment_profiles"),
        ("DELETE FROM kmeans_model WHERE cluster = 0", "kmeans_model"),
    ],
)
def test_the_verdict_notices_what_is_broken(
    project: Project, scenarios: dict[str, Scenario], sql: str, table: str
):
    scenario = scenarios["changed workbook"]
    project.restore(scenario.before)
    with Warehouse(project.warehouse).writing() as con:
        con.raw_sql(sql)
    verdict, _ = judge_tables(project.settings, scenario.facts_before, scenario.facts_after)
    assert table in verdict.broken


@pytest.mark.slow
def test_the_verdict_notices_tables_that_do_not_reconcile(project, scenarios):
    """Neither by itself nor by the ledger can a sheet be seen to have rows that are not there."""
    scenario = scenarios["changed workbook"]
    project.restore(scenario.before)
    with Warehouse(project.warehouse).writing() as con:
        con.raw_sql("UPDATE source_sheets SET row_count = row_count + 1")
    assert (
        "reconciliation"
        in failed_checks(project.settings, {"raw_transactions"})["raw_transactions"]
    )
