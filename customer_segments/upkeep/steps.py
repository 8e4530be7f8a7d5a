"""How rows of former contracts become rows of the present ones, where they cannot be made anew.

Belongs here: a step per table and former version, as an Ibis expression over the old table. Does
not: carrying them out (``migrate``), tables that the workbooks give again.

Whoever changes the contract of a table that holds history (``WriteMode.INSERT_NEW``) raises its
version and adds a step here, unless all that is new are columns that may be null.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import ibis

from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.storage import WriteMode
from customer_segments.tables import CONTRACTS

Step = Callable[[ibis.Table, Installation], ibis.Table]


def champion_model_2(old: ibis.Table, _: Installation) -> ibis.Table:
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


def publications_2(old: ibis.Table, installed: Installation) -> ibis.Table:
    """Tell by which rules months were made before the rules were data: by the defaults.

    What a launch departed by held for that launch, so that nothing else can be said. The first
    and the last month are those of today. A policy that says the same as the defaults then makes
    nothing anew, and one that does not makes just those months due.
    """
    defaults = replace(installed, policy=Policy())
    rules = [
        (contract.table, defaults.made_by(contract))
        for contract in CONTRACTS.values()
        if contract.sections and contract.write_mode is not WriteMode.INSERT_NEW
    ]
    return old.mutate(made_by=old.table_name.cases(*rules, else_=ibis.null("string")))


# By table and the version that a step starts from; it ends at the next.
STEPS: Mapping[tuple[str, int], Step] = {
    ("champion_model", 1): champion_model_2,
    ("publications", 1): publications_2,
}
