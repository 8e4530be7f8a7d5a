"""Doubts about lines: returns that are not netted, and reasons that reject too much.

Belongs here: what is judged by the outcome of cleaning. Does not: judging one month against others
(``cleaning.judges``).
"""

from collections.abc import Iterator

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.cleaning.rules import code_of, counts
from customer_segments.cleaning.services import services
from customer_segments.doubt import Change, Doubt, Level, doubt
from customer_segments.doubts.again import SUPERSEDED
from customer_segments.doubts.evidence import Evidence
from customer_segments.doubts.statuses import statuses_of_sales
from customer_segments.doubts.totals import HEADING, TOTAL, kinds, names_totals
from customer_segments.ingestion.columns.layout import shown
from customer_segments.texts import read_toml

# Of lines or of money, from where on returns count; and lines from where on they stop.
FEW_RETURNS, LEAST_RETURNS = 0.001, 10
# A prefix means returns if most of its quantities are negative, and most returns have it.
MOST, NEARLY_ALL = 0.5, 0.9
PREFIX = r"^([^0-9]+)[0-9]"
WORDS = read_toml(__package__, "words.toml")
DISCOUNT = WORDS["discount"]
USUAL = read_toml(__package__, "reasons.toml")
HARDLY_ANY = 0.005
# Fewer rows say nothing of shares.
LEAST_ROWS = 100


def unnetted_returns(found: Evidence) -> Iterator[Doubt]:
    """Look for negative quantities or prices that no rule takes for returns: they are lost."""
    rows = found.rows
    is_returned = rows.reason.isin(["non_positive_quantity", "non_positive_price"])
    by_quantity = is_returned & (rows.quantity < 0)
    by_price = (rows.reason == "non_positive_price") & (rows.price < 0) & (rows.quantity > 0)
    if not {"non_positive_quantity", "non_positive_price"} & set(found.outcome):
        return
    returns = rows.mutate(
        how=ibis.cases((by_quantity, "quantity"), (by_price, "price")),
        prefix=rows.invoice.re_extract(PREFIX, 1),
    ).filter(ibis._.how.notnull())
    counted = found.fetched(
        returns.group_by("how").agg(
            rows=returns.count(), money=returns.revenue.abs().cast("float64").sum()
        )
    )
    kept = found.outcome.get(None, {"rows": 0, "money": 0.0})
    for each in counted:
        share = max(
            each["rows"] / (kept["rows"] + each["rows"]),
            each["money"] / ((kept["money"] + each["money"]) or 1),
        )
        if share < FEW_RETURNS:
            continue
        of_kind = returns.filter(returns.how == each["how"])
        by_sign: Change = {"cleaning": {"credit": "sign"}}
        change = by_sign if len(counted) > 1 else _credit_rule(found, of_kind, each)
        # As in a ledger, where what is sold bears a minus.
        is_turned = each["rows"] > kept["rows"]
        level: Level = "stops" if each["rows"] >= LEAST_RETURNS else "warns"
        facts = found.first(of_kind, "invoice") | each
        case = "unnetted_returns.turned" if is_turned else "unnetted_returns"
        yield doubt(case, None if is_turned else change, level=level, **facts)


def _credit_rule(found: Evidence, returns: Table, counted: dict) -> Change:
    """Return what marks returns: a negative price or quantity, or a prefix that few others have."""
    if change := statuses_of_sales(found, returns):
        return change
    order = ["workbook", "customer_id", "invoice"]
    sold = found.rows.filter(found.rows.reason.isnull()).select(order).distinct()
    both = sold.left_join(returns.select(order).distinct().mutate(back=1), order)
    (orders,) = found.fetched(both.agg(all=_.count(), back=_.back.count()))
    if orders["back"] > max(LEAST_RETURNS, MOST * orders["all"]):
        change = kinds(found, found.rows, returns)  # fees: returned is something of few orders
        if HEADING not in str(change):
            return change
    if counted["how"] == "price":
        return {"cleaning": {"credit": "price"}}
    named = returns.group_by("prefix").agg(returns=returns.count())
    most = found.fetched(named.order_by(named.returns.desc()).limit(1))[0]
    if most["prefix"] and most["returns"] >= NEARLY_ALL * counted["rows"]:
        raw = found.raw
        lines = found.first(raw.filter(raw.invoice.upper().startswith(most["prefix"])), "invoice")
        if lines and most["returns"] >= MOST * lines["rows"]:
            return {"cleaning": {"credit": "prefix", "credit_prefix": most["prefix"]}}
    return {"cleaning": {"credit": "sign"}}


