"""What Dagster's daemon does, by hand: evaluates schedules and sensors, executes what they request.

Sensors, their cursors and run keys, the instance, and the runs are all real; only the clock that
starts a tick is not there.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.settings import Settings


@dataclass
class Tick:
    """What one evaluation came to: job and months of the runs that it started, or why none."""

    runs: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    said: str = ""


class Daemon:
    """Schedules and sensors of an installation, with a Dagster instance of its own."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance):
        self.settings, self.instance = settings, instance
        self.cursors: dict[str, str | None] = {}
        self.run_keys: set[tuple[str, str]] = set()
        self.reload()

    def to_json(self) -> str:
        """Return what it remembers from tick to tick."""
        return json.dumps([self.cursors, sorted(self.run_keys)])

    def remember(self, text: str) -> None:
        """Go on from what another one remembered, as ``to_json`` wrote it."""
        self.cursors, keys = json.loads(text)
        self.run_keys = {(sensor, key) for sensor, key in keys}

    def reload(self) -> None:
        """Reload the code location."""
        self.repository = build_defs(Installation.of(self.settings)).get_repository_def()

    def tick(self, name: str) -> Tick:
        """Evaluate a sensor once, and execute the runs that it requests."""
        sensor = self.repository.get_sensor_def(name)
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(name),
            repository_def=self.repository,
            sensor_name=name,
        ) as context:
            data = sensor.evaluate_tick(context)
        self.cursors[name] = data.cursor
        tick = Tick(said=data.skip_message or "")
        for request in data.run_requests or []:
            self._execute(name, request, request.job_name or sensor.job_name, tick)
        return tick

    def tick_schedule(self, name: str, at: datetime) -> Tick:
        """Evaluate a schedule once, and execute the run that it requests."""
        schedule = self.repository.get_schedule_def(name)
        with dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=at, repository_def=self.repository
        ) as context:
            data = schedule.evaluate_tick(context)
        tick = Tick(said=data.skip_message or "")
        for request in data.run_requests or []:
            self._execute(name, request, schedule.job_name, tick)
        return tick

    def until_quiet(self) -> list[tuple[str, str | None, str | None]]:
        """Evaluate all sensors until none requests anything; return the runs.

        All but the sensor of reports, which take seconds each: its own tests tick it.
        """
        runs: list[tuple[str, str | None, str | None]] = []
        names = [sensor.name for sensor in self.repository.sensor_defs]
        names.remove("report_new_labels")
        while True:
            ticks = [self.tick(name) for name in names]
            if not any(tick.runs for tick in ticks):
                return runs
            runs += [run for tick in ticks for run in tick.runs]

    def _execute(self, name: str, request: dg.RunRequest, job_name: str, tick: Tick) -> None:
        if request.run_key:
            if (name, request.run_key) in self.run_keys:
                return
            self.run_keys.add((name, request.run_key))
        ends = [
            request.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end")
        ]
        tick.runs.append((job_name, *(end and end[:7] for end in ends)))
        # In a process of its own, under the daemon: with definitions of its own.
        job = build_defs(Installation.of(self.settings)).resolve_job_def(job_name)
        job.execute_in_process(
            instance=self.instance,
            tags=request.tags,
            run_config=request.run_config,
            raise_on_error=False,
        )

    def last_run_succeeded(self) -> bool:
        """Tell how the newest run ended."""
        return self.instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.SUCCESS
