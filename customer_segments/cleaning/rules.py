"""The cleaning rules: which rows are kept, and why the others are not.

Belongs here: a row's reason for rejection, and what a kept row looks like, as pure Ibis.
Does not: storage, or the switches and tables of codes (``policy``).
"""

from collections.abc import Callable
from datetime import date

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from customer_segments.policy.rules import Cleaning
from customer_segments.tables import CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments.tables.money import line_revenue

# What identifies a row of the workbooks.
PLACE = ["workbook", "sheet", "row_number"]

# What a line says: another that says the same repeats it.
SAYS = ["invoice", "stock_code", "quantity", "description", "invoice_date", "price"]
SAYS += ["customer_id", "country"]

SIGNED = ("quantity", "revenue")

# In the order in which they are asked; the first that matches is the row's reason. By reason, the
# switch of the policy, if there is one, and which rows are rejected. What became of an order is
# asked before what is in it, as who bought it is.
RULES: dict[str, tuple[str | None, Callable[[Table, Cleaning], BooleanValue]]] = {
    "unreadable_value": (None, lambda rows, _: rows.unreadable_column.notnull()),
    "outside_months": (None, lambda rows, _: rows.invoice_date.truncate("M").date() != rows.month),
    "overlapping_invoice": ("drop_overlapping_invoices", lambda rows, _: rows.is_superseded),
    "missing_customer": ("drop_missing_customer", lambda rows, _: rows.customer_id.isnull()),
    "other_status": (
        "statuses",
        lambda rows, rules: ~counts(rows.status, rules.statuses + rules.credit_statuses),
    ),
    "adjustment": ("drop_adjustments", lambda rows, _: rows.is_uci & rows.invoice.startswith("A")),
    "non_product": ("drop_non_products", lambda rows, rules: ~is_product(rows, rules)),
    "non_positive_price": ("drop_non_positive_price", lambda rows, _: rows.price <= 0),
    "non_positive_quantity": (
        "drop_non_positive_quantity",
        lambda rows, _: ~rows.is_credit & (rows.quantity <= 0),
    ),
    "positive_credit_note": (
        "drop_positive_credit_notes",
        lambda rows, _: rows.is_credit & (rows.quantity >= 0),
    ),
    "credit_note": ("drop_credit_notes", lambda rows, _: rows.is_credit),
}
REASONS = (*RULES, "repeated_line")
# By what the policy says marks them.
CREDIT_LINES: dict[str, Callable[[Table, Cleaning], BooleanValue]] = {
    "prefix": lambda raw, rules: (
        raw.is_negative_prefix & raw.invoice.upper().startswith(rules.credit_prefix.upper())
    ),
    "sign": lambda raw, _: (raw.quantity < 0) | ((raw.price < 0) & (raw.quantity > 0)),
    "price": lambda raw, _: raw.price < 0,
}


