"""The console command: the list of all commands, and how they end.

Belongs here: which commands there are, and exit codes: 0 fine, 1 an error that the user can mend,
2 arguments that are none. Does not: the commands themselves (the modules beside this one).
"""

import gc
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from customer_segments.commands import (
    alerts,
    check,
    config,
    dashboard,
    init,
    models,
    pipeline,
    sql,
    ui,
    upkeep,
)
from customer_segments.errors import INTERRUPTED, UserError

app = typer.Typer(
    no_args_is_help=True,
    # Its rendering of the long chains of errors that Dagster raises takes minutes.
    pretty_exceptions_enable=False,
)


# By what somebody wants to do; a newcomer's first steps first.
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Begin": (init.init, check.check, pipeline.download, pipeline.run),
    "Month by month": (pipeline.agenda, pipeline.report, pipeline.recommend, pipeline.campaign),
    "Look": (ui.ui, dashboard.dashboard, sql.sql),
    "The model": (pipeline.refit, pipeline.promote, pipeline.evaluate),
    "Upkeep": (
        config.config,
        upkeep.doctor,
        upkeep.backup,
        upkeep.restore,
        upkeep.migrate,
        upkeep.vacuum,
    ),
}


def _tell_version(wanted: bool) -> None:
    from customer_segments.storage.ledger import code_version

    if wanted:
        typer.echo(f"customer-segments {code_version()}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Say the version, and end."
        ),
    ] = False,
) -> None:
    """Turn retail transaction workbooks into labelled customer segments.

    Settings come from the environment or .env, rules from customer_segments.toml;
    `customer-segments config` shows them all.
    """


for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(models.models_app, name="models", rich_help_panel="The model")
app.add_typer(alerts.alerts_app, name="alerts", rich_help_panel="Upkeep")


def entry_point() -> None:
    """Run the command; print a user's error as a sentence, without a traceback."""
    # The libraries make a million objects that stay: looking through them again and again for
    # garbage takes a twentieth of a run.
    gc.set_threshold(1_000_000, 20, 50)
    # What a terminal or a pipe has no sign for is no reason to stop.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="customer-segments")
    except UserError as error:
        typer.secho(f"Error: {error.problem}", fg=typer.colors.RED, err=True)
        if error.remedy:
            typer.echo(error.remedy.strip(), err=True)
        status = 1
    except PermissionError as error:
        typer.secho(f"Error: {error.filename} may not be used.", fg=typer.colors.RED, err=True)
        typer.echo("Allow reading and writing there to the user that runs this.", err=True)
        status = 1
    except RuntimeError as error:
        # Ctrl-C in a query of a dry run; elsewhere Typer ends in the same way.
        if str(error) != INTERRUPTED:
            raise
        status = 130
    except SystemExit as done:
        status = done.code if isinstance(done.code, int) else int(done.code is not None)
    # All is closed by now. To free every object before the end takes another .7 s, which
    # nobody needs; mypy leaves in the same way.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
