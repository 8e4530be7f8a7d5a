"""Where the files of a month are beside its report.

Belongs here: names and links. Does not: what is in the files.
"""

from datetime import date
from os.path import relpath
from pathlib import Path
from typing import NamedTuple

from customer_segments.months import shift
from customer_segments.shown import report_path

# Of the workbook, and of the files beside it that have its name.
SUFFIXES = {
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


def workbook_path(reports: Path, month: date) -> Path:
    """Return where the workbook of a month is; CSV and Parquet have its name and lie beside it."""
    return reports / f"{month:%Y-%m}" / f"customer_segments_{month:%Y-%m}.xlsx"


def workbook_files(reports: Path, month: date) -> list[Path]:
    """Return the workbook of a month and the files beside it that say the same."""
    return [workbook_path(reports, month).with_suffix(suffix) for suffix in SUFFIXES]


def links(reports: Path, month: date) -> list[Link]:
    """Return the files beside the report of a month that are there."""
    files = {file: SUFFIXES[file.suffix] for file in workbook_files(reports, month)}
    files[reports / PROFILE] = "What the data is like before and after cleaning."
    files[report_path(reports, shift(month, -1))] = "The report of the month before."
    here = report_path(reports, month).parent
    return [
        Link(Path(relpath(file, here)).as_posix(), file.name, said)
        for file, said in files.items()
        if file.is_file()
    ]
