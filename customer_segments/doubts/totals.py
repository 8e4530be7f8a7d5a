"""Doubts about totals among the lines: money that would count twice.

Belongs here: rows that are the sum of others. Does not: other doubts about lines
(``lines``).
"""

import re
from collections.abc import Iterator
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.cleaning.rules import code_of
from customer_segments.doubt import Change, Doubt, doubt
from customer_segments.doubts.evidence import Evidence
from customer_segments.ingestion.columns.layout import where
from customer_segments.ingestion.orders.keys import SHEET
from customer_segments.texts import read_toml

WORDS = read_toml(__package__, "words.toml")
TOTAL, KIND = WORDS["total"], WORDS["kind"]
# Where no column is known to be the one.
HEADING = "HEADING"
# Of the money that is kept, from where on such customers may be totals; and how near to the rest.
SHARE, NEAR = 0.02, 0.01
# Orders of three lines and more of which one is the sum of the others, and of two that are alike.
LEAST_ORDERS, MOST = 20, 0.8
LEAST_PAIRS, NEARLY_ALL = 50, 0.95


def names_totals(found: Evidence) -> bool:
    """Tell whether the policy says that rows called like a total stand for nobody."""
    return any(re.search(TOTAL, name) for name in found.policy.source.no_customer)


def totals(found: Evidence) -> Iterator[Doubt]:
    """Look for lines that are the sum of others: of an order, or of all of a list."""
    rows = found.rows.filter(found.rows.reason.isnull(), ~found.rows.is_credit)
    yield from _totals_as_customers(found, rows)
    yield from _grand_total(found, rows)
    # Where one order has its total among its lines, the others have.
    some = found.some.filter(found.some.reason.isnull(), ~found.some.is_credit)
    yield from _totals_of_orders(found, some)
    yield from _heads_of_orders(found, some)
    yield from _repeated_totals(found, some)


def _totals_as_customers(found: Evidence, rows: Table) -> Iterator[Doubt]:
    called = found.fetched(found.ids.filter(found.ids.customer_id.re_search(TOTAL)))
    if not called:
        return
    ids = rows.filter(rows.customer_id.isin([row["customer_id"] for row in called]))
    by_id = ids.group_by("customer_id").agg(money=ids.revenue.cast("float64").sum())
    named = found.fetched(by_id.order_by(by_id.money.desc(), "customer_id"))
    money = found.outcome.get(None, {"money": 0.0})["money"]
    if not named or sum(row["money"] for row in named) < SHARE * money:
        return
    names = [row["customer_id"] for row in named]
    # 12003 Total, 12004 Total
    ends = {name.split()[-1] for name in names}
    if len(names) > 1 and len(ends) == 1:
        names = [f"* {ends.pop()}"]
    own = sum(row["money"] for row in named)
    facts = {"called": len(named), "own": own, "money": money}
    change = _nobody(found, *names)
    yield doubt("totals.customers", change, **found.first(ids, "customer_id") | facts)


def _grand_total(found: Evidence, rows: Table) -> Iterator[Doubt]:
    """Look for a line that has as much money as all others."""
    money = rows.revenue.cast("float64")
    (all_of,) = found.fetched(rows.agg(lines=_.count(), money=money.sum(), most=money.max()))
    lines, total, most = (all_of[name] for name in ("lines", "money", "most"))
    if lines < LEAST_PAIRS or abs(2 * most - total) >= NEAR * total:
        return
    one = found.first(rows.filter(money == most), "customer_id")
    yield doubt("totals.grand", _nobody(found, str(one["example"])), most=most, **one)


