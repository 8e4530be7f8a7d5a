"""Which months can be shown, and whether a report is of what the warehouse holds now.

Belongs here: months with labels, and what a month is shown from, as a hash. Does not: reading the
month (``view``), when a report is made.
"""

import hashlib
from datetime import date
from typing import TYPE_CHECKING

from customer_segments import months
from customer_segments.outputs.files import report_path, state_in
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import code_version, latest
from customer_segments.tables import (
    CLEANED_TRANSACTIONS,
    CUSTOMER_SEGMENTS,
    EVALUATION,
    LABELS,
    MODEL_SELECTION,
    REJECTED_TRANSACTIONS,
)

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def labelled_months(con: "Backend") -> list[date]:
    """Return the months in which somebody is labelled, in order."""
    lines = latest(con, CUSTOMER_SEGMENTS.table).values()
    return [line.month for line in lines if line.month and line.rows]


def state_of(con: "Backend", month: date) -> str:
    """Return what a month is shown from, as a hash: another one, another report.

    All that its ledger lines say of content, and the version of this package.
    """
    digests: list = [code_version()]
    for contract in (*LABELS, CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS):
        line = latest(con, contract.table).get(month)
        digests.append(line and (line.digest, line.model_version))
    for contract in (MODEL_SELECTION, *EVALUATION):
        digests.append([line.digest for line in latest(con, contract.table).values()])
    return hashlib.sha256(repr(digests).encode()).hexdigest()[:16]


def newest_labelled(settings: Settings) -> date | None:
    """Return the newest covered month in which somebody is labelled; ``None`` for none."""
    warehouse = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
    if not warehouse.path.exists():
        return None
    covered = months.load(settings)
    with warehouse.reading() as con:
        labelled = [month for month in labelled_months(con) if covered.clip(month, month)]
    return max(labelled, default=None)


def report_due(settings: Settings) -> date | None:
    """Return that month if its report is missing, or was made from something else."""
    month = newest_labelled(settings)
    if month is None:
        return None
    with Warehouse(settings.warehouse_path, settings.lock_timeout_seconds).reading() as con:
        state = state_of(con, month)
    return month if state_in(report_path(settings.reports_path, month)) != state else None
