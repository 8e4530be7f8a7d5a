"""The commands ``download`` and ``ui``.

Belongs here: arguments, help, and what is printed. Does not: fetching (``ingestion.download``),
running Dagster's services (``ui``).
"""

from typing import Annotated

import typer

from customer_segments.commands.console import console, say
from customer_segments.installation import Installation


def download(
    force: Annotated[bool, typer.Option(help="Fetch it again if it is there.")] = False,
) -> None:
    """Fetch UCI's Online Retail II into the source folder (CC BY 4.0, about 45 MB)."""
    from customer_segments.ingestion.download import download as fetch

    target = fetch(Installation.here().settings.source_dir, force=force)
    say(f"{target} is ready: `customer-segments run` uses it now.")


def ui(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Serve the Dagster UI on this machine, with everything loaded."""
    from customer_segments.commands.run import start
    from customer_segments.commands.ui import serve
    from customer_segments.outputs.summary import print_input

    installed = Installation.here()
    if not installed.settings.months_path.exists():
        say("First start: the workbooks are read, so that the UI knows their months.")
        print_input(installed.settings, console())
        start(installed, "ingest", console())
    serve(port)
