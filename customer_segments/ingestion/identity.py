"""Which orders of a source stand in a later one as well, which counts.

Belongs here: how each pair of sources is taken that shares orders. Does not: finding the blocks of
a sheet (``blocks``); both are sources here, each at its ``place``.
"""

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.ingestion.blocks import Block
from customer_segments.ingestion.orders import KEY, NO_DAY, fetched, kept, line_hash
from customer_segments.ingestion.pairs import Pair
from customer_segments.storage.connection import Connection

# How often two sources meet at a key. Where it is more often, a part of the keys tells as much: a
# thousand files whose receipts start at 1 each day meet ten billion times.
MEETINGS = 20_000_000
BY_DAY = ["customer", "day"]
PAIR = ["earlier", "later"]


def superseded(
    con: Connection, rows: Table, orders: Table, blocks: list[Block]
) -> tuple[Table, list[Pair]]:
    """Return ``place`` and key of the orders that are superseded, and the pairs that share any.

    Rows have their keys and ``place``, and orders are ``orders_of`` them, as a table. ``blocks`` is
    what stands at each place: an order is cut by the end of a sheet, not of a block.
    """
    shared = kept(con, _shared(orders), "shared")
    numbered, by_day = shared.filter(_.number != ""), shared.filter(_.number == "")
    counted = fetched(con, shared.agg(numbered=(_.number != "").sum(), all=_.count()))[0]
    if not counted["all"]:
        return shared.select("place", *KEY), []
    most = counted["all"] * len(blocks)
    pairs: list[Pair] = []
    if counted["numbered"]:
        found = _by_number(con, numbered, most)
        may_be = [pair for pair in found if pair.may_be_cut(blocks)]
        cut = _cut(con, rows, orders, numbered, may_be) if may_be else set()
        pairs += [pair.taken_by(cut) for pair in found]
    if counted["all"] > (counted["numbered"] or 0):
        pairs += [pair.taken_by(()) for pair in _by_lines(con, rows, by_day, most)]
    numbers = numbered.select("place", "number").distinct()
    numbers = _in_later(numbers, ["number"], _table_of(con, pairs, "correction"))
    corrected = _table_of(con, pairs, "correction", has_numbers=False)
    found = (
        _same_orders(numbered, _table_of(con, pairs, "cut"))
        .union(numbered.semi_join(numbers, ["place", "number"]).select("place", *KEY))
        .union(_in_later(by_day, [*KEY], corrected))
        .distinct()
    )
    if any(block.begin for block in blocks):
        found = _but_begun_inside(kept(con, found, "superseded_wholly"), rows, orders, blocks)
    return found, pairs


def _shared(orders: Table) -> Table:
    """Return the orders whose number, or without one customer and day, is in several places.

    Without number and customer there is no order.
    """
    is_numbered = orders.number != ""
    orders = orders.filter(is_numbered | (orders.customer != "")).mutate(
        of_customer=ibis.ifelse(is_numbered, "", orders.customer),
        of_day=ibis.ifelse(is_numbered, ibis.date(NO_DAY), orders.day),
    )
    key = ["number", "of_customer", "of_day"]
    several = orders.group_by(key).agg(first=_.place.min(), last=_.place.max())
    several = several.filter(several.first < several.last)
    return orders.semi_join(several, key).drop("of_customer", "of_day")


def _by_number(con: Connection, numbered: Table, most: int) -> list[Pair]:
    """Compare the orders of the numbers that two places share."""
    numbers = _met(con, numbered.select("place", "number").distinct(), ["number"], most)
    same = _met(con, numbered.select("place", *KEY), [*KEY], most, "number")
    return _pairs_of(con, numbers, same, has_numbers=True)


def _by_lines(con: Connection, rows: Table, by_day: Table, most: int) -> list[Pair]:
    """Compare the lines of the days on which a customer bought in two places."""
    lines = rows.semi_join(by_day, ["place", *KEY])
    lines = lines.group_by("place", *BY_DAY).agg(lines=line_hash(lines).sum())
    lines = kept(con, lines, "lines")
    days = _met(con, lines.select("place", *BY_DAY), BY_DAY, most)
    return _pairs_of(con, days, _met(con, lines, [*BY_DAY, "lines"], most), has_numbers=False)


def _met(
    con: Connection, orders: Table, key: list[str], most: int, distinct: str | None = None
) -> Table:
    """Count for each pair of places the keys in both, or the distinct values of one column.

    Only a part of the keys is looked at where two places may meet too often.
    """
    part = 1
    if most > MEETINGS:
        places = orders.group_by(key).agg(places=_.count())
        twice = fetched(con, places.agg(twice=(_.places * (_.places - 1)).sum()))[0]["twice"]
        part = int(twice or 0) // 2 // MEETINGS + 1
        orders = orders.filter(orders[key[0]].hash() % part == 0)
    pairs = _paired(orders, key)
    if distinct:
        pairs = pairs.select(*PAIR, distinct).distinct()
    return pairs.group_by(PAIR).agg(met=_.count() * part)


def _paired(orders: Table, key: list[str]) -> Table:
    """Return the orders of two places that share a key."""
    later = orders.select(*key, later="place")
    return orders.rename(earlier="place").inner_join(later, key).filter(_.earlier < _.later)