def _totals_of_orders(found: Evidence, rows: Table) -> Iterator[Doubt]:
    order = ["workbook", "sheet", "customer_id", "invoice", "day"]
    rows = rows.mutate(day=rows.invoice_date.date())
    each = rows.group_by(order).agg(
        lines=_.count(),
        products=_.stock_code.count(),
        most=_.revenue.max(),
        all=_.revenue.cast("decimal(38, 4)").sum(),
        status=_.status.argmax(_.revenue),
        code=code_of(rows).argmax(_.revenue),
        row_number=_.row_number.argmax(_.revenue),
    )
    # Taken off twice: twice the largest money is beyond its type.
    is_sum = (each.all - each.most - each.most).abs() < NEAR
    # Of two lines both are as much; then the total alone has no product.
    several, pair = each.lines > 2, (each.lines == 2) & (each.products == 1)
    (counted,) = found.fetched(
        each.agg(
            several=several.sum().fill_null(0),
            sums=(several & is_sum).sum().fill_null(0),
            pairs=pair.sum().fill_null(0),
            alike=(pair & is_sum).sum().fill_null(0),
        )
    )
    is_many = counted["sums"] >= max(LEAST_ORDERS, MOST * counted["several"])
    if not is_many and counted["alike"] < max(LEAST_PAIRS, NEARLY_ALL * counted["pairs"]):
        return
    of_sums = each.filter(is_sum, several | pair)
    sure = of_sums.filter(of_sums.lines > 2) if counted["sums"] else of_sums
    codes = [row["code"] for row in found.fetched(sure.select("code").distinct().limit(2))]
    own = {"cleaning": {"non_products": {codes[0]: "total"}}} if len(codes) == 1 else None
    yield doubt(
        "totals.of_orders",
        own or kinds(found, rows, of_sums),
        sums=counted["sums"] + counted["alike"],
        orders=counted["several"] + counted["pairs"],
        **_at(found, of_sums),
    )


def _heads_of_orders(found: Evidence, rows: Table) -> Iterator[Doubt]:
    """Look for lines without a product whose price is what the others of their order have."""
    is_head = (rows.stock_code.fill_null("") == "") & (rows.description.fill_null("") == "")
    each = rows.group_by("workbook", "sheet", "customer_id", "invoice").agg(
        heads=is_head.sum(),
        most=_.price.cast("decimal(38, 4)").max(where=is_head),
        others=_.revenue.cast("decimal(38, 4)").sum(where=~is_head),
        row_number=_.row_number.min(where=is_head),
    )
    each = each.filter(each.heads > 0, each.others.notnull())
    heads = each.filter((each.most - each.others).abs() < NEAR)
    counted = {
        name: found.fetched(of.agg(of=_.count()))[0]["of"]
        for name, of in (("orders", each), ("sums", heads))
    }
    if counted["sums"] >= max(LEAST_ORDERS, MOST * counted["orders"]):
        change = {"cleaning": {"non_products": {"": "total of an order"}}}
        yield doubt("totals.heads", change, **_at(found, heads) | counted)


def _repeated_totals(found: Evidence, rows: Table) -> Iterator[Doubt]:
    """Look for orders all of whose lines have the same money: the order's, on each of them."""
    order = ["workbook", "sheet", "customer_id", "invoice"]
    each = rows.group_by(order).agg(
        products=_.stock_code.nunique(),
        least=_.revenue.min(),
        most=_.revenue.max(),
        row_number=_.row_number.min(),
    )
    each = each.filter(each.products > 1)
    (counted,) = found.fetched(
        each.agg(
            orders=each.count(),
            alike=(each.least == each.most).sum().fill_null(0),
            amounts=each.most.nunique(),
        )
    )
    # Where all is sold at a few prices, equal lines are no wonder.
    if counted["amounts"] < LEAST_PAIRS or counted["alike"] < NEARLY_ALL * counted["orders"]:
        return
    change = {"layout": [{"columns": {"amount": "HEADING"}}]}
    yield doubt("totals.repeated", change, **_at(found, each) | counted)


def _at(found: Evidence, rows: Table) -> dict[str, Any]:
    """Return the first of some rows, with where that is."""
    (one,) = found.fetched(rows.order_by(*SHEET, "row_number").limit(1))
    return one | {"where": where(one["workbook"], one["sheet"]), "looked_at": found.looked_at}


def _nobody(found: Evidence, *names: str) -> Change:
    """Return the setting by which customers of these names stand for nobody."""
    return {"source": {"no_customer": [*found.policy.source.no_customer, *names]}}


def kinds(found: Evidence, rows: Table, others: Table) -> Change:
    """Return the statuses of lines that none of the others has, or the column that may say them."""
    by_status = found.fetched(
        rows.group_by("status")
        .agg(lines=_.count())
        .filter(_.status.notnull())
        .anti_join(others.group_by("status").agg(others=_.count()), "status")
        .order_by(ibis.desc("lines"), "status")
    )
    if by_status and any(row["headings"].get("status") for row in found.sheets):
        return {"cleaning": {"statuses": [row["status"] for row in by_status]}}
    tried = {row["headings"].get("status") for row in found.sheets}
    headings = [name for names in found.unused.values() for name in names if name not in tried]
    kind = next((name for name in headings if re.search(KIND, name)), HEADING)
    return {
        "layout": [{"columns": {"status": kind}}],
        "cleaning": {"statuses": ["what a line says there"]},
    }