def cleaned(raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Return the rows to keep of the months ``first`` to ``last``."""
    rows = classified(raw, rules, first, last)
    kept = _with_repeats(rows.filter(rows.reason.isnull()), raw, rules, first, last)
    return kept.select(*CLEANED_TRANSACTIONS.schema.names)


def rejected(raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Return the rows not to keep of the months ``first`` to ``last``, each with its reason."""
    rows = classified(raw, rules, first, last)
    return rows.filter(rows.reason.notnull()).select(*REJECTED_TRANSACTIONS.schema.names)


def classified(raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Give every raw row of the months its ``reason``, null for those to keep.

    A row without an invoice number has its day in place of it. Where a negative price marks credit
    lines, these have both signs turned: the quantity is negative, the price is not. With
    ``credit = "sign"`` either marks them.

    Parameters
    ----------
    raw
        As ``RAW_TRANSACTIONS`` has it.
    first, last
        First days of the first and the last month.
    """
    rows = _judged(_of_months(raw, first, last), rules)
    if rules.drop_repeated_lines:
        rows = _with_repeats(rows, raw, rules, first, last)
        reason = ibis.ifelse(rows.is_repeated, "repeated_line", rows.reason)
        rows = rows.mutate(reason=reason).drop("is_repeated")
    return rows


def _of_months(raw: Table, first: date, last: date) -> Table:
    return raw.filter(raw.month.between(ibis.date(first), ibis.date(last)))


def _judged(raw: Table, rules: Cleaning) -> Table:
    """Give every row the ``reason`` that lies in itself."""
    rows = raw.mutate(
        invoice=raw.invoice.upper().fill_null(raw.invoice_date.date().cast("string")),
        stock_code=raw.stock_code.upper(),
        is_credit=CREDIT_LINES[rules.credit](raw, rules).fill_null(False),
        revenue=line_revenue(raw),
    )
    if rules.credit_statuses:
        is_one = counts(rows.status, rules.credit_statuses)
        is_unsigned = is_one & (rows.quantity > 0) & (rows.price > 0)
        signed = {name: ibis.ifelse(is_unsigned, -rows[name], rows[name]) for name in SIGNED}
        rows = rows.mutate(is_credit=rows.is_credit | is_one, **signed)
    if rules.credit != "prefix" or rules.credit_statuses:
        is_turned = rows.is_credit & (rows.price < 0)
        if rules.credit != "price":
            is_turned &= rows.quantity > 0
        turned = {name: -rows[name] for name in ("quantity", "price")}
        rows = rows.mutate(
            **{name: ibis.ifelse(is_turned, each, rows[name]) for name, each in turned.items()}
        )
    # Where a quantity marks it, minus one at minus five is a return of five all the same.
    twice = rows.is_credit & (rows.price < 0) & (rows.quantity < 0) & (rules.credit != "price")
    rows = rows.mutate(
        price=ibis.ifelse(twice, -rows.price, rows.price),
        revenue=ibis.ifelse(twice, -rows.revenue, rows.revenue),
    )
    return rows.mutate(reason=_row_reason(rows, rules))


def _row_reason(rows: Table, rules: Cleaning) -> StringValue:
    """Return the first rule that rejects the row, or null."""
    return ibis.cases(
        *(
            (rejects(rows, rules), reason)
            for reason, (switch, rejects) in RULES.items()
            if switch is None or getattr(rules, switch)
        )
    )


def counts(status: StringValue, statuses: list[str]) -> BooleanValue:
    """Tell whether a status is one of some, in any case; one that is missing is the empty text."""
    return status.fill_null("").strip().upper().isin([each.strip().upper() for each in statuses])


def is_product(rows: Table, rules: Cleaning) -> BooleanValue:
    """Tell whether a trimmed, upper-case ``stock_code`` is a product.

    It is if it matches ``product_pattern``, where there is one, else if neither ``non_products``
    names it (where it has no code, by its description) nor, in UCI's data, ``uci_non_products``.
    """
    if rules.product_pattern is not None:
        return rows.stock_code.re_search(rules.product_pattern).fill_null(True)
    own = {code.upper(): what for code, what in rules.non_products.items()}
    is_own = _is_named(code_of(rows), own) if own else ibis.literal(False)
    is_uci = _is_named(rows.stock_code, rules.uci_non_products | own)
    return ~(is_own | (rows.is_uci & is_uci)).fill_null(False)


def code_of(rows: Table) -> StringValue:
    """Return the code by which ``non_products`` names rows, upper-case: of none, what it is.

    What has neither is the empty text.
    """
    return ibis.coalesce(rows.stock_code, rows.description.strip().upper(), "")


def _is_named(stock_code: StringValue, table: dict[str, str]) -> BooleanValue:
    codes = [code for code, what in table.items() if what]
    starts = [stock_code.startswith(code[:-1]) for code in codes if code.endswith("*")]
    return ibis.or_(stock_code.isin(codes), *starts)


def _repeated_places(raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Return where the kept lines stand that say the same as an earlier one of their invoice.

    Only lines that share invoice and product with another are judged and sorted: few do. Numbers
    stand for the two, which are sooner compared; a few more lines are looked at for that.
    """
    numbers = [raw[name].upper().fill_null("").hash() % 2**31 for name in ("invoice", "stock_code")]
    of = numbers[0].cast("int64") * 2**31 + numbers[1].cast("int64")
    # Of the rows these columns alone, or the engine would keep all of them for who reads on.
    pairs = _of_months(raw.select("month", of=of), first, last)
    often = pairs.group_by("of").agg(lines=pairs.count()).filter(ibis._.lines > 1)
    several = _of_months(raw.mutate(of=of), first, last).semi_join(often, "of")
    rows = _judged(several, rules)
    kept = rows.filter(rows.reason.isnull())
    kept = kept.mutate(stock_code=kept.stock_code.fill_null(""))
    line = ibis.window(group_by=SAYS, order_by=PLACE)
    places = kept.select(*PLACE, is_later=ibis.row_number().over(line) > 0)
    return places.filter(places.is_later)


def _with_repeats(rows: Table, raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Flag kept lines that say the same as an earlier kept line of their invoice.

    ``raw`` is what the rows of the months were made of.
    """
    joined = rows.left_join(_repeated_places(raw, rules, first, last), PLACE)
    return joined.mutate(is_repeated=joined.is_later.fill_null(False)).drop(
        "is_later", *(f"{column}_right" for column in PLACE)
    )
