"""Doubts about files: what is in them and not used, and what says that they were read wrongly.

Belongs here: what is judged by sheet. Does not: single cells (``casting``), forms of a column
(``forms``).
"""

import re
from collections.abc import Iterator
from typing import Any

import ibis
from ibis.expr.types import Table

from customer_segments.doubt import Change, Doubt, doubt, layout_for
from customer_segments.doubts.columns import QUANTITY
from customer_segments.doubts.evidence import Evidence, said_where
from customer_segments.doubts.statuses import PLACEHOLDERS, counting
from customer_segments.doubts.totals import TOTAL, names_totals
from customer_segments.ingestion.columns import headings
from customer_segments.ingestion.columns.layout import shown
from customer_segments.ingestion.orders.keys import SHEET
from customer_segments.texts import read_toml

UNUSED = {**read_toml(__package__, "unused.toml")}
BESIDE = set(UNUSED.pop("beside").split())
WORDS = {what: set(said["words"].split()) for what, said in UNUSED.items()}
BESIDE_OF = {what: BESIDE | set(said.get("beside", "").split()) for what, said in UNUSED.items()}
NEEDED = {what: set(said["needs"].split()) for what, said in UNUSED.items() if "needs" in said}
AMOUNT = r"(?i)amount|total|betrag|montant|importe|importo|bedrag"
FORMS = {"amount": AMOUNT, "percent": r"(?i)%|percent|pct|prozent"}
MEASURES = {
    "without tax": {"net", "netto", "neto", "ht", "excl", "excluding", "ex"},
    "with tax": {"gross", "brutto", "bruto", "lordo", "ttc", "incl", "including", "inc"},
}
CODES = read_toml("customer_segments.ingestion", "currencies.toml")["signs"]
# Text of one code page read as another, and what could not be read.
MOJIBAKE = r"Ã[\x{80}-\x{BF}]|Â[\x{A0}-\x{BF}]|â€|[\x{80}-\x{9F}]|\x{FFFD}"
FEW_TEXTS = 0.0001
# Of a sheet's rows, without date and customer; of those with a customer, those that say no more.
FOLLOWING, LEAST_FOLLOWING, MOST = 0.10, 10, 0.9
FIRST_LINE = "invoice, date and customer"


def fill_down(found: Evidence) -> Iterator[Doubt]:
    """Look for rows that leave to the row above whose they are, and of which order."""
    rows = found.raw.mutate(day=found.raw.invoice_date.date())
    no_day = rows.invoice_date.isnull() & rows.unreadable_text.isnull()
    nobody = rows.customer_id.isnull() & rows.price.notnull()
    dateless = nobody & no_day
    # A total that stands for nobody follows nothing.
    numberless = nobody & rows.invoice.isnull() & (not names_totals(found))
    # Of the few that say nothing else, not of all rows.
    is_total = ibis.ifelse(dateless | numberless, rows.description.re_search(TOTAL), False)
    dateless, numberless = (each & ~is_total.fill_null(False) for each in (dateless, numberless))
    undated = rows.customer_id.notnull() & rows.price.notnull() & no_day
    # Customers who stand on rows of their own, above their lines.
    is_bare = rows.invoice_date.isnull() & rows.invoice.isnull() & rows.stock_code.isnull()
    below = nobody & rows.invoice_date.notnull()
    by_sheet = rows.group_by(*SHEET).agg(
        rows=rows.count(),
        customers=rows.customer_id.count(),
        invoices=rows.invoice.count(),
        dateless=dateless.sum(),
        follow=(dateless | numberless).sum(),
        undated=undated.sum(),
        heads=(rows.customer_id.notnull() & is_bare).sum(),
        below=below.sum(),
    )
    counted = found.fetched(by_sheet.order_by(SHEET))
    for row in counted:
        # Where no row at all has an order number, one that has none follows nothing.
        follow = row["follow"] if row["invoices"] else row["dateless"]
        row["follow"] = follow if row["customers"] else 0
    yield from _filled_down(found, counted, rows.filter(dateless | numberless), FIRST_LINE)
    headed = [row | {"follow": row["below"]} for row in counted if row["heads"]]
    headed = [row for row in headed if row["heads"] >= MOST * row["customers"]]
    yield from _filled_down(found, headed, rows.filter(below), "the customer")
    of_days = [row | {"follow": row["undated"]} for row in counted]
    yield from _filled_down(found, of_days, rows.filter(undated), "the date")
    missing = found.outcome.get("missing_customer", {"rows": 0})["rows"]
    if missing >= FOLLOWING * sum(row["rows"] for row in counted):
        # With the day, for a till's receipts begin anew.
        named = rows.filter(rows.customer_id.notnull(), rows.invoice.notnull())
        of_known = rows.filter(rows.customer_id.isnull()).semi_join(
            named, [*SHEET, "invoice", "day"]
        )
        follow = of_known.group_by(*SHEET).agg(follow=of_known.count())
        counted = found.fetched(follow.inner_join(by_sheet.drop("follow"), SHEET).order_by(SHEET))
        yield from _filled_down(found, counted, of_known, "the customer")


