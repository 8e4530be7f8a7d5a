"""What Dagster is told of results: an evaluation of a check, or one by month.

Belongs here: results as Dagster's evaluations, and which materializations they are of. Does not:
judging (``runner``).

Dagster 1.13 takes an evaluation for one of before that does not name the newest materialization of
its month. Of a run over months it plans every month, and shows one that it hears nothing of as
skipped. So of the newest year each month is told, also one that is well or was not judged. Of the
months before it only those that stand out: an event per check and month is what a first run over
many years would spend its time on. All months are in ``check_history``.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from customer_segments.months import between, shift
from customer_segments.quality.evaluation import Evaluation, Level, Result
from customer_segments.quality.scope import YEAR


def told(
    instance: dg.DagsterInstance, result: Result, covered: tuple[date, date] | None
) -> Iterator[dg.AssetCheckEvaluation]:
    """Return what Dagster is told of a table: as a whole, or by month if its run covers months."""
    asset = dg.AssetKey(result.table)
    if not covered or not result.is_monthly:
        newest = instance.fetch_materializations(asset, limit=1).records
        yield _told(result, result.whole(), _target(newest[0]) if newest else None)
        return
    said = {each.month: each for each in result.evaluations}
    nothing = "nothing is there of that month"
    evaluations = {
        str(month): said.get(month) or Evaluation(month, Level.OK, nothing, {})
        for month in between(*covered)
        if month > shift(covered[1], -YEAR) or (month in said and said[month].level is not Level.OK)
    }
    targets = _targets(instance, asset, set(evaluations))
    for key, evaluation in evaluations.items():
        yield _told(result, evaluation, targets.get(key), key)


def _targets(
    instance: dg.DagsterInstance, asset: dg.AssetKey, months: set[str]
) -> Mapping[str, Target]:
    """Return the newest materialization of each month of an asset."""
    materialized = dg.DagsterEventType.ASSET_MATERIALIZATION
    newest = instance.get_latest_storage_id_by_partition(asset, materialized, months)
    records = dg.AssetRecordsFilter(asset_key=asset, storage_ids=list(newest.values()))
    found = instance.fetch_materializations(records, limit=max(len(newest), 1)).records
    return {record.partition_key: _target(record) for record in found if record.partition_key}


def _target(record: dg.EventLogRecord) -> Target:
    entry = record.event_log_entry
    return Target(storage_id=record.storage_id, run_id=entry.run_id, timestamp=entry.timestamp)


def _told(
    result: Result, evaluation: Evaluation, target: Target | None, partition: str | None = None
) -> dg.AssetCheckEvaluation:
    is_well = evaluation.level is Level.OK
    # Of a month that is well, too: the UI shows the newest month's severity for all of them.
    is_error = (result.level if is_well else evaluation.level) is Level.ERROR
    figures = {name: value for name, value in evaluation.figures.items() if value is not None}
    well = result.well if is_well and not evaluation.said else ""
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(result.table),
        check_name=result.check,
        passed=is_well,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description=well or evaluation.sentence(result.advice),
        metadata={**figures, **result.metadata},
        target_materialization_data=target,
        blocking=result.blocking,
        partition=partition,
    )
