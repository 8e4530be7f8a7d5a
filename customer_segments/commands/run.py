"""What commands start: the steps of the agenda, or a job that somebody asks for.

Belongs here: which jobs, over which months, in which order. Does not: deciding what is due
(``automation.agenda``), starting a job (``launching``), arguments and printing.
"""

from datetime import date

from rich import get_console

from customer_segments.automation.agenda import agenda, of_run
from customer_segments.automation.facts import Range, look
from customer_segments.commands.launching import Launch, launcher
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.months import Months, between, parse_month, said
from customer_segments.shown import report_path, shown_month
from customer_segments.tables import CHAMPION_MODEL, CLEANED_TRANSACTIONS


def run(installed: Installation, wanted: str | None) -> UserError | None:
    """Do what is due until nothing is; or label and report months, such as ``2011-06:2011-12``.

    Returns why a report was not made, if one was not: the labels are published all the same. With
    a UserError of the input, the months or the warehouse, nothing bad was published.
    """
    asked_for = parse_range(wanted) if wanted else None
    with launcher(installed) as launch:
        if asked_for:
            return _score(installed, asked_for, launch)
        return _do_what_is_due(installed, launch)


def decide(installed: Installation, job: str, **configs: dict) -> UserError | None:
    """Run a job that decides on the champion, ``refit`` or ``promote``, and what that makes due.

    The configs, by asset, are what departs from the policy; what is ``None`` does not.
    """
    with launcher(installed) as launch:
        launch(job, config=_config(configs))
        decision = installed.warehouse.load(CHAMPION_MODEL).iloc[-1]
        why = f"{decision['verdict']}: {decision['reason']}"
        _tell(f"Champion: {decision['version']} ({why})")
        return _do_what_is_due(installed, launch)


def report(installed: Installation, wanted: str | None) -> Range:
    """Make the reports of a range of months, or of the ``shown_month``; return these months.

    A UserError says that such months are not covered, or that nobody is labelled yet.
    """
    shown = labelled_month(installed)
    months = _within(installed.months, parse_range(wanted)) if wanted else (shown, shown)
    with launcher(installed) as launch:
        launch("report", months)
    return months


def labelled_month(installed: Installation) -> date:
    """Return the ``shown_month``; a UserError says that nobody is labelled yet."""
    if shown := shown_month(installed, installed.warehouse.state()):
        return shown
    raise UserError(
        "Nobody is labelled yet.", "Label the customers first: `customer-segments run`."
    )


def start(installed: Installation, job: str, **configs: dict) -> None:
    """Run one job that covers no months, such as ``ingest``; configs as in ``decide``."""
    with launcher(installed) as launch:
        launch(job, config=_config(configs))


def parse_range(text: str) -> Range:
    """Return first and last month of a range such as ``2011-06:2011-12``, or of one month."""
    first, colon, last = text.partition(":")
    try:
        months = parse_month(first), parse_month(last if colon else first)
    except ValueError:
        months = None
    if months is None or months[0] > months[1]:
        raise UserError(
            f"--months {text} is not a range of months.", "Write it as 2011-06, or 2011-06:2011-12."
        )
    return months


def _config(configs: dict[str, dict]) -> dict:
    return {
        "ops": {
            asset: {"config": {name: v for name, v in config.items() if v is not None}}
            for asset, config in configs.items()
        }
    }


def _within(covered: Months, months: Range) -> Range:
    """Return the months asked for, if they are covered."""
    if covered.clip(*months) != months:
        are_not = "is not" if months[0] == months[1] else "are not all"
        raise UserError(
            f"{said(between(*months))} {are_not} covered: the data has {said(covered)}.",
            "Ask for fewer, or add their workbooks.",
        )
    return months


def _do_what_is_due(installed: Installation, launch: Launch) -> UserError | None:
    """Do the first step of the agenda until there is none; see ``run``."""
    done: list[str] = []
    while steps := of_run(look(installed := installed.renewed(), again=bool(done))):
        step = steps[0]
        # Once more is no fault: somebody else's run may have begun the same meanwhile.
        if done[-2:] == [step.key] * 2:
            raise UserError(f"{step} came to its end, and is still due: {step.why}.")
        _tell(f"{step}: {step.why}.")
        done.append(step.key)
        if step.job != "report" or not step.months:
            launch(step.job, step.months)
        elif error := _report(launch, step.months):
            return error
    if not done:
        _tell("Nothing is due: every month is labelled already.")
    return None


def _score(installed: Installation, asked_for: Range, launch: Launch) -> UserError | None:
    """Label and report the months asked for, after the files and the months before them.

    Where no model labels yet, all months come first: one month alone has too little history.
    """
    steps = agenda(look(installed))
    if steps and steps[0].job == "ingest":
        _tell(f"{steps[0]}: {steps[0].why}.")
        launch("ingest")
        installed = installed.renewed()
    first, last = _within(installed.months, asked_for)
    state = installed.warehouse.state()
    if state.champion is None:
        failed = _do_what_is_due(installed, launch)
        is_made = report_path(installed.settings.reports_path, last).is_file()
        return failed if failed or is_made else _report(launch, (last, last))
    pending = state.pending(CLEANED_TRANSACTIONS, installed.made_by(CLEANED_TRANSACTIONS))
    # A snapshot adds up all months before it.
    if behind := [month for month in pending if installed.months.first <= month < first]:
        before = behind[0], behind[-1]
        _tell(f"{said(between(*before))} come first: snapshots add them up.")
        launch("clean", before)
    launch("score", (first, last))
    return _report(launch, (last, last))


def _report(launch: Launch, months: Range) -> UserError | None:
    """Make a report; return why it was not made, if so."""
    try:
        launch("report", months)
    except UserError as error:
        return UserError(
            f"The labels are published, but the report of {said(between(*months))} is not made. "
            f"{error.problem}",
            f"Then try again: `customer-segments report --months {months[0]:%Y-%m}`.",
        )
    return None


def _tell(text: str) -> None:
    get_console().print(f"  {text}", highlight=False, soft_wrap=True, markup=False)
