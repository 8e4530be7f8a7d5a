"""Installations in temporary folders, and running their jobs."""

import logging
from collections import deque
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import dagster as dg

from customer_segments.automation.jobs import JOBS
from customer_segments.definitions import STAGES, build_defs
from customer_segments.installation import Installation
from customer_segments.quality.evaluation import Level, Result
from customer_segments.quality.runner import judged
from customer_segments.settings import Settings
from customer_segments.storage.state import State

# Writing the log down takes a tenth of a small run.
SILENT = dg.LoggerDefinition(lambda _: logging.Logger("silent", logging.CRITICAL))
UNLOGGED = {"loggers": {"silent": {}}}


def install(folder: Path, source_dir: Path) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    return Settings(
        _env_file=None,
        config=folder / "customer_segments.toml",
        source_dir=source_dir,
        warehouse=folder / "warehouse.duckdb",
        reports_dir=folder / "reports",
        lock_timeout_seconds=20,
    )


def execute(
    settings: Settings,
    job: str,
    first: date | None = None,
    last: date | None = None,
    run_config: dict | None = None,
    raise_on_error: bool = True,
    defs: dg.Definitions | None = None,
    checks: bool = True,
) -> dg.ExecuteInProcessResult:
    """Run a job for real, the project's or one of ``defs``, over a range of months or none.

    It is logged only with ``defs``; its ``checks`` follow.
    """
    tags = {}
    if first and last:
        tags = {
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        }
    run_config = (run_config or {}) | ({} if defs else UNLOGGED)
    defs = defs or defs_of(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        return (
            (defs if checks else unchecked(defs, job))
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance, tags=tags, run_config=run_config, raise_on_error=raise_on_error
            )
        )


def unchecked(defs: dg.Definitions, job: str) -> dg.Definitions:
    """Return definitions with a job that has no checks, which are a third of a small run."""
    return dg.Definitions(
        assets=defs.assets,
        resources=defs.resources,
        executor=defs.executor,
        loggers=defs.loggers,
        jobs=[dg.define_asset_job(job, JOBS[job].selection.without_checks())],
    )


def defs_of(settings: Settings) -> dg.Definitions:
    """Return definitions, the same ones while nothing changed that they are made of.

    As a code location has them, which is loaded once for many runs.
    """
    installed = Installation.of(settings)
    others = installed.policy, installed.months, settings.uses_sample
    for made_of, defs in _known:
        if made_of == (settings, *others):
            return defs
    defs = build_defs(installed, loggers={"silent": SILENT})
    _known.append(((settings.model_copy(deep=True), *others), defs))
    return defs


_known: deque[tuple[tuple, dg.Definitions]] = deque(maxlen=4)


def evaluate_checks(settings: Settings, asset: str) -> dict[str, dg.AssetCheckEvaluation]:
    """Run the checks of one table alone, as the UI's button does."""
    defs = defs_of(settings)
    selection = dg.AssetSelection.checks_for_assets(asset)
    job = dg.define_asset_job("checks_only", selection)
    defs = dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("checks_only").execute_in_process(
            instance=instance, raise_on_error=False, run_config=UNLOGGED
        )
    return {
        evaluation.check_name: evaluation
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.asset_key == dg.AssetKey(asset)
    }


def judged_when(
    settings: Settings, table: str, *statements: str, bare: Iterable[str] = ()
) -> dict[str, Result]:
    """Return what the checks of a table say once statements have run, which are taken back.

    Tables that are to be ``bare`` have no constraints then.
    """
    installed = Installation.of(settings)
    found: list[Result] = []
    with installed.warehouse.holding() as con:
        con.raw_sql("BEGIN")
        for each in bare:
            con.raw_sql(f"CREATE TABLE bare AS FROM {each}")
            con.raw_sql(f"DROP TABLE {each}")
            con.raw_sql(f"ALTER TABLE bare RENAME TO {each}")
        for statement in statements:
            con.raw_sql(statement)
        for judges, spine in (each for stage in STAGES for each in getattr(stage, "CHECKED", ())):
            own = [judge for judge in judges if judge.table.table == table]
            if own or (spine and table in {contract.table for contract in spine.contracts}):
                found += judged(con, State.read(con), own, spine, installed)
        con.raw_sql("ROLLBACK")
    return {result.check: result for result in found if result.table == table}


def spine_checks(settings: Settings, asset: str) -> dict[str, bool]:
    """Tell whether a table keeps its contract and agrees with what it is made from."""
    checks = judged_when(settings, asset)
    return {name: checks[name].level is Level.OK for name in ("contract", "reconciliation")}


def materialize(
    settings: Settings,
    assets: Iterable[str],
    first: date | None = None,
    last: date | None = None,
    config: dict[str, dict] | None = None,
    checks: bool = True,
) -> dg.ExecuteInProcessResult:
    """Materialize assets chosen by hand, over a range of months or none; ``checks`` follow."""
    selection = dg.AssetSelection.assets(*assets)
    job = dg.define_asset_job("by_hand", selection if checks else selection.without_checks())
    defs = dg.Definitions.merge(defs_of(settings), dg.Definitions(jobs=[job]))
    bounds = {"start": first, "end": last or first} if first else {}
    tags = {f"dagster/asset_partition_range_{end}": str(month) for end, month in bounds.items()}
    ops = {name: {"config": values} for name, values in (config or {}).items()}
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def("by_hand").execute_in_process(
            instance=instance, tags=tags, run_config=UNLOGGED | {"ops": ops}
        )
