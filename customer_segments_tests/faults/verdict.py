"""Whether a warehouse is as it must be after a run was ended by force, and after the next one.

Belongs here: the rules that make a table broken or rows lost. Does not: reading (``facts``).
"""

import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import duckdb

from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse, WriteMode
from customer_segments.storage.audit import row_breaches
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.contracts import quoted
from customer_segments.storage.ledger import latest
from customer_segments.storage.requirements import require_contract
from customer_segments.tables import CONTRACTS
from customer_segments_tests.faults.facts import VOLATILE, Facts, facts_of

# Tables that each table's reconciliation compares it with.
COMPARED = {
    "raw_transactions": {"source_sheets"},
    "cleaned_transactions": {"raw_transactions", "rejected_transactions"},
    "rejected_transactions": {"raw_transactions", "cleaned_transactions"},
    "customer_rfm": {"cleaned_transactions"},
    "customer_value": {"cleaned_transactions", "customer_rfm"},
    "customer_segments": {"customer_rfm", "kmeans_model", "champion_model"},
    "segment_migration": {"customer_segments", "customer_rfm"},
    "segment_profiles": {"customer_segments"},
}
# The checks of the tables; the others judge the data, which is invented and has its odd months.
JUDGED = {"contract", "reconciliation"}
# Checks that are evaluated once more are remembered once more.
GROWING = {"check_history"}


@dataclass
class Verdict:
    """What is wrong, in words; nothing if all is well."""

    broken: dict[str, str] = field(default_factory=dict)
    rows_lost: int = 0
    other: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """All that is wrong, as sentences."""
        lost = [f"{self.rows_lost} rows are lost"] if self.rows_lost else []
        return [f"{table}: {what}" for table, what in self.broken.items()] + lost + self.other


def judge(settings: Settings, before: Facts, after: Facts) -> tuple[Verdict, Facts]:
    """Judge a warehouse whose run was ended by force, and return what it holds.

    As ``judge_tables``; and tables of the same raw version must reconcile.
    """
    verdict, found = judge_tables(settings, before, after)
    raw_versions = {line[0]: line[5] for line in found.lines}
    for table, what in failed_checks(settings, set(found.tables)).items():
        compared = {table, *COMPARED.get(table, ())}
        if compared <= set(found.tables) and len({raw_versions[name] for name in compared}) == 1:
            verdict.broken.setdefault(table, what)
    return verdict, found


def judge_tables(settings: Settings, before: Facts, after: Facts) -> tuple[Verdict, Facts]:
    """Judge each table by itself and by the ledger, and return what the warehouse holds.

    Each must be wholly as before or wholly as after the whole run, keep its contract and be what
    the ledger says.

    Parameters
    ----------
    before, after
        What the run found, and what it comes to undisturbed.
    """
    verdict = Verdict()
    if not settings.warehouse_path.exists():
        if before.tables:
            verdict.broken = dict.fromkeys(before.tables, "the warehouse is gone")
        return verdict, Facts()
    try:
        with Warehouse(settings.warehouse_path, settings.lock_timeout_seconds).reading() as con:
            found = facts_of(con)
            for table in found.tables:
                if what := _breach(con, table, found):
                    verdict.broken[table] = what
    except (UserError, duckdb.Error) as error:
        verdict.broken = dict.fromkeys(before.tables or ["warehouse"], str(error))
        return verdict, Facts()
    _judge_states(found, before, after, verdict)
    _judge_ledger(found, before, after, verdict)
    return verdict, found


def judge_end(settings: Settings, killed: Facts, after: Facts) -> Verdict:
    """Judge a warehouse whose next run went through: it holds what an undisturbed run comes to.

    Parameters
    ----------
    killed
        What the run that was ended by force left.
    after
        What an undisturbed run comes to.
    """
    tables = {name: held for name, held in after.tables.items() if name not in GROWING}
    growing = {name: held for name, held in killed.tables.items() if name in GROWING}
    verdict, found = judge_tables(
        settings, Facts(tables | growing, killed.lines), Facts(tables, [])
    )
    for table in after.tables.keys() - found.tables.keys():
        verdict.broken.setdefault(table, "is not there")
        verdict.rows_lost += after.rows(table)
    for table, what in failed_checks(settings, set(found.tables)).items():
        verdict.broken.setdefault(table, what)
    return verdict