def _pairs_of(con: Connection, shared: Table, agree: Table, *, has_numbers: bool) -> list[Pair]:
    both = shared.rename(shared="met").left_join(agree.rename(agree="met"), PAIR)
    both = both.select(*PAIR, "shared", agree=both.agree.fill_null(0)).order_by(PAIR)
    return [Pair(**row, has_numbers=has_numbers) for row in fetched(con, both)]


def _table_of(con: Connection, pairs: list[Pair], taken: str, *, has_numbers: bool = True) -> Table:
    """Return the pairs that are taken so."""
    which = [
        {"earlier": pair.earlier, "later": pair.later}
        for pair in pairs
        if pair.taken == taken and pair.has_numbers == has_numbers
    ]
    table = ibis.memtable(which, schema=dict.fromkeys(PAIR, "int64"))
    return kept(con, table, f"{taken}_{'by_number' if has_numbers else 'by_day'}")


def _cut(
    con: Connection, rows: Table, orders: Table, numbered: Table, may_be: list[Pair]
) -> set[tuple[int, int]]:
    """Return the pairs whose one order ends a file and begins the other, with other products.

    An order that was corrected has mostly the products that it had.
    """
    side = ["place", "number"]
    pairs = _paired(numbered.select("place", *KEY), [*KEY])
    pairs = (
        pairs.semi_join(_table_of(con, may_be, "others"), PAIR).select(*PAIR, "number").distinct()
    )
    pairs = kept(con, pairs, "pairs")
    sides = pairs.select("number", place="earlier").union(pairs.select("number", place="later"))
    ends = orders.group_by("place").agg(start=_.low.min(), end=_.high.max())
    stands = orders.semi_join(sides, side).group_by(side).agg(low=_.low.min(), high=_.high.max())
    products = rows.semi_join(sides, side)
    products = products.select(*side, product=_.stock_code.fill_null("")).distinct()
    products = kept(con, products, "products")
    counted = products.group_by(side).agg(products=_.count())
    stands = stands.inner_join(ends, "place").inner_join(counted, side)
    stands = stands.select(
        *side, "products", begins=stands.low == stands.start, ends=stands.high == stands.end
    )
    common = _paired(products, ["number", "product"]).group_by(*PAIR, "number")
    both = (
        pairs.inner_join(
            stands.rename("earlier_{name}"),
            [("earlier", "earlier_place"), ("number", "earlier_number")],
        )
        .inner_join(
            stands.rename("later_{name}"), [("later", "later_place"), ("number", "later_number")]
        )
        .left_join(common.agg(common=_.count()), [*PAIR, "number"])
    )
    goes_on = (both.earlier_ends & both.later_begins) | (both.earlier_begins & both.later_ends)
    fewest = ibis.least(both.earlier_products, both.later_products)
    found = both.filter(goes_on, both.common.fill_null(0) * 2 < fewest)
    return {(row["earlier"], row["later"]) for row in fetched(con, found.select(*PAIR))}


def _same_orders(orders: Table, cut: Table) -> Table:
    """Return orders that also stand in a later place, but for those that are cut."""
    newest = orders.group_by(*KEY).agg(later=_.place.max())
    earlier = orders.inner_join(newest, [*KEY]).filter(_.place < _.later)
    earlier = earlier.select("place", *KEY, "later")
    return earlier.anti_join(cut.rename(place="earlier"), ["place", "later"]).drop("later")


def _but_begun_inside(found: Table, rows: Table, orders: Table, blocks: list[Block]) -> Table:
    """Have the whole order count where a later block begins inside it, and has fewer lines."""
    begun = [place for place, block in enumerate(blocks) if block.begin]
    lows = orders.group_by("place").agg(low=_.low.min()).filter(_.place.isin(begun))
    first = orders.semi_join(lows, ["place", "low"]).anti_join(found, ["place", *KEY])
    rows = rows.semi_join(first, [*KEY])
    lines = rows.group_by("place", *KEY).agg(lines=line_hash(rows).nunique())
    first = lines.semi_join(first, ["place", *KEY]).select(*KEY, later="place", left="lines")
    whole = lines.semi_join(found, ["place", *KEY]).inner_join(first, [*KEY])
    whole = whole.filter(_.place < _.later, _.left < _.lines)
    whole = whole.group_by(*KEY, "later").agg(place=_.place.max())
    return found.anti_join(whole, ["place", *KEY]).union(
        whole.select(*KEY, place="later").select("place", *KEY)
    )


def _in_later(orders: Table, key: list[str], pairs: Table) -> Table:
    """Return keys that stand in the later place of one of the pairs, too."""
    pairs = pairs.rename(place="earlier")
    newest = orders.group_by(key).agg(later=_.place.max())
    earlier = orders.inner_join(newest, key).filter(_.place < _.later)
    earlier = earlier.select("place", *key, "later")
    in_newest = earlier.semi_join(pairs, ["place", "later"]).select("place", *key)
    # The newest that has it may be no copy of this one, while one between is: few are left.
    left = earlier.anti_join(in_newest, ["place", *key]).drop("later")
    met = left.inner_join(orders.select(*key, later="place"), key)
    return in_newest.union(met.semi_join(pairs, ["place", "later"]).select("place", *key))
