"""The console command ``customer-segments``.

Belongs here: arguments, help, and what is printed. Does not: what the commands do (``run``,
``ui`` and the stages), which is imported only by the command that needs it.
"""

import gc
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from customer_segments.alerts.commands import alerts_app
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.model.commands import models_app
from customer_segments.upkeep.commands import upkeep_app

app = typer.Typer(
    no_args_is_help=True,
    # Its rendering of the long chains of errors that Dagster raises takes minutes.
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
app.add_typer(alerts_app, name="alerts")
app.add_typer(upkeep_app)


@app.callback()
def main() -> None:
    """Turn retail transaction workbooks into labelled customer segments.

    Settings come from the environment or .env; the README lists them.
    """


@app.command()
def run(
    months: Annotated[
        str | None,
        typer.Option(help="Months to score, 2011-06 or 2011-06:2011-12; by default what changed."),
    ] = None,
) -> None:
    """Ingest the workbooks and label the months that changed, or a range of months."""
    from customer_segments.commands.run import run as run_due
    from customer_segments.summary import print_input

    installed = Installation.here()
    print_input(installed.settings, console())
    _end(installed, run_due(installed, months, console()), months)


@app.command()
def refit(
    training_month: Annotated[
        str | None, typer.Option(help="Snapshot month to fit on; the newest complete one.")
    ] = None,
    clusters: Annotated[
        int | None, typer.Option(min=2, max=30, help="Number of segments; the policy's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of KMeans; the policy's.")] = None,
) -> None:
    """Fit a challenger. It labels all months if the gate finds it stable and few would move."""
    from customer_segments.commands.run import refit as fit_again

    installed = Installation.here()
    config = {"n_clusters": clusters, "seed": seed, "training_month": training_month}
    given = {name: value for name, value in config.items() if value is not None}
    _end(installed, fit_again(installed, given, console()))


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Model version: `models list` shows them.")],
    reason: Annotated[str, typer.Option(help="Why; recorded with the decision.")] = "",
) -> None:
    """Make a model version the champion, or an older one again, and label all months by it."""
    from customer_segments.commands.run import promote as choose

    installed = Installation.here()
    _end(installed, choose(installed, version, reason, console()))


@app.command()
def report(
    months: Annotated[
        str | None,
        typer.Option(help="Months to report, 2011-06 or 2011-06:2011-12; by default the newest."),
    ] = None,
) -> None:
    """Make the report and the workbook of a month, or of a range of months."""
    from customer_segments.commands.run import report as make
    from customer_segments.summary import print_files

    installed = Installation.here()
    print_files(installed.settings, *make(installed, months, console()), console())


@app.command()
def evaluate() -> None:
    """Compare the segments with other algorithms and the RFM grid, and with what came after."""
    from customer_segments.commands.run import start
    from customer_segments.evaluation.printing import print_evaluation

    installed = Installation.here()
    start(installed, "evaluate", console())
    print_evaluation(installed.settings, console())


@app.command("agenda")
def print_agenda() -> None:
    """Say what is due, and why. Changes nothing."""
    from customer_segments.automation.agenda import agenda
    from customer_segments.automation.looking import look

    steps = agenda(look(Installation.here()))
    for step in steps:
        console().print(f"{step}: {step.why}.", highlight=False, soft_wrap=True)
    if not steps:
        console().print("Nothing is due.")


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Workbooks: .xlsx, .csv or .parquet.")],
) -> None:
    """Say what would be kept and rejected of FILES, and why. Writes nothing."""
    from customer_segments.dry_run import judge
    from customer_segments.summary import print_rows

    verdict = judge(files, Installation.here())
    print_rows(verdict.kept, verdict.rejected, console())
    for row in verdict.examples:
        said = (
            f"{row['unreadable_column']} says {row['unreadable_text']!r}"
            if row["unreadable_column"]
            else f"invoice {row['invoice']}, {row['stock_code']}, {row['quantity']} x "
            f"{row['price']}, customer {row['customer_id']}"
        )
        typer.echo(
            f"{row['reason']}: {row['workbook']}, {row['sheet']}, row {row['row_number']}: {said}"
        )


@app.command()
def download(
    force: Annotated[bool, typer.Option(help="Fetch it again if it is there.")] = False,
) -> None:
    """Fetch UCI's Online Retail II into the source folder (CC BY 4.0, about 45 MB)."""
    from customer_segments.ingestion.download import download as fetch

    target = fetch(load_settings().source_dir, force=force)
    typer.echo(f"{target} is ready: `customer-segments run` uses it now.")


@app.command()
def sample(
    path: Annotated[Path, typer.Argument(help="Where to write: .xlsx, or .parquet for any size.")],
    customers: Annotated[int, typer.Option(min=1, help="Customers to invent.")] = 1_300,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 7,
) -> None:
    """Write a workbook of invented customers, with all the dirt of a real one."""
    from customer_segments.ingestion.sample.writers import write_parquet, write_workbook

    if path.suffix.lower() == ".xlsx":
        write_workbook(path, customers=customers, seed=seed)
    elif path.suffix.lower() == ".parquet":
        write_parquet(path, customers=customers, seed=seed)
    else:
        raise UserError(f"{path} is neither .xlsx nor .parquet.", "Give it one of these endings.")
    typer.echo(f"{path} is written.")


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Serve the Dagster UI on this machine, with everything loaded."""
    from customer_segments.commands.run import start
    from customer_segments.summary import print_input
    from customer_segments.ui import serve

    installed = Installation.here()
    if not installed.settings.months_path.exists():
        console().print("First start: the workbooks are read, so that the UI knows their months.")
        print_input(installed.settings, console())
        start(installed, "ingest", console())
    serve(port)


def _end(installed: Installation, failed: UserError | None, wanted: str | None = None) -> None:
    """Say what came out, and then what did not: a report that failed hides no labels."""
    from customer_segments.commands.run import newest_labelled, parse_range
    from customer_segments.summary import print_files, print_summary

    month = parse_range(wanted)[1] if wanted else newest_labelled(installed.renewed())
    print_summary(installed.settings, month, console())
    if failed:
        raise failed
    if month:
        print_files(installed.settings, month, month, console())


def entry_point() -> None:
    """Run the command; print a user's error as a sentence, without a traceback."""
    # The libraries make a million objects that stay: looking through them again and again for
    # garbage takes a twentieth of a run.
    gc.set_threshold(1_000_000, 20, 50)
    try:
        app()
    except UserError as error:
        typer.secho(f"Error: {error.problem}", fg=typer.colors.RED, err=True)
        if error.remedy:
            typer.echo(error.remedy.strip(), err=True)
        raise SystemExit(1) from error
    except SystemExit as done:
        # All is closed by now. To free every object before the end takes another .7 s, which
        # nobody needs; mypy leaves in the same way.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(done.code if isinstance(done.code, int) else 0)


def load_settings():
    """Return the settings; a wrong one is an error that names it."""
    return Installation.here().settings


def console():
    """Return the console that commands print to."""
    from rich.console import Console

    return Console()
