"""The agenda: what is due, from what the warehouse holds, the files, and the policy.

Belongs here: the one decision which job runs next, over which months, and why; pure functions.
Does not: starting it (``sensor`` under the daemon, ``commands.run`` on the command line).
"""

from datetime import date

from customer_segments.automation.steps import Facts, Range, Step
from customer_segments.automation.waiting import MONTHLY, is_unjudged, waiting_months
from customer_segments.shown import labelled_months, state_of
from customer_segments.tables import (
    LABELS,
    RAW_TRANSACTIONS,
)


def agenda(facts: Facts) -> list[Step]:
    """Return the steps that are due, first to last; those after the first may change by it."""
    state = facts.state
    steps = [step] if (step := _ingest(facts)) else []
    if RAW_TRANSACTIONS.table not in state.tables or RAW_TRANSACTIONS.table in state.failed:
        return steps  # Nothing can be made of rows that are not there, or not to be trusted.
    read = state.filled(RAW_TRANSACTIONS.table)
    span = facts.installed.months.clip(read[0], read[-1]) if read else None
    if span is None:
        return steps
    if state.champion is None:
        span = facts.installed.months.first, span[1]
        why = "no model labels yet: one is fitted"
        return [*steps, _step(facts, "full_refresh", why, span)]
    scored, why = waiting_months(facts, span)
    if scored:
        steps.append(_step(facts, "score", why, scored))
    if any(contract.table in state.failed for contract in MONTHLY):
        return steps
    if not scored and (months := _outdated_labels(facts)):
        why = f"another model than the champion {state.champion} labelled them"
        steps.append(_step(facts, "relabel", why, (months[0], months[-1])))
    return [*steps, *_reports(facts)]


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
    elif (last := state.last(RAW_TRANSACTIONS.table)) and last.made_by != wanted:
        why = "the rules of reading, or the first or last month, changed"
    elif is_unjudged(state, RAW_TRANSACTIONS.table) or state.newest("source_sheets") < state.newest(
        RAW_TRANSACTIONS.table
    ):
        why = "the last ingestion did not come to its end"
    else:
        return None
    return Step("ingest", why, basis=repr((sorted(files.items()), wanted, facts.parser)))


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


def _step(facts: Facts, job: str, why: str, months: Range) -> Step:
    changed = [held.changed for held in facts.state.tables[RAW_TRANSACTIONS.table].values()]
    rules = [facts.installed.made_by(contract) for contract in MONTHLY]
    return Step(job, why, months, repr((max(changed), facts.state.decision, rules)))
