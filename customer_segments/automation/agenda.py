"""The agenda: what is due, from what the warehouse holds, the files, and the policy.

Belongs here: the one decision which job runs next, over which months, and why; pure functions.
Does not: starting it (``sensor`` under the daemon, ``commands.run`` on the command line).
"""

from datetime import date

from customer_segments import tables
from customer_segments.automation.facts import Facts, Range, Step
from customer_segments.months import ranges, snapshot_date
from customer_segments.shown import AWAITED, is_served, labelled_months, shown_month, state_of
from customer_segments.storage.contracts import Contract, WriteMode
from customer_segments.storage.state import State

RAW = tables.RAW_TRANSACTIONS.table
MONTHLY = [c for c in tables.CONTRACTS.values() if c.write_mode is WriteMode.REPLACE_MONTHS]


def agenda(facts: Facts) -> list[Step]:
    """Return the steps that are due, first to last; those after the first may change by it."""
    state, covered = facts.state, facts.installed.months
    steps = [step] if (step := _ingest(facts)) else []
    if RAW not in state.tables or RAW in state.failed:
        return steps  # Nothing can be made of rows that are not there, or not to be trusted.
    if not (read := state.filled(RAW)) or not (span := covered.clip(read[0], read[-1])):
        return steps
    if state.champion is None:
        why = "no model labels yet: one is fitted"
        return [*steps, _step(facts, "full_refresh", why, (covered.first, span[1]))]
    scored, why = _to_score(facts, span)
    if scored:
        steps.append(_step(facts, "score", why, scored))
    if any(contract.table in state.failed for contract in MONTHLY):
        return steps
    if not scored and (months := _outdated_labels(facts)):
        why = f"another model than the champion {state.champion} labelled them"
        steps.append(_step(facts, "relabel", why, (months[0], months[-1])))
    return [*steps, *_copy(facts), *_reports(facts), *_offers(facts)]


def of_run(facts: Facts) -> list[Step]:
    """Return the due steps that ``run`` does: offers are the daemon's, or made on request."""
    return [step for step in agenda(facts) if step.job != "recommend"]


def _step(facts: Facts, job: str, why: str, months: Range) -> Step:
    changed = [held.changed for held in facts.state.tables[RAW].values()]
    rules = [facts.installed.made_by(contract) for contract in MONTHLY]
    return Step(job, why, months, repr((max(changed), facts.state.decision, rules)))


def _ingest(facts: Facts) -> Step | None:
    """Return the step that reads the files, if they or the reading are not as they were."""
    state, files = facts.state, facts.files
    if files is None:
        return None
    changed = sorted({name for name, _ in files.items() ^ state.files.items()})
    wanted = facts.installed.made_by(tables.RAW_TRANSACTIONS)
    if RAW not in state.tables:
        why = "nothing was read yet"
    elif failed := state.failed.get(RAW):
        why = f"what was read did not pass its check {failed}"
    elif changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        why = f"the files changed: {', '.join(changed[:3])}{more}"
    elif state.parser.partition("-")[0] != facts.parser:
        why = "this version reads files in another way"
    elif (last := state.last(RAW)) and last.made_by != wanted:
        why = "the rules of reading, or the first or last month, changed"
    elif _is_unjudged(state, RAW) or state.newest("source_sheets") < state.newest(RAW):
        why = "the last ingestion did not come to its end"
    elif not facts.has_months:
        why = "the file that says which months are covered is not there"
    else:
        return None
    return Step("ingest", why, basis=repr((sorted(files.items()), wanted, facts.parser)))


def _to_score(facts: Facts, span: Range) -> tuple[Range | None, str]:
    """Return the months to score, from the first that waits to the newest, and why."""
    state = facts.state
    by_table = {contract.table: _pending(facts, contract) for contract in MONTHLY}
    redated = _redated_snapshots(facts, span[1])
    by_table[tables.CUSTOMER_RFM.table] += _misplaced_snapshots(facts, span[1]) + redated
    waiting = sorted({month for months in by_table.values() for month in months})
    for contract in MONTHLY:
        if failed := state.failed.get(contract.table):
            # Nothing after it was made. Where none of its months waits, the fault may be in any.
            first = waiting[0] if by_table[contract.table] else span[0]
            why = f"{contract.table} did not pass its check {failed}"
            return (first, max([span[1], *waiting])), why
    if not waiting:
        unjudged = ", ".join(c.table for c in MONTHLY if _is_unjudged(state, c.table))
        newest = span[1], span[1]
        return (newest, f"not judged yet: {unjudged}") if unjudged else (None, "")
    first, last = waiting[0], max(span[1], waiting[-1])
    table = next(table for table, months in by_table.items() if first in months)
    held = state.months(table).get(first)
    if held is None:
        why = f"{table} of {first:%Y-%m} was never made"
    elif held.made_by != facts.installed.made_by(tables.CONTRACTS[table]):
        changed = facts.changed_rules(tables.CONTRACTS[table], held)
        why = f"the rules changed since {table} of {first:%Y-%m} was made: {changed}"
    elif first in redated:
        why = f"recency of {first:%Y-%m} counts to another day now"
    else:
        why = f"{first:%Y-%m} changed" + (", and months after it" if first < last else "")
    return (first, last), why


