"""Running jobs in the process of a command: progress, alerts, what Dagster is told of it.

Belongs here: how a job is started and how it ends, and Dagster's events as lines for people. Does
not: which jobs, in which order (``run``).
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import gethostname

import dagster as dg
from dagster import DagsterEventType as Event
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import MAX_RETRIES_TAG
from rich import get_console
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import OperationalError

from customer_segments import definitions
from customer_segments.alerts.telling import telling
from customer_segments.automation.facts import Range
from customer_segments.automation.jobs import months_tags
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.instance import forget_killed, held_open, is_alive, prepare_dagster_home

Launch = Callable[..., None]

PROCESS_TAG = "customer_segments/process"
# A team's installation may have several, such as containers; each knows its own processes alone.
HOST_TAG = "customer_segments/host"
# Whoever started a command sees it fail, and starts it again; the daemon has no business to.
OWN_TAGS = {MAX_RETRIES_TAG: "0"}
# Where the UI's code location has the same jobs: without it, neither its timeline nor its pages of
# jobs have the runs of commands, and nobody can try them again there.
REPOSITORY = RemoteRepositoryOrigin(
    RegisteredCodeLocationOrigin(definitions.__name__), SINGLETON_REPOSITORY_NAME
)

# What a command prints is on its terminal. To have a copy, Dagster starts four processes for each
# run, and at Ctrl-C two of them print tracebacks of their own.
NO_COMPUTE_LOGS = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


class ProgressHandler(logging.Handler):
    """Prints Dagster's events; between them shows what is being done, where there is a terminal."""

    def __init__(self, console: Console):
        super().__init__()
        self.console = console
        # In the order in which they come, each once.
        self.warned: dict[str, None] = {}
        self.status = console.status("")
        self.started = time.monotonic()
        self.printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one event of the run's log."""
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is None:
            # The log of an asset, or of the storage while it waits for a lock.
            message = escape(record.getMessage().rpartition(" - ")[2])
            if record.levelno >= logging.WARNING:
                self.console.print(f"  [yellow]![/] {message}")
            elif not message.startswith("op '"):
                # Dagster's own word on checks that had no month to judge.
                self.status.update(f"  {message}")
        elif event.event_type == Event.STEP_START:
            self.started = time.monotonic()
            self.status.update(f"  {event.step_key}")
            # A range run materializes an asset once per month; one line is enough.
            self.printed.clear()
        elif event.event_type in (Event.STEP_SUCCESS, Event.STEP_FAILURE):
            self.status.update("")
        elif event.event_type == Event.ASSET_MATERIALIZATION:
            self._tell_table(event.step_materialization_data.materialization)
        elif event.event_type == Event.ASSET_CHECK_EVALUATION:
            self._tell_check(event.asset_check_evaluation_data)

    def _tell_table(self, materialization: dg.AssetMaterialization) -> None:
        name = materialization.asset_key.to_user_string()
        if name in self.printed:
            return
        self.printed.add(name)
        rows = materialization.metadata.get("rows_published")
        # Files have none.
        what = f"{rows.value:>12,} {'row' if rows.value == 1 else 'rows':<4}" if rows else " " * 17
        seconds, self.started = time.monotonic() - self.started, time.monotonic()
        self.console.print(f"  [green]✓[/] {name:<24}{what} {seconds:>6.1f} s")

    def _tell_check(self, check) -> None:
        if check.passed:
            self.status.update(f"  {check.asset_key.to_user_string()}: {check.check_name} passed")
            return
        if check.severity is dg.AssetCheckSeverity.WARN:
            self.warned[check.check_name] = None
            return
        name = f"{check.asset_key.to_user_string()}, check {check.check_name}"
        said = escape(check.description or "failed")
        self.console.print(f"  [red]✗ {name}[/]: {said}", highlight=False)

    def finish(self) -> None:
        """Name the checks that warned, in one line."""
        if self.warned:
            checks = "1 check warns" if len(self.warned) == 1 else f"{len(self.warned)} checks warn"
            said = f"{checks}: {', '.join(self.warned)} (why: --verbose)"
            self.console.print(f"  [yellow]! {said}[/]", highlight=False, soft_wrap=True)


@contextmanager
def launcher(installed: Installation) -> Iterator[Launch]:
    """Give a function that runs a job, over a range of months or none, in this process."""
    home = prepare_dagster_home(is_sample=installed.settings.uses_sample)
    os.environ["DAGSTER_HOME"] = str(home)
    console = get_console()
    handler = ProgressHandler(console)

    @dg.logger
    def progress(_context) -> logging.Logger:
        """Send a run's events to the handler alone."""
        logger = logging.Logger("customer_segments.progress", level=logging.DEBUG)
        logger.addHandler(handler)
        return logger

    def launch(job: str, months: Range | None = None, config: dict | None = None) -> None:
        # Made anew for each run: ingestion may have changed the months.
        defs = definitions.build_defs(installed.renewed(), loggers={"console": progress})
        tags = OWN_TAGS | {PROCESS_TAG: str(os.getpid()), HOST_TAG: gethostname()}
        tags |= months_tags(*months) if months else {}
        # By a name that the code location knows as well, for whoever tries it again there.
        run_config = {"loggers": {"console": {}}} | (config or {})
        made, origin = defs.resolve_job_def(job), REPOSITORY.get_job_origin(job)
        try:
            run = instance.create_run_for_job(
                made, run_config=run_config, tags=tags, remote_job_origin=origin
            )
            execute_run(InMemoryJob(made), run, instance, raise_on_error=True)
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as error:
            # Ctrl-C, or SIGTERM; Dagster has recorded by now that the run failed.
            raise UserError(
                f"The run of {job} was stopped.",
                "What it published is whole. Start again, and it goes on from there.",
            ) from error
        except dg.DagsterError as error:
            raise UserError(
                f"The run of {job} stopped: {error}", "See above, or the run in `make ui`."
            ) from error

    try:
        with (
            # The one that DAGSTER_HOME names, whatever the method is called; see NO_COMPUTE_LOGS.
            dg.DagsterInstance.local_temp(str(home), overrides=NO_COMPUTE_LOGS) as instance,
            held_open(home),
            telling(installed.settings, instance, console),
            handler.status,
        ):
            _record_killed(instance)
            forget_killed(home)
            try:
                yield launch
            finally:
                handler.finish()
    except OperationalError as error:
        raise UserError(
            f"Dagster's history in {home} cannot be written: {error.orig}.",
            "Free some space there, or allow writing, and start again: it goes on from there.",
        ) from error


def _record_killed(instance: dg.DagsterInstance) -> None:
    """Record as failed the runs of commands that were killed: the UI's queue waits for them."""
    going_on = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(going_on):
        process = run.tags.get(PROCESS_TAG)
        is_here = run.tags.get(HOST_TAG, gethostname()) == gethostname()
        # Tags go to whom the UI starts in its place, too.
        if process and is_here and not run.parent_run_id and not is_alive(int(process)):
            instance.report_run_failed(run, f"Its process {process} was killed.")
