"""Which months can be shown, what a month is shown from, and whether its report is of that.

Belongs here: what the outputs and the agenda both have to know of a month. Does not: reading the
month (``outputs.view``), deciding when a report is made (``automation.agenda``).
"""

import hashlib
import re
from datetime import date
from pathlib import Path

from customer_segments.installation import Installation
from customer_segments.storage.ledger import code_version
from customer_segments.storage.state import State
from customer_segments.tables import (
    CLEANED_TRANSACTIONS,
    CUSTOMER_SEGMENTS,
    EVALUATION,
    LABELS,
    MODEL_SELECTION,
    REJECTED_TRANSACTIONS,
)

# The mark stands in the first lines; pictures make the file large.
HEAD_CHARACTERS = 2_000
_STATE = re.compile(r'<meta name="state" content="([0-9a-f]+)">')


def newest_labelled(installed: Installation) -> date | None:
    """Return the newest covered month in which somebody is labelled; ``None`` for none."""
    return max(labelled_months(installed, installed.warehouse.state()), default=None)


def labelled_months(installed: Installation, state: State) -> list[date]:
    """Return the covered months in which somebody is labelled, in order."""
    filled = state.filled(CUSTOMER_SEGMENTS.table)
    return [month for month in filled if installed.months.clip(month, month)]


def state_of(state: State, month: date) -> str:
    """Return what a month is shown from, as a hash: another one, another report.

    All that the ledger says of its content, and the version of this package.
    """
    made_from: list = [code_version()]
    for contract in (*LABELS, CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS):
        held = state.months(contract.table).get(month)
        made_from.append(held and (held.digest, held.model_version))
    for contract in (MODEL_SELECTION, *EVALUATION):
        tables = state.tables.get(contract.table, {}).values()
        made_from.append([held.digest for held in tables])
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]


def report_path(reports: Path, month: date) -> Path:
    """Return where the report of a month is."""
    return reports / f"{month:%Y-%m}" / f"segment_report_{month:%Y-%m}.html"


def state_in(path: Path) -> str | None:
    """Return what a report was made from, as its mark says; ``None`` if there is no report."""
    try:
        with path.open(encoding="utf-8") as file:
            found = _STATE.search(file.read(HEAD_CHARACTERS))
    except (OSError, UnicodeError):
        return None
    return found[1] if found else None
