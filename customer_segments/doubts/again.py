"""Doubts about what is there again: lines of an order, sales of a file, numbers of other orders.

Belongs here: what counts twice, or does not count, for it stands in two places. Does not: totals
among lines (``totals``), how orders are found again (``ingestion.identity``).
"""

from collections.abc import Iterator

import ibis
from ibis import _

from customer_segments.doubts.evidence import Evidence, looked_at
from customer_segments.ingestion.doubt import Doubt, doubt
from customer_segments.ingestion.layout import shown

# What two lines of an order have alike that are one; UCI has one in a hundred that is.
LINE = (
    *("workbook", "sheet", "invoice", "invoice_date", "customer_id"),
    *("stock_code", "description", "quantity", "price"),
)
REPEATED, LEAST_REPEATED = 0.1, 100
# Most of the lines of a file, or of the days that two files share.
MOST = 0.8
# Of orders that a later file has again: a correction changes customer and day of few.
LOST, LEAST_ORDERS = 0.2, 20
SUPERSEDED = "overlapping_invoice"


def repeated_lines(found: Evidence) -> Iterator[Doubt]:
    """Look for lines that stand in their order again: a till's, or an export's."""
    rows = found.some.filter(found.some.reason.isnull())
    each = rows.group_by(*LINE).agg(times=_.count(), row_number=_.row_number.max())
    (counted,) = found.fetched(
        each.agg(
            lines=each.count(),
            rows=each.times.sum().fill_null(0),
            again=(each.times > 1).sum().fill_null(0),
        )
    )
    repeated = counted["rows"] - counted["lines"]
    if counted["rows"] < LEAST_REPEATED or repeated < REPEATED * counted["rows"]:
        return
    first = each.filter(each.times > 1).order_by("workbook", "row_number").limit(1)
    (one,) = found.fetched(first)
    is_every = counted["again"] >= MOST * counted["lines"]
    again = doubt(
        "repeated_lines",
        "stops" if is_every else "warns",
        f"{shown(one['workbook'])}: {repeated:,} of {counted['rows']:,} lines say what another "
        f"of their order says (row {one['row_number']:,}, say), and count again."
        f"{looked_at(found)}",
        "If they are the same, have each count once:",
        {"cleaning": {"drop_repeated_lines": True}},
    )
    # A till that writes a line for each scan has many, too.
    yield again if is_every else again._replace(change={})


def sold_twice(found: Evidence) -> Iterator[Doubt]:
    """Look for files that have the same sales under other order numbers, or summed up."""
    if len(found.files) < 2:
        return
    rows = found.some.filter(found.some.reason.isnull(), ~found.some.is_credit)
    key = ["customer_id", "day", "money"]
    days = rows.mutate(day=rows.invoice_date.date()).group_by("workbook", "customer_id", "day")
    days = days.agg(money=_.revenue.cast("decimal(38, 4)").sum())
    other = days.select(*key, other="workbook")
    met = days.inner_join(other, key).filter(_.workbook < _.other)
    met = met.group_by("workbook", "other").agg(met=_.count(), first=_.day.min(), last=_.day.max())
    most = met.filter(_.met >= LEAST_ORDERS).order_by(ibis.desc("met"), "workbook", "other")
    for pair in found.fetched(most.limit(1)):
        common = days.filter(days.day.between(pair["first"], pair["last"]))
        common = common.filter(common.workbook.isin([pair["workbook"], pair["other"]]))
        each = found.fetched(common.group_by("workbook").agg(days=_.count()))
        least = min(row["days"] for row in each)
        if pair["met"] < MOST * least:
            continue
        yield doubt(
            "sold_twice",
            "stops",
            f"{shown(pair['workbook'])} and {shown(pair['other'])}: from {pair['first']} to "
            f"{pair['last']}, {pair['met']:,} of {least:,} days of customers have the same money "
            "in both, under other order numbers or in another form: it counts twice."
            f"{looked_at(found)}",
            "Take one of them away, or the months that both have out of one.",
        )


def lost_orders(found: Evidence) -> Iterator[Doubt]:
    """Look for orders that another of the same number, a later one, put out of count."""
    if SUPERSEDED not in found.outcome:
        return
    order = ["invoice", "customer_id", "day"]
    raw = found.raw.filter(found.raw.invoice.notnull(), found.raw.customer_id.notnull())
    raw = raw.mutate(day=raw.invoice_date.date())
    gone, there = raw.filter(raw.is_superseded), raw.filter(~raw.is_superseded)
    lost = gone.semi_join(there, "invoice").anti_join(there, order)
    (all_gone,), (all_lost,) = (
        found.fetched(rows.select(order).distinct().agg(orders=ibis._.count()))
        for rows in (gone, lost)
    )
    if all_lost["orders"] < max(LEAST_ORDERS, LOST * all_gone["orders"]):
        return
    first = found.first(lost, "invoice")
    assert first is not None
    yield doubt(
        "lost_orders",
        "stops",
        f"{first['where']}: {all_lost['orders']:,} of {all_gone['orders']:,} orders do not count, "
        "for a later file has others of the same number, of other customers or days "
        f"({shown(str(first['example']))} in row {first['row_number']:,}, say).",
        "If the numbers begin anew and the files overlap, tell orders by customer and day:",
        {"layout": [{"columns": {"invoice": ""}}]},
    )
