"""Doubts about orders that stand in several files: which of them counts, and what was lost.

Belongs here: what came of finding orders again (``ingestion.identity``). Does not: sales that are
there again as other orders (``again``).
"""

from collections.abc import Iterator

from ibis import _

from customer_segments.doubts.evidence import Evidence
from customer_segments.ingestion.doubt import Doubt, doubt
from customer_segments.ingestion.layout import shown, where
from customer_segments.ingestion.orders import KEY, SHEET, with_keys
from customer_segments.tables.money import total_revenue

# Of orders that a later file has again: a correction changes customer and day of few.
LOST, LEAST_ORDERS = 0.2, 20
# Fewer of two files are corrections by hand, or cut by the end of a file.
LEAST_PARTS = 10
SUPERSEDED = "overlapping_invoice"


def lost_orders(found: Evidence) -> Iterator[Doubt]:
    """Look for orders that another of the same number, a later one, put out of count."""
    if SUPERSEDED not in found.outcome:
        return
    order = ["invoice", "customer_id", "day"]
    raw = found.raw.filter(found.raw.invoice.notnull(), found.raw.customer_id.notnull())
    raw = raw.mutate(day=raw.invoice_date.date())
    gone, there = raw.filter(raw.is_superseded), raw.filter(~raw.is_superseded)
    lost = gone.semi_join(there, "invoice").anti_join(there, order)
    counted = {
        name: found.fetched(rows.select(order).distinct().agg(orders=_.count()))[0]["orders"]
        for name, rows in (("gone", gone), ("lost", lost))
    }
    if counted["lost"] >= max(LEAST_ORDERS, LOST * counted["gone"]):
        change = {"layout": [{"columns": {"invoice": ""}}]}
        yield doubt("lost_orders", change, **found.first(lost, "invoice") | counted)


def corrected(found: Evidence) -> Iterator[Doubt]:
    """Look for orders that a later file has with other money, or lacks while it has the others."""
    if SUPERSEDED not in found.outcome:
        return
    rows = with_keys(found.some)
    each = rows.group_by(*SHEET, *KEY, "is_superseded").agg(money=total_revenue(rows))
    gone, there = each.filter(each.is_superseded), each.filter(~each.is_superseded)
    # Where a sheet was appended to itself, its own orders are elsewhere in it.
    elsewhere = gone.anti_join(there, [*SHEET, *KEY])
    met = elsewhere.inner_join(there.rename(file="workbook", of="sheet", new="money"), [*KEY])
    met = met.filter(_.money != _.new).mutate(orders=_.count().over())
    for row in found.fetched(met.order_by(*SHEET, *KEY).limit(1)):
        places = {"where": where(row["workbook"], row["sheet"])}
        places["beside"] = where(row["file"], row["of"])
        yield doubt("corrected", looked_at=found.looked_at, **places | row)
    # The first and the last day of what both have may be whole in one of them alone.
    time = elsewhere.group_by(SHEET).agg(first=_.day.min(), last=_.day.max(), met=_.count())
    left = there.inner_join(time, SHEET).filter(_.day > _.first, _.day < _.last)
    left = left.group_by(*SHEET, "first", "last", "met").agg(left=_.count())
    for row in found.fetched(left.filter(_.left < LOST * _.met).order_by(SHEET).limit(1)):
        place = where(row["workbook"], row["sheet"])
        yield doubt("corrected.left", where=place, looked_at=found.looked_at, **row)


def orders_in_parts(found: Evidence) -> Iterator[Doubt]:
    """Look for orders of which two files have other products: a department's, or corrected ones."""
    if len(found.files) < 2:
        return
    rows = with_keys(found.some.filter(~_.is_superseded, _.invoice.notnull()))
    each = rows.group_by(KEY).agg(file=_.workbook.min(), beside=_.workbook.max())
    met = each.filter(_.file != _.beside).group_by("file", "beside").agg(met=_.count())
    many = met.filter(_.met >= LEAST_PARTS).order_by(_.met.desc(), "file", "beside")
    for row in found.fetched(many.limit(1)):
        files = {name: shown(row[name]) for name in ("file", "beside")}
        yield doubt("corrected.parts", looked_at=found.looked_at, **row | files)
