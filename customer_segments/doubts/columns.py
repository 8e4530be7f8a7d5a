"""Doubts about columns: one that is missed beside another, and cells that say nothing.

Belongs here: what is judged by a column as a whole. Does not: how its cells are read (``forms``),
columns of money that are not used (``files``).
"""

import re
from collections.abc import Iterator

import ibis
from ibis import _

from customer_segments.cleaning.rules import code_of
from customer_segments.doubt import Doubt, doubt, layout_for
from customer_segments.doubts.evidence import Evidence, said_where
from customer_segments.ingestion.columns import headings
from customer_segments.ingestion.columns.layout import COLUMNS, shown, where
from customer_segments.ingestion.orders.keys import SHEET
from customer_segments.texts import read_toml

WORDS = read_toml(__package__, "words.toml")
QUANTITY, PER_UNIT = WORDS["quantity"], WORDS["per_unit"]
NO_DATES = ["1970-01-01", "1900-01-01", "1899-12-30", "1899-12-31", "1980-01-01", "2000-01-01"]
LEAST_ROWS = 10
# Lines of a product, and products, that tell what a price is of; how much less the price of a unit
# varies where it is of the line; and most of the products, or of the lines that stand twice.
LEAST_LINES, LEAST_PRODUCTS, MUCH_LESS, MOST = 5, 10, 2, 0.8
# Of one product's prices in two files: no price rises so much, and cents are a hundred times.
FAR, HUNDRED = 50, 200
# So many times as much as in another file, the same for nearly all products, is a tax.
ALIKE, TAX = 0.01, (1.04, 1.3)
# Cells of a row that are headings.
LEAST_HEADINGS, MOST_ROWS = 3, 1_000
TEXTS = ("customer_id", "invoice", "stock_code", "description")
# Lines, and the share of those that another of the same customer and moment stands beside.
LEAST_NUMBERS, TOGETHER = 100, 0.3
# Days of a year that are told as one of each month, at least.
LEAST_MONTHS, MONTHS = 4, 12
# From a placeholder to the first of the days that are none.
DAYS_APART = 365


def no_quantity(found: Evidence) -> Iterator[Doubt]:
    """Look for prices without a quantity beside them while a column may have it."""
    for row in found.sheets:
        place, price = (row["workbook"], row["sheet"]), row["headings"].get("price")
        if not price or row["headings"].get("quantity"):
            continue
        unused = found.unused.get(place, [])
        may_be = [
            name
            for name in unused
            if re.search(QUANTITY, name) or headings.is_nearly("quantity", name)
        ]
        if may_be or (unused and re.search(PER_UNIT, price)):
            yield doubt(
                "no_quantity",
                layout_for(
                    [row["workbook"]], found.files, columns={"quantity": [*may_be, "HEADING"][0]}
                ),
                level="stops" if may_be else "warns",
                places=said_where([place]),
                price=price,
                may_be=shown(", ".join(map(repr, may_be or unused))),
            )


def line_prices(found: Evidence) -> Iterator[Doubt]:
    """Look for prices that are of all units of a line: of a product, twice as much for two."""
    rows = found.some
    rows = rows.filter(rows.reason.isnull(), rows.quantity > 0, rows.stock_code.notnull())
    rows = rows.select(
        *("workbook", "stock_code", "quantity"),
        price=_.price.cast("float64"),
        unit=_.price.cast("float64") / _.quantity.cast("float64"),
    )
    products = rows.group_by("workbook", "stock_code").agg(
        quantities=_.quantity.nunique(),
        lines=_.count(),
        spread=_.price.std() / _.price.mean(),
        unit_spread=_.unit.std() / _.unit.mean(),
    )
    products = products.filter(products.quantities > 1, products.lines >= LEAST_LINES)
    products = products.mutate(is_total=products.unit_spread * MUCH_LESS < products.spread)
    counted = products.group_by("workbook").agg(products=_.count(), totals=_.is_total.sum())
    many = counted.filter(_.products >= LEAST_PRODUCTS, _.totals >= MOST * _.products)
    for row in found.fetched(many.order_by("workbook")):
        file = row["workbook"]
        sheets = [each["headings"] for each in found.sheets if each["workbook"] == file]
        if heading := next((h for said in sheets if (h := said.get("price"))), None):
            yield doubt(
                "line_prices",
                layout_for([file], found.files, columns={"price": "", "amount": heading}),
                file=shown(file),
                heading=heading,
                looked_at=found.looked_at,
                **row,
            )


def numbered_lines(found: Evidence) -> Iterator[Doubt]:
    """Look for order numbers that are those of lines: each has one, and many are of one moment."""
    rows = found.some.filter(_.reason.isnull(), ~_.is_credit, _.stock_code.notnull())
    rows = rows.group_by("workbook", "customer_id", "invoice_date").agg(
        lines=_.count(), numbers=_.invoice.nunique()
    )
    each = rows.group_by("workbook").agg(
        lines=_.lines.sum(), numbers=_.numbers.sum(), together=_.lines.sum(where=_.lines > 1)
    )
    many = each.filter(
        _.lines >= LEAST_NUMBERS, _.numbers == _.lines, _.together >= TOGETHER * _.lines
    )
    for row in found.fetched(many.order_by("workbook")):
        sheets = [sheet for sheet in found.sheets if sheet["workbook"] == row["workbook"]]
        heading = next((h for s in sheets if (h := s["headings"].get("invoice"))), None)
        if heading:
            others = shown(", ".join(map(repr, found.unused_names))) or "nothing"
            change = layout_for([row["workbook"]], found.files, columns={"invoice": "HEADING"})
            facts = {"file": shown(row["workbook"]), "heading": heading, "others": others}
            yield doubt("order_numbers.of_lines", change, **row | facts)
            return


