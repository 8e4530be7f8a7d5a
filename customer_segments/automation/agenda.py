"""The agenda: what is due, from what the warehouse holds, the files, and the policy.

Belongs here: the one decision which job runs next, over which months, and why; pure functions.
Does not: starting it (``sensor`` under the daemon, ``commands.run`` on the command line).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from customer_segments.installation import Installation
from customer_segments.outputs.state import labelled_months, state_of
from customer_segments.storage.contracts import Contract, WriteMode
from customer_segments.storage.pending import pending_months
from customer_segments.storage.state import State
from customer_segments.tables import (
    CONTRACTS,
    LABELS,
    RAW_TRANSACTIONS,
)

MONTHLY = [c for c in CONTRACTS.values() if c.write_mode is WriteMode.REPLACE_MONTHS]
Range = tuple[date, date]


@dataclass(frozen=True)
class Step:
    """A job that is due, over which months, and why."""

    job: str
    why: str
    months: Range | None = None
    basis: str = ""

    @property
    def key(self) -> str:
        """What tells this step from one of other months or of other causes."""
        return hashlib.sha256(f"{self.job} {self.months} {self.basis}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Job and months, such as ``score 2011-06 to 2011-12``."""
        return f"{self.job} {said(self.months)}" if self.months else self.job


@dataclass(frozen=True)
class Facts:
    """What the agenda is decided from.

    Parameters
    ----------
    state
        What the warehouse holds.
    files
        Content hash by name of the input files; ``None`` while one is still being written.
    reports
        By month that has a report, what the report was made from.
    parser
        Version of the reading in this code.
    """

    installed: Installation
    state: State
    files: Mapping[str, str] | None
    reports: Mapping[date, str] = field(default_factory=dict)
    parser: str = ""


def agenda(facts: Facts) -> list[Step]:
    """Return the steps that are due, first to last; those after the first may change by it."""
    state = facts.state
    steps = [step] if (step := _ingest(facts)) else []
    if RAW_TRANSACTIONS.table not in state.tables or RAW_TRANSACTIONS.table in state.failed:
        return steps  # Nothing can be made of rows that are not there, or not to be trusted.
    span = facts.installed.months.clip(*_span(state, RAW_TRANSACTIONS.table))
    if span is None:
        return steps
    if state.champion is None:
        span = facts.installed.months.first, span[1]
        why = "no model labels yet: one is fitted"
        return [*steps, _step(facts, "full_refresh", why, span)]
    scored, why = _waiting(facts, span)
    if scored:
        steps.append(_step(facts, "score", why, scored))
    if any(contract.table in state.failed for contract in MONTHLY):
        return steps
    if not scored and (months := _outdated_labels(facts)):
        why = f"another model than the champion {state.champion} labelled them"
        steps.append(_step(facts, "relabel", why, (months[0], months[-1])))
    return [*steps, *_reports(facts)]


def said(months: Range) -> str:
    """Return a range of months as people write it."""
    first, last = months
    return f"{first:%Y-%m}" if first == last else f"{first:%Y-%m} to {last:%Y-%m}"


def as_markdown(steps: list[Step]) -> str:
    """Return the agenda as a table, for the UI."""
    if not steps:
        return "Nothing is due."
    lines = ["| step | why |", "|---|---|", *(f"| {step} | {step.why} |" for step in steps)]
    return "\n".join(lines)


