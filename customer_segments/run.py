"""What the command line starts: ingest, then score what changed; refit; promote.

Belongs here: which jobs, over which months, in which order, and the report at the end. Does not:
starting one (``launching``), printing (``cli``, ``summary``), or what the jobs do.
"""

from datetime import date

from rich.console import Console

from customer_segments import months
from customer_segments.automation.due import due_months, outdated_labels
from customer_segments.errors import UserError
from customer_segments.launching import Launch, launcher
from customer_segments.months import Months, parse_month
from customer_segments.outputs.state import newest_labelled, report_due
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.pending import pending_months
from customer_segments.tables import CHAMPION_MODEL, CLEANED_TRANSACTIONS, CONTRACTS


def run_chain(settings: Settings, wanted: str | None, console: Console) -> UserError | None:
    """Ingest the workbooks, then score the months that changed; fit a model if there is none.

    At the end the newest month's report is made, unless there is one of what is there now.

    Parameters
    ----------
    wanted
        Months to score, ``2011-06`` or ``2011-06:2011-12``; ``None`` for those that wait for it.

    Returns
    -------
    UserError or None
        Why the report was not made, if it was not; the labels are published all the same.

    Raises
    ------
    UserError
        If the input, the months or the warehouse do not allow it; nothing bad was published.
    """
    asked_for = parse_range(wanted) if wanted else None
    with launcher(settings, console) as launch:
        _ingest_and_score(settings, asked_for, launch, console)
        return _report_newest(settings, launch)


def report(settings: Settings, wanted: str | None, console: Console) -> tuple[date, date]:
    """Make the reports of a range of months, or of the newest with labels; return these months.

    Raises
    ------
    UserError
        If months are asked for that are not covered, or nobody is labelled yet.
    """
    newest = newest_labelled(settings)
    if newest is None:
        raise UserError(
            "Nobody is labelled yet, so there is nothing to report.",
            "Label the customers first: `customer-segments run`.",
        )
    span = within(months.load(settings), parse_range(wanted)) if wanted else (newest, newest)
    with launcher(settings, console) as launch:
        launch("report", *span)
    return span


def _report_newest(settings: Settings, launch: Launch) -> UserError | None:
    """Make the newest month's report if it is due; return why it was not made, if so."""
    month = report_due(settings)
    if month is None:
        return None
    try:
        launch("report", month, month)
    except UserError as error:
        return UserError(
            f"The labels are published, but the report of {month:%Y-%m} is not made. "
            f"{error.problem}",
            f"Then try again: `customer-segments report --months {month:%Y-%m}`.",
        )
    return None


def _ingest_and_score(
    settings: Settings, asked_for: tuple[date, date] | None, launch: Launch, console: Console
) -> None:
    """Ingest, and publish labels of the months asked for or of those that wait."""
    launch("ingest")
    covered = months.load(settings)
    warehouse = _warehouse(settings)
    if warehouse.load(CHAMPION_MODEL).empty:
        first, last = within(covered, asked_for)
        _clean_before(warehouse, first, launch, console)
        launch("full_refresh", first, last)
        return
    due = within(covered, asked_for) if asked_for else _due(warehouse, covered)
    if due:
        first, last = due
        console.print(f"  Months {first:%Y-%m} to {last:%Y-%m} are scored.", highlight=False)
        _clean_before(warehouse, first, launch, console)
        launch("score", first, last)
    else:
        console.print("  Nothing changed: every month is labelled already.")
    _relabel(settings, launch, console)


def refit(settings: Settings, config: dict, console: Console) -> UserError | None:
    """Fit a challenger; if the gate makes it champion, label all months again.

    Parameters
    ----------
    config
        Of ``kmeans_model``: ``n_clusters``, ``seed``, ``training_month``.

    Returns
    -------
    UserError or None
        Why the report was not made, as of ``run_chain``.
    """
    with launcher(settings, console) as launch:
        launch("refit", config={"ops": {"kmeans_model": {"config": config}}})
        _say_decision(settings, console)
        _relabel(settings, launch, console)
        return _report_newest(settings, launch)


def promote(settings: Settings, version: str, reason: str, console: Console) -> UserError | None:
    """Make a version the champion, or an older one again, and label all months by it.

    Returns
    -------
    UserError or None
        Why the report was not made, as of ``run_chain``.
    """
    config = {"version": version, "reason": reason}
    with launcher(settings, console) as launch:
        launch("promote", config={"ops": {"champion_model": {"config": config}}})
        _say_decision(settings, console)
        _relabel(settings, launch, console)
        return _report_newest(settings, launch)


def evaluate(settings: Settings, console: Console) -> None:
    """Compare other algorithms and the RFM grid, and what each foretells."""
    with launcher(settings, console) as launch:
        launch("evaluate")


def _due(warehouse: Warehouse, covered: Months) -> tuple[date, date] | None:
    """Return the covered months that wait for a run."""
    waiting = due_months(warehouse, CONTRACTS.values())
    return covered.clip(*waiting) if waiting else None


def _clean_before(warehouse: Warehouse, first: date, launch: Launch, console: Console) -> None:
    """Clean the months before ``first`` that wait: a snapshot adds up all months before it."""
    with warehouse.reading() as con:
        behind = [month for month in pending_months(con, CLEANED_TRANSACTIONS) if month < first]
    if behind:
        console.print(
            f"  {behind[0]:%Y-%m} to {behind[-1]:%Y-%m} come first: snapshots add them up."
        )
        launch("clean", behind[0], behind[-1])


def _relabel(settings: Settings, launch: Launch, console: Console) -> None:
    """Label months again that another version labelled, if the settings want that."""
    span = outdated_labels(_warehouse(settings)) if settings.relabel == "all" else None
    span = months.load(settings).clip(*span) if span else None
    if span:
        console.print(f"  The champion labels {span[0]:%Y-%m} to {span[1]:%Y-%m} again.")
        launch("relabel", *span)


def _say_decision(settings: Settings, console: Console) -> None:
    decision = _warehouse(settings).load(CHAMPION_MODEL).iloc[-1]
    console.print(
        f"  Champion: {decision['version']} ({decision['verdict']}: {decision['reason']})",
        highlight=False,
        soft_wrap=True,
    )


def _warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)


def ingest(settings: Settings, console: Console) -> None:
    """Ingest the workbooks alone; afterwards their months are known."""
    with launcher(settings, console, is_chain=False) as launch:
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
