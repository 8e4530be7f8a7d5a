"""What Dagster's daemon does, by hand: evaluates schedules and sensors, executes what they request.

Sensors, their cursors, the instance, and the runs are all real; only the clock that starts a tick
is not there.
"""

from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from customer_segments.automation.jobs import RANGE_TAGS
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments_tests.installations import defs_of

AGENDA = "agenda"
Run = tuple[str, str | None, str | None]
RECOMMEND: Run = ("recommend", None, None)


@dataclass
class Tick:
    """What one evaluation came to: job and months of the runs that it started, or why none."""

    runs: list[Run] = field(default_factory=list)
    said: str = ""


class Daemon:
    """Schedules and sensors of an installation, with a Dagster instance of its own."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance):
        self.settings, self.instance = settings, instance
        self.cursor: str | None = None
        self.reload()

    def reload(self) -> None:
        """Reload the code location."""
        self.repository = defs_of(self.settings).get_repository_def()

    def tick(self) -> Tick:
        """Evaluate the agenda's sensor once, and execute the runs that it requests."""
        sensor = self.repository.get_sensor_def(AGENDA)
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.repository,
            sensor_name=AGENDA,
        ) as context:
            data = sensor.evaluate_tick(context)
        self.cursor = data.cursor
        for event in data.asset_events:
            self.instance.report_runless_asset_event(event)
        return self._execute(data.run_requests, data.skip_message)

    def tick_schedule(self, name: str, at: datetime) -> Tick:
        """Evaluate a schedule once, and execute the run that it requests."""
        schedule = self.repository.get_schedule_def(name)
        with dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=at, repository_def=self.repository
        ) as context:
            data = schedule.evaluate_tick(context)
        return self._execute(data.run_requests, data.skip_message, schedule.job_name)

    def until_quiet(self) -> list[Run]:
        """Evaluate the sensor until it requests nothing any more; return the runs."""
        runs: list[Run] = []
        while tick := self.tick().runs:
            runs += tick
        return runs

    def start(self, job: str, tags: dict[str, str], run_config: dict | None = None) -> None:
        """Execute a job as a process of its own would: with definitions of its own."""
        build_defs(Installation.of(self.settings)).resolve_job_def(job).execute_in_process(
            instance=self.instance, tags=tags, run_config=run_config or {}, raise_on_error=False
        )

    def last_run_succeeded(self) -> bool:
        """Tell how the newest run ended."""
        return self.instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.SUCCESS

    def _execute(
        self, requests: list[dg.RunRequest] | None, skipped: str | None, job_name: str = ""
    ) -> Tick:
        tick = Tick(said=skipped or "")
        for request in requests or []:
            job = request.job_name or job_name
            tick.runs.append(
                (job, *((request.tags.get(tag) or "")[:7] or None for tag in RANGE_TAGS))
            )
            self.start(job, request.tags, request.run_config)
        return tick
