"""The cleaning rules: which rows are kept, and why the others are not.

Belongs here: a row's reason for rejection, and what a kept row looks like, as pure Ibis.
Does not: what is not a product (``stock_codes``), or storage.
"""

from datetime import date

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from customer_segments.cleaning.stock_codes import is_product
from customer_segments.policy.rules import Cleaning
from customer_segments.tables import CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments.tables.money import LINE

# What identifies a row of the workbooks.
PLACE = ["workbook", "sheet", "row_number"]

# In the order in which they are asked; the first that matches is the row's reason.
REASONS = (
    "unreadable_value",
    "outside_months",
    "overlapping_invoice",
    "missing_customer",
    "adjustment",
    "non_product",
    "non_positive_price",
    "non_positive_quantity",
    "positive_credit_note",
    "credit_note",
    "repeated_line",
)


def cleaned(raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Return the rows to keep of the months ``first`` to ``last``."""
    rows = classified(raw, rules, first, last)
    kept = _with_repeats(rows.filter(rows.reason.isnull()))
    return kept.select(*CLEANED_TRANSACTIONS.schema.names)


def rejected(raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Return the rows not to keep of the months ``first`` to ``last``, each with its reason."""
    rows = classified(raw, rules, first, last)
    return rows.filter(rows.reason.notnull()).select(*REJECTED_TRANSACTIONS.schema.names)


def classified(raw: Table, rules: Cleaning, first: date, last: date) -> Table:
    """Give every raw row of the months its ``reason``, null for those to keep.

    Parameters
    ----------
    raw
        As ``RAW_TRANSACTIONS`` has it.
    first, last
        First days of the first and the last month.
    """
    raw = raw.filter(raw.month.between(ibis.date(first), ibis.date(last)))
    is_credit = (
        raw.invoice.upper().startswith(rules.credit_prefix.upper())
        if rules.credit_prefix
        else raw.quantity < 0
    )
    rows = raw.mutate(
        invoice=raw.invoice.upper(),
        stock_code=raw.stock_code.upper(),
        is_credit=is_credit.fill_null(False),
        revenue=(raw.quantity * raw.price).cast(LINE),
    )
    rows = rows.mutate(reason=_row_reason(rows, rules))
    if rules.drop_repeated_lines:
        rows = _with_repeats(rows)
        reason = ibis.ifelse(rows.is_repeated, "repeated_line", rows.reason)
        rows = rows.mutate(reason=reason).drop("is_repeated")
    return rows


def _row_reason(rows: Table, rules: Cleaning) -> StringValue:
    """Return the first rule that rejects the row, or null."""
    is_outside = rows.invoice_date.truncate("M").date() != rows.month
    asked: list[tuple[str, bool, BooleanValue]] = [
        ("unreadable_value", True, rows.unreadable_column.notnull()),
        ("outside_months", True, is_outside),
        ("overlapping_invoice", rules.drop_overlapping_invoices, rows.is_superseded),
        ("missing_customer", rules.drop_missing_customer, rows.customer_id.isnull()),
        ("adjustment", rules.drop_adjustments, rows.invoice.startswith("A")),
        (
            "non_product",
            rules.drop_non_products,
            ~is_product(rows.stock_code, rules),
        ),
        ("non_positive_price", rules.drop_non_positive_price, rows.price <= 0),
        (
            "non_positive_quantity",
            rules.drop_non_positive_quantity,
            ~rows.is_credit & (rows.quantity <= 0),
        ),
        (
            "positive_credit_note",
            rules.drop_positive_credit_notes,
            rows.is_credit & (rows.quantity >= 0),
        ),
        ("credit_note", rules.drop_credit_notes, rows.is_credit),
    ]
    return ibis.cases(*((condition, reason) for reason, is_on, condition in asked if is_on))


def _repeated_places(kept: Table) -> Table:
    """Return where the lines stand that say the same as an earlier one of their invoice.

    Only lines that share invoice, product and quantity with another are sorted: few do.
    """
    alike = ["invoice", "stock_code", "quantity"]
    often = kept.group_by(alike).agg(lines=kept.count()).filter(ibis._.lines > 1)
    candidates = kept.semi_join(often, alike)
    line = ibis.window(
        group_by=[*alike, "description", "invoice_date", "price", "customer_id", "country"],
        order_by=PLACE,
    )
    places = candidates.select(*PLACE, is_later=ibis.row_number().over(line) > 0)
    return places.filter(places.is_later)


def _with_repeats(rows: Table) -> Table:
    """Flag kept lines that say the same as an earlier kept line of their invoice."""
    joined = rows.left_join(_repeated_places(rows.filter(rows.reason.isnull())), PLACE)
    return joined.mutate(is_repeated=joined.is_later.fill_null(False)).drop(
        "is_later", *(f"{column}_right" for column in PLACE)
    )
