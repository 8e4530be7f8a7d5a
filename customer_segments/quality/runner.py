"""One runner for all checks: opens the warehouse once per table, judges, tells Dagster and SQL.

Belongs here: making Dagster's checks of a spine and judges, and their evaluations. Does not: what
is judged (each stage's ``judges``).
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import dagster as dg

from customer_segments.covering import load_months
from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.quality.evaluation import Level, Result
from customer_segments.quality.events import told
from customer_segments.quality.history import publications, remember
from customer_segments.quality.judge import Judge, Row
from customer_segments.quality.scope import Scope, months_of_run, newest_date
from customer_segments.quality.spine import DESCRIPTIONS, Spine
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import is_there
from customer_segments.tables import CHECK_HISTORY

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def stage_checks(
    checked: Iterable[tuple[tuple[Judge, ...], Spine | None]], installed: Installation
) -> list[dg.AssetChecksDefinition]:
    """Return the checks of a stage: judges of tables that are judged together, with their spine."""
    partitions = installed.months.partitions()
    return [table_checks(*judges, spine=spine, partitions=partitions) for judges, spine in checked]


def table_checks(
    *judges: Judge, spine: Spine | None = None, partitions: dg.PartitionsDefinition | None = None
) -> dg.AssetChecksDefinition:
    """Return the checks of tables that are judged together.

    Parameters
    ----------
    spine
        Contract and reconciliation, which stop the run, and without which nothing is judged.
    partitions
        Those of the tables, where their months are partitions.
    """
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
                partitions_def=partitions if judge.is_monthly else None,
            )
            for judge in judges
        ]

    tables = {contract.table for judge in judges for contract in (judge.table, *judge.reads)}

    @dg.multi_asset_check(name=f"{contracts[0].table}_checks", specs=specs, can_subset=True)
    def checks(
        context: dg.AssetCheckExecutionContext,
        settings: dg.ResourceParam[Settings],
        policy: dg.ResourceParam[Policy],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output]:
        asked = {
            (key.asset_key.to_user_string(), key.name) for key in context.selected_asset_check_keys
        }
        covered = months_of_run(context.run.tags)
        months = load_months(settings, policy.source.today(), policy.source.time_zone)
        with warehouse.reading() as con:
            scope = Scope(
                *(covered or (months.first, months.newest)),
                months,
                newest_date(con),
                policy.checks,
                settings.input_dir,
                frozenset(table for table in tables if not is_there(con, table)),
                settings.bounds,
            )
            judged = publications(con, (contract.table for contract in contracts))
            results = spine.results(con) if spine else []
            if all(result.level is Level.OK for result in results):
                wanted = [each for each in judges if (each.table.table, each.check) in asked]
                results += _judged(con, wanted, scope)
        results = [result for result in results if (result.table, result.check) in asked]
        with warehouse.writing() as con:
            made_by = policy.fingerprint(CHECK_HISTORY.sections)
            remember(con, results, judged, context.run.run_id, made_by)
        for result in results:
            yield from told(context.instance, result, covered)
            if result.blocking:
                # What waits for it may start; nothing waits for the others.
                yield dg.Output(None, output_name=f"{result.table}_{result.check}")

    return checks


def _judged(con: "Backend", judges: list[Judge], scope: Scope) -> Iterator[Result]:
    """Return what judges say, each query run once."""
    fetched: dict[Callable, list[Row]] = {}
    for judge in judges:
        if judge.figures not in fetched:
            fetched[judge.figures] = con.to_pyarrow(judge.figures(scope)).to_pylist()
        yield judge.judge(fetched[judge.figures], scope)
