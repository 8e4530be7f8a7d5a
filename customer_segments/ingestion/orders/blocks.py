"""A sheet that was appended to itself: where its blocks begin.

Belongs here: finding the rows at which orders of before start anew. Does not: which block counts
(``identity``: blocks are sources). A line that a till repeats is no block, nor is an order that
stands in two pieces: in a sheet that is sorted by product all do.
"""

from typing import Any, NamedTuple

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.ingestion.orders.keys import KEY, line_hash
from customer_segments.storage.connection import Connection
from customer_segments.storage.relations import fetched, kept

# Rounds of looking for one more boundary in each block.
ROUNDS = 12
# Orders of several lines that stand whole on both sides of a boundary, at least; and others, which
# have to keep their order as well: one line alone is soon the same by chance.
LEAST_WHOLE, LEAST_OTHERS, IN_ORDER = 3, 8, 0.9


class Block(NamedTuple):
    """Rows of a sheet, from ``begin`` on, up to before ``end``; ``source`` is its place."""

    source: int
    begin: int = 0
    end: int = 2**62


def blocks_of(con: Connection, rows: Table, orders: Table, sources: int) -> list[Block]:
    """Return the blocks of all sheets, in the order in which they stand.

    Rows have their keys, and as ``place`` that of their sheet, ``source_order``; orders are
    ``orders_of`` them, as a table. ``sources`` is the number of sheets.
    """
    blocks = [Block(source) for source in range(sources)]
    # The rows of an order that stand together stand once, but for lines that are repeated.
    # Without number and customer there is no order.
    torn = orders.filter(
        orders.high - orders.low >= orders.rows, (orders.number != "") | (orders.customer != "")
    )
    if not fetched(con, torn.count().as_table())[0].popitem()[1]:
        return blocks
    rows = rows.semi_join(torn, ["place", *KEY])
    looked_at = set(range(sources))
    for number in range(ROUNDS):
        here = in_blocks(con, rows, blocks, f"blocks_{number}")
        here = here.filter(here.place.isin(sorted(looked_at)))
        pieces = kept(con, _pieces(here), f"pieces_{number}")
        found = [each for each in fetched(con, _proposed(pieces, here)) if _is_start(each)]
        if not found:
            break
        starts = {blocks[each["place"]]: each["start"] for each in found}
        halves = {
            half
            for block, start in starts.items()
            for half in (block._replace(end=start), block._replace(begin=start))
        }
        blocks = sorted(halves | set(blocks) - set(starts))
        looked_at = {place for place, block in enumerate(blocks) if block in halves}
    return blocks


def in_blocks(con: Connection, rows: Table, blocks: list[Block], name: str) -> Table:
    """Return rows with the place of their block among all; the name is that of a new table."""
    if len(blocks) == len({block.source for block in blocks}):
        return rows.mutate(place=rows.source_order)
    table = ibis.memtable(
        [block._asdict() | {"place": place} for place, block in enumerate(blocks)],
        schema=dict.fromkeys((*Block._fields, "place"), "int64"),
    )
    table = kept(con, table, name)
    in_block = [
        rows.source_order == table.source,
        rows.row_number >= table.begin,
        rows.row_number < table.end,
    ]
    return rows.drop("place").inner_join(table, in_block).drop(*Block._fields)


def _pieces(rows: Table) -> Table:
    """Return the orders that stand in several pieces of a block.

    ``low``, ``high``; ``lines`` that are different; ``is_whole``: whether all of them stand again
    after all had stood, the first time up to ``first_end``, the last from ``last_start`` on.
    """
    order = ["place", *KEY]
    lines = rows.group_by(*order, line=line_hash(rows)).agg(
        times=rows.count(), low=rows.row_number.min(), high=rows.row_number.max()
    )
    pieces = lines.group_by(order).agg(
        rows=lines.times.sum(),
        lines=lines.count(),
        least=lines.times.min(),
        low=lines.low.min(),
        high=lines.high.max(),
        first_end=lines.low.max(),
        last_start=lines.high.min(),
    )
    return pieces.filter(pieces.high - pieces.low >= pieces.rows).mutate(
        is_whole=(_.least >= 2) & (_.first_end < _.last_start)
    )


def _proposed(pieces: Table, rows: Table) -> Table:
    """Return for each block where most orders stand whole on both sides, and who stands there."""
    whole = pieces.filter(pieces.is_whole)
    opened = whole.select("place", at=whole.first_end + 1, change=ibis.literal(1, "int64"))
    closed = whole.select("place", at=whole.last_start + 1, change=ibis.literal(-1, "int64"))
    steps = opened.union(closed).group_by("place", "at").agg(change=_.change.sum())
    steps = steps.mutate(
        open=steps.change.sum().over(ibis.cumulative_window(group_by="place", order_by="at"))
    )
    most = steps.group_by("place").agg(open=_.open.max())
    most = steps.semi_join(most, ["place", "open"]).group_by("place").agg(after=_["at"].min())
    later = whole.inner_join(most, "place").filter(_.last_start >= _.after)
    first = later.group_by("place", "after").agg(
        start=_.last_start.min(), **{name: _[name].argmin(_.last_start) for name in KEY}
    )
    return _standing_at(pieces, _begun(rows, pieces, first))


def _begun(rows: Table, pieces: Table, first: Table) -> Table:
    """Move starts back: the last copy may begin before its mark, and with orders that changed.

    Between where the last of the first copies ended and the mark, the block before goes on as long
    as orders do that come again later.
    """
    names = {name: f"first_{name}" for name in KEY}
    first = first.rename({new: old for old, new in names.items()})
    before = (
        rows.inner_join(first, "place")
        .filter(_.row_number >= _.after, _.row_number < _.start)
        .inner_join(pieces.select("place", *KEY, "high"), ["place", *KEY])
        .filter(_.high >= _.start, ibis.or_(*(_[old] != _[new] for old, new in names.items())))
    )
    ends = before.group_by("place").agg(end=_.row_number.max())
    joined = first.left_join(ends, "place")
    return joined.select("place", start=ibis.coalesce(joined.end + 1, joined.after))


def _standing_at(pieces: Table, starts: Table) -> Table:
    """Count the orders on both sides of each start."""
    on_both = pieces.inner_join(starts, "place").filter(_.low < _.start, _.start <= _.high)
    in_turn = ibis.window(group_by=["place", "is_whole"], order_by=_.last_start)
    on_both = on_both.mutate(is_next=_.low > _.low.lag().over(in_turn))
    whole, several = on_both.is_whole, on_both.lines > 1
    return on_both.group_by("place", "start").agg(
        several=several.sum(),
        whole_several=(several & whole).sum(),
        whole=whole.sum(),
        numbered=(whole & (on_both.number != "")).sum(),
        in_turn=on_both.is_next.sum(where=whole).fill_null(0),
        days=on_both.day.nunique(where=whole),
    )


def _is_start(found: dict[str, Any]) -> bool:
    """Tell whether a block begins: of the orders of several lines half at least stand whole."""
    if found["whole_several"] * 2 < found["several"]:
        return False
    has_numbers = found["numbered"] * 2 > found["whole"]
    if has_numbers and found["whole_several"] >= LEAST_WHOLE:
        return True
    # Without numbers, who buys the same twice on a day is a customer; two days are an export.
    is_in_order = found["in_turn"] >= IN_ORDER * (found["whole"] - 1)
    return found["whole"] >= LEAST_OTHERS and is_in_order and (has_numbers or found["days"] > 1)