def services_sold(found: Evidence) -> Iterator[Doubt]:
    """Look for lines that are called like postage or gift cards, and count as products."""
    known = {code.upper() for code in found.policy.cleaning.non_products}
    sold = found.products.filter(found.products.reason.isnull())
    called = [row for row in found.fetched(services(sold)) if row["code"] not in known]
    # A discount that is taken off a sale belongs to it.
    net = sold.filter(sold.description.lower().re_search(DISCOUNT))
    net = net.group_by(code=code_of(net)).agg(revenue=_.revenue.sum()).filter(_.revenue < 0)
    off = {row["code"] for row in found.fetched(net)} if called else set()
    called = [row for row in called if row["code"] not in off]
    if called:
        names = {row["code"]: row["description"] for row in called}
        rows = found.rows.filter(found.rows.reason.isnull(), code_of(found.rows).isin([*names]))
        facts = found.first(rows, "description") | {"codes": shown(", ".join(names))}
        facts["money"] = sum(row["money"] for row in called)
        yield doubt("services_sold", {"cleaning": {"non_products": names}}, **facts)


def outlying_reason(found: Evidence) -> Iterator[Doubt]:
    """Look for reasons that take an outlying share of rows or money, in all months alike."""
    counted = {reason: of for reason, of in found.outcome.items() if reason != SUPERSEDED}
    if unreadable := counted.get("unreadable_value"):
        counted["unreadable_value"] = unreadable | _of_transactions(found)
    rows = sum(of["rows"] for of in counted.values())
    money = sum(of["money"] for of in counted.values())
    for reason, usual in USUAL.items():
        if reason not in counted or rows < LEAST_ROWS:
            continue
        if reason == "outside_months" and found.is_bounded:
            continue
        of = counted[reason]
        share = max(of["rows"] / rows, of["money"] / money if money else 0)
        if share < usual["warn"]:
            continue
        # Hardly any row, and most of the money: that is a total.
        is_few = of["rows"] < HARDLY_ANY * rows or names_totals(found)
        is_total = reason == "missing_customer" and is_few
        concerned = found.rows.filter(found.rows.reason == reason)
        # What the policy names is left out on purpose.
        is_own = reason == "non_product" and any(found.policy.cleaning.non_products.values())
        is_well = is_total or is_own or _beside_sales(found, concerned) > 1 - usual["fail"] / share
        yield doubt(
            "outlying_reason",
            _way_out(reason, found, concerned),
            level="stops" if share >= usual["fail"] and not is_well else "warns",
            reason=reason,
            share=of["rows"] / rows,
            all_rows=rows,
            all_money=money,
            advice=usual["advice"],
            **found.first(concerned, usual.get("shown", "invoice"))
            | {"rows": of["rows"], "money": of["money"]},
        )


def _of_transactions(found: Evidence) -> dict:
    """Count the unreadable rows that are transactions: a total has no customer and no date."""
    rows, statuses = found.rows, found.policy.cleaning.statuses
    rows = rows.filter(rows.reason == "unreadable_value")
    money = rows.revenue.abs().cast("float64")
    is_one = rows.customer_id.notnull() | rows.invoice_date.notnull()
    if statuses:
        # What does not count does not have to be readable.
        is_one &= counts(rows.status, statuses)
    of_none = ~is_one & rows.unreadable_text.isnull() | rows.unreadable_text.lower().re_search(
        TOTAL
    )
    is_called = ~is_one & rows.description.re_search(TOTAL).fill_null(False)
    (counted,) = found.fetched(
        rows.agg(
            rows=rows.count() - (of_none if statuses else is_called).sum().fill_null(0),
            money=money.sum(where=~of_none).fill_null(0),
        )
    )
    return counted


def _beside_sales(found: Evidence, rows: Table) -> float:
    """Return which share of rows says nothing of money, in orders that have sales: notes, gifts."""
    says_nothing = (rows.price == 0) | (
        rows.price.isnull() & rows.quantity.isnull() & rows.unreadable_text.isnull()
    )
    order = ["workbook", "customer_id", "invoice"]
    sold = found.rows.filter(found.rows.reason.isnull()).select(order).distinct()
    beside = rows.filter(says_nothing).semi_join(sold, order)
    (all_of,), (of,) = (found.fetched(each.agg(rows=_.count())) for each in (rows, beside))
    return of["rows"] / all_of["rows"]


def _way_out(reason: str, found: Evidence, concerned: Table) -> Change:
    if reason != "non_product":
        return USUAL[reason].get("change", {})
    codes = concerned.group_by(code=code_of(concerned)).agg(rows=concerned.count())
    most = found.fetched(codes.order_by(codes.rows.desc(), "code").limit(3))
    return {"cleaning": {"non_products": {row["code"]: "" for row in most}}}
