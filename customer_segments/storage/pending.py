"""Months that wait for a run, since what they are made from, or by, is another now."""

from datetime import date

from customer_segments.months import between
from customer_segments.storage.contracts import Contract
from customer_segments.storage.state import State


def pending_months(state: State, contract: Contract, made_by: str | None = None) -> list[date]:
    """Return the months of a table that were made before their input changed, in order.

    A month that was never published is pending once the table that it is built from has it, or
    has months before and after it: a shop that was closed has a snapshot, too.

    Parameters
    ----------
    made_by
        Fingerprint of the rules in force: months that others made are pending, too.
    """
    own, pending, newest_change = state.months(contract.table), [], 0
    upstream = state.months(contract.built_from or "")
    for month in between(min(upstream), max(upstream)) if upstream else ():
        changed = upstream[month].changed if month in upstream else 0
        # A snapshot adds up all months before it.
        newest_change = max(newest_change if contract.needs_history else 0, changed)
        held = own.get(month)
        if (
            held is None
            or held.publication < newest_change
            or (made_by is not None and held.made_by != made_by)
        ):
            pending.append(month)
    return pending