def _filled_down(
    found: Evidence, counted: list[dict[str, Any]], rows: Table, what: str
) -> Iterator[Doubt]:
    """Yield the doubt of sheets in which the rows that follow are many."""
    concerned = [
        row
        for row in counted
        if (row["follow"] or 0) >= max(LEAST_FOLLOWING, FOLLOWING * row["rows"])
    ]
    if not concerned:
        return
    one = concerned[0]
    of_one = rows.filter(rows.workbook == one["workbook"], rows.sheet == one["sheet"])
    first = found.first(of_one, "price")
    first |= {name: sum(row[name] for row in concerned) for name in ("follow", "rows")}
    yield doubt(
        "fill_down",
        layout_for([row["workbook"] for row in concerned], found.files, fill_down=True),
        places=said_where((row["workbook"], row["sheet"]) for row in concerned),
        what=what,
        **first,
    )


def several_currencies(found: Evidence) -> Iterator[Doubt]:
    """Look for money of several currencies, which is added up as if it were one."""
    by_currency: dict[str, list[tuple[str, str]]] = {}
    for name, places in found.currencies.items():
        by_currency.setdefault(CODES.get(name, name), []).extend(places)
    yield from _several("several_currencies", by_currency)


def several_measures(found: Evidence) -> Iterator[Doubt]:
    """Look for files of which some have money with tax and others without, by their headings."""
    places: dict[str, list[tuple[str, str]]] = {}
    for row in found.sheets:
        money = row["headings"].get("price") or row["headings"].get("amount") or ""
        words = {*re.findall(r"[^\W\d_]+", money.casefold())}
        said = [name for name, measure in MEASURES.items() if words & measure]
        for name in said if len(said) == 1 else ():
            places.setdefault(name, []).append((row["workbook"], row["sheet"]))
    yield from _several("several_measures", places)


def _several(case: str, of: dict[str, list[tuple[str, str]]]) -> Iterator[Doubt]:
    if len(of) > 1:
        said = (f"{shown(name)} in {said_where(sorted({*places}))}" for name, places in of.items())
        yield doubt(case, several=len(of), places="; ".join(said))


def unused_money(found: Evidence) -> Iterator[Doubt]:
    """Look for columns like money, or like what decides whether it counts, that are not used."""
    for what, said in UNUSED.items():
        columns = {
            place: looking
            for place, names in found.unused.items()
            if (looking := [name for name in names if _looks_like(name, what)])
        }
        if not columns:
            continue
        named = list(dict.fromkeys(name for names in columns.values() for name in names))
        read = [name for row in found.sheets if (name := row["headings"].get(what)) in named]
        change = _using(found, what, [*read, *named][0], [workbook for workbook, _ in columns])
        yield doubt(
            "unused_money",
            change,
            places=said_where(columns),
            headings=", ".join(map(repr, map(shown, named))),
            are="is" if len(named) == 1 else "are",
            called=said.get("called", what),
            advice=f"{said['advice']} {said.get('other', '') if change else ''}".strip(),
        )


def _using(found: Evidence, what: str, heading: str, concerned: list[str]) -> Change:
    """Return the sections that have a column count."""
    if what in PLACEHOLDERS:
        return counting(found, what, heading, concerned)
    if what in ("shipping", "price_unit"):
        return {}
    if what in ("tax", "measure", "price"):
        # Another price than the one that counts can be named in its place.
        money = [name for name in ("price", "amount") if headings.found(name, [heading])]
        money = ["price"] if what == "price" else money
        if not any(row["headings"].get(name) for name in money for row in found.sheets):
            return {}
        return layout_for(concerned, found.files, columns={money[0]: heading})
    if what == "returns":
        column = "quantity" if re.search(QUANTITY, heading) else "amount"
        used = [h for row in found.sheets if (h := row["headings"].get(column))][:1]
        both = {column: [*used, heading]}
        return layout_for(concerned, found.files, columns=both) if used else {}
    rate = next((form for form, said in FORMS.items() if re.search(said, heading)), "rate")
    says = {"discount": rate} if what == "discount" else {}
    return layout_for(concerned, found.files, columns={what: heading}, **says)


def _looks_like(heading: str, what: str) -> bool:
    words = re.findall(r"[^\W_]+", re.sub(headings.CAMEL, " ", heading).casefold())
    plain = {*words}
    is_one = plain & WORDS[what] and plain & NEEDED.get(what, plain) and not plain & BESIDE_OF[what]
    return bool(is_one or "".join(words) in WORDS[what])


def wrong_code_page(found: Evidence) -> Iterator[Doubt]:
    """Look for text that was written in one code page and read as another."""
    all_rows = sum(of["rows"] for of in found.outcome.values())
    # Texts repeat: each is looked at once.
    countries = found.raw.group_by("country").agg(rows=found.raw.count())
    every = {"description": found.products, "country": countries, "customer_id": found.ids}
    for column, texts in every.items():
        misread = texts.filter(texts[column].re_search(MOJIBAKE))
        (total,) = found.fetched(misread.agg(rows=misread.rows.sum()))
        if not total["rows"] or total["rows"] < FEW_TEXTS * all_rows:
            continue
        first = found.first(found.raw.semi_join(misread, column), column) | total
        text, change = shown(repr(first["example"])), {"layout": [{"encoding": "cp1252"}]}
        yield doubt("wrong_code_page", change, text=text, **first)
