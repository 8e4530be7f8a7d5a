"""Which orders of a source stand in a later one as well, which counts.

Belongs here: how each pair of sources is taken that shares orders. Does not: finding the blocks of
a sheet (``blocks``); both are sources here, each at its ``place``.
"""

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.ingestion.orders.blocks import Block
from customer_segments.ingestion.orders.keys import BACK, KEY, NO_DAY, line_hash
from customer_segments.ingestion.orders.pairs import Pair
from customer_segments.storage.connection import Connection
from customer_segments.storage.relations import fetched, kept

# How often two sources meet at a key. Where it is more often, a part of the keys tells as much: a
# thousand files whose receipts start at 1 each day meet ten billion times.
MEETINGS = 20_000_000
# Of more orders, a part tells whether they have the same products.
ENOUGH_ORDERS = 1_000_000
# Corrections by hand are fewer, or hardly any of the earlier source and nearly all of the later.
LEAST_ORDERS, HARDLY_ANY, NEARLY_ALL = 10, 0.1, 0.9
BY_DAY = ["customer", "day"]
PAIR = ["earlier", "later"]


def superseded(
    con: Connection, rows: Table, orders: Table, blocks: list[Block]
) -> tuple[Table, list[Pair]]:
    """Return ``place`` and key of the orders that are superseded, and the pairs that share any.

    Rows have their keys and ``place``, and orders are ``orders_of`` them, as a table. ``blocks`` is
    what stands at each place: those of one sheet are no parts of one export.
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
        agree = any(pair.agree for pair in found)
        cut = _cut(con, rows, orders, numbered, counted["numbered"]) if agree else set()
        pairs += [pair.taken_by(cut, blocks) for pair in found]
    if counted["all"] > (counted["numbered"] or 0):
        pairs += [pair.taken_by(()) for pair in _by_lines(con, rows, by_day, most)]
    numbers = numbered.select("place", "number").distinct()
    numbers = _in_later(numbers, ["number"], _table_of(con, pairs, "correction"))
    corrected = _table_of(con, pairs, "correction", has_numbers=False)
    found = (
        _same_orders(numbered, _table_of(con, pairs, "cut"))
        .union(numbered.semi_join(numbers, ["place", "number"]).select("place", *KEY))
        .union(_in_later(by_day, [*KEY], corrected))
    )
    # An order takes along what it took back, which may be gone from the later.
    back = found.mutate(number=found.number + BACK).semi_join(orders, ["place", *KEY])
    return _whole(kept(con, found.union(back).distinct(), "superseded"), rows, orders), pairs


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
    con: Connection, rows: Table, orders: Table, numbered: Table, count: int
) -> set[tuple[int, int]]:
    """Return the pairs whose common orders have mostly other products here and there.

    They are parts of one export, whose orders the end of a file cuts, or which has a file for each
    kind of product: an order that was corrected has mostly the products that it had.
    """
    part = count // ENOUGH_ORDERS + 1
    some = numbered.filter(numbered.number.hash() % part == 0)
    rows = rows.mutate(product=ibis.coalesce(rows.stock_code, rows.description, ""))
    products = rows.semi_join(some, ["place", *KEY]).select("place", *KEY, "product").distinct()
    products = kept(con, products, "products")
    sizes = products.group_by("place", *KEY).agg(products=_.count())
    sizes = sizes.inner_join(_with_ends(orders), ["place", *KEY])
    sizes = sizes.select("place", *KEY, "products", "is_end", "of").rename(earlier="place")
    there = {"later": "earlier", "there": "products", "is_end_there": "is_end", "of_there": "of"}
    both = sizes.inner_join(sizes.rename(there), [*KEY]).filter(_.earlier < _.later)
    both = both.group_by(PAIR).agg(
        fewest=ibis.least(_.products.sum(), _.there.sum()),
        agree=_.count() * part,
        at_ends=(_.is_end & _.is_end_there).sum() * part,
        of=_.of.max(),
        of_there=_.of_there.max(),
    )
    by_hand = (both.agree < HARDLY_ANY * both.of) & (both.agree > NEARLY_ALL * both.of_there)
    by_hand |= both.agree < LEAST_ORDERS
    both = both.filter(~by_hand | (both.at_ends == both.agree))
    common = _paired(products, [*KEY, "product"]).group_by(PAIR).agg(common=_.count())
    both = both.left_join(common, PAIR)
    found = both.filter(both.common.fill_null(0) * 2 < both.fewest).select(*PAIR)
    return {(row["earlier"], row["later"]) for row in fetched(con, found)}


def _with_ends(orders: Table) -> Table:
    """Add ``is_end``, of an order at the start or end of its place, and ``of``, how many it has."""
    orders = orders.filter(orders.day != ibis.date(NO_DAY))  # headings that stand again, totals
    ends = orders.group_by("place").agg(start=_.low.min(), end=_.high.max(), of=_.count())
    ends = orders.inner_join(ends, "place")
    return ends.mutate(is_end=(ends.low == ends.start) | (ends.high == ends.end))


def _same_orders(orders: Table, cut: Table) -> Table:
    """Return orders that also stand in a later place, but for those that are cut."""
    newest = orders.group_by(*KEY).agg(later=_.place.max())
    earlier = orders.inner_join(newest, [*KEY]).filter(_.place < _.later)
    earlier = earlier.select("place", *KEY, "later")
    return earlier.anti_join(cut.rename(place="earlier"), ["place", "later"]).drop("later")


def _whole(found: Table, rows: Table, orders: Table) -> Table:
    """Have the whole order count of which the start or the end of what comes later has a part.

    Where the order stands at an end of the earlier as well, the later is a correction, and so it is
    where it has a few orders alone.
    """
    ends = _with_ends(orders)
    part = ends.filter(_.is_end, _.of >= LEAST_ORDERS).anti_join(found, ["place", *KEY])
    inside = ends.filter(~_.is_end).semi_join(found, ["place", *KEY]).semi_join(part, [*KEY])
    both = part.select("place", *KEY).union(inside.select("place", *KEY))
    lines = rows.semi_join(both, ["place", *KEY])
    lines = lines.select("place", *KEY, line=line_hash(lines)).distinct()
    lines = lines.mutate(whole=_.count().over(ibis.window(group_by=["place", *KEY])))
    later = lines.select(*KEY, "line", later="place", part="whole")
    common = lines.rename(earlier="place").inner_join(later, [*KEY, "line"])
    common = common.filter(_.earlier < _.later, _.part < _.whole)
    less = common.group_by(*KEY, *PAIR, "part").agg(common=_.count()).filter(_.common == _.part)
    less = less.group_by(*KEY, "later").agg(place=_.earlier.max())
    return found.anti_join(less, ["place", *KEY]).union(
        less.select(*KEY, place="later").select("place", *KEY)
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
