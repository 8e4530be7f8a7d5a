"""What is looked at in ``raw_transactions``: that all of it arrived, and nothing twice.

Belongs here: judging the input as a whole. Does not: reading it, or rejecting rows for it
(``cleaning``).
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from ibis.expr.types import Table

from customer_segments.ingestion.reuse import in_raw, in_sheets
from customer_segments.months import month_of
from customer_segments.quality.evaluation import Level
from customer_segments.quality.judge import Judge, Row
from customer_segments.quality.runner import table_checks
from customer_segments.quality.scope import Scope
from customer_segments.quality.spine import Spine
from customer_segments.tables import RAW_TRANSACTIONS, SOURCE_SHEETS

SHOWN_INVOICES = 10


def awaited_message(month: date, newest: date, folder: Path) -> str:
    """Say that the data of a month is not there, and what to do."""
    return (
        f"The data of {month:%Y-%m} is not all there: the newest row is of {newest}. Put its "
        f"workbook into {folder}; until then no more is published for that month."
    )


def newest_row(_scope: Scope) -> Table:
    """Return when the newest row of the workbooks is of."""
    sheets = SOURCE_SHEETS.relation
    return sheets.agg(newest_date=sheets.last_date.max().cast("date").cast("string"))


def says_awaited(row: Row, scope: Scope) -> Iterable[tuple[Level, str]]:
    """Say that the last month that is over has not arrived."""
    if awaited := scope.months.awaited(scope.newest_date):
        yield Level.WARN, awaited_message(awaited, scope.newest_date, scope.folder)


def newest_month(rows: list[Row], scope: Scope) -> Iterable[Row]:
    """Return the newest month that has a row."""
    month = {"month": month_of(scope.newest_date)} if rows[0]["newest_date"] else {}
    return [month | {"newest_date": str(scope.newest_date), "why": "" if month else "no date"}]


def says_cut(row: Row, scope: Scope) -> Iterable[tuple[Level, str]]:
    """Say that the newest month of a historical file ends early.

    Of a live feed the month that goes on is never whole, and one that is over is awaited.
    """
    if not scope.months.is_open and not scope.is_complete(month_of(scope.newest_date)):
        yield (
            Level.WARN,
            "the data ends on {newest_date}, ".format(**row)
            + ("these are the figures of a part of the month"),
        )


def conflicting_invoices(raw: Table) -> Table:
    """Return invoices that stand in several sheets with other lines, units or money.

    ``invoice``, ``sheets`` (how many), ``least`` and ``most`` (revenue in one of them). The last
    sheet that has an invoice counts.
    """
    raw = raw.mutate(invoice=raw.invoice.upper())
    superseded = raw.filter(raw.is_superseded).select("invoice").distinct()
    lines = raw.semi_join(superseded, "invoice")
    told = lines.group_by("invoice", "workbook", "sheet").agg(
        lines=lines.count(),
        units=lines.quantity.sum().fill_null(0),
        revenue=(lines.quantity * lines.price).cast("decimal(38, 4)").sum().fill_null(0),
    )
    invoices = told.group_by("invoice").agg(
        sheets=told.count(),
        least=told.revenue.min(),
        most=told.revenue.max(),
        is_told_apart=(told.lines.nunique() > 1)
        | (told.units.nunique() > 1)
        | (told.revenue.nunique() > 1),
    )
    return invoices.filter(invoices.is_told_apart).drop("is_told_apart")


def first_conflicts(_scope: Scope) -> Table:
    """Return the first of the invoices that sheets tell apart, each with how many they are."""
    conflicts = conflicting_invoices(RAW_TRANSACTIONS.relation)
    conflicts = conflicts.mutate(invoices=conflicts.count())
    return conflicts.order_by("invoice").limit(SHOWN_INVOICES)


def counted(rows: list[Row], _scope: Scope) -> Iterable[Row]:
    """Return how many invoices sheets tell apart, and the first of them."""
    first = [
        "{invoice} in {sheets} sheets, {least:,.4f} to {most:,.4f}".format(**row) for row in rows
    ]
    return [{"invoices": rows[0]["invoices"] if rows else 0, "first": "; ".join(first) or None}]


def says_conflicts(row: Row, _scope: Scope) -> Iterable[tuple[Level, str]]:
    """Say how many invoices sheets tell apart."""
    if row["invoices"]:
        yield (
            Level.WARN,
            (
                f"{row['invoices']:,} invoices stand in several sheets with different lines; the "
                "last sheet counts"
            ),
        )


JUDGES = (
    Judge(
        RAW_TRANSACTIONS,
        "awaited_month",
        "The data of the last calendar month that is over has arrived (live feeds).",
        figures=newest_row,
        says=(says_awaited,),
        well="Nothing is due: the newest row is of {newest_date}.",
    ),
    Judge(
        RAW_TRANSACTIONS,
        "complete_month",
        "The newest month of a historical file reaches the month's last days.",
        figures=newest_row,
        rows=newest_month,
        says=(says_cut,),
        well="The newest row is of {newest_date}.",
    ),
    Judge(
        RAW_TRANSACTIONS,
        "conflicting_invoices",
        "No invoice stands in two sheets with different lines. The last one counts.",
        figures=first_conflicts,
        rows=counted,
        says=(says_conflicts,),
        advice="Look whether it is a correction.",
        well="Where an invoice stands in several sheets, they agree.",
    ),
)

raw_transactions_checks = table_checks(
    *JUDGES,
    spine=Spine(
        (RAW_TRANSACTIONS,), in_sheets(SOURCE_SHEETS.relation), in_raw(RAW_TRANSACTIONS.relation)
    ),
)
