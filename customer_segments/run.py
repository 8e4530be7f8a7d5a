"""The chain that ``customer-segments run`` starts: ingest, then score what the months ask for.

Belongs here: which jobs, over which months, in which order. Does not: printing (``cli``,
``summary``), or what the jobs do.
"""

import os
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


def run_chain(settings: Settings, wanted: str | None, console: Console) -> Months:
    """Ingest the workbooks, then clean, snapshot and label months; fit a model if there is none.

    Parameters
    ----------
    wanted
        Months to score, ``2011-06`` or ``2011-06:2011-12``; ``None`` for all.

    Returns
    -------
    Months
        The months covered.

    Raises
    ------
    UserError
        If the input, the months or the warehouse do not allow it; nothing bad was published.
    """
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home())
    handler = ProgressHandler(console)
    with dg.DagsterInstance.get() as instance, handler.status:

        def launch(job: str, first: date | None = None, last: date | None = None) -> None:
            # Made anew for each run: ingestion may have changed the months.
            defs = build_defs(settings, loggers={"progress": progress_logger(handler)})
            _execute(defs, job, instance, first, last)

        launch("ingest")
        covered = months.load(settings)
        first, last = months_wanted(wanted, covered)
        warehouse = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
        with warehouse.reading() as con:
            # A snapshot adds up all months before it, so these have to be clean.
            behind = [m for m in pending_months(con, CLEANED_TRANSACTIONS) if m < first]
        if behind:
            console.print(f"  Months {_span(behind)} come first: snapshots add them up.")
            launch("clean", behind[0], behind[-1])
        has_champion = len(warehouse.load(CHAMPION_MODEL)) > 0
        launch("score" if has_champion else "full_refresh", first, last)
    return covered


def months_wanted(wanted: str | None, covered: Months) -> tuple[date, date]:
    """Return first and last month of a range such as ``2011-06:2011-12``.

    Raises
    ------
    UserError
        If it is not a range of months, or not one of months covered.
    """
    if wanted is None:
        return covered.first, covered.newest
    first_text, _, last_text = wanted.partition(":")
    try:
        first, last = parse_month(first_text), parse_month(last_text or first_text)
    except ValueError:
        raise UserError(
            f"--months {wanted} is not a range of months.", "Write it as 2011-06:2011-12."
        ) from None
    if not covered.first <= first <= last <= covered.newest:
        raise UserError(
            f"--months {wanted} is not within the months covered, "
            f"{covered.first:%Y-%m} to {covered.newest:%Y-%m}."
        )
    return first, last


def _execute(
    defs: dg.Definitions,
    job: str,
    instance: dg.DagsterInstance,
    first: date | None,
    last: date | None,
) -> None:
    """Run one job in this process; raise what the user can mend as it was raised."""
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


def _span(span: list[date]) -> str:
    return f"{span[0]:%Y-%m} to {span[-1]:%Y-%m}"
