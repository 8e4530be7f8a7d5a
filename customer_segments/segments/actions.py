"""What to do about each customer: by the first line of the policy's ``[[actions]]`` that matches.

Belongs here: finding the line, as pure Ibis. Does not: the lines (``policy.actions``), what suits
a segment (``model.names``).
"""

from collections.abc import Iterable
from functools import reduce
from operator import and_

import ibis
from ibis.expr.types import Table

from customer_segments.model.names import SEGMENTS
from customer_segments.policy.actions import ANY, Action


def with_action(labelled: Table, actions: Iterable[Action]) -> Table:
    """Add ``channel`` and ``why``, and make ``suggested_action`` the customer's own.

    It stays what ``labelled`` has, the segment's, where the line says nothing else. Where no line
    matches, channel and reason are empty.
    """
    # The last one matches everybody and says nothing.
    lines = [(_matches(labelled, line), line) for line in (*actions, Action())]
    own = labelled.suggested_action
    return labelled.mutate(
        suggested_action=ibis.cases(*((matches, line.action or own) for matches, line in lines)),
        channel=ibis.cases(*((matches, line.channel) for matches, line in lines)),
        why=ibis.cases(*((matches, line.why) for matches, line in lines)),
    )


def unusual_segments(actions: Iterable[Action]) -> set[str]:
    """Return the segments that actions are for and that only an imported model can have."""
    return {each.segment for each in actions} - {ANY, *SEGMENTS}


def _matches(labelled: Table, line: Action) -> ibis.Value:
    asked = [labelled.recency_days >= line.min_recency_days]
    if line.max_recency_days is not None:
        asked.append(labelled.recency_days <= line.max_recency_days)
    if line.segment != ANY:
        asked.append(labelled.segment == line.segment)
    if line.account_tier != ANY:
        asked.append(labelled.account_tier == line.account_tier)
    return reduce(and_, asked)
