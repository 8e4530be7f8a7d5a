"""One runner for all checks: opens the warehouse once per table, judges, tells Dagster and SQL.

Belongs here: making Dagster's checks of a spine and judges, their evaluations, and the copy for
SQL: the table ``check_history``, a row per check, month and evaluation, tied to the publications
that were judged. Does not: what is judged (each stage's ``judges``), what Dagster is told
(``events``).
"""

import json
import warnings
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import cache

import dagster as dg

from customer_segments.covering import load_months
from customer_segments.installation import Installation
from customer_segments.quality.evaluation import Level, Result
from customer_segments.quality.events import told
from customer_segments.quality.judge import Judge
from customer_segments.quality.scope import Scope, months_of_run, newest_date
from customer_segments.quality.spine import DESCRIPTIONS, Spine
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.publish import publish
from customer_segments.storage.state import State
from customer_segments.tables import CHECK_HISTORY


def stage_checks(
    checked: Iterable[tuple[tuple[Judge, ...], Spine | None]], installed: Installation
) -> list[dg.AssetChecksDefinition]:
    """Return the checks of a stage: judges of tables that are judged together, with their spine."""
    return [_table_checks(judges, spine, installed) for judges, spine in checked]


def _table_checks(
    judges: tuple[Judge, ...], spine: Spine | None, installed: Installation
) -> dg.AssetChecksDefinition:
    """Return the checks of tables; without their spine, which stops the run, nothing is judged."""
    warehouse, policy = installed.warehouse, installed.policy
    contracts = spine.contracts if spine else (judges[0].table,)
    specs = [
        dg.AssetCheckSpec(check, asset=contract.table, blocking=True, description=description)
        for contract in (spine.contracts if spine else ())
        for check, description in DESCRIPTIONS.items()
    ]
    with warnings.catch_warnings(action="ignore"):  # partitions of checks are a preview
        specs += [
            dg.AssetCheckSpec(
                judge.check,
                asset=judge.table.table,
                description=judge.words.description,
                additional_deps=[contract.table for contract in judge.reads],
                partitions_def=installed.months.partitions() if judge.is_monthly else None,
            )
            for judge in judges
        ]

    @dg.multi_asset_check(name=f"{contracts[0].table}_checks", specs=specs, can_subset=True)
    def checks(
        context: dg.AssetCheckExecutionContext,
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output]:
        asked = {
            (key.asset_key.to_user_string(), key.name) for key in context.selected_asset_check_keys
        }
        covered = months_of_run(context.run.tags)
        wanted = [each for each in judges if (each.table.table, each.check) in asked]
        # In one transaction: nobody publishes before it is remembered.
        with warehouse.writing() as con:
            state = State.read(con)
            run_id = context.run.run_id
            results = judged(con, state, wanted, spine, installed, covered, run_id)
            results = [result for result in results if (result.table, result.check) in asked]
            made_by = policy.fingerprint(CHECK_HISTORY.sections)
            _remember(con, results, state, run_id, made_by)
        for result in results:
            yield from told(context.instance, result, covered)
            if result.blocking:
                # What waits for it may start; nothing waits for the others.
                yield dg.Output(None, output_name=f"{result.table}_{result.check}")

    return checks


def judged(
    con: Connection,
    state: State,
    judges: Iterable[Judge],
    spine: Spine | None,
    installed: Installation,
    covered: tuple[date, date] | None = None,
    run_id: str | None = None,
) -> list[Result]:
    """Return what checks say of the tables of an open warehouse, their spine first.

    ``state`` is what it holds; ``covered`` are the first and the last month to judge, all of them
    without it; ``run_id`` is of the run that asks.
    """
    settings, policy = installed.settings, installed.policy
    # Not those of the definitions: an ingestion before it in its run may have changed them.
    months = load_months(settings, policy.source.today(), policy.source.time_zone)
    there = Catalog.of(con)
    read = {contract.table for judge in judges for contract in (judge.table, *judge.reads)}
    scope = Scope(
        *(covered or (months.first, months.newest)),
        months,
        newest_date(con, there),
        policy.checks,
        None if policy.source.database else settings.input_dir,
        frozenset(table for table in read if table not in there),
        settings.bounds,
    )
    results = spine.results(con, there, state, covered, run_id) if spine else []
    if all(result.level is Level.OK for result in results):
        fetch = cache(lambda figures: con.to_pyarrow(figures(scope)).to_pylist())
        results += [judge.judge(fetch(judge.figures), scope) for judge in judges]
    return results


def _remember(
    con: Connection, results: Iterable[Result], state: State, run_id: str, made_by: str
) -> None:
    """Add what checks said, inside a transaction; ``made_by`` is the fingerprint of thresholds."""
    number, now = 0, datetime.now(UTC).replace(tzinfo=None)
    if CHECK_HISTORY.table in Catalog.of(con):
        newest = con.raw_sql("SELECT coalesce(max(verdict), 0) FROM check_history")
        ((number,),) = newest.fetchall()
    rows = [
        {
            "evaluated_at": now,
            "run_id": run_id,
            "table_name": result.table,
            "check_name": result.check,
            "month": each.month,
            "level": each.level.value,
            "said": each.said,
            "figures": json.dumps(dict(each.figures), default=str),
            "publication": max((line.publication for line in lines), default=None),
        }
        for result in results
        for each in result.evaluations
        # Of the month, or where it has none of the whole table.
        for held in [state.tables.get(result.table, {})]
        for lines in [[held[str(each.month)]] if str(each.month) in held else held.values()]
    ]
    numbered = [{"verdict": at, **row} for at, row in enumerate(rows, number + 1)]
    publish(con, CHECK_HISTORY, CHECK_HISTORY.arrow(numbered), run_id=run_id, made_by=made_by)
