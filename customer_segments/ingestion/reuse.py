"""Files that were parsed before: their rows are taken from ``raw_transactions``, not read again.

Belongs here: telling which files these are, whether their rows are all there, and their typed
rows. What was parsed is remembered in the warehouse and nowhere else, so that deleting it forgets
all.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ibis.expr.types import Table

from customer_segments.doubt import Doubt
from customer_segments.errors import UserError
from customer_segments.ingestion.files.sources import Source
from customer_segments.storage import Contract, Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.ledger import newest_raw_version
from customer_segments.storage.requirements import require_contract
from customer_segments.tables import RAW_TRANSACTIONS, SOURCE_DOUBTS, SOURCE_SHEETS
from customer_segments.tables.money import total_revenue

if TYPE_CHECKING:
    import pandas as pd


def in_sheets(sheets: Table) -> Table:
    """Return rows and revenue per sheet as counted when it was read."""
    return sheets.filter(sheets.row_count > 0).select(
        "workbook", "sheet", rows=sheets.row_count, revenue=sheets.revenue
    )


def in_raw(raw: Table) -> Table:
    """Return rows and revenue per sheet as the table has them."""
    return raw.group_by("workbook", "sheet").agg(rows=raw.count(), revenue=total_revenue(raw))


def parsed_before(
    warehouse: Warehouse, parser: str, more: Iterable[Contract] = ()
) -> "pd.DataFrame":
    """Return the sheets whose rows ``raw_transactions`` has, as ``SOURCE_SHEETS`` has them.

    None where the two tables do not belong together (a run was killed between them, or rows are
    missing), or were written by another version of their contracts or of the reading, ``parser``.
    ``more`` are tables that such rows are taken from as well.
    """
    nothing = SOURCE_SHEETS.arrow([]).to_pandas()
    if not warehouse.path.exists():
        return nothing
    with warehouse.reading() as con:
        there = Catalog.of(con)
        try:
            for contract in (RAW_TRANSACTIONS, SOURCE_SHEETS, SOURCE_DOUBTS, *more):
                require_contract(con, there, contract)
        except UserError:
            return nothing
        made_from = {
            newest_raw_version(con, contract.table)
            for contract in (RAW_TRANSACTIONS, SOURCE_SHEETS)
        }
        sheets, raw = SOURCE_SHEETS.relation, RAW_TRANSACTIONS.relation
        lost = con.execute(in_sheets(sheets).difference(in_raw(raw)).count())
        if len(made_from) > 1 or lost:
            return nothing
        return con.execute(sheets.filter(sheets.parser == parser).order_by("source_order"))


def unchanged(parsed: "pd.DataFrame", sources: list[Source]) -> "pd.DataFrame":
    """Return those of the sheets parsed before whose file still holds the same."""
    hashes = {source.name: source.content_hash for source in sources}
    return parsed[parsed["workbook"].map(hashes) == parsed["content_hash"]]


def doubts_before(con: Connection, reused: "pd.DataFrame") -> list[Doubt]:
    """Return what was doubted of sheets parsed before as they were read."""
    doubts = SOURCE_DOUBTS.relation
    if reused.empty:
        return []
    again = doubts.filter(doubts.workbook.isin(sorted(set(reused["workbook"]))))
    return [Doubt(**row) for row in con.to_pyarrow(again).to_pylist()]


def with_reused(fresh: Table, reused: "pd.DataFrame") -> Table:
    """Add the rows of sheets parsed before to typed rows, as ``typed_rows`` made them then."""
    if reused.empty:
        return fresh
    raw = RAW_TRANSACTIONS.relation
    again = raw.filter(raw.workbook.isin(sorted(set(reused["workbook"]))))
    return fresh.union(again.select(*fresh.columns))
