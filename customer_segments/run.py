"""The chain that ``customer-segments run`` starts: ingest, then score what the months ask for.

Belongs here: which jobs, over which months, in which order. Does not: printing (``cli``,
``summary``), or what the jobs do.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg
from rich.console import Console

from customer_segments import months
from customer_segments.cleaning.contracts import CLEANED_TRANSACTIONS
from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.instance import prepare_dagster_home
from customer_segments.model.contracts import CHAMPION_MODEL
from customer_segments.months import Months, parse_month
from customer_segments.progress import ProgressHandler, progress_logger
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import pending_months


def run_chain(settings: Settings, wanted: str | None, console: Console) -> None:
    """Ingest the workbooks, then clean, snapshot and label months; fit a model if there is none.

    Parameters
    ----------
    wanted
        Months to score, ``2011-06`` or ``2011-06:2011-12``; ``None`` for all.

    Raises
    ------
    UserError
        If the input, the months or the warehouse do not allow it; nothing bad was published.
    """
    asked_for = parse_range(wanted) if wanted else None
    with _launcher(settings, console) as launch:
        launch("ingest")
        first, last = within(months.load(settings), asked_for)
        warehouse = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
        with warehouse.reading() as con:
            # A snapshot adds up all months before it, so these have to be clean.
            behind = [m for m in pending_months(con, CLEANED_TRANSACTIONS) if m < first]
        if behind:
            console.print(
                f"  {behind[0]:%Y-%m} to {behind[-1]:%Y-%m} come first: snapshots add them up."
            )
            launch("clean", behind[0], behind[-1])
        has_champion = len(warehouse.load(CHAMPION_MODEL)) > 0
        launch("score" if has_champion else "full_refresh", first, last)


def ingest(settings: Settings, console: Console) -> None:
    """Ingest the workbooks alone; afterwards their months are known."""
    with _launcher(settings, console) as launch:
        launch("ingest")


def parse_range(text: str) -> tuple[date, date]:
    """Return first and last month of a range such as ``2011-06:2011-12``, or of one month.

    Raises
    ------
    UserError
        If it is not a range of months.
    """
    first, _, last = text.partition(":")
    try:
        span = parse_month(first), parse_month(last or first)
    except ValueError:
        span = None
    if span is None or span[0] > span[1]:
        raise UserError(
            f"--months {text} is not a range of months.", "Write it as 2011-06:2011-12."
        )
    return span


def within(covered: Months, span: tuple[date, date] | None) -> tuple[date, date]:
    """Return the months to score: all that are covered, or those asked for, if they are.

    Raises
    ------
    UserError
        If months are asked for that are not covered.
    """
    first, last = span or (covered.first, covered.newest)
    if first < covered.first or last > covered.newest:
        raise UserError(
            f"Months {first:%Y-%m} to {last:%Y-%m} are not all covered: the data has "
            f"{covered.first:%Y-%m} to {covered.newest:%Y-%m}.",
            "Ask for fewer, or add their workbooks.",
        )
    return first, last


@contextmanager
def _launcher(settings: Settings, console: Console) -> Iterator[Callable[..., None]]:
    """Give a function that runs a job, over a range of months or none, in this process."""
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
    handler = ProgressHandler(console)

    def launch(job: str, first: date | None = None, last: date | None = None) -> None:
        # Made anew for each run: ingestion may have changed the months.
        defs = build_defs(settings, loggers={"progress": progress_logger(handler)})
        tags = {}
        if first and last:
            tags = {
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            }
        try:
            defs.resolve_job_def(job).execute_in_process(
                run_config={"loggers": {"progress": {}}}, instance=instance, tags=tags
            )
        except dg.DagsterError as error:
            raise UserError(
                f"The run of {job} stopped: {error}", "See above, or the run in `make ui`."
            ) from error

    with dg.DagsterInstance.get() as instance, handler.status:
        yield launch
