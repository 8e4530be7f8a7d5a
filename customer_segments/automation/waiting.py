"""The months that wait to be scored, and why.

Belongs here: comparing what the warehouse holds of each month with its input and the rules, as
pure functions. Does not: what else is due (``agenda``).
"""

from datetime import date

from customer_segments.automation.steps import Facts, Range
from customer_segments.storage.contracts import Contract, WriteMode
from customer_segments.storage.pending import pending_months
from customer_segments.storage.state import State
from customer_segments.tables import CLEANED_TRANSACTIONS, CONTRACTS, CUSTOMER_RFM

MONTHLY = [c for c in CONTRACTS.values() if c.write_mode is WriteMode.REPLACE_MONTHS]


def waiting_months(facts: Facts, span: Range) -> tuple[Range | None, str]:
    """Return the months to score, from the first that waits to the newest, and why."""
    state = facts.state
    by_table = {contract.table: _pending(facts, contract) for contract in MONTHLY}
    by_table[CUSTOMER_RFM.table] += _misplaced_snapshots(facts, span[1])
    waiting = sorted({month for months in by_table.values() for month in months})
    for contract in MONTHLY:
        if failed := state.failed.get(contract.table):
            # Nothing after it was made. Where none of its months waits, the fault may be in any.
            first = waiting[0] if by_table[contract.table] else span[0]
            why = f"{contract.table} did not pass its check {failed}"
            return (first, max([span[1], *waiting])), why
    if not waiting:
        unjudged = [c.table for c in MONTHLY if is_unjudged(state, c.table)]
        if not unjudged:
            return None, ""
        return (span[1], span[1]), f"{', '.join(unjudged)} were not judged yet"
    first, last = waiting[0], max(span[1], waiting[-1])
    table = next(table for table, months in by_table.items() if first in months)
    held = state.months(table).get(first)
    if held is None:
        why = f"{table} of {first:%Y-%m} was never made"
    elif held.made_by != facts.installed.made_by(CONTRACTS[table]):
        why = f"the rules changed since {table} of {first:%Y-%m} was made"
    else:
        why = f"{first:%Y-%m} changed" + (", and months after it" if first < last else "")
    return (first, last), why


def is_unjudged(state: State, table: str) -> bool:
    """Tell whether the blocking checks of a table have not seen what it holds now."""
    return state.judged.get(table, 0) < state.newest(table)


def _misplaced_snapshots(facts: Facts, newest: date) -> list[date]:
    """Return covered months whose snapshot is there, or missing, by another newest month.

    Snapshots end with the newest month that has data: one after it has to go, and one that was
    empty for lying after it, once a later month has come, has to be made.

    Parameters
    ----------
    newest
        Newest month that has raw rows.
    """
    kept = facts.state.months(CLEANED_TRANSACTIONS.table)
    filled = facts.state.filled(CLEANED_TRANSACTIONS.table)
    if not filled:
        return []
    end, changed, misplaced = min(newest, filled[-1]), 0, []
    for month, held in reversed(facts.state.months(CUSTOMER_RFM.table).items()):
        is_late = month > end and held.rows
        is_missed = filled[0] <= month < end and not held.rows and held.publication < changed
        if (is_late or is_missed) and facts.installed.months.clip(month, month):
            misplaced.append(month)
        changed = max(changed, kept[month].changed if month in kept else 0)
    return misplaced


def _pending(facts: Facts, contract: Contract) -> list[date]:
    """Return the covered months of a table that its input, or a rule, changed since."""
    pending = pending_months(facts.state, contract, facts.installed.made_by(contract))
    return [month for month in pending if facts.installed.months.clip(month, month)]
