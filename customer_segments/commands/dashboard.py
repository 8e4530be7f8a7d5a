"""The command ``dashboard``: serves the pages of ``dashboard`` on this machine.

Belongs here: starting Streamlit as this project wants it. Does not: the pages.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from customer_segments.errors import UserError

HOST = "127.0.0.1"
# Loopback alone, asked for by its own name; nothing is sent anywhere, and no list leaves but
# by the downloads that guard against formulas.
OPTIONS = {
    "server.address": HOST,
    "server.allowedHosts": [HOST, "localhost"],
    "server.headless": "true",
    "server.showEmailPrompt": "false",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": HOST,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.disableDataExport": "true",
}


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
    typer.echo(f"The dashboard is at http://{HOST}:{port} (Ctrl-C stops it).")
    sys.stdout.flush()
    os.execv(sys.executable, command(port))


def command(port: int) -> list[str]:
    """Return what starts the server."""
    page = Path(__file__).parents[1] / "dashboard" / "app.py"
    options = {"server.port": port} | OPTIONS
    given = [
        f"--{name}={each}"
        for name, value in options.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return [sys.executable, "-m", "streamlit", "run", str(page), *given]
