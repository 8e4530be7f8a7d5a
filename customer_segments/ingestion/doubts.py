"""Doubts: what looks wrong with the input as a whole, before anybody is labelled.

Belongs here: which doubts there are, and what becomes of those that stop. Does not: a row's own
fate (``cleaning``), what is seen while reading (``forms``).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ibis.expr.types import Table

from customer_segments.cleaning.rules import classified
from customer_segments.errors import UserError
from customer_segments.ingestion.doubt import Doubt, accepting
from customer_segments.ingestion.doubts_of_columns import no_quantity, placeholder_dates
from customer_segments.ingestion.doubts_of_customers import (
    few_customers,
    lost_digits,
    one_order_each,
    outlying_customer,
    padded_ids,
)
from customer_segments.ingestion.doubts_of_files import (
    fill_down,
    several_currencies,
    unused_money,
    wrong_code_page,
)
from customer_segments.ingestion.doubts_of_lines import outlying_reason, unnetted_returns
from customer_segments.ingestion.doubts_of_totals import totals
from customer_segments.ingestion.evidence import Evidence
from customer_segments.ingestion.retailers import other_retailer
from customer_segments.policy import Policy

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

DOUBTED: tuple[Callable[[Evidence], Iterator[Doubt]], ...] = (
    lost_digits,
    padded_ids,
    outlying_customer,
    few_customers,
    one_order_each,
    fill_down,
    no_quantity,
    placeholder_dates,
    totals,
    unnetted_returns,
    outlying_reason,
    several_currencies,
    unused_money,
    wrong_code_page,
)
# Why a reason rejects as much as it does, and nothing has to be said of it: by doubt, the reasons.
EXPLAINS = {
    "fill_down": ("unreadable_value", "missing_customer"),
    "formulas": ("unreadable_value",),
    "unnetted_returns": ("non_positive_quantity", "non_positive_price"),
}


def doubts(
    con: "Backend",
    raw: Table,
    sheets: Table,
    policy: Policy,
    further: Iterable[Doubt] = (),
    *,
    bounds: tuple[str | None, str | None] = (None, None),
) -> list[Doubt]:
    """Return what is doubted of all rows; doubts that the policy accepts only warn.

    Parameters
    ----------
    con
        Where the rows are.
    raw, sheets
        As ``RAW_TRANSACTIONS`` and ``SOURCE_SHEETS`` have them.
    further
        Doubts that others have: of single columns.
    bounds
        First and last month, where the settings name them: rows beyond are left out on purpose.
    """
    found = list(further)
    months = con.to_pyarrow(raw.agg(first=raw.month.min(), last=raw.month.max())).to_pylist()[0]
    if months["first"]:
        rows = classified(raw, policy.cleaning, months["first"], months["last"])
        evidence = Evidence(con, raw, rows, sheets, policy, any(bounds))
        found += [each for doubted in DOUBTED for each in doubted(evidence)]
        # Ids that are written in another way share nothing with those of before.
        if "padded_ids" in policy.source.accept or all(each.name != "padded_ids" for each in found):
            found += other_retailer(con, raw)
    explained = tuple(reason for each in found for reason in EXPLAINS.get(each.name, ()))
    accepted = policy.source.accept
    return [
        each._replace(
            level="warns" if each.name in accepted else each.level,
            accept=accepting(dict.fromkeys([*accepted, each.name])),
        )
        for each in found
        if not (each.name == "outlying_reason" and each.said.startswith(explained))
    ]


def require_none_stops(found: Iterable[Doubt]) -> None:
    """Raise a UserError that lists the doubts that stop, if there are any."""
    stopping = [each for each in found if each.level == "stops"]
    if not stopping:
        return
    raise UserError(
        "Nothing is published: the input looks wrong as a whole.\n"
        + "\n".join(f"- {each.name}: {each.said}\n{each.advice}" for each in stopping),
        "\nThe lines belong into customer_segments.toml: `customer-segments init` proposes them. "
        f"If all is well as it is, accept it there:\n{_accepting_all(stopping)}",
    )


def _accepting_all(stopping: list[Doubt]) -> str:
    import tomllib

    names = [tomllib.loads(each.accept)["source"]["accept"] for each in stopping]
    return accepting(dict.fromkeys(name for each in names for name in each))
