"""Which months can be shown, what a month is shown from, and the files that show it.

Belongs here: what outputs and the agenda both have to know of a month, and where its files are.
Does not: reading the month (``outputs.reading``), deciding when a report is made
(``automation.agenda``).
"""

import hashlib
import re
from datetime import date
from os.path import relpath
from pathlib import Path
from typing import NamedTuple

from customer_segments import tables
from customer_segments.installation import Installation
from customer_segments.model.sampling import MOST_CUSTOMERS
from customer_segments.months import shift
from customer_segments.storage.ledger import code_version
from customer_segments.storage.state import State

# What is shown of a month, and what is shown as a whole.
OF_MONTH = (
    *tables.LABELS,
    *(tables.CUSTOMER_VALUE, tables.CLEANED_TRANSACTIONS, tables.REJECTED_TRANSACTIONS),
)
# What the serving copy has: who somebody is, lists say and no shell of SQL.
SERVED = [
    c for c in tables.CONTRACTS.values() if not c.is_big and c is not tables.CUSTOMER_CONTACTS
]
# Of these, what it is made once more for: the others are written by every ingestion, every run.
BESIDE = (tables.CHECK_HISTORY, tables.SOURCE_SHEETS, tables.SOURCE_DOUBTS)
AWAITED = [contract.table for contract in SERVED if contract not in BESIDE]
EVIDENCE = (tables.MODEL_SELECTION, *tables.EVALUATION, tables.SEGMENT_VALUE_BACKTEST)
# Of whatever month, as known today: shown with the newest one.
OF_NEWEST = (tables.PRODUCT_RECOMMENDATIONS, tables.CUSTOMER_CONTACTS)
# Of the workbook, and of the files beside it that have its name.
SUFFIXES = {
    ".xlsx": "Workbook with every customer: a sheet per segment; of a complete month, who moved.",
    ".csv": "The same customers as CSV.",
    ".parquet": "The same customers as Parquet.",
}
PROFILE = "data_profile.html"
# Where the UI serves the reports folder.
REPORTS_URL = "/reports"
# The mark stands in the first lines; pictures make the file large.
HEAD_CHARACTERS = 2_000
_STATE = re.compile(r'<meta name="state" content="([0-9a-f]+)">')


class Link(NamedTuple):
    """A file that the report speaks of: where it lies from there, and what it is."""

    href: str
    name: str
    said: str


def shown_month(installed: Installation, state: State) -> date | None:
    """Return the month that people are shown if they name none; ``None`` if nobody is labelled.

    The newest complete one with labels; the newest of all where none is complete yet.
    """
    return _shown(labelled_months(installed, state), state, installed.months.today)


def newest_shown(state: State, today: date) -> date | None:
    """Return that month by what the warehouse alone holds: the one that offers are shown with."""
    return _shown(state.filled(tables.CUSTOMER_SEGMENTS.table), state, today)


def _shown(labelled: list[date], state: State, today: date) -> date | None:
    return max([m for m in labelled if state.is_complete(m, today)] or labelled, default=None)


def labelled_months(installed: Installation, state: State) -> list[date]:
    """Return the covered months in which somebody is labelled, in order."""
    filled = state.filled(tables.CUSTOMER_SEGMENTS.table)
    return [month for month in filled if installed.months.clip(month, month)]


def state_of(
    state: State, month: date, today: date, control_share: float, currency: str = ""
) -> str:
    """Return what a month is shown from, as a hash: another one, another report.

    All that the ledger says of its content, whether it is complete, the share by which campaigns'
    groups are drawn, the currency, if one is named, and the version of this package. Behind it
    offers and contacts, of the newest month alone: a report that begins with its month's hash stays
    as it is when another month comes.
    """
    made_from: list = [code_version(), state.is_complete(month, today), control_share]
    for contract in OF_MONTH:
        held = state.months(contract.table).get(month)
        made_from.append(held and (held.digest, held.model_version))
    for contract in EVIDENCE:
        made_from.append([held.digest for held in state.tables.get(contract.table, {}).values()])
    made_from += [currency] if currency else []
    made_of = hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]
    newest = [state.last(contract.table) for contract in OF_NEWEST]
    digests = "".join(held.digest for held in newest if held)
    if not digests or month != newest_shown(state, today):
        return made_of
    return made_of + hashlib.sha256(digests.encode()).hexdigest()[:16]


def is_large(state: State) -> bool:
    """Tell whether a month has so many customers that people are shown a part of some things."""
    held = state.months(tables.CUSTOMER_SEGMENTS.table).values()
    return max((each.rows for each in held), default=0) > MOST_CUSTOMERS


def is_served(state: State, copied: State) -> bool:
    """Tell whether a serving copy says what the warehouse does, by the states of the two."""
    return all(_content(state, table) == _content(copied, table) for table in AWAITED)


def _content(state: State, table: str) -> list[tuple]:
    held = state.tables.get(table, {})
    return sorted((month, each.changed, each.model_version) for month, each in held.items())


def state_in(path: Path) -> str | None:
    """Return what a report was made from, as its mark says; ``None`` if there is no report."""
    try:
        with path.open(encoding="utf-8") as file:
            found = _STATE.search(file.read(HEAD_CHARACTERS))
    except (OSError, UnicodeError):
        return None
    return found[1] if found else None


def report_path(reports: Path, month: date) -> Path:
    """Return where the report of a month is."""
    return reports / f"{month:%Y-%m}" / f"segment_report_{month:%Y-%m}.html"


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


def advice(installed: Installation, state: State) -> str:
    """Return what is for people to start, since it decides on the model: a refit by new rules.

    Empty where there is nothing. No rules made a model that was imported.
    """
    fitted = state.last(tables.KMEANS_MODEL.table)
    if not (fitted and fitted.made_by) or fitted.made_by == installed.made_by(tables.KMEANS_MODEL):
        return ""
    return (
        "The newest model was fitted by other rules than those in force: `customer-segments "
        "refit` fits one by these, which labels if the gates let it."
    )
