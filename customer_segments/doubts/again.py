"""Doubts about what is there again: lines of an order, sales of a file, numbers of other orders.

Belongs here: what counts twice, or does not count, for it stands in two places. Does not: totals
among lines (``totals``), how orders are found again (``ingestion.orders.identity``).
"""

from collections.abc import Iterator

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.doubt import Doubt, doubt, layout_for
from customer_segments.doubts.evidence import Evidence
from customer_segments.ingestion.columns.layout import shown, where
from customer_segments.ingestion.orders.keys import SHEET

# What two lines of an order have alike that are one; UCI has one in a hundred that is.
LINE = (
    *("workbook", "sheet", "invoice", "invoice_date", "customer_id"),
    *("stock_code", "description", "quantity", "price"),
)
REPEATED, LEAST_REPEATED = 0.1, 100
# What a sheet of sales has, the most telling first.
TELLING = (("stock_code", "description"), ("invoice",))
SAYS = ("customer_id", "product", "quantity", "price")
DAYS_APART = 14
# Most of the lines of a file, or of the days that two files share; and of a list's, which has each
# customer once.
MOST, HALF, ONCE = 0.8, 0.5, 0.95
# What two files may have the same money of, by the doubt that says so.
BY = {"sold_twice": "day", "sold_twice.orders": "invoice"}
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
        {"cleaning": {"drop_repeated_lines": True}},
        level="stops" if is_every else "warns",
        file=shown(one["workbook"]),
        repeated=repeated,
        rows=counted["rows"],
        row_number=one["row_number"],
        looked_at=found.looked_at,
    )
    # A till that writes a line for each scan has many, too.
    yield again if is_every else again._replace(change={})


def sold_twice(found: Evidence) -> Iterator[Doubt]:
    """Look for files that have the same sales: under other order numbers, on other days, summed up.

    An order that stands on another day with the same money was invoiced and paid.
    """
    rows = found.some.filter(found.some.reason.isnull(), ~found.some.is_credit)
    rows = rows.mutate(day=rows.invoice_date.date())
    rows = rows.mutate(source=rows.workbook.concat("/", rows.sheet))
    for case, by in BY.items() if len(found.sheets) > 1 else ():
        each = rows.group_by("source", "customer_id", by)
        each = each.agg(
            first=_.day.min(), money=_.revenue.cast("decimal(38, 4)").sum(), lines=_.count()
        )
        key = ["customer_id", by, "money"]
        other = each.select(*key, other="source", last="first")
        met = each.inner_join(other, key).filter(_.source < _.other)
        met = met.group_by("source", "other").agg(
            met=_.count(),
            first=ibis.least(_.first.min(), _.last.min()),
            last=ibis.greatest(_.first.max(), _.last.max()),
        )
        most = met.filter(_.met >= LEAST_ORDERS).order_by(ibis.desc("met"), "source", "other")
        for pair in found.fetched(most.limit(1)):
            common = each.filter(each["first"].between(pair["first"], pair["last"]))
            common = common.filter(_.source.isin([pair["source"], pair["other"]]))
            counted = common.group_by("source").agg(of=_.count(), lines=_.lines.sum())
            both = found.fetched(counted.order_by(ibis.desc("lines"), "source"))
            pair["least"] = min(row["of"] for row in both)
            if pair["met"] >= MOST * pair["least"]:
                at = {f"{sheet['workbook']}/{sheet['sheet']}": sheet for sheet in found.sheets}
                yield _sold_twice(found, case, pair, [at[row["source"]] for row in both])
                return
    if len(found.files) > 1:
        for pair in found.fetched(standing_twice(rows, "workbook")):
            files = {"file": shown(pair["workbook"]), "beside": shown(pair["other"])}
            yield doubt("sold_twice.lines", looked_at=found.looked_at, **files | pair)
            return
    if len(found.sheets) > 1:
        yield from _listed(found, rows)


def _sold_twice(found: Evidence, case: str, facts: dict, sheets: list[dict]) -> Doubt:
    """Return the doubt of two sheets, the one with the most lines first."""
    names = {name: [sheet[name] for sheet in sheets] for name in SHEET}
    is_one = len({*names["workbook"]}) == 1
    said = sorted(map(where, *names.values()) if is_one else map(shown, names["workbook"]))
    change = layout_for(names["workbook"], found.files, sheets=names["sheet"][:1])
    files = {"file": said[0], "beside": said[1], "looked_at": found.looked_at}
    return doubt(case, change if is_one else None, **files | facts)


def standing_twice(rows: Table, by: str) -> Table:
    """Return at most one pair of files or statuses: ``met`` of its ``lines`` stand under ``other``.

    On days near each other, in a time that both have: who buys the same again does so later.
    """
    lines = rows.mutate(
        product=ibis.coalesce(rows.stock_code, rows.description, ""), day=rows.invoice_date.date()
    )
    lines = lines.select(by, "day", *SAYS).distinct()
    of = lines.group_by(by).agg(lines=_.count(), start=_.day.min(), end=_.day.max())
    other = lines.select(*SAYS, other=by, beside="day")
    met = lines.inner_join(other, [*SAYS]).filter(
        _[by] != _.other, _.day.delta(_.beside, unit="day").abs() <= DAYS_APART
    )
    met = met.select(*lines.columns, "other").distinct().group_by(by, "other").agg(met=_.count())
    times = of.select(other=by, other_start="start", other_end="end")
    both = met.inner_join(of, by).inner_join(times, "other")
    common = ibis.least(both.end, both.other_end).delta(
        ibis.greatest(both.start, both.other_start), unit="day"
    )
    same = both.filter(
        both.met >= LEAST_ORDERS,
        both.met >= MOST * both.lines,
        common >= HALF * both.end.delta(both.start, unit="day"),
    )
    return same.order_by(ibis.desc("met"), by, "other").limit(1)


def _listed(found: Evidence, rows: Table) -> Iterator[Doubt]:
    """Look for lists of customers or payments: they say less of those who buy in other sheets."""
    says = [
        [any(row["headings"].get(column) for column in columns) for columns in TELLING]
        for row in found.sheets
    ]
    sheets = [{name: row[name] for name in SHEET} for row in found.sheets]
    lists = [sheet for sheet, said in zip(sheets, says, strict=True) if said < max(says)]
    if not lists:
        return
    sold = rows.anti_join(ibis.memtable(lists), SHEET)
    listed = rows.semi_join(ibis.memtable(lists), SHEET)
    (days,) = found.fetched(sold.agg(first=_.day.min(), last=_.day.max()))
    if not days["first"]:
        return
    buyers = sold.select("customer_id").distinct().mutate(is_buyer=True)
    each = listed.left_join(buyers, "customer_id").group_by(*SHEET)
    each = each.agg(
        rows=_.count(),
        customers=_.customer_id.nunique(),
        buyers=_.is_buyer.count(),
        within=_.day.between(days["first"], days["last"]).sum(),
    )
    concerned = each.filter(
        _.customers >= LEAST_ORDERS,
        _.buyers >= MOST * _.rows,
        # A customer's first day may be before all sales.
        (_.within >= HALF * _.rows) | (_.customers >= ONCE * _.rows),
    )
    for row in found.fetched(concerned.order_by(SHEET).limit(1)):
        place = where(row["workbook"], row["sheet"])
        yield doubt("sold_twice.listed", where=place, looked_at=found.looked_at, **row)


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
