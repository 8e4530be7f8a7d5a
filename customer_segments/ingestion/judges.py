"""What is looked at in ``raw_transactions``: that all of it arrived, and nothing twice.

Belongs here: judging the input as a whole. Does not: reading it, or rejecting rows for it
(``cleaning``).
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from ibis.expr.types import Table

from customer_segments.doubt import Doubt, each_once
from customer_segments.ingestion.orders.keys import BACK, KEY, with_keys
from customer_segments.ingestion.reuse import in_raw, in_sheets
from customer_segments.months import month_of
from customer_segments.quality.evaluation import Level
from customer_segments.quality.judge import Judge, Row, Said
from customer_segments.quality.scope import Scope
from customer_segments.quality.spine import Spine
from customer_segments.tables import RAW_TRANSACTIONS, SOURCE_DOUBTS, SOURCE_SHEETS
from customer_segments.tables.money import total_revenue

SHOWN_INVOICES = 10


def awaited_message(month: date, newest: date, folder: Path | None) -> str:
    """Say that the data of a month is not there, and what to do; a database has no folder."""
    until = f"Put its workbook into {folder}; until then" if folder else "Until the database has it"
    return (
        f"The data of {month:%Y-%m} is not all there: the newest row is of {newest}. {until} no "
        "more is published for that month."
    )


def newest_row(_scope: Scope) -> Table:
    """Return when the newest row of the workbooks is of."""
    sheets = SOURCE_SHEETS.relation
    return sheets.agg(newest_date=sheets.last_date.max().cast("date").cast("string"))


def _says_awaited(_row: Row, scope: Scope) -> Said:
    if awaited := scope.months.awaited(scope.newest_date):
        yield Level.WARN, awaited_message(awaited, scope.newest_date, scope.folder)


def _newest_month(rows: list[Row], scope: Scope) -> Iterable[Row]:
    is_known = rows[0]["newest_date"] is not None
    month = {"month": month_of(scope.newest_date)} if is_known else {"why": "no row has a date"}
    return [month | {"newest_date": str(scope.newest_date)}]


def _says_cut(row: Row, scope: Scope) -> Said:
    """Of a live feed the month that goes on is never whole, and one that is over is awaited."""
    if not scope.months.is_open and not scope.is_complete(month_of(scope.newest_date)):
        how = "these are the figures of a part of the month"
        yield Level.WARN, f"the data ends on {row['newest_date']}, {how}"


def conflicting_invoices(raw: Table) -> Table:
    """Return the orders that another has superseded with other lines, units or money.

    ``invoice``, ``customer``, ``day``, ``least`` and ``most`` (revenue of its different lines in
    one of the sheets that have it). The last that has an order counts.
    """
    raw = with_keys(raw)
    lines = raw.semi_join(raw.filter(raw.is_superseded), KEY)
    # A file may have been appended to itself twice: what is superseded there stands twice.
    each = ["workbook", "sheet", "is_superseded"]
    lines = lines.group_by(*KEY, *each, "stock_code", "invoice_date", "quantity", "price").agg()
    told = lines.group_by(*KEY, *each).agg(
        lines=lines.count(),
        units=lines.quantity.sum().fill_null(0),
        revenue=total_revenue(lines).fill_null(0),
    )
    orders = told.group_by(KEY).agg(
        least=told.revenue.min(),
        most=told.revenue.max(),
        # Its number alone stands in the later one: with another customer, or on another day.
        is_told_apart=told.is_superseded.all()
        | (told.lines.nunique() > 1)
        | (told.units.nunique() > 1)
        | (told.revenue.nunique() > 1),
    )
    orders = orders.filter(orders.is_told_apart).mutate(invoice=orders.number.replace(BACK, ""))
    return orders.select("invoice", "customer", "day", "least", "most")


def first_conflicts(_scope: Scope) -> Table:
    """Return the first of the orders that are told apart, each with how many they are."""
    conflicts = conflicting_invoices(RAW_TRANSACTIONS.relation)
    conflicts = conflicts.mutate(orders=conflicts.count())
    return conflicts.order_by("invoice", "customer", "day").limit(SHOWN_INVOICES)


def _counted(rows: list[Row], _scope: Scope) -> Iterable[Row]:
    shown = "{invoice} of {customer} on {day}, {least:,.4f} to {most:,.4f}"
    first = "; ".join(shown.format(**row) for row in rows)
    return [{"orders": rows[0]["orders"] if rows else 0, "first": first or None}]


def misread_dates(scope: Scope) -> Table:
    """Return how many rows are dated outside the months covered, by no setting's will."""
    raw = RAW_TRANSACTIONS.relation
    outside = raw.filter(raw.invoice_date.truncate("M").date() != raw.month)
    first, last = scope.bounds
    if first:
        outside = outside.filter(outside.invoice_date.date() > outside.month)
    if last:
        outside = outside.filter(outside.invoice_date.date() < outside.month)
    return outside.agg(
        rows=outside.count(),
        earliest=outside.invoice_date.min().cast("date").cast("string"),
        latest=outside.invoice_date.max().cast("date").cast("string"),
    )


def _all_doubts(rows: list[Row], _scope: Scope) -> Iterable[Row]:
    found = each_once(Doubt(**row) for row in rows)
    said = "; ".join(f"{each.name}: {each.said}" for each in found) or None
    advice = "\n\n".join(each.advice for each in found)
    return [{"doubts": len(found), "said": said, "advice": advice}]


JUDGES = (
    Judge(RAW_TRANSACTIONS, "awaited_month", newest_row, says=_says_awaited),
    Judge(RAW_TRANSACTIONS, "complete_month", newest_row, _newest_month, _says_cut),
    Judge(RAW_TRANSACTIONS, "conflicting_invoices", first_conflicts, _counted),
    Judge(RAW_TRANSACTIONS, "misread_dates", misread_dates),
    Judge(
        RAW_TRANSACTIONS,
        "doubts",
        lambda scope: scope.relation(SOURCE_DOUBTS).order_by("name", "said"),
        _all_doubts,
        reads=(SOURCE_DOUBTS,),
    ),
)
SPINE = Spine(
    (RAW_TRANSACTIONS,), in_sheets(SOURCE_SHEETS.relation), in_raw(RAW_TRANSACTIONS.relation)
)
CHECKED = ((JUDGES, SPINE),)
