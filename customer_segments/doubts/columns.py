"""Doubts about columns: one that is missed beside another, and cells that say nothing.

Belongs here: what is judged by a column as a whole. Does not: how its cells are read (``forms``),
columns of money that are not used (``files``).
"""

import re
from collections.abc import Iterator

from customer_segments.doubts.evidence import Evidence, heading_of, said_where
from customer_segments.ingestion.doubt import Doubt, doubt, layout_for
from customer_segments.ingestion.layout import shown

# Headings of quantities that nobody knows by name.
QUANTITY = (
    r"(?i)^(qu?an?t|qt|cant|cdad|menge|anz|st(ü|ue)?c?k|nb\b|nombre|uds?\b|units?$|unid|pcs|pieces"
    r"|pezzi|pz\b|aantal|hoeveel|no\.? of|number of|# of|volume)|quant|qty|menge|anzahl"
)
NO_DATES = ["1970-01-01", "1900-01-01", "1899-12-30", "1899-12-31", "1980-01-01", "2000-01-01"]
LEAST_ROWS = 10
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