def _pending(facts: Facts, contract: Contract) -> list[date]:
    """Return the covered months of a table that its input, or a rule, changed since."""
    pending = facts.state.pending(contract, facts.installed.made_by(contract))
    return [month for month in pending if facts.installed.months.clip(month, month)]


def _misplaced_snapshots(facts: Facts, newest: date) -> list[date]:
    """Return covered months whose snapshot is there, or missing, by another newest month.

    Snapshots end with the newest month that has data, here that has raw rows: one after it has to
    go, and one that was empty for lying after it, once a later month has come, has to be made.
    """
    kept = facts.state.months(tables.CLEANED_TRANSACTIONS.table)
    filled = facts.state.filled(tables.CLEANED_TRANSACTIONS.table)
    if not filled:
        return []
    end, changed, misplaced = min(newest, filled[-1]), 0, []
    for month, held in reversed(facts.state.months(tables.CUSTOMER_RFM.table).items()):
        is_late = month > end and held.rows
        is_missed = filled[0] <= month < end and not held.rows and held.publication < changed
        if (is_late or is_missed) and facts.installed.months.clip(month, month):
            misplaced.append(month)
        changed = max(changed, kept[month].changed if month in kept else 0)
    return misplaced


def _redated_snapshots(facts: Facts, newest: date) -> list[date]:
    """Return covered months whose snapshot is of another day than it would be of if taken now.

    A month becomes complete by later data and by the calendar, though its own lines stay as they
    are; and is the newest again, and cut, when the data after it goes.
    """
    state, covered = facts.state, facts.installed.months
    if not state.last_day:
        return []
    last_day = date.fromisoformat(state.last_day)
    # Lines that wait for cleaning are taken to be of known customers.
    if newest in _pending(facts, tables.CLEANED_TRANSACTIONS):
        last_day = max(last_day, newest)
    held = {date.fromisoformat(month): day for month, day in state.snapshot_dates.items()}
    return [
        month
        for month, day in held.items()
        if covered.clip(month, month) and day != f"{snapshot_date(month, last_day, covered.today)}"
    ]


def _is_unjudged(state: State, table: str) -> bool:
    """Tell whether the blocking checks of a table have not seen what it holds now."""
    return state.judged.get(table, 0) < state.newest(table)


def _outdated_labels(facts: Facts) -> list[date]:
    """Return the months whose labels, moves or profiles are not by the champion, in order.

    All three tables, since a run that labels again may have been killed between them.
    """
    if facts.installed.policy.segments.relabel == "new":
        return []
    champion, covered = facts.state.champion, facts.installed.months
    labelled = [each for c in tables.LABELS for each in facts.state.months(c.table).items()]
    outdated = {month for month, held in labelled if held.rows and held.model_version != champion}
    return sorted(month for month in outdated if covered.clip(month, month))


def _copy(facts: Facts) -> list[Step]:
    """Return the step that copies what people read, where the run that changed it did not."""
    state = facts.state
    if not state.filled(tables.CUSTOMER_SEGMENTS.table) or is_served(state, facts.copied):
        return []
    newest = max(map(state.newest, AWAITED))
    return [Step("serve", "the serving copy is not of what the warehouse holds", basis=str(newest))]


def _reports(facts: Facts) -> list[Step]:
    """Return the reports to make: the shown month's, and those that are of labels of before."""
    steps, stale, shown = [], {}, shown_month(facts.installed, facts.state)
    today, policy = facts.installed.months.today, facts.installed.policy
    shown_by = policy.campaigns.control_share, policy.source.currency
    for month in labelled_months(facts.installed, facts.state):
        token = state_of(facts.state, month, today, *shown_by)
        there = facts.reports.get(month)
        if there is None and month == shown:
            steps = [Step("report", f"{month:%Y-%m} has no report yet", (month, month), token)]
        elif there is not None and not there.startswith(token):
            stale[month] = token
    why = "what is reported is not what the warehouse holds"
    return steps + [Step("report", why, span, repr(stale)) for span in reversed(ranges(stale))]


def _offers(facts: Facts) -> list[Step]:
    """Return the step that makes the offers, if what they are made of is not as it was."""
    for contract in tables.OFFERS:
        held, made_from = facts.state.last(contract.table), contract.built_from or ""
        made_by, inputs = facts.installed.made_by(contract), facts.state.tables.get(made_from, {})
        changed = max((each.changed for each in inputs.values()), default=0)
        if held is None:
            why = f"{contract.table} was never made"
        elif held.made_by != made_by:
            why = f"the rules changed since {contract.table} was made: "
            why += facts.changed_rules(contract, held)
        elif held.publication < changed:
            why = f"{made_from} changed since {contract.table} was made"
        else:
            continue
        return [Step("recommend", why, basis=repr((changed, made_by)))]
    return []
