"""Doubts about what a line is by what it is called: a sale, a credit note, a fee, a void.

Belongs here: which statuses count, which numbers and sheets are of credit notes. Does not: those
that are told by their signs (``lines``).
"""

import re
from collections.abc import Iterator
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Table

from customer_segments.doubt import Change, Doubt, doubt, layout_for
from customer_segments.doubts.again import SUPERSEDED, standing_twice
from customer_segments.doubts.evidence import Evidence
from customer_segments.tables.money import line_revenue
from customer_segments.texts import read_toml

WORDS = read_toml(__package__, "words.toml")
BACK, MOST_SHOWN = WORDS["back"], 3
# Of lines called a credit note: so many without a minus are no restocking fees.
HALF = 0.5
# Of lines, those of a prefix that say something, and are not what the shop calls its invoices.
FEW, MOST = 0.001, 0.5
PLACEHOLDERS = {"status": "paid", "kind": "sale", "flag": "false", "live": "true"}


def unsigned_credit_statuses(found: Evidence) -> Iterator[Doubt]:
    """Look for lines that a column calls credit notes while nothing of them is negative."""
    if found.policy.cleaning.credit_statuses:
        return
    called = [row for row in _by_status(found) if row["is_credit"] and row["positive"] >= HALF]
    if called:
        names = [row["status"] for row in called]
        first = found.first(found.raw.filter(found.raw.status.isin(names)), "status")
        change = {"cleaning": {"credit_statuses": names}}
        money = sum(row["money"] for row in called)
        yield doubt("unsigned_credit_notes.status", change, **first | {"money": money})


def unsigned_credit_notes(found: Evidence) -> Iterator[Doubt]:
    """Look for invoices that are called like credit notes while nothing of them is negative."""
    rows = found.rows.filter(~found.rows.is_superseded, found.rows.price.notnull())
    # Invoices are fewer than rows, and in most files none is called so.
    every = rows.select("invoice").distinct()
    if not found.fetched(every.filter(every.invoice.re_search(WORDS["credit_note"])).limit(1)):
        return
    is_called = rows.invoice.re_search(WORDS["credit_note"])
    called = rows.mutate(prefix=ibis.ifelse(is_called, rows.invoice.re_replace("[0-9]+", ""), ""))
    by_prefix = called.group_by("prefix").agg(
        rows=called.count(),
        least=ibis.least(called.quantity.min(), called.price.min()),
        money=line_revenue(called).cast("float64").sum(),
    )
    counted = found.fetched(by_prefix.order_by("prefix"))
    kept = sum(each["rows"] for each in counted)
    for each in counted:
        share = each["rows"] / kept
        if each["prefix"] and each["least"] > 0 and FEW < share < MOST:
            first = found.first(called.filter(called.prefix == each["prefix"]), "invoice")
            yield doubt("unsigned_credit_notes", **first | each)


def unsigned_credit_sheets(found: Evidence) -> Iterator[Doubt]:
    """Look for sheets and files called credit notes while nothing of them is negative, or plans."""
    # Orders of the same number in sheets of sales may put them out of count.
    counts = found.rows.reason.isnull() | (found.rows.reason == SUPERSEDED)
    rows = found.rows.filter(counts, ~_.is_credit, _.revenue > 0)
    # A shop may be called so, and all of its files are.
    called = [_called(row) for row in found.sheets]
    for row, what in zip(found.sheets, called, strict=True):
        if not what or all(what == other for other in called):
            continue
        sales = rows.filter(rows.workbook == row["workbook"], rows.sheet == row["sheet"])
        first = found.first(sales, "customer_id")
        if first and first["rows"] >= HALF * row["row_count"]:
            (total,) = found.fetched(sales.agg(money=_.revenue.cast("float64").sum()))
            if what == "plan":
                yield doubt("planned_sales", **first | total)
                continue
            change = layout_for([row["workbook"]], found.files, credit=[row["sheet"]])
            change = {**change, "cleaning": {"credit": "sign"}}
            yield doubt("unsigned_credit_notes.sheet", change, **first | total)


def _called(sheet: dict[str, Any]) -> str:
    """Return what a sheet, or its file where that says nothing, is called: a plan, or credit."""
    for name in (sheet["sheet"].replace("_", " "), sheet["workbook"].replace("_", " ")):
        plan, credit, sales = (re.search(WORDS[what], name) for what in ("plan", "credit", "sales"))
        if credit and not plan and not (sales and re.search(WORDS["both"], name)):
            return "credit"
        if plan or credit or sales:
            return "plan" if plan else ""
    return ""


