"""The command ``dashboard``: serves the pages of ``dashboard`` on this machine.

Belongs here: starting Streamlit as this project wants it. Does not: the pages.
"""

import logging
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from customer_segments.commands.ui import HOST, require_free
from customer_segments.errors import UserError
from customer_segments.installation import Installation

SESSIONLESS = "streamlit.runtime.scriptrunner_utils.script_run_context"
# Loopback alone, asked for by its own name; nothing is sent anywhere, and no list leaves but
# by the downloads that guard against formulas.
OPTIONS = (
    f"--server.address={HOST}",
    f"--server.allowedHosts={HOST}",
    "--server.allowedHosts=localhost",
    "--server.headless=true",
    "--server.showEmailPrompt=false",
    "--server.fileWatcherType=none",
    "--browser.gatherUsageStats=false",
    f"--browser.serverAddress={HOST}",
    "--logger.hideWelcomeMessage=true",
    "--logger.level=warning",
    "--client.toolbarMode=minimal",
    "--client.showErrorDetails=none",
    "--client.showErrorLinks=false",
    "--client.disableDataExport=true",
)


def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Serve pages to look through the segments, their customers and campaigns, in a browser."""
    if find_spec("streamlit") is None:
        raise UserError(
            "The dashboard needs Streamlit, which is not installed.",
            "Start it with `make dashboard`, or install the extra: "
            "pip install 'customer-segments[dashboard]'.",
        )
    require_free(port)
    typer.echo(f"The dashboard is at http://{HOST}:{port} (Ctrl-C stops it).")
    from streamlit.web.cli import main

    # Whoever opens the first page then waits for neither libraries nor the month.
    threading.Thread(target=_warm, daemon=True).start()
    page = Path(__file__).parents[1] / "dashboard" / "app.py"
    main(["run", str(page), f"--server.port={port}", *OPTIONS])


def _warm() -> None:
    """Read the month that is shown first; what is wrong with it, the page says."""
    from customer_segments.dashboard.app import look

    # Streamlit wonders at what is read outside a session.
    logging.getLogger(SESSIONLESS).setLevel(logging.ERROR)
    with suppress(UserError):
        if seen := look(Installation.here()):
            _ = seen.listed, seen.segments
