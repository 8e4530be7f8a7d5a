"""Doubts about columns: one that is missed beside another, and cells that say nothing.

Belongs here: what is judged by a column as a whole. Does not: how its cells are read (``forms``),
columns of money that are not used (``files``).
"""

import re
from collections.abc import Iterator

from ibis import _

from customer_segments.cleaning.rules import code_of
from customer_segments.doubts.evidence import Evidence, heading_of, said_where
from customer_segments.ingestion.doubt import Doubt, doubt, layout_for
from customer_segments.ingestion.layout import shown
from customer_segments.texts import read_toml

QUANTITY = read_toml(__package__, "words.toml")["quantity"]
NO_DATES = ["1970-01-01", "1900-01-01", "1899-12-30", "1899-12-31", "1980-01-01", "2000-01-01"]
LEAST_ROWS = 10
# Lines of a product, and products, that tell what a price is of; how much less the price of a unit
# varies where it is of the line; and most of the products, or of the lines that stand twice.
LEAST_LINES, LEAST_PRODUCTS, MUCH_LESS, MOST = 5, 10, 2, 0.8
# Of one product's prices in two files: no price rises so much, and cents are a hundred times.
FAR = 50
# From a placeholder to the first of the days that are none.
DAYS_APART = 365


def no_quantity(found: Evidence) -> Iterator[Doubt]:
    """Look for prices without a quantity beside them while a column may have it."""
    for row in found.sheets:
        place, price = (row["workbook"], row["sheet"]), heading_of("price", row["read_as"])
        if not price or heading_of("quantity", row["read_as"]):
            continue
        if may_be := [name for name in found.unused.get(place, []) if re.search(QUANTITY, name)]:
            yield doubt(
                "no_quantity",
                layout_for([row["workbook"]], found.files, columns={"quantity": may_be[0]}),
                places=said_where([place]),
                price=price,
                may_be=shown(", ".join(map(repr, may_be))),
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
        sheets = [each["read_as"] for each in found.sheets if each["workbook"] == file]
        if heading := next((h for said in sheets if (h := heading_of("price", said))), None):
            yield doubt(
                "line_prices",
                layout_for([file], found.files, columns={"price": "", "amount": heading}),
                file=shown(file),
                heading=heading,
                looked_at=found.looked_at,
                **row,
            )


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
    each = each.mutate(is_far=_.price > FAR * _.least)
    counted = each.group_by("workbook").agg(
        products=_.count(), far=_.is_far.sum(), beside=_.beside.min(where=_.is_far)
    )
    far = counted.filter(_.products >= LEAST_PRODUCTS, _.far >= MOST * _.products)
    concerned = found.fetched(far.order_by("workbook"))
    if concerned:
        one, files = concerned[0], [row["workbook"] for row in concerned]
        change = layout_for(files, found.files, minor_units=True)
        facts = {"file": shown(one["workbook"]), "others": shown(one["beside"])}
        yield doubt("other_scale", change, looked_at=found.looked_at, **facts | one)


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
