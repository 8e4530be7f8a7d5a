"""Typed rows -> ``raw_transactions``: what needs sight of more than one row.

Belongs here: a row's month, and whether a later source supersedes its invoice. Arrival time
plays no part, so that a rebuild gives the same result. Does not: judging rows (``cleaning``).
"""

from datetime import date

import ibis
from ibis.expr.types import Table

from customer_segments.tables import RAW_TRANSACTIONS


def settle(rows: Table, sheets: Table, first: date, last: date) -> Table:
    """Return typed rows as ``RAW_TRANSACTIONS`` has them.

    Parameters
    ----------
    rows
        Result of ``typed_rows``.
    sheets
        ``workbook``, ``sheet`` and ``source_order``: a sheet supersedes those before it.
    first, last
        First days of the first and the last month covered; months are clipped to them.
    """
    ordered = rows.inner_join(
        sheets.select("workbook", "sheet", "source_order"), ["workbook", "sheet"]
    )
    settled = _with_month(_with_superseded(ordered))
    month = ibis.greatest(ibis.least(settled.month, ibis.date(last)), ibis.date(first))
    return settled.mutate(month=month).select(*RAW_TRANSACTIONS.schema.names)


def _with_superseded(rows: Table) -> Table:
    """Mark rows whose invoice, in whatever case, also stands in a later source."""
    rows = rows.mutate(number=rows.invoice.upper())
    newest = rows.group_by("number").agg(newest=rows.source_order.max())
    newest = newest.filter(newest.number.notnull())
    joined = rows.left_join(newest, "number")
    return joined.mutate(is_superseded=(joined.source_order < joined.newest).fill_null(False))


def _with_month(rows: Table) -> Table:
    """Add the month of the row, of the nearest dated row before it in its sheet, else after.

    Only sheets that have undated rows are sorted, for their sake: most have none.
    """
    rows = rows.mutate(own_month=rows.invoice_date.truncate("M").date())
    sheet = ["workbook", "sheet"]
    undated = rows.filter(rows.own_month.isnull())
    concerned = rows.semi_join(undated, sheet).select(*sheet, "row_number", "own_month")
    # A dated row starts a group, and the undated ones after it fall into the same; group 0 is
    # what stands before the first dated row, whose month group 1 has.
    numbered = concerned.mutate(
        dated_so_far=concerned.own_month.count().over(
            ibis.cumulative_window(group_by=sheet, order_by="row_number")
        )
    )
    group = ibis.greatest(numbered.dated_so_far, 1)
    near = numbered.mutate(
        near_month=numbered.own_month.max().over(ibis.window(group_by=[*sheet, group]))
    ).filter(numbered.own_month.isnull())
    joined = rows.left_join(near.drop("own_month", "dated_so_far"), [*sheet, "row_number"])
    return joined.mutate(month=ibis.coalesce(joined.own_month, joined.near_month))
