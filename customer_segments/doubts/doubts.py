"""Doubts: what looks wrong with the input as a whole, before anybody is labelled.

Belongs here: which doubts there are, and what becomes of those that stop. Does not: a row's own
fate (``cleaning``), what is seen while reading (``forms``).
"""

from collections.abc import Callable, Iterable, Iterator

from customer_segments.doubt import Doubt, accepting, each_once
from customer_segments.doubts import (
    again,
    columns,
    customers,
    files,
    lines,
    retailers,
    sheets,
    statuses,
    totals,
)
from customer_segments.doubts.evidence import Evidence
from customer_segments.errors import UserError

DOUBTED: tuple[Callable[[Evidence], Iterator[Doubt]], ...] = (
    *(customers.lost_digits, customers.padded_ids),
    *(customers.outlying_customer, customers.few_customers, customers.one_order_each),
    *(retailers.several_ids, retailers.swapped_ids, columns.other_scale),
    *(files.fill_down, columns.no_quantity, columns.line_prices, columns.placeholder_dates),
    *(columns.swapped_days, columns.numbered_lines, columns.other_headings),
    *(totals.totals, again.repeated_lines, again.sold_twice, again.lost_orders),
    *(statuses.sold_in_statuses, sheets.one_day, sheets.cut_off, sheets.corrected),
    *(lines.unnetted_returns, statuses.unsigned_credit_notes, statuses.unsigned_credit_statuses),
    statuses.unsigned_credit_sheets,
    *(lines.services_sold, lines.outlying_reason),
    *(files.several_currencies, files.several_measures, files.unused_money, files.wrong_code_page),
)
# Why a reason rejects as much as it does, and nothing has to be said of it: by doubt, the reasons.
EXPLAINS = {
    "empty_column": ("unreadable_value", "missing_customer"),
    "fill_down": ("unreadable_value", "missing_customer"),
    "formulas": ("unreadable_value", "missing_customer"),
    "unnetted_returns": ("non_positive_quantity", "non_positive_price"),
}


def doubts(
    found: Evidence, further: Iterable[Doubt] = (), passed_over: Iterable[str] = ()
) -> list[Doubt]:
    """Return what is doubted of all rows; doubts that the policy accepts only warn.

    ``further`` are doubts that others have: of single columns; ``passed_over`` are names of files
    and sheets.
    """
    accepted = found.policy.source.accept
    doubted = [*further, *sheets.left_out(passed_over)]
    doubted += [each for doubts_of in DOUBTED for each in doubts_of(found)]
    # Ids that are written in another way share nothing with those of before.
    others = [each for each in doubted if each.name in ("padded_ids", "several_ids")]
    if all(each.name in accepted or each.level == "warns" for each in others):
        doubted += retailers.other_retailer(found)
    if any(each.name == "empty_column" for each in doubted):
        # What another column says is not to be had from the row above.
        doubted = [each for each in doubted if each.name != "fill_down"]
    explained = tuple(reason for each in doubted for reason in EXPLAINS.get(each.name, ()))
    return [
        each._replace(
            level="warns" if each.name in accepted else each.level,
            accept=accepting(dict.fromkeys([*accepted, each.name])),
        )
        for each in doubted
        if not (each.name == "outlying_reason" and each.said.startswith(explained))
    ]


def require_none_stops(found: Iterable[Doubt], accepted: Iterable[str] = ()) -> None:
    """Raise a UserError that lists the doubts that stop, if there are any.

    It says how to accept them all, beside those that the policy has ``accepted``.
    """
    stopping = [each for each in each_once(found) if each.level == "stops"]
    if not stopping:
        return
    accept = accepting(dict.fromkeys([*accepted, *(each.name for each in stopping)]))
    raise UserError(
        "Nothing is published: the input looks wrong as a whole.\n"
        + "\n".join(f"- {each.name}: {each.said}\n{each.advice}" for each in stopping),
        "\nThe lines belong into customer_segments.toml: `customer-segments init` proposes them. "
        f"If all is well as it is, accept it there:\n{accept}",
    )