def _ingest(facts: Facts) -> Step | None:
    """Return the step that reads the files, if they or the reading are not as they were."""
    state, files = facts.state, facts.files
    if files is None:
        return None
    raw = state.tables.get(RAW_TRANSACTIONS.table)
    changed = sorted(
        name for name in {*files, *state.files} if files.get(name) != state.files.get(name)
    )
    wanted = facts.installed.made_by(RAW_TRANSACTIONS)
    if raw is None:
        why = "nothing was read yet"
    elif failed := state.failed.get(RAW_TRANSACTIONS.table):
        why = f"what was read did not pass its check {failed}"
    elif changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        why = f"the files changed: {', '.join(changed[:3])}{more}"
    elif state.parser != facts.parser:
        why = "this version reads files in another way"
    elif any(held.made_by != wanted for held in raw.values()):
        why = "the rules of reading, or the first or last month, changed"
    elif _is_unjudged(state, RAW_TRANSACTIONS.table) or state.newest(
        "source_sheets"
    ) < state.newest(RAW_TRANSACTIONS.table):
        why = "the last ingestion did not come to its end"
    else:
        return None
    return Step("ingest", why, basis=repr((sorted(files.items()), wanted, facts.parser)))


def _waiting(facts: Facts, span: Range) -> tuple[Range | None, str]:
    """Return the months to score, from the first that waits to the newest, and why."""
    state = facts.state
    for contract in MONTHLY:
        if failed := state.failed.get(contract.table):
            # Nothing after it was made. Tried again, and judged again, from where it waits.
            waiting = _pending(facts, contract) or [span[1]]
            return (waiting[0], span[1]), f"{contract.table} did not pass its check {failed}"
    by_table = {contract.table: _pending(facts, contract) for contract in MONTHLY}
    first = min((months[0] for months in by_table.values() if months), default=None)
    if first is None:
        unjudged = [c.table for c in MONTHLY if _is_unjudged(state, c.table)]
        if not unjudged:
            return None, ""
        return (span[1], span[1]), f"{', '.join(unjudged)} were not judged yet"
    table = next(table for table, months in by_table.items() if months and months[0] == first)
    held = state.months(table).get(first)
    if held is None:
        why = f"{table} of {first:%Y-%m} was never made"
    elif held.made_by != facts.installed.made_by(CONTRACTS[table]):
        why = f"the rules changed since {table} of {first:%Y-%m} was made"
    else:
        why = f"{first:%Y-%m} changed" + (", and months after it" if first < span[1] else "")
    return (first, max(span[1], first)), why


def _outdated_labels(facts: Facts) -> list[date]:
    """Return the months whose labels, moves or profiles are not by the champion, in order.

    All three tables, since a run that labels again may have been killed between them.
    """
    if facts.installed.policy.segments.relabel == "new":
        return []
    return sorted(
        {
            month
            for contract in LABELS
            for month, held in facts.state.months(contract.table).items()
            if held.rows and held.model_version != facts.state.champion
            if facts.installed.months.clip(month, month)
        }
    )


def _reports(facts: Facts) -> list[Step]:
    """Return the reports to make: the newest month's, and those that are of labels of before."""
    state = facts.state
    labelled = labelled_months(facts.installed, state)
    steps = []
    for month in reversed(labelled):
        token, there = state_of(state, month), facts.reports.get(month)
        if there is None and month == labelled[-1]:
            why = f"{month:%Y-%m} has no report yet"
        elif there is not None and there != token:
            why = f"the report of {month:%Y-%m} is not of what the warehouse holds"
        else:
            continue
        steps.append(Step("report", why, (month, month), token))
    return steps


def _pending(facts: Facts, contract: Contract) -> list[date]:
    """Return the covered months of a table that its input, or a rule, changed since."""
    pending = pending_months(facts.state, contract, facts.installed.made_by(contract))
    return [month for month in pending if facts.installed.months.clip(month, month)]


def _is_unjudged(state: State, table: str) -> bool:
    return state.judged.get(table, 0) < state.newest(table)


def _span(state: State, table: str) -> Range:
    months = [month for month, held in state.months(table).items() if held.rows]
    return (months[0], months[-1]) if months else (date.max, date.min)


def _step(facts: Facts, job: str, why: str, months: Range) -> Step:
    changed = [held.changed for held in facts.state.tables[RAW_TRANSACTIONS.table].values()]
    rules = [facts.installed.made_by(contract) for contract in MONTHLY]
    return Step(job, why, months, repr((max(changed), facts.state.decision, rules)))
