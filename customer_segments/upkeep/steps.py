"""How rows of former contracts become rows of the present ones, where they cannot be made anew.

Belongs here: a step per table and former version, as an Ibis expression over the old table. Does
not: carrying them out (``migrate``), tables that the workbooks give again.

Whoever changes the contract of a table that holds history (``WriteMode.INSERT_NEW``) raises its
version and adds a step here, unless all that is new are columns that may be null.
"""

from collections.abc import Callable, Mapping

import ibis

Step = Callable[[ibis.Table], ibis.Table]


def champion_model_2(old: ibis.Table) -> ibis.Table:
    """Tell what each decision was before there was a gate.

    A champion was then either the first fit or chosen by name, and a decision was recorded only
    where it changed the champion: so the one before is the one of the row before, and whoever
    was chosen is the challenger. Figures were not measured; they stay null.
    """
    previous = old.version.lag().over(order_by=old.decision)
    is_first_fit = previous.isnull() & (old.reason == "first fit")
    return old.mutate(
        previous_version=previous,
        challenger=ibis.ifelse(previous.isnull(), ibis.null("string"), old.version),
        verdict=ibis.ifelse(is_first_fit, "first fit", "chosen"),
    )


# By table and the version that a step starts from; it ends at the next.
STEPS: Mapping[tuple[str, int], Step] = {
    ("champion_model", 1): champion_model_2,
}
