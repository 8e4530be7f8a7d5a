"""What arrived, and what did not: the month that is due, invoices that two sources tell apart.

Belongs here: judging the input as a whole, as pure functions. Does not: reading it, or rejecting
rows for it (``cleaning``).
"""

from datetime import date

from ibis.expr.types import Table

from customer_segments.settings import Settings
from customer_segments.tables.money import SUM


def awaited_message(month: date, newest: date, settings: Settings) -> str:
    """Say that the data of a month is not there, and what to do."""
    return (
        f"The data of {month:%Y-%m} is not all there: the newest row is of {newest}. Put its "
        f"workbook into {settings.input_dir}; until then no more is published for that month."
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
        revenue=(lines.quantity * lines.price).cast(SUM).sum().fill_null(0),
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
