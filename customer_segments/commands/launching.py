"""Running jobs in the process of a command: progress, alerts, what Dagster is told of it.

Belongs here: how a job is started and how it ends. Does not: which jobs, in which order (``run``).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg
from rich.console import Console

from customer_segments.alerts.telling import telling
from customer_segments.automation.jobs import months_tags
from customer_segments.commands.progress import ProgressHandler, progress_logger
from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.instance import held_open, prepare_dagster_home

Launch = Callable[..., None]

PROCESS_TAG = "customer_segments/process"


@contextmanager
def launcher(installed: Installation, console: Console) -> Iterator[Launch]:
    """Give a function that runs a job, over a range of months or none, in this process."""
    home = prepare_dagster_home()
    os.environ["DAGSTER_HOME"] = str(home)
    handler = ProgressHandler(console)

    def launch(
        job: str, months: tuple[date, date] | None = None, config: dict | None = None
    ) -> None:
        # Made anew for each run: ingestion may have changed the months.
        defs = build_defs(installed.renewed(), loggers={"progress": progress_logger(handler)})
        tags = {PROCESS_TAG: str(os.getpid())}
        if months:
            tags |= months_tags(*months)
        try:
            defs.resolve_job_def(job).execute_in_process(
                run_config={"loggers": {"progress": {}}} | (config or {}),
                instance=instance,
                tags=tags,
            )
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

    with (
        dg.DagsterInstance.get() as instance,
        held_open(home),
        telling(installed.settings, instance, console),
        handler.status,
    ):
        _record_killed(instance)
        try:
            yield launch
        finally:
            handler.finish()


def _record_killed(instance: dg.DagsterInstance) -> None:
    """Record as failed the runs of commands that were killed: the UI's queue waits for them."""
    going_on = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(going_on):
        process = run.tags.get(PROCESS_TAG)
        if process and not _is_alive(int(process)):
            instance.report_run_failed(run, f"Its process {process} was killed.")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Somebody else's.
    return True
