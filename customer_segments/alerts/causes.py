"""What runs that ended have to tell: that they failed, and which of their checks did.

Belongs here: reading Dagster's own records of runs since a cursor. Does not: what goes on beside
runs (``standing``). A check is told when its run has ended, for only then it is known whether the
run failed by it, which is one message and not two.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from customer_segments.alerts.message import Alert, Level, check_path, without_rows
from customer_segments.automation.jobs import months_covered

ENDS = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)
# Of one kind of end at one time; the next time goes on from there.
MAX_RUNS = 200
MAX_FIGURES = 8
NAMED_MONTHS = 6
WILL_RETRY_TAG = "dagster/will_retry"


def newest_cursor(instance: dg.DagsterInstance, end: dg.DagsterEventType) -> str:
    """Return the cursor after which there is nothing yet."""
    return instance.fetch_run_status_changes(end, limit=1).cursor


def ended_runs(
    instance: dg.DagsterInstance, end: dg.DagsterEventType, cursor: str
) -> tuple[list[Alert], str]:
    """Return the alerts of the runs that ended so since a cursor, and the cursor after them."""
    result = instance.fetch_run_status_changes(end, limit=MAX_RUNS, cursor=cursor, ascending=True)
    alerts: list[Alert] = []
    for record in result.records:
        # A run may have been deleted since.
        if run := instance.get_run_by_id(record.event_log_entry.run_id):
            failure = record.event_log_entry if end is dg.DagsterEventType.RUN_FAILURE else None
            alerts += _of_run(instance, run, failure)
    return alerts, result.cursor


def _of_run(
    instance: dg.DagsterInstance, run: dg.DagsterRun, failure: dg.EventLogEntry | None
) -> Iterator[Alert]:
    entries = instance.all_logs(
        run.run_id,
        of_type={dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.STEP_FAILURE},
    )
    events = [entry.dagster_event for entry in entries if entry.dagster_event]
    # By check: the last evaluation of each.
    failed = {
        evaluation.asset_check_key: evaluation
        for event in events
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and not (evaluation := event.asset_check_evaluation_data).passed
    }
    stoppers = [check for check in failed.values() if failure and _stops(check)]
    if failure:
        steps = [e for e in events if e.event_type is dg.DagsterEventType.STEP_FAILURE]
        yield _run_failure(instance, run, failure, steps, stoppers)
    yield from (_failed_check(run, check) for check in failed.values() if check not in stoppers)


def _stops(check: dg.AssetCheckEvaluation) -> bool:
    return bool(check.blocking) and check.severity is dg.AssetCheckSeverity.ERROR


def _run_failure(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    failure: dg.EventLogEntry,
    steps: list[dg.DagsterEvent],
    stoppers: list[dg.AssetCheckEvaluation],
) -> Alert:
    facts: list[tuple[str, str]] = []
    if stoppers:
        said = " ".join(
            f"The check {check.check_name} of {_asset(check)} stopped it: {_said(check)}"
            for check in stoppers
        )
        facts += [("Asset", ", ".join(dict.fromkeys(map(_asset, stoppers))))]
        facts += [("Check", ", ".join(check.check_name for check in stoppers))]
        facts += _figures(stoppers[0].metadata)
        path = check_path(_asset(stoppers[0]), stoppers[0].check_name)
    elif steps:
        said = root_cause(steps[0].step_failure_data.error)
        facts.append(("Asset", ", ".join(_planned(instance, run, steps))))
        path = f"/runs/{run.run_id}"
    else:
        said = failure.dagster_event.message or "" if failure.dagster_event else ""
        path = f"/runs/{run.run_id}"
    retried = run.tags.get(WILL_RETRY_TAG) == "true"
    return Alert(
        key=f"run:{run.run_id}",
        level=Level.ERROR,
        title=f"The run of {run.job_name} failed",
        said=without_rows(said),
        facts=(*facts, *_months_of(run), _run_fact(run)),
        remedy=(
            "Dagster starts it again by itself."
            if retried
            else "Mend the cause and start it again. What was published before it is whole."
        ),
        path=path,
    )


def _failed_check(run: dg.DagsterRun, check: dg.AssetCheckEvaluation) -> Alert:
    is_error = check.severity is dg.AssetCheckSeverity.ERROR
    asset, months = _asset(check), _bad_months(check.metadata)
    return Alert(
        key=f"check:{asset}:{check.check_name}:{run.run_id}",
        level=Level.ERROR if is_error else Level.WARNING,
        title=f"The check {check.check_name} of {asset} {'failed' if is_error else 'warns'}",
        said=without_rows(_said(check)),
        facts=(
            ("Asset", asset),
            ("Check", check.check_name),
            *([("Months", months)] if months else _months_of(run)),
            *_figures(check.metadata),
            _run_fact(run),
        ),
        remedy=(
            "Do not build on these figures before somebody has looked into it."
            if is_error
            else "The tables are published. Look whether this is as it should be."
        ),
        path=check_path(asset, check.check_name),
    )


def _planned(
    instance: dg.DagsterInstance, run: dg.DagsterRun, steps: list[dg.DagsterEvent]
) -> list[str]:
    """Return the assets that failed steps were to make, or the steps if they make none."""
    of_type = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=of_type)]
    failed = {step.step_key for step in steps}
    assets = {
        event.asset_key.to_user_string(): None
        for event in events
        if event and event.asset_key and event.step_key in failed
    }
    return list(assets) or [str(step) for step in failed]


def root_cause(error: Any) -> str:
    """Return what the first of a chain of errors said, without the names of its module."""
    if error is None:
        return ""
    while error.cause:
        error = error.cause
    kind, _, said = error.message.strip().partition(": ")
    name = kind.rpartition(".")[2]
    return said if name == "UserError" else f"{name}: {said}" if said else name


def _asset(check: dg.AssetCheckEvaluation) -> str:
    return check.asset_key.to_user_string()


def _said(check: dg.AssetCheckEvaluation) -> str:
    return check.description or "It gives no reason."


def _run_fact(run: dg.DagsterRun) -> tuple[str, str]:
    return "Run", f"{run.job_name}, {run.run_id[:8]}"


def _months_of(run: dg.DagsterRun) -> list[tuple[str, str]]:
    """Return the months that a run covers, if it covers any in particular."""
    covered = months_covered(run)
    if covered is None:
        return []
    first, last = (f"{month:%Y-%m}" for month in covered)
    return [("Months", first if first == last else f"{first} to {last}")]


def _bad_records(metadata: Mapping[str, dg.MetadataValue]) -> list[Mapping[str, Any]]:
    """Return what a check's table of months says of those that do not pass, the newest first."""
    table = metadata.get("months")
    if not isinstance(table, dg.TableMetadataValue):
        return []
    records = [record.data for record in table.records]
    return [r for r in records if r.get("month") and r.get("verdict") in ("warn", "error")]


def _bad_months(metadata: Mapping[str, dg.MetadataValue]) -> str:
    months = [str(record["month"]) for record in _bad_records(metadata)]
    more = len(months) - NAMED_MONTHS
    return ", ".join(months[:NAMED_MONTHS]) + (f" and {more} more" if more > 0 else "")


def _figures(metadata: Mapping[str, dg.MetadataValue]) -> list[tuple[str, str]]:
    """Return the figures of the newest month that does not pass, or of the check as a whole."""
    if bad := _bad_records(metadata):
        month = f" of {bad[0]['month']}" if len(bad) > 1 else ""
        figures = {k: v for k, v in bad[0].items() if k not in ("month", "verdict")}
    else:
        month = ""
        simple = (dg.IntMetadataValue, dg.FloatMetadataValue, dg.TextMetadataValue)
        figures = {k: v.value for k, v in metadata.items() if isinstance(v, simple)}
    shown = [f"{k}: {_figure(v)}" for k, v in figures.items() if v not in (None, "")]
    return [(f"Figures{month}", "; ".join(shown[:MAX_FIGURES]))] if shown else []


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
