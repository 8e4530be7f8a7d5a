"""Typed rows -> ``raw_transactions``: what needs sight of more than one row.

Belongs here: a row's month, and putting to the rows what is found of their orders and sheets.
Arrival time plays no part, so that a rebuild gives the same result. Does not: how orders are found
again (``blocks``, ``identity``), what marks a sheet (``marks``), judging rows (``cleaning``).
"""

from collections.abc import Callable
from datetime import date
from logging import getLogger

import ibis
import pandas as pd
from ibis.expr.types import Table

from customer_segments.ingestion.columns.layout import where
from customer_segments.ingestion.orders.blocks import Block, blocks_of, in_blocks
from customer_segments.ingestion.orders.identity import superseded
from customer_segments.ingestion.orders.keys import KEY, SHEET, orders_of, with_keys
from customer_segments.ingestion.orders.marks import negative_prefixes, prefix, uci_sheets
from customer_segments.ingestion.orders.pairs import said_of
from customer_segments.storage.connection import Connection
from customer_segments.storage.relations import fetched, kept
from customer_segments.tables import RAW_TRANSACTIONS

logger = getLogger(__name__)


def settle(
    con: Connection,
    rows: Table,
    surveyed: pd.DataFrame,
    first: date,
    last: date,
    progress: Callable[[str], object] = logger.info,
) -> Table:
    """Return typed rows as ``RAW_TRANSACTIONS`` has them.

    Their orders are looked for right away; what is returned reads temporary tables. The rows, as
    ``typed_rows`` returns them, are read several times; the sheets ``surveyed`` have
    ``source_order``, their places from 0 on: one supersedes those before it. Months are clipped to
    ``first`` and ``last``, those covered, by their first days. ``progress`` is told how sheets that
    share orders are taken.
    """
    sheets = kept(con, ibis.memtable(surveyed[[*SHEET, "source_order"]]), "sheets")
    # Each of a pass of its own, over few columns: what is read twice in one query is held whole.
    undated = rows.filter(rows.invoice_date.isnull()).select(SHEET).distinct()
    undated, uci = kept(con, undated, "undated"), kept(con, uci_sheets(rows), "uci_sheets")
    rows = with_keys(rows).inner_join(sheets, SHEET)
    settled = _with_superseded(con, rows, sheets, progress)
    settled = settled.mutate(own_month=settled.invoice_date.truncate("M").date())
    settled = _with_month(settled, undated if fetched(con, undated.limit(1)) else None)
    settled = _marked(settled, uci, SHEET, "is_uci")
    month = ibis.greatest(ibis.least(settled.month, ibis.date(last)), ibis.date(first))
    return settled.mutate(month=month).select(*RAW_TRANSACTIONS.schema.names)


def _with_superseded(
    con: Connection, rows: Table, sheets: Table, progress: Callable[[str], object]
) -> Table:
    """Mark rows whose order counts elsewhere, and those whose prefix marks credit notes."""
    names = [
        where(row["workbook"], row["sheet"])
        for row in fetched(con, sheets.order_by("source_order"))
    ]
    rows = rows.mutate(place=rows.source_order, prefix=prefix(rows.number))
    orders = kept(con, orders_of(rows), "orders")
    negative = negative_prefixes(orders).rename(source_order="place")
    blocks = blocks_of(con, rows, orders, len(names))
    if len(blocks) > len(names):
        rows = in_blocks(con, rows, blocks, "blocks")
        orders = kept(con, orders_of(rows), "orders_of_blocks")
    found, pairs = superseded(con, rows, orders, blocks)
    for said in said_of(pairs, [_named(block, names) for block in blocks]):
        progress(said)
    rows = _marked(rows, kept(con, found, "found"), ["place", *KEY], "is_superseded")
    return _marked(rows, negative, ["source_order", "prefix"], "is_negative_prefix")


def _named(block: Block, names: list[str]) -> str:
    name = names[block.source]
    return f"{name} from row {block.begin:,} on" if block.begin else name


def _marked(rows: Table, which: Table, key: list[str], name: str) -> Table:
    """Add whether a row's key is among those of ``which``."""
    marked = rows.left_join(which.select(key).mutate(is_there=True), key)
    return marked.select(rows, **{name: marked.is_there.fill_null(False)})


def _with_month(rows: Table, undated: Table | None) -> Table:
    """Add the month of the row, of the nearest dated row before it in its sheet, else after.

    Only sheets that have undated rows are sorted, for their sake: most have none.
    """
    if undated is None:
        return rows.mutate(month=rows.own_month)
    concerned = rows.semi_join(undated, SHEET).select(*SHEET, "row_number", "own_month")
    # A dated row starts a group, and the undated ones after it fall into the same; group 0 is
    # what stands before the first dated row, whose month group 1 has.
    numbered = concerned.mutate(
        dated_so_far=concerned.own_month.count().over(
            ibis.cumulative_window(group_by=SHEET, order_by="row_number")
        )
    )
    group = ibis.greatest(numbered.dated_so_far, 1)
    near = numbered.mutate(
        near_month=numbered.own_month.max().over(ibis.window(group_by=[*SHEET, group]))
    ).filter(numbered.own_month.isnull())
    joined = rows.left_join(near.drop("own_month", "dated_so_far"), [*SHEET, "row_number"])
    return joined.mutate(month=ibis.coalesce(joined.own_month, joined.near_month))
