"""The facts that the agenda is decided from, as they are now.

Belongs here: looking at the folder, at the reports, and at what the warehouse holds or its small
file says. Does not: deciding (``agenda``).
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from customer_segments.automation.steps import Facts
from customer_segments.ingestion.casting import PARSER
from customer_segments.ingestion.sources import fingerprinted
from customer_segments.installation import Installation
from customer_segments.months import parse_month
from customer_segments.shown import report_path, state_in
from customer_segments.storage.state import State


def look(installed: Installation) -> Facts:
    """Return the facts, the files and the warehouse opened for it.

    Raises
    ------
    UserError
        If the folder is missing, unreadable or empty, or the warehouse cannot be opened.
    """
    sources = fingerprinted(installed.settings.source_files())
    files = {source.name: source.content_hash for source in sources}
    return facts(installed, installed.warehouse.state(), files)


def facts(installed: Installation, state: State, files: Mapping[str, str] | None) -> Facts:
    """Return the facts for a state and files that are known already."""
    return Facts(installed, state, files, _reports(installed.settings.reports_path), PARSER)


def _reports(folder: Path) -> dict[date, str]:
    """Return what the reports of a folder were made from, by month."""
    found = {}
    for path in folder.glob("[0-9][0-9][0-9][0-9]-[01][0-9]"):
        try:
            month = parse_month(path.name)
        except ValueError:  # Somebody else's folder, 2011-13.
            continue
        if (state := state_in(report_path(folder, month))) is not None:
            found[month] = state
    return found
