"""Where the files of a month are, and whether its report is that of what the warehouse holds.

Belongs here: names, links, the mark that a report carries. Does not: what is in the files.
"""

import re
from datetime import date
from pathlib import Path
from typing import NamedTuple

from customer_segments.exports.assets import SUFFIXES, workbook_path
from customer_segments.months import shift

# The mark stands in the first lines; pictures make the file large.
HEAD_CHARACTERS = 2_000
_STATE = re.compile(r'<meta name="state" content="([0-9a-f]+)">')
_SAID = {
    ".xlsx": "Workbook with every customer: a sheet per segment, and who changed segment.",
    ".csv": "The same customers as CSV.",
    ".parquet": "The same customers as Parquet.",
}
PROFILE = "data_profile.html"


class Link(NamedTuple):
    """A file that the report speaks of: where it lies from there, and what it is."""

    href: str
    name: str
    said: str


def report_path(reports: Path, month: date) -> Path:
    """Return where the report of a month is."""
    return reports / f"{month:%Y-%m}" / f"segment_report_{month:%Y-%m}.html"


def links(reports: Path, month: date) -> list[Link]:
    """Return the files beside the report of a month that are there."""
    workbook = workbook_path(reports, month)
    files = [workbook.with_suffix(suffix) for suffix in SUFFIXES]
    found = [Link(file.name, file.name, _SAID[file.suffix]) for file in files if file.is_file()]
    before = report_path(reports, shift(month, -1))
    others = (
        (reports / PROFILE, "What the data is like before and after cleaning."),
        (before, "The report of the month before."),
    )
    found += [
        Link(f"../{file.relative_to(reports).as_posix()}", file.name, said)
        for file, said in others
        if file.is_file()
    ]
    return found


def state_in(path: Path) -> str | None:
    """Return what a report was made from, as its mark says; ``None`` if there is no report."""
    try:
        with path.open(encoding="utf-8") as file:
            found = _STATE.search(file.read(HEAD_CHARACTERS))
    except (OSError, UnicodeError):
        return None
    return found[1] if found else None