def sold_in_statuses(found: Evidence) -> Iterator[Doubt]:
    """Look for lines that stand under several statuses: offers and invoices, say."""
    rules = found.policy.cleaning
    if rules.statuses or rules.credit_statuses or len(_by_status(found)) < 2:
        return
    rows = found.some.filter(_.reason.isnull(), ~_.is_credit)
    rows = rows.mutate(status=rows.status.fill_null(""))
    for pair in found.fetched(standing_twice(rows, "status")):
        # Return, or Is Return: True.
        called = [row["headings"].get("status") or "" for row in found.sheets]
        called = called if re.search(WORDS["flagged"], pair["status"]) else [pair["status"]]
        said = " ".join(called)
        names, back = _counting(found), any(re.search(w, said) for w in (BACK, WORDS["credit"]))
        change = {"cleaning": {"statuses": names}} if _called_sold(names) else None
        change = {"cleaning": {"credit_statuses": [pair["status"]]}} if back else change
        first = found.first(found.raw.filter(found.raw.status == pair["status"]), "status")
        yield doubt(f"sold_twice.{'back' if back else 'statuses'}", change, **first | pair)


def _counting(found: Evidence) -> list[str]:
    """Return the statuses of rows that seem to count: of documents, those of what is sold."""
    names = [row["status"] for row in _by_status(found) if row["counts"]]
    return (_called_sold(names) or names)[:MOST_SHOWN]


def _called_sold(names: list[str]) -> list[str]:
    return [name for name in names if re.search(WORDS["sold"], name)]


def statuses_of_sales(found: Evidence, returns: Table) -> Change:
    """Return what counts where some of ``returns`` are called fees, payouts or the like."""
    names = {row["status"] for row in found.fetched(returns.select("status").distinct())}
    rows = _by_status(found)
    of_returns = [row for row in rows if row["status"] in names]
    called = [row for row in of_returns if row["is_credit"] or re.search(BACK, row["status"])]
    back = [row["status"] for row in called]
    fees = [row for row in of_returns if row not in called]
    if not fees or any(row["most"] >= 0 for row in fees):
        return {}
    says = {"statuses": [row["status"] for row in rows if row["least"] > 0]}
    return {"cleaning": says | ({"credit_statuses": back} if back else {})}


def counting(found: Evidence, what: str, heading: str, concerned: list[str]) -> Change:
    """Return the setting by which rows of some statuses count alone; ``what`` the column may be.

    Its values are known where it is read as the status.
    """
    if any(row["headings"].get("status") == heading for row in found.sheets):
        rows = _by_status(found)
        names = _counting(found)
        unflagged = [row["status"] for row in rows if re.search(WORDS["unflagged"], row["status"])]
        # Storniert: Ja, Nein; Refund: Y, or nothing.
        others = {row["status"] for row in rows} - {*unflagged}
        is_flag = all(re.search(WORDS["flagged"], name) for name in others)
        names = unflagged if what == "flag" or any(unflagged) or is_flag else names
        if names:
            return {"cleaning": {"statuses": names}}
    change = layout_for(concerned, found.files, columns={"status": heading})
    return {**change, "cleaning": {"statuses": [PLACEHOLDERS[what]]}}


def _by_status(found: Evidence) -> list[dict[str, Any]]:
    """Return each status, "" of none, with its rows, money and least and most, most rows first."""
    if not any(row["headings"].get("status") for row in found.sheets):
        return []
    raw = found.raw.mutate(status=found.raw.status.fill_null(""))
    each = raw.group_by("status").agg(
        rows=_.count(),
        money=(_.quantity.cast("float64") * _.price.cast("float64")).sum().fill_null(0),
        positive=((_.quantity > 0) & (_.price > 0)).mean().fill_null(0),
        least=ibis.least(_.quantity.min(), _.price.min()).fill_null(0),
        most=(_.quantity.cast("float64") * _.price.cast("float64")).max().fill_null(0),
    )
    each = each.mutate(
        is_credit=_.status.re_search(WORDS["credit"]),
        counts=(_.status != "") & ~_.status.re_search(WORDS["taken_back"]),
    )
    return found.fetched(each.order_by(each.rows.desc(), "status"))
