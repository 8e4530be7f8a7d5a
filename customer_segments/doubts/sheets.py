"""Doubts about sheets as a whole: whether they are whole, and whether their days are of sales.

Belongs here: what is judged by the number of a sheet's rows and days. Does not: columns that are
not used (``files``).
"""

from collections.abc import Iterable, Iterator

from ibis import _

from customer_segments.doubts.evidence import Evidence
from customer_segments.ingestion.database import PREFIX
from customer_segments.ingestion.doubt import Doubt, Level, doubt, layout_for
from customer_segments.ingestion.layout import shown, where
from customer_segments.ingestion.orders import SHEET
from customer_segments.source_files import SHOWN, TO_UNPACK, way_out

# Rows of a sheet of one day; so many times those of a day in others are too many, and so many days
# and no further apart are files of a day each.
LEAST_ROWS, TIMES, LEAST_DAYS, APART = 100, 10, 28, 8
# What ends by itself: a sheet of Excel, header included; exports of shops and of reports, without.
EXCEL = {65_536: "an old Excel sheet", 1_048_576: "an Excel sheet"}
# Kinds of files that hold tables.
DATA = (
    *(".json", ".jsonl", ".ndjson", ".xml", ".feather", ".arrow", ".orc", ".avro", ".dbf", ".sav"),
    *(".dta", ".sas7bdat", ".mdb", ".accdb", ".sqlite", ".psv", ".dat", ".tab"),
)
ROUND = (10_000, 30_000, 50_000, 100_000, 150_000, 250_000, 500_000, 1_000_000)


def left_out(names: Iterable[str]) -> Iterator[Doubt]:
    """Look for files of a folder that may have sales, and are of a kind that is not read."""
    if files := [name for name in names if name.lower().endswith((*DATA, *TO_UNPACK))]:
        said = shown(", ".join(files[:SHOWN]))
        yield doubt("passed_over.kinds", files=said, way_out=way_out(files))


def one_day(found: Evidence) -> Iterator[Doubt]:
    """Look for sheets all of whose rows are of one day: that of the export, and of no sale."""
    sheets = found.days
    others = [row for row in sheets if row["days"] > 1]
    usual = sum(row["rows"] for row in others) / (sum(row["days"] for row in others) or 1)
    least = max(LEAST_ROWS, TIMES * usual)
    concerned = [
        row
        for row in sheets
        if row["days"] == 1 and row["rows"] >= least and not row["workbook"].startswith(PREFIX)
    ]
    days = sorted({row["day"] for row in sheets})
    is_daily = len(days) >= LEAST_DAYS and (days[-1] - days[0]).days < APART * len(days)
    if not concerned or (is_daily and not others):
        return
    one = concerned[0]
    place = one["workbook"], one["sheet"]
    change = layout_for(
        [row["workbook"] for row in concerned], found.files, columns={"invoice_date": "HEADING"}
    )
    heading = found.headings[place].get("invoice_date")
    yield doubt("one_day", change, where=where(*place), heading=heading, **one)


def cut_off(found: Evidence) -> Iterator[Doubt]:
    """Look for sheets that have as many rows as fit."""
    each = found.raw.group_by(*SHEET).agg(rows=_.count(), last=_.row_number.max())
    full = each.filter(each.last.isin([*EXCEL]) | each.rows.isin(ROUND))
    for row in found.fetched(full.order_by(SHEET)):
        what = EXCEL.get(row["last"], "some exports")
        level: Level = "stops" if row["last"] in EXCEL else "warns"
        rows = row["last"] if row["last"] in EXCEL else row["rows"]
        place = where(row["workbook"], row["sheet"])
        yield doubt("cut_off", level=level, where=place, rows=rows, what=what)
