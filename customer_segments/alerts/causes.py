"""What somebody has to hear of, from Dagster's own records: each cause by a key of its own.

Belongs here: runs that ended and their checks, sensors and schedules that fail, months that are
overdue. Does not: keeping and sending it (``outbox``, ``telling``). A check is told when its run
has ended: only then it is known whether the run failed by it, which is one message and not two.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from textwrap import shorten
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import dagster as dg
from dagster import DagsterEventType as Event
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.scheduler.instigation import TickStatus

from customer_segments.alerts.outbox import Alert
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.months import month_of, shift
from customer_segments.quality.freshness import DUE_ASSETS, SINCE_THE_FIRST
from customer_segments.quality.scope import months_of_run
from customer_segments.settings import Settings

ENDS = {Event.RUN_SUCCESS: "", Event.RUN_FAILURE: "failed", Event.RUN_CANCELED: "was cancelled"}
EVENTS = {Event.ASSET_CHECK_EVALUATION, Event.ASSET_MATERIALIZATION_PLANNED, Event.STEP_FAILURE}
FAILS = "ERROR", "failed", "Do not build on these figures before somebody has looked into it."
WARNS = "WARNING", "warns", "The tables are published. Look whether this is as it should be."
MAX_SAID, MAX_FACT = 1_200, 250
# Between words alone: half of a secret would not be known as one.
CUT: dict[str, Any] = {"placeholder": " ...", "break_on_hyphens": False}
# Of one kind of end at one time; the next time goes on from there.
MAX_RUNS = 200
# A tick is written down when it starts, and as a failure when it ends.
LOOK_BACK, MAX_TICKS = timedelta(hours=1), 20


def ended_runs(instance: dg.DagsterInstance, cursors: dict[str, str]) -> Iterator[Alert]:
    """Return the alerts of the runs that ended since, and move the cursors, by kind of end."""
    for end, how in ENDS.items():
        cursor = cursors[end.value]
        page = instance.fetch_run_status_changes(end, MAX_RUNS, cursor, ascending=True)
        cursors[end.value] = page.cursor
        for record in page.records:
            # A run may have been deleted since.
            if run := instance.get_run_by_id(record.event_log_entry.run_id):
                yield from _of_run(instance, run, how, record.event_log_entry.dagster_event)


def _of_run(
    instance: dg.DagsterInstance, run: dg.DagsterRun, how: str, end: Any
) -> Iterator[Alert]:
    steps, planned, checks = [], defaultdict(list), {}
    for entry in instance.all_logs(run.run_id, of_type=EVENTS):
        event: Any = entry.dagster_event
        if event.event_type is Event.STEP_FAILURE:
            steps.append(event)
        elif event.event_type is Event.ASSET_MATERIALIZATION_PLANNED:
            planned[event.step_key].append(event.asset_key.to_user_string())
        else:
            check = event.asset_check_evaluation_data
            checks[_name(check), (check.partition or "")[:7]] = check
    # Of each check the worst and newest month, and which others do not pass.
    failed = {key: check for key, check in checks.items() if not check.passed}
    by_weight = sorted(failed, key=lambda key: (_is_error(failed[key]), key[1]))
    worst = {key[0]: failed[key] for key in by_weight}
    stops = [c for c in worst.values() if how == "failed" and c.blocking and _is_error(c)]
    months = dict.fromkeys(months_of_run(run.tags) or ())
    covered = " to ".join(f"{month:%Y-%m}" for month in months)
    facts = {"Months": covered, "Run": f"{run.job_name}, {run.run_id[:8]}"}
    if how:
        cause = root_cause(steps[0].step_failure_data.error) if steps else end.message
        said = " ".join(f"The check {_name(c)} stopped it: {c.description}" for c in stops) or cause
        # A range of months has each once a month.
        assets = dict.fromkeys(asset for step in steps for asset in planned[step.step_key])
        remedy = "Mend the cause and start it again. What was published before it is whole."
        if run.tags.get("dagster/will_retry") == "true":
            remedy = "Dagster starts it again by itself."
        if how != "failed":
            said = "Somebody stopped it."
            remedy = "Start it again when it is wanted. What was published before it is whole."
        level, title = "ERROR" if how == "failed" else "WARNING", f"The run of {run.job_name} {how}"
        text = body(said, {"Assets": ", ".join(assets)} | facts, remedy)
        path = _path(stops[0]) if stops else f"/runs/{run.run_id}"
        yield Alert(f"run:{run.run_id}", level, title, text, path)
    for name, check in worst.items():
        if check not in stops:
            bad = ", ".join(sorted((m for other, m in failed if other == name), reverse=True))
            level, verdict, remedy = FAILS if _is_error(check) else WARNS
            text = body(check.description or "", facts | {"Months": bad or covered}, remedy)
            key, title = f"check:{name}:{run.run_id}", f"The check {name} {verdict}"
            yield Alert(key, level, title, text, _path(check))


def failing_ticks(instance: dg.DagsterInstance, since: float, now: datetime) -> Iterator[Alert]:
    """Return an alert for each sensor and schedule that fails, the same for a whole day.

    Ticks before ``since``, in seconds since 1970, are not told.
    """
    if instance.schedule_storage is None:
        return  # An instance in memory: it has no daemon, and so no ticks.
    after = max(since, (now - LOOK_BACK).timestamp())
    for state in instance.all_instigator_state():
        ids, failed = (state.instigator_origin_id, state.selector_id), [TickStatus.FAILURE]
        for tick in instance.get_ticks(*ids, after=after, limit=MAX_TICKS, statuses=failed):
            kind, name = tick.instigator_type.value.lower(), tick.instigator_name
            at = datetime.fromtimestamp(tick.timestamp, UTC)
            remedy = f"Until this is mended, the {kind} starts no run. It is told once a day."
            facts = {"Seen": f"{at:%Y-%m-%d %H:%M} UTC"}
            said = body(root_cause(tick.tick_data.error), facts, remedy)
            key, title = f"tick:{name}:{at:%Y-%m-%d}", f"The {kind} {name} fails"
            yield Alert(key, "ERROR", title, said, "/automation")


def overdue_months(
    instance: dg.DagsterInstance, settings: Settings, now: datetime
) -> Iterator[Alert]:
    """Return an alert for each asset that Dagster's freshness finds overdue, once a month.

    By the state that its daemon keeps: without ``make ui`` nobody evaluates it, and the check
    ``awaited_month`` says so when somebody ingests.
    """
    try:
        installed = Installation.of(settings)
    except UserError:
        return  # What needs it fails, and that is told.
    if not installed.months.is_open:
        return
    month = last_due_month(now, installed.policy.source.time_zone)
    remedy = (
        "Look whether the schedule monthly_refresh and the sensors are on and whether a run "
        f"failed, or start `customer-segments run`. Input: {installed.input}."
    )
    said = "Nothing was materialized since that month is over, due at 5 on the 3rd."
    for key, record in instance.get_freshness_state_records(sorted(DUE_ASSETS)).items():
        if record.freshness_state is FreshnessState.FAIL:
            asset = key.to_user_string()
            title, facts = f"{asset} is overdue for {month}", {"Asset": asset, "Month": month}
            text = body(said, facts, remedy)
            yield Alert(f"overdue:{asset}:{month}", "ERROR", title, text, f"/assets/{asset}")


def last_due_month(now: datetime, time_zone: str) -> str:
    """Return the newest month whose deadline has passed, like 2026-10."""
    local = now.astimezone(ZoneInfo(time_zone))
    return f"{shift(month_of((local - SINCE_THE_FIRST).date()), -1):%Y-%m}"


def body(said: str, facts: dict[str, str], remedy: str) -> str:
    """Return what was said, the facts that are not empty, and what to do, bounded.

    Without the rows that an audit shows: customers' data is for the UI, not for a chat.
    """
    kept = (ln.rpartition("}")[2] if ln.lstrip()[:1] == "{" else ln for ln in said.splitlines())
    lines = [shorten(" ".join(kept), MAX_SAID, **CUT)]
    lines += [shorten(f"{name}: {fact}", MAX_FACT, **CUT) for name, fact in facts.items() if fact]
    return "\n".join(filter(None, [*lines, remedy]))


def root_cause(error: Any) -> str:
    """Return what the first of a chain of errors said, without the names of its module."""
    while error and error.cause:
        error = error.cause
    kind, _, said = error.message.strip().partition(": ") if error else ("", "", "")
    name = kind.rpartition(".")[2]
    return said if name in ("UserError", "NoTransactions") else f"{name}: {said}" if said else name


def _is_error(check: dg.AssetCheckEvaluation) -> bool:
    return check.severity is dg.AssetCheckSeverity.ERROR


def _name(check: dg.AssetCheckEvaluation) -> str:
    return f"{check.check_name} of {check.asset_key.to_user_string()}"


def _path(check: dg.AssetCheckEvaluation) -> str:
    asset = quote(check.asset_key.to_user_string())
    return f"/assets/{asset}?view=checks&checkDetail={quote(check.check_name)}"
