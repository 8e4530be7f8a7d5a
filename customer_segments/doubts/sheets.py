"""Doubts about sheets as a whole: whether they are whole, of days of sales, corrected by others.

Belongs here: what is judged by a sheet's rows, days and orders. Does not: columns that are not used
(``files``).
"""

from collections.abc import Iterable, Iterator

from ibis import _

from customer_segments.doubt import Doubt, Level, doubt, layout_for
from customer_segments.doubts.again import LOST
from customer_segments.doubts.evidence import Evidence
from customer_segments.ingestion.columns.layout import shown, where
from customer_segments.ingestion.files.database import PREFIX
from customer_segments.ingestion.orders.keys import KEY, SHEET, with_keys
from customer_segments.source_files import SHOWN, TO_UNPACK, way_out
from customer_segments.tables.money import total_revenue

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
# Fewer orders of two files are corrections by hand, or cut by the end of a file.
LEAST_PARTS = 10
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


def corrected(found: Evidence) -> Iterator[Doubt]:
    """Look for orders that a later sheet has with other money or products, or alone lacks."""
    if len(found.sheets) < 2:
        return
    rows = with_keys(found.some.filter(_.invoice.notnull()))
    each = rows.group_by(*SHEET, *KEY, "is_superseded").agg(money=total_revenue(rows))
    gone, there = each.filter(each.is_superseded), each.filter(~each.is_superseded)
    # A sheet that was appended to itself has its own orders in another part.
    elsewhere = gone.anti_join(there, [*SHEET, *KEY])
    other = there.rename(file="workbook", of="sheet", new="money").select("file", "of", "new", *KEY)
    met = elsewhere.inner_join(other, [*KEY]).filter(_.money != _.new)
    in_parts = there.inner_join(other, [*KEY]).filter(_.workbook < _.file)
    in_parts = in_parts.group_by("workbook", "file").agg(met=_.count()).filter(_.met >= LEAST_PARTS)
    # The first and the last day of what both have may be whole in one of them alone.
    time = elsewhere.group_by(SHEET).agg(first=_.day.min(), last=_.day.max(), met=_.count())
    left = there.inner_join(time, SHEET).filter(_.day > _.first, _.day < _.last)
    left = left.group_by(*SHEET, "first", "last", "met").agg(left=_.count())
    cases = {
        "corrected": met.mutate(orders=_.count().over()).order_by(*SHEET, *KEY),
        "corrected.left": left.filter(_.left < LOST * _.met).order_by(SHEET),
        "corrected.parts": in_parts.order_by(_.met.desc(), "workbook", "file"),
    }
    for case, concerned in cases.items():
        for row in found.fetched(concerned.limit(1)):
            files = {name: shown(row.get(name, "")) for name in ("workbook", "file")}
            yield doubt(case, looked_at=found.looked_at, **row | files)
