"""The commands that fetch data, label customers, and say what is due.

Belongs here: arguments, help, and what is printed. Does not: which jobs they start, over which
months (``run``).
"""

from typing import Annotated

import typer
from rich import get_console

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.months import parse_month


def _month(text: str) -> str:
    """Return a month as it is; what is none is an error of usage, before anything is started."""
    try:
        parse_month(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not a month; write it as 2011-06.") from error
    return text


def _clusters(text: str) -> str:
    if text != "auto" and not (text.isdecimal() and 2 <= int(text) <= 30):
        raise typer.BadParameter(f"{text} is neither auto nor a number from 2 to 30.")
    return text


def download(
    force: Annotated[bool, typer.Option("--force", help="Fetch it again if it is there.")] = False,
) -> None:
    """Fetch UCI's Online Retail II into the source folder (CC BY 4.0, about 45 MB)."""
    from customer_segments.ingestion.files.download import download as fetch

    target = fetch(Installation.here().settings.source_dir, force=force)
    typer.echo(f"{target} is ready: `customer-segments run` uses it now.")


def run(
    months: Annotated[
        str | None,
        typer.Option(help="Months to score, 2011-06 or 2011-06:2011-12; by default what changed."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Say what checks found that stands out.")
    ] = False,
) -> None:
    """Ingest the workbooks and label the months that changed, or a range of months."""
    from customer_segments.automation.agenda import of_run
    from customer_segments.automation.facts import look
    from customer_segments.instance import dagster_home, is_at_rest
    from customer_segments.outputs.summary import print_input

    installed, failed = Installation.here(), None
    home = dagster_home(is_sample=installed.settings.uses_sample)
    print_input(installed, get_console())
    if not months and is_at_rest(installed.settings, home) and not of_run(look(installed)):
        typer.echo("  Nothing is due: every month is labelled already.")
    else:
        # Loads Dagster, which takes longer than all the rest where nothing is due.
        from customer_segments.commands.run import run as run_due

        failed = run_due(installed, months)
    _end(installed, failed, months or "", is_verbose=verbose)


def refit(
    training_month: Annotated[
        str | None,
        typer.Option(
            parser=_month, metavar="YYYY-MM", help="Snapshot month to fit on; the newest complete."
        ),
    ] = None,
    clusters: Annotated[
        str | None,
        typer.Option(
            parser=_clusters,
            metavar="NUMBER",
            help="Number of segments, 2 to 30, or auto for the evidence's; the policy's.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of KMeans; the policy's.")
    ] = None,
) -> None:
    """Fit a challenger. It labels all months if the gate finds it stable and few would move."""
    from customer_segments.commands.run import decide
    from customer_segments.model.training import training_month as known_month

    installed = Installation.here()
    if training_month:
        # Of a month without a snapshot a run would fail, and the model be red in the UI.
        known_month(installed.warehouse.query, training_month, installed.policy.source.today())
    config = {"training_month": training_month, "n_clusters": clusters, "seed": seed}
    _end(installed, decide(installed, "refit", kmeans_model=config))


def promote(
    version: Annotated[str, typer.Argument(help="Model version: `models list` shows them.")],
    reason: Annotated[str, typer.Option(help="Why; recorded with the decision.")] = "",
) -> None:
    """Make a model version the champion, or an older one again, and label all months by it."""
    from customer_segments.commands.run import decide
    from customer_segments.model.exchange import export_version

    installed, choice = Installation.here(), {"version": version, "reason": reason}
    # Of a name that is none a run would fail, and the champion be red in the UI.
    export_version(installed.warehouse, version)
    _end(installed, decide(installed, "promote", champion_model=choice))


def report(
    months: Annotated[
        str | None,
        typer.Option(
            help="Months to report, 2011-06 or 2011-06:2011-12; by default the last complete."
        ),
    ] = None,
) -> None:
    """Make the report and the workbook of a month, or of a range of months."""
    from customer_segments.commands.run import report as make
    from customer_segments.outputs.summary import print_files

    installed = Installation.here()
    print_files(installed.settings, *make(installed, months), get_console())


def evaluate() -> None:
    """Compare the segments with other algorithms and the RFM grid, and with what came after."""
    from customer_segments.commands.run import start
    from customer_segments.outputs.evaluated import print_evaluation

    installed = Installation.here()
    start(installed, "evaluate")
    print_evaluation(installed, get_console())


def recommend() -> None:
    """Say what to offer each customer next, and what each segment bought more than others."""
    from customer_segments.commands.run import labelled_month, start
    from customer_segments.outputs.evaluated import print_offers

    installed = Installation.here()
    labelled_month(installed)
    start(installed, "recommend")
    print_offers(installed, get_console())


def campaign(
    month: Annotated[
        str | None,
        typer.Option(
            parser=_month,
            metavar="YYYY-MM",
            help="Month of the lists; the newest with three months after it.",
        ),
    ] = None,
    control_share: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.5, help="Share of control on them; the policy's."),
    ] = None,
) -> None:
    """Compare the test and control groups of a past month's lists on the three months since."""
    from customer_segments.campaigns.result import list_month
    from customer_segments.commands.run import labelled_month, start
    from customer_segments.outputs.campaigns import print_campaign

    installed, config = Installation.here(), {"list_month": month, "control_share": control_share}
    labelled_month(installed)
    list_month(installed.warehouse.query, month, installed.policy.source.today())
    start(installed, "campaign", campaign_result=config)
    print_campaign(installed, get_console())


def agenda() -> None:
    """Say what is due, and why. Changes nothing."""
    from customer_segments.automation.agenda import agenda as decide
    from customer_segments.automation.facts import look

    steps = decide(look(Installation.here()))
    for step in steps:
        typer.echo(f"{step}: {step.why}.")
    if not steps:
        typer.echo("Nothing is due.")


def _end(
    installed: Installation, failed: UserError | None, wanted: str = "", *, is_verbose: bool = False
) -> None:
    """Say what came out, and then what did not: a report that failed hides no labels.

    Shown is the last month that was wanted, by default the newest complete one.
    """
    from customer_segments.outputs.summary import print_files, print_findings, print_summary
    from customer_segments.shown import advice, labelled_months, shown_month

    installed = installed.renewed()
    state = installed.warehouse.state()
    month = shown_month(installed, state)
    if wanted:
        from customer_segments.commands.run import parse_range

        labelled = labelled_months(installed, state)
        month = max((m for m in labelled if m <= parse_range(wanted)[1]), default=None)
    print_summary(installed, get_console(), month)
    if said := advice(installed, state):
        typer.echo(said)
    if is_verbose:
        print_findings(installed, get_console())
    if failed:
        raise failed
    if month:
        print_files(installed.settings, month, month, get_console())
