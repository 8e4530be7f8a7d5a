"""Which months a run has to cover, asked of the warehouse by whoever may open it.

Belongs here: months whose data changed, and months that an older champion labelled. Does not:
what sensors go by; they read it from a materialization (``sensors``).
"""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from customer_segments.storage import Contract, Warehouse
from customer_segments.storage.ledger import latest
from customer_segments.storage.pending import months_waiting
from customer_segments.tables import (
    CHAMPION_MODEL,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def due_months(warehouse: Warehouse, contracts: Iterable[Contract]) -> tuple[date, date] | None:
    """Return the months that wait since their data changed, first and last; ``None`` for none."""
    with warehouse.reading() as con:
        return months_waiting(con, contracts)


def outdated_labels(warehouse: Warehouse) -> tuple[date, date] | None:
    """Return the months that another version than the champion's labelled, first and last."""
    decisions = warehouse.load(CHAMPION_MODEL)
    if decisions.empty:
        return None
    with warehouse.reading() as con:
        outdated = months_of_others(con, decisions["version"].iloc[-1])
    return (min(outdated), max(outdated)) if outdated else None


def months_of_others(con: "Backend", champion: str) -> list[date]:
    """Return the months whose labels, moves or profiles are not by the champion, in order.

    All three tables, since a run that labels again may have been killed between them.
    """
    return sorted(
        {
            line.month
            for contract in (CUSTOMER_SEGMENTS, SEGMENT_MIGRATION, SEGMENT_PROFILES)
            for line in latest(con, contract.table).values()
            if line.month and line.rows and line.model_version != champion
        }
    )
