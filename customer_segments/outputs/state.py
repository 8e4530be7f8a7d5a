"""Which months can be shown, and what a month is shown from.

Belongs here: both, told by what the warehouse says that it holds. Does not: reading the month
(``view``), deciding when a report is made (``automation.agenda``).
"""

import hashlib
from datetime import date

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


def newest_labelled(installed: Installation) -> date | None:
    """Return the newest covered month in which somebody is labelled; ``None`` for none."""
    return max(labelled_months(installed, installed.warehouse.state()), default=None)


def labelled_months(installed: Installation, state: State) -> list[date]:
    """Return the covered months in which somebody is labelled, in order."""
    held = state.months(CUSTOMER_SEGMENTS.table)
    return [
        month for month, each in held.items() if each.rows and installed.months.clip(month, month)
    ]


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
