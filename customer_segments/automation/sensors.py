"""What starts a run when something happened: new files, changed months, another champion.

Belongs here: reading what happened from files and from Dagster's own records, and requesting the
run that follows. A sensor never opens the warehouse. Does not: the runs themselves (``jobs``).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from customer_segments.automation.folder import Folder
from customer_segments.automation.jobs import CHAIN_TAG, JOBS, months_tags
from customer_segments.automation.reporting import report_sensor
from customer_segments.errors import UserError
from customer_segments.months import Months, load, month_of, parse_month
from customer_segments.settings import Settings

INTERVAL_SECONDS = 30
RAW = dg.AssetKey("raw_transactions")
CHAMPION = dg.AssetKey("champion_model")


def build_sensors(settings: Settings, loaded: Months) -> list[dg.SensorDefinition]:
    """Return the sensors of an installation.

    Parameters
    ----------
    loaded
        Months that the definitions were made with; a sensor fails where these are out of date.
    """
    status = (
        dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED
    )
    shared: dict[str, Any] = {
        "minimum_interval_seconds": INTERVAL_SECONDS,
        "default_status": status,
    }
    return [
        _new_workbooks(settings, shared),
        _score_changed_months(settings, loaded, shared),
        _relabel_by_new_champion(settings, loaded, shared),
        report_sensor(shared),
    ]


def _new_workbooks(settings: Settings, shared: dict[str, Any]) -> dg.SensorDefinition:
    @dg.sensor(
        name="new_workbooks",
        job_name="ingest",
        description=(
            "Reads the workbooks when one appears, changes or goes away, by content. A file that "
            "is still being copied is left alone; one that failed is tried again when it changes."
        ),
        **shared,
    )
    def new_workbooks(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if settings.has_outgrown_sample:
            raise UserError(
                f"{settings.source_dir} has workbooks now, but the sample is loaded.",
                "Reload the code location (Deployment > Code locations > Reload).",
            )
        folder = Folder.seen(settings, context.cursor)
        if folder.unstable:
            said = f"Still being written: {', '.join(folder.unstable)}."
        elif folder.requested == folder.wanted:
            said = "No workbook changed since a run was last requested."
        elif folder.version == _ingested(context, settings):
            said, folder = "The workbooks are those that were last read.", folder.after_request()
        else:
            request = dg.RunRequest(tags={"source_version": folder.version})
            return dg.SensorResult([request], cursor=folder.after_request().cursor)
        return dg.SensorResult(skip_reason=said, cursor=folder.cursor)

    return new_workbooks


def _score_changed_months(
    settings: Settings, loaded: Months, shared: dict[str, Any]
) -> dg.SensorDefinition:
    @dg.asset_sensor(
        asset_key=RAW,
        name="score_changed_months",
        jobs=[JOBS["score"], JOBS["full_refresh"]],
        description=(
            "Scores the months that an ingestion changed, and all snapshots after them, in one run."
        ),
        **shared,
    )
    def score_changed_months(
        context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry
    ) -> dg.RunRequest | dg.SkipReason:
        if _is_chained(context, asset_event):
            return dg.SkipReason("The command that ingested the workbooks scores them as well.")
        said = _metadata(asset_event)
        waiting, awaited = said["months_waiting"], said.get("awaited_month")
        newest = f"The newest row is of {said['newest_date']}."
        missing = f" The data of {awaited} is not all there yet: {newest}" if awaited else ""
        if not waiting:
            return dg.SkipReason(f"Nothing changed, no month is scored.{missing or f' {newest}'}")
        if missing:
            context.log.warning(missing.strip())
        covered = _require_loaded(settings, loaded)
        due = covered.clip(parse_month(waiting["first"]), parse_month(waiting["last"]))
        if due is None:
            return dg.SkipReason(
                "The months that changed are not covered: the settings bound them."
            )
        # Without a champion there is nothing to label by: a first run fits one.
        is_first_run = CHAMPION.path[-1] in said["tables_missing"]["tables"]
        return dg.RunRequest(
            run_key=asset_event.run_id,
            job_name="full_refresh" if is_first_run else "score",
            tags=months_tags(*due),
        )

    return score_changed_months


def _relabel_by_new_champion(
    settings: Settings, loaded: Months, shared: dict[str, Any]
) -> dg.SensorDefinition:
    @dg.asset_sensor(
        asset_key=CHAMPION,
        name="relabel_by_new_champion",
        job=JOBS["relabel"],
        description="Labels all months again, in one run, when another version became champion.",
        **shared,
    )
    def relabel_by_new_champion(
        context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry
    ) -> dg.RunRequest | dg.SkipReason:
        if _is_chained(context, asset_event):
            return dg.SkipReason("The command that decided it labels all months as well.")
        if _metadata(asset_event).get("verdict") not in ("promoted", "chosen", "imported"):
            return dg.SkipReason("The champion stays: nothing is labelled again.")
        if settings.relabel == "new":
            return dg.SkipReason("CUSTOMER_SEGMENTS_RELABEL is new: published labels stay.")
        ingested = context.instance.get_latest_materialization_event(RAW)
        if ingested is None:
            return dg.SkipReason("Nothing was ingested yet: there are no labels.")
        covered = _require_loaded(settings, loaded)
        newest = month_of(date.fromisoformat(_metadata(ingested)["newest_date"]))
        return dg.RunRequest(
            run_key=asset_event.run_id,
            tags=months_tags(covered.first, min(newest, covered.newest)),
        )

    return relabel_by_new_champion


def _metadata(event: dg.EventLogEntry) -> Mapping[str, Any]:
    materialization = event.asset_materialization
    entries = materialization.metadata if materialization else {}
    return {name: value.value for name, value in entries.items()}


def _ingested(context: dg.SensorEvaluationContext, settings: Settings) -> str | None:
    """Return the version of the workbooks that the warehouse was made of, if there is one."""
    event = context.instance.get_latest_materialization_event(RAW)
    if event is None or not settings.warehouse_path.exists():
        return None
    return _metadata(event).get("source_version")


def _is_chained(context: dg.SensorEvaluationContext, event: dg.EventLogEntry) -> bool:
    run = context.instance.get_run_by_id(event.run_id)
    return run is not None and CHAIN_TAG in run.tags


def _require_loaded(settings: Settings, loaded: Months) -> Months:
    """Return the months covered now; an error if the definitions were made with others."""
    covered = load(settings)
    if covered.partitions() != loaded.partitions():
        raise UserError(
            f"The months covered are now {covered.first:%Y-%m} to {covered.newest:%Y-%m}, which "
            "this code location does not know yet.",
            "Reload it (Deployment > Code locations > Reload); the sensor then goes on by itself.",
        )
    return covered
