"""Typed rows -> ``raw_transactions``: what needs sight of more than one row.

Belongs here: a row's month, and whether a later source supersedes its invoice. Arrival time
plays no part, so that a rebuild gives the same result. Does not: judging rows (``cleaning``).
"""

from datetime import date

import ibis
from ibis.expr.types import Table

from customer_segments.ingestion.contracts import RAW_TRANSACTIONS


def settle(rows: Table, first: date, last: date) -> Table:
    """Return typed rows as ``RAW_TRANSACTIONS`` has them.

    Parameters
    ----------
    rows
        Result of ``typed_rows``.
    first, last
        First days of the first and the last month covered; months are clipped to them.
    """
    settled = _with_month(_with_superseded(rows))
    month = ibis.greatest(ibis.least(settled.month, ibis.date(last)), ibis.date(first))
    return settled.mutate(month=month).select(*RAW_TRANSACTIONS.schema.names)


def _with_superseded(rows: Table) -> Table:
    """Mark rows whose invoice also stands in a later source."""
    newest = rows.group_by("invoice").agg(newest=rows.source_order.max())
    newest = newest.filter(newest.invoice.notnull())
    joined = rows.left_join(newest, "invoice")
    return joined.mutate(is_superseded=(joined.source_order < joined.newest).fill_null(False)).drop(
        "newest", "invoice_right"
    )


def _with_month(rows: Table) -> Table:
    """Add the month of the row, of the nearest dated row before it in its sheet, else after.

    The undated are found by joining each with the dated rows of its sheet: they are few, and
    a window over all rows would sort the whole table for their sake.
    """
    own = rows.invoice_date.truncate("M").date()
    rows = rows.mutate(own_month=own)
    sheet = ["workbook", "sheet"]
    undated = rows.filter(rows.own_month.isnull()).select(*sheet, "row_number")
    dated = rows.filter(rows.own_month.notnull()).select(
        *sheet, dated_row=rows.row_number, dated_month=rows.own_month
    )
    near = undated.join(dated, sheet)
    is_before = near.dated_row < near.row_number
    near = near.group_by(*sheet, "row_number").agg(
        near_month=ibis.coalesce(
            near.dated_month.argmax(near.dated_row, where=is_before),
            near.dated_month.argmin(near.dated_row, where=~is_before),
        )
    )
    joined = rows.left_join(near, [*sheet, "row_number"])
    return joined.mutate(month=ibis.coalesce(joined.own_month, joined.near_month)).drop(
        "near_month", "own_month", "workbook_right", "sheet_right", "row_number_right"
    )
