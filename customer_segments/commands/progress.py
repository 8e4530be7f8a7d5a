"""Progress of a run in a terminal: a line per table as it comes, one for all that checks warn of.

Belongs here: turning Dagster's events into lines for people. Does not: starting runs.
"""

import logging
import time

import dagster as dg
from rich.console import Console
from rich.markup import escape


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
            self._say(escape(record.getMessage().rpartition(" - ")[2]), record.levelno)
        elif event.event_type == dg.DagsterEventType.STEP_START:
            self.started = time.monotonic()
            # A range run materializes an asset once per month; one line is enough.
            self.printed.clear()
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            self._print_materialization(event.step_materialization_data.materialization)
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._print_check(event.asset_check_evaluation_data)

    def _print_materialization(self, materialization: dg.AssetMaterialization) -> None:
        name = materialization.asset_key.to_user_string()
        if name in self.printed:
            return
        self.printed.add(name)
        rows = materialization.metadata.get("rows_published")
        what = f"{rows.value:>12,} rows" if rows else " " * 17  # files have none
        seconds, self.started = time.monotonic() - self.started, time.monotonic()
        self.console.print(f"  [green]✓[/] {name:<24}{what} {seconds:>6.1f} s")

    def _print_check(self, check) -> None:
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

    def _say(self, message: str, level: int) -> None:
        if level >= logging.WARNING:
            self.console.print(f"  [yellow]![/] {message}")
        else:
            self.status.update(f"  {message}")


def progress_logger(handler: ProgressHandler) -> dg.LoggerDefinition:
    """Return the Dagster logger that sends a run's events to ``handler`` only."""

    @dg.logger
    def progress(_context) -> logging.Logger:
        logger = logging.Logger("customer_segments.progress", level=logging.DEBUG)
        logger.addHandler(handler)
        return logger

    return progress
