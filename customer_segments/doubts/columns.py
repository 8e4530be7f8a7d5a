"""Doubts about columns: one that is missed beside another, and cells that say nothing.

Belongs here: what is judged by a column as a whole. Does not: how its cells are read (``forms``),
columns of money that are not used (``files``).
"""

import re
from collections.abc import Iterator

from ibis import _

from customer_segments.doubts.evidence import Evidence, heading_of, looked_at, said_where
from customer_segments.ingestion.doubt import Doubt, doubt, layout_for
from customer_segments.ingestion.layout import shown

# Headings of quantities that nobody knows by name.
QUANTITY = (
    r"(?i)^(qu?an?t|qt|cant|cdad|menge|anz|st(ü|ue)?c?k|nb\b|nombre|uds?\b|units?$|unid|pcs|pieces"
    r"|pezzi|pz\b|aantal|hoeveel|no\.? of|number of|# of|volume)|quant|qty|menge|anzahl"
)
NO_DATES = ["1970-01-01", "1900-01-01", "1899-12-30", "1899-12-31", "1980-01-01", "2000-01-01"]
LEAST_ROWS = 10
# Lines of a product, and products, that tell what a price is of; how much less the price of a unit
# varies where it is of the line; and most of the products, or of the lines that stand twice.
LEAST_LINES, LEAST_PRODUCTS, MUCH_LESS, MOST = 5, 10, 2, 0.8
# From a placeholder to the first of the days that are none.
DAYS_APART = 365


def no_quantity(found: Evidence) -> Iterator[Doubt]:
    """Look for prices without a quantity beside them while a column may have it."""
    for row in found.sheets:
        said = row["read_as"]
        if not heading_of("price", said) or heading_of("quantity", said):
            continue
        unused = found.unused.get((row["workbook"], row["sheet"]), [])
        may_be = [name for name in unused if re.search(QUANTITY, name)]
        if may_be:
            yield doubt(
                "no_quantity",
                "stops",
                f"{said_where([(row['workbook'], row['sheet'])])}: there is a price "
                f"({heading_of('price', said)!r}) and no quantity, so that each line counts once; "
                f"{shown(', '.join(map(repr, may_be)))} may have it, and is not used.",
                "Name the column of the quantity; or, if the price is the line's, accept it:",
                layout_for([row["workbook"]], found.files, columns={"quantity": may_be[0]}),
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
        sheets = [each for each in found.sheets if each["workbook"] == row["workbook"]]
        heading = next((h for each in sheets if (h := heading_of("price", each["read_as"]))), None)
        if heading is None:
            continue
        yield doubt(
            "line_prices",
            "stops",
            f"{shown(row['workbook'])}, column {heading!r}: of {row['totals']:,} of "
            f"{row['products']:,} products the price grows with the quantity, so that it may be "
            f"of all units of a line; it counts once for each.{looked_at(found)}",
            "If it is, say so:",
            layout_for([row["workbook"]], found.files, columns={"price": "", "amount": heading}),
        )


def placeholder_dates(found: Evidence) -> Iterator[Doubt]:
    """Look for days that programs write where they know none."""
    rows = found.rows.filter(found.rows.reason.isnull())
    days = rows.filter(rows.invoice_date.date().cast("string").isin(NO_DATES))
    first = found.first(days, "invoice_date")
    if not first or first["rows"] < LEAST_ROWS:
        return
    later = rows.filter(rows.invoice_date.date() > first["example"].date())
    (start,) = found.fetched(later.agg(first=later.invoice_date.min()))
    if not start["first"] or (start["first"] - first["example"]).days < DAYS_APART:
        return
    yield doubt(
        "placeholder_dates",
        "stops",
        f"{first['column']}: {first['rows']:,} rows are of {first['example']:%Y-%m-%d}, long "
        f"before all others, as programs write where they know no day; row "
        f"{first['row_number']:,}, say.",
        "Mend them; or leave them out, by the first month that counts: "
        f"CUSTOMER_SEGMENTS_FIRST_MONTH={start['first']:%Y-%m}",
    )