def _breach(con, table: str, found: Facts) -> str:
    """Return what is wrong with a table by itself and by the ledger's newest lines."""
    contract = CONTRACTS[table]
    try:
        require_contract(con, Catalog.of(con), contract)
    except UserError as error:
        return str(error)
    if breaches := row_breaches(con, contract, quoted(table)):
        return "; ".join(map(str, breaches))
    held = found.tables[table]
    if contract.write_mode is WriteMode.INSERT_NEW:
        promised = sum(line[2] for line in found.lines if line[0] == table)
        return "" if promised == found.rows(table) else f"the ledger adds up to {promised} rows"
    assert table not in VOLATILE
    lines = latest(con, table)
    for month in {*held, *lines}:
        line, rows = lines.get(month), held.get(month)
        if line is None:
            return f"{month} has no line in the ledger"
        if (line.rows, line.digest) != ((rows.rows, rows.digest) if rows else (0, "0")):
            return f"{month} is not what the ledger says"
        if rows and line.revenue != rows.revenue:
            return f"{month} has another revenue than the ledger says"
    return ""


def _judge_states(found: Facts, before: Facts, after: Facts, verdict: Verdict) -> None:
    """Hold each table to the state before or the one after, and count rows that neither lacks."""
    for table in GROWING & before.tables.keys():
        verdict.rows_lost += max(before.rows(table) - found.rows(table), 0)
    for table in CONTRACTS.keys() - GROWING:
        held = found.tables.get(table)
        if held not in (before.tables.get(table), after.tables.get(table)):
            verdict.broken.setdefault(table, "neither the state before nor the one after")
            least = min(before.rows(table), after.rows(table))
            verdict.rows_lost += max(least - found.rows(table), 0)


def _judge_ledger(found: Facts, before: Facts, after: Facts, verdict: Verdict) -> None:
    """Hold the ledger to what came before: lines are added, by whole publications, never lost."""
    if found.lines[: len(before.lines)] != before.lines:
        verdict.broken["publications"] = "lines of the ledger are lost or changed"
    elif after.lines and after.lines[: len(found.lines)] != found.lines:
        verdict.broken["publications"] = "lines that an undisturbed run does not write"
    elif 0 < len(found.lines) < len(after.lines):
        last, following = found.lines[-1], after.lines[len(found.lines)]
        if last[-1] == following[-1]:
            verdict.broken["publications"] = f"{last[0]} is entered in part"


def failed_checks(settings: Settings, tables: set[str]) -> dict[str, str]:
    """Run the product's own checks of tables that are there; return those that fail."""
    assets = [table for table in tables if table in COMPARED or table == "kmeans_model"]
    if not assets:
        return {}
    job = dg.define_asset_job("all_checks", dg.AssetSelection.checks_for_assets(*assets))
    with TemporaryDirectory() as folder, dg.DagsterInstance.ephemeral() as instance:
        # Of a copy: checks remember what they say, and opening the file to write mends it.
        for file in settings.warehouse_path.parent.glob(f"{settings.warehouse_path.name}*"):
            shutil.copy(file, folder)
        copy = settings.model_copy(update={"warehouse": Path(folder, settings.warehouse_path.name)})
        defs = dg.Definitions.merge(
            build_defs(Installation.of(copy), loggers=QUIET), dg.Definitions(jobs=[job])
        )
        result = defs.resolve_job_def("all_checks").execute_in_process(
            instance=instance, raise_on_error=False, run_config={"loggers": {"quiet": {}}}
        )
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) >= 2 * len(assets)
    return {
        evaluation.asset_key.to_user_string(): f"check {evaluation.check_name}: "
        f"{evaluation.description}"
        for evaluation in evaluations
        if not evaluation.passed and evaluation.check_name in JUDGED
    }


@dg.logger
def _quiet(_context):
    return logging.Logger("quiet", level=logging.CRITICAL)


QUIET = {"quiet": _quiet}
