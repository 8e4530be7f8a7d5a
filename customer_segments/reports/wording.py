"""What a report says in sentences, made from its figures so that they hold for any data.

Belongs here: the summary, what to be careful with, whom to turn to first. Does not: the figures
(``figures``), terms (``glossary``).
"""

from collections.abc import Sequence
from typing import NamedTuple

from customer_segments.model.names import SEGMENTS
from customer_segments.months import shift
from customer_segments.reports.background import YEAR
from customer_segments.reports.evidence import Evidence
from customer_segments.reports.figures import Segment, taken
from customer_segments.reports.moves import CAME, ROSE, SLIPPED, STAYED, Move, moves_of
from customer_segments.reports.pictures.words import counted, month_name, percent
from customer_segments.reports.writing import amount, than
from customer_segments.tables import NEW

# Rows of the table of whom to turn to first: more than that is no order any more.
MOST_SLIPPED, MOST_ROSE = 4, 2


class Caution(NamedTuple):
    """What to be careful with, why, and in which section more is said."""

    what: str
    why: str
    anchor: str = ""


class Task(NamedTuple):
    """Customers to turn to, how they moved between which segments, and what to do.

    Parameters
    ----------
    target
        Empty for new customers, of all segments.
    money
        What they had brought by last month's end; of new ones, what they brought since.
    """

    how: str
    origin: str
    target: str
    customers: int
    money: float
    action: str


def summary(evidence: Evidence, segments: Sequence[Segment]) -> list[str]:
    """Return the summary: how many, what they brought, where it sits, what changed, what to do."""
    sentences = [_size(evidence, segments), _month(evidence), _where(segments)]
    if moves := moves_of(evidence):
        sentences.append(_changed(segments, moves))
    first = next(iter(tasks(evidence, segments)), None)
    if first and first.how == SLIPPED:
        sentences.append(
            f"Turn first to the {counted(first.customers, 'customer')} who slipped from "
            f"{first.origin} to {first.target}: they had brought {amount(first.money)} by the end "
            "of last month."
        )
    elif moves:
        sentences.append("Nobody who had brought money slipped to a lower segment.")
    return sentences


def cautions(evidence: Evidence) -> list[Caution]:
    """Return what a reader has to know before building on the figures."""
    background, month = evidence.background, evidence.month
    said = []
    if not background.is_complete(month):
        ends = background.newest_date
        said.append(
            Caution(
                f"{month_name(month)} is not complete.",
                f"The data ends on {ends.day} {month_name(ends)}, but recency counts to the "
                "month's end. The month's money is a part of it, and customers look quieter than "
                f"they are. For a campaign, take the report of {month_name(shift(month, -1))}.",
            )
        )
    first = background.rows["month"].min().date()
    if shift(first, YEAR - 1) > month:
        said.append(
            Caution(
                f"The data begins in {month_name(first)}, less than a year before.",
                "Nobody can have bought long ago yet, and old customers look new: sizes and moves "
                "of segments still follow from that.",
            )
        )
    found = background.findings
    if found is not None and (others := int((found["check_name"] != "complete_month").sum())):
        said.append(
            Caution(f"{counted(others, 'check')} found something out of the ordinary.", "", "data")
        )
    return said


def tasks(evidence: Evidence, segments: Sequence[Segment]) -> list[Task]:
    """Return whom to turn to first: who slipped, by the money they had brought; who rose; the new.

    Nobody is named of whom nothing is at stake: who slipped or rose had brought money.
    """
    actions = {segment.name: segment.action for segment in segments}
    moves = moves_of(evidence)
    found = [
        Task(how, move.origin, move.target, move.customers, move.before, actions[move.target])
        for how, most in ((SLIPPED, MOST_SLIPPED), (ROSE, MOST_ROSE))
        for move in [m for m in moves if m.direction == how and m.before > 0][:most]
    ]
    if new := [move for move in moves if move.direction == CAME]:
        customers, brought = (sum(m.customers for m in new), sum(m.brought for m in new))
        found.append(Task(CAME, NEW, "", customers, brought, SEGMENTS["New Customers"][1]))
    return found


def _size(evidence: Evidence, segments: Sequence[Segment]) -> str:
    customers = sum(segment.customers for segment in segments)
    before = sum(m.customers for m in moves_of(evidence) if m.origin != NEW)
    compared = f", {than(customers - before, 'a month before')}" if before else ""
    window = evidence.background.window_months
    bought = f"in the {counted(window, 'month')} before" if window else "at least once"
    return (
        f"By the end of {month_name(evidence.month)} {counted(customers, 'customer')} had bought "
        f"{bought}{compared}; together they brought "
        f"{amount(sum(segment.revenue for segment in segments))}, net of returns."
    )


def _month(evidence: Evidence) -> str:
    month, last_month, last_year = taken(evidence)
    parts = [
        f"{_compared(month, then)} {said} ({amount(then)})"
        for then, said in (
            (last_month, "the month before"),
            (last_year, f"{month_name(shift(evidence.month, -12))}"),
        )
        if then is not None
    ]
    so_far = "" if evidence.background.is_complete(evidence.month) else " so far"
    said = f"{month_name(evidence.month)} brought {amount(month)}{so_far}"
    return f"{said}, {' and '.join(parts)}." if parts else f"{said}."


def _compared(now: float, then: float) -> str:
    if amount(now) == amount(then):
        return "as much as"
    return "more than" if now > then else "less than"


def _where(segments: Sequence[Segment]) -> str:
    top = max(segments, key=lambda segment: segment.revenue)
    if top.revenue_share is None:
        return f"{top.name} brought most: {amount(top.revenue)}."
    return (
        f"{top.name} are {percent(top.share)} of the customers and brought "
        f"{percent(top.revenue_share)} of the money."
    )


def _changed(segments: Sequence[Segment], moves: Sequence[Move]) -> str:
    before = [m for m in moves if m.origin != NEW]
    moved = sum(m.customers for m in before if m.direction != STAYED)
    sentence = (
        f"{percent(moved / sum(m.customers for m in before))} of the customers changed segment "
        "since last month"
    )
    known = [s for s in segments if s.since_month]
    if not known:
        return f"{sentence}, and each segment is as large as it was."
    most = max(known, key=lambda s: abs(s.since_month or 0))
    return (
        f"{sentence}; {most.name} changed most, to {counted(most.customers, 'customer')}, "
        f"{than(most.since_month or 0, 'before')}."
    )
