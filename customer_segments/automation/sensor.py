"""The one sensor that starts runs, by the agenda, and the definitions of this stage.

Belongs here: what Dagster knows beside the agenda: what is running, what failed and how often.
The warehouse is never opened. Does not: deciding what is due (``agenda``).
"""

import json
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import dagster as dg

from customer_segments.automation.agenda import agenda
from customer_segments.automation.facts import Step, facts, watched, watched_database
from customer_segments.automation.jobs import JOBS, monthly_refresh, months_tags, switch
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.months import Months

INTERVAL_SECONDS = 30
REQUESTED = ("ingest", "full_refresh", "score", "relabel", "serve", "report", "recommend")
# Tells runs of one step from those of others, so that tries can be counted.
STEP_TAG = "customer_segments/step"
# A step that failed waits a minute, then two, four ... up to half a day, eleven times in all.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=12)
MOST_TRIES = 12
ENDED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED
GOING_ON = dg.RunsFilter(statuses=[each for each in dg.DagsterRunStatus if each not in ENDED])

agenda_asset = dg.AssetSpec(
    "agenda",
    deps=["transaction_workbooks"],
    group_name="transactions",
    description="What is due, and why. While the sensor of this name is on, it writes it here when "
    "it changes, and requests the first step: see Automation. `customer-segments agenda` prints "
    "it at any time.",
    kinds={"json"},
)


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    return dg.Definitions(
        assets=[agenda_asset],
        jobs=list(JOBS.values()),
        schedules=[monthly_refresh(installed)],
        sensors=[agenda_sensor(installed)],
    )


def agenda_sensor(loaded: Installation) -> dg.SensorDefinition:
    """Return the sensor; it fails where the months that Dagster has loaded are out of date."""

    @dg.sensor(
        name="agenda",
        jobs=[JOBS[name] for name in REQUESTED],
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus(switch(loaded)),
        description="Requests the first step that is due: files that came, changed or went away "
        "are read, months that changed are scored, labels and reports made anew by another "
        "champion, and offers after these. A step that failed is tried again, each time after a "
        "longer pause.",
    )
    def agenda_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if loaded.settings.has_outgrown_sample:
            raise UserError(
                "There is input of your own now, but the sample is loaded.",
                "Stop `customer-segments ui` and start it again.",
            )
        cursor = json.loads(context.cursor or "{}")
        installed = loaded.renewed()
        # Without a warehouse nothing was ever read, whatever was left beside it.
        state = installed.warehouse.last_state()
        files, database = {}, {}
        if installed.policy.source.database:
            database = watched_database(installed, state, cursor.get("database", {}))
            hashes = database["found"]
        else:
            files = watched(loaded.settings, cursor.get("files", {}))
            hashes = {name: content_hash for name, (*_, content_hash) in files.items()}
        unstable = [name for name, content_hash in hashes.items() if not content_hash]
        steps = agenda(facts(installed, state, None if unstable else hashes))
        shown = as_markdown(steps)
        if unstable:
            request, why_not = None, f"Still being written: {', '.join(unstable)}."
        else:
            request, why_not = _decide(context.instance, loaded.months, installed.months, steps)
        noted = dg.AssetMaterialization("agenda", metadata={"due": dg.MetadataValue.md(shown)})
        return dg.SensorResult(
            run_requests=[request] if request else [],
            skip_reason=why_not or None,
            cursor=json.dumps({"files": files, "database": database, "shown": shown}),
            asset_events=[noted] if shown != cursor.get("shown") else [],
        )

    return agenda_sensor


def as_markdown(steps: list[Step]) -> str:
    """Return the agenda as a table, for the UI."""
    lines = ["| step | why |", "|---|---|", *(f"| {step} | {step.why} |" for step in steps)]
    return "\n".join(lines) if steps else "Nothing is due."


def now() -> datetime:
    """Return the time that pauses are counted by."""
    return datetime.now(UTC)


def _decide(
    instance: dg.DagsterInstance, loaded: Months, covered: Months, steps: list[Step]
) -> tuple[dg.RunRequest | None, str]:
    """Return the run to request, or why there is none."""
    if not steps:
        return None, "Nothing is due."
    step = steps[0]
    if going_on := instance.get_runs(GOING_ON, limit=1):
        return None, f"{step} waits: a run of {going_on[0].job_name} goes on."
    if until := _pause(instance, step):
        return None, until
    # Dagster would refuse them as none of its partitions.
    if step.months and covered.partitions() != loaded.partitions():
        raise UserError(
            f"The months covered are now {covered.first:%Y-%m} to {covered.newest:%Y-%m}, which "
            "this code location does not know yet.",
            "Reload it (Deployment > Code locations > Reload); the sensor then goes on by itself.",
        )
    tags = {STEP_TAG: step.key} | (months_tags(*step.months) if step.months else {})
    return dg.RunRequest(job_name=step.job, tags=tags), ""


def _pause(instance: dg.DagsterInstance, step: Step) -> str:
    """Say until when a step waits that its newest runs did not bring about; empty if not."""
    newest = instance.get_run_records(limit=MOST_TRIES)
    own = takewhile(lambda record: record.dagster_run.tags.get(STEP_TAG) == step.key, newest)
    tries = sum(1 for _ in own)
    if not tries:
        return ""
    said = f"{step} was tried {tries} times and is still due: {step.why}."
    if tries >= MOST_TRIES:
        return f"{said} It is given up; mend the cause, then start `customer-segments run`."
    ended = datetime.fromtimestamp(newest[0].end_time or newest[0].start_time or 0, UTC)
    again = ended + min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
    return f"{said} Next try at {again:%H:%M} UTC." if now() < again else ""