def other_scale(found: Evidence) -> Iterator[Doubt]:
    """Look for files whose products cost a hundred times what they cost in others: cents."""
    if len(found.files) < 2:
        return
    rows = found.some.filter(_.reason.isnull(), _.price > 0)
    rows = rows.mutate(product=code_of(rows)).filter(_.product != "")
    each = rows.group_by("workbook", "product").agg(price=_.price.cast("float64").median())
    lowest = each.group_by("product").agg(
        least=_.price.min(), beside=_.workbook.argmin(_.price), files=_.count()
    )
    each = each.inner_join(lowest.filter(_.files > 1), "product")
    each = each.mutate(is_far=_.price > FAR * _.least, times=_.price / _.least)
    each = each.mutate(usual=_.times.median().over(ibis.window(group_by="workbook")))
    counted = each.group_by("workbook").agg(
        products=_.count(),
        far=_.is_far.sum(),
        beside=_.beside.max(where=_.beside != _.workbook),
        alike=((_.times / _.usual - 1).abs() < ALIKE).sum(),
        times=_.usual.max(),
    )
    many = found.fetched(counted.filter(_.products >= LEAST_PRODUCTS).order_by("workbook"))
    concerned = [row for row in many if row["far"] >= MOST * row["products"]]
    for row in many:
        least, most = TAX
        if row["alike"] >= MOST * row["products"] and least < row["times"] < most:
            facts = {"file": shown(row["workbook"]), "others": shown(row["beside"])}
            yield doubt("other_scale.tax", looked_at=found.looked_at, **row | facts)
            break
    if concerned:
        one, files = concerned[0], [row["workbook"] for row in concerned]
        change = layout_for(files, found.files, minor_units=True)
        change = change if one["times"] < HUNDRED else {}
        facts = {"file": shown(one["workbook"]), "others": shown(one["beside"])}
        yield doubt("other_scale", change, looked_at=found.looked_at, **facts | one)


def other_headings(found: Evidence) -> Iterator[Doubt]:
    """Look for headings among the rows that stand in another order than those of the header."""
    rows = found.raw.filter(~found.raw.unreadable_text.re_search("[0-9]"))
    place = [*SHEET, "row_number", "unreadable_column", "unreadable_text", *TEXTS]
    for row in found.fetched(rows.select(place).order_by(place[:3]).limit(MOST_ROWS)):
        at = row["workbook"], row["sheet"]
        cells = {row["unreadable_column"]: row["unreadable_text"]} | {
            name: row[name] for name in TEXTS if row[name]
        }
        known = [
            name
            for name, of in cells.items()
            if any(headings.found(each, [of]) for each in COLUMNS)
        ]
        own = {name: found.headings[at].get(name, "") for name in known}
        other = [
            name
            for name in known
            if own[name]
            and not headings.named(own[name], [cells[name]])
            and not headings.found(name, [cells[name]])
        ]
        if len(known) >= LEAST_HEADINGS and other:
            yield doubt(
                "other_headings",
                where=where(*at),
                row_number=row["row_number"],
                heading=own[other[0]],
                cell=shown(cells[other[0]]),
            )
            return


def placeholder_dates(found: Evidence) -> Iterator[Doubt]:
    """Look for days that programs write where they know none."""
    rows = found.rows.filter(found.rows.reason.isnull())
    days = rows.filter(rows.invoice_date.date().cast("string").isin(NO_DATES))
    first = found.first(days, "invoice_date")
    if not first or first["rows"] < LEAST_ROWS:
        return
    later = rows.filter(rows.invoice_date.date() > first["example"].date())
    (start,) = found.fetched(later.agg(start=later.invoice_date.min()))
    if start["start"] and (start["start"] - first["example"]).days >= DAYS_APART:
        yield doubt("placeholder_dates", **first | start)


def swapped_days(found: Evidence) -> Iterator[Doubt]:
    """Look for sheets that have one day of several months, and are of a month that no other has."""
    for row in found.days:
        others = [other for other in found.days if other is not row]
        has_days = any(other["numbers"] > MONTHS for other in others)
        if row["numbers"] > 1 or row["days"] < LEAST_MONTHS or row["day"].day > MONTHS:
            continue
        # 6 January to 6 December are the first twelve days of June.
        told = row["day"].replace(day=1, month=row["day"].day)
        is_there = any(
            other["day"] < told.replace(day=28) and told <= other["last"] for other in others
        )
        if has_days and not is_there and row["day"].year == row["last"].year:
            yield doubt("swapped_dates.days", where=where(row["workbook"], row["sheet"]), **row)
