"""What Dagster is told of results: an evaluation of a check, or one by month.

Belongs here: results as Dagster's evaluations, and which materializations they are of. Does not:
judging (``runner``).

Two things about Dagster 1.13 hold a check of months together. Of a run over months it plans every
month, and shows one that it hears nothing of as skipped, so that all are told, also those that are
well or were not judged. And it takes an evaluation for one of before that does not name the newest
materialization of its month.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from customer_segments.months import between
from customer_segments.quality.evaluation import Evaluation, Level, Result


def told(instance: dg.DagsterInstance, result: Result) -> dg.AssetCheckEvaluation:
    """Return what Dagster is told of a table as a whole."""
    records = dg.AssetRecordsFilter(asset_key=dg.AssetKey(result.table))
    newest = instance.fetch_materializations(records, limit=1).records
    return _told(result, result.whole(), _target(newest[0]) if newest else None)


def by_month(
    instance: dg.DagsterInstance, result: Result, first: date, last: date
) -> Iterator[dg.AssetCheckEvaluation]:
    """Return what Dagster is told of each month that a run covers."""
    months = {month.isoformat(): month for month in between(first, last)}
    targets = _targets(instance, dg.AssetKey(result.table), set(months))
    said = {each.month: each for each in result.evaluations}
    for key, month in months.items():
        nothing = Evaluation(month, Level.OK, "nothing is there of that month", {})
        yield _told(result, said.get(month, nothing), targets.get(key), key)


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
    return Target(
        storage_id=record.storage_id,
        run_id=record.event_log_entry.run_id,
        timestamp=record.event_log_entry.timestamp,
    )


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
