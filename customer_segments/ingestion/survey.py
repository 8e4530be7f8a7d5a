"""What the sheets hold, counted as they come in.

Belongs here: the figures of each sheet that reconciliation holds against ``raw_transactions``, and
their order. Does not: reading files (``intake``).
"""

import json
from collections.abc import Hashable, Mapping
from datetime import date
from typing import Any

import ibis
import pandas as pd
from ibis.expr.types import Table, Value

from customer_segments import months
from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import shown, where
from customer_segments.ingestion.files.database import OTHER, PREFIX
from customer_segments.ingestion.intake import Intake
from customer_segments.ingestion.orders.keys import SHEET
from customer_segments.ingestion.sheets.empty_columns import empty_columns, filled_beside
from customer_segments.storage.connection import Connection
from customer_segments.tables import SOURCE_SHEETS
from customer_segments.tables.money import total_revenue

# Of a file that has no transactions.
NOTHING = {
    **{"sheet": "", "is_part": False, "header_row": 0},
    **{"ignored_columns": "[]", "currencies": "", "read_as": "{}"},
}
# Of months, from one with rows to the next: a year lies empty between.
FAR = 12
# Of a sheet's rows; and from how many rows on one alone is few.
FEW = 0.01
MANY = 20


def survey(
    con: Connection,
    intake: Intake,
    rows: Table,
    workbooks: list[str],
    today: date,
    reused: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count each sheet, as ``SOURCE_SHEETS`` has it, in the order in which they count.

    ``intake`` was loaded into ``rows``; ``workbooks`` are all file names in natural order, those of
    sheets ``reused`` among them. Sheets of one file are in its order, and the part files of a
    folder, which are one export, have the same place, as the months of a database do. A UserError
    names a sheet with not one readable date.
    """
    ordered = pd.concat([reused, _surveyed(con, intake, rows, today)]).sort_values(
        "workbook", key=lambda names: names.map(workbooks.index), kind="stable", ignore_index=True
    )
    place = ordered["workbook"] + "/" + ordered["sheet"].where(~ordered["is_part"], "")
    place = place.mask(_is_of_database(ordered), PREFIX)
    ordered["source_order"] = place.map({name: n for n, name in enumerate(dict.fromkeys(place))})
    return ordered[list(SOURCE_SHEETS.columns)]


def _surveyed(con: Connection, intake: Intake, rows: Table, today: date) -> pd.DataFrame:
    sheets = [
        {
            "workbook": sheet.workbook,
            "sheet": sheet.name,
            "content_hash": sheet.grid.source.content_hash,
            "file_size": sheet.grid.source.size,
            "is_part": sheet.grid.source.file.is_dir(),
            "header_row": sheet.grid.header.row,
            "ignored_columns": json.dumps(sheet.grid.header.ignored, ensure_ascii=False),
            "currencies": ", ".join(sheet.currencies),
            "read_as": json.dumps(sheet.read_as, ensure_ascii=False),
        }
        for sheet in intake.sheets
    ] + [
        # It was looked at, and is not to be again before it changes.
        NOTHING | {"workbook": each.name, "content_hash": each.content_hash, "file_size": each.size}
        for each in intake.without_sheets
    ]
    if not sheets:
        return SOURCE_SHEETS.arrow([]).to_pandas()
    table = pd.DataFrame(sheets).assign(parser=intake.parser)
    table = table.merge(_counted(con, rows, today), on=SHEET, how="left")
    counts = ["row_count", "unreadable_rows", "dated_rows", "last_row"]
    table[counts] = table[counts].fillna(0).astype("int64")
    dated = table[table["dated_rows"] > 0].to_dict("records")
    intake.doubts += empty_columns(con, dated, intake.sheets)
    table["blank_rows"] = (table["last_row"] - table["header_row"] - table["row_count"]).clip(0)
    undated = table[(table["row_count"] > 0) & (table["dated_rows"] == 0)]
    undated = undated[undated["workbook"] != OTHER]
    for row in undated.to_dict("records"):
        for each in intake.doubts:
            if (each.name, each.workbook) == ("formulas", row["workbook"]):
                raise UserError(each.said, each.advice)
        place = row["workbook"], row["sheet"]
        sheet = next(each for each in intake.sheets if (each.workbook, each.name) == place)
        heading = sheet.grid.header.headings["invoice_date"]
        beside = filled_beside(con, sheet, "invoice_date") or {"other": "its heading"}
        raise UserError(
            f"{where(*place)}, column {heading!r}: not one readable date{_example(row)}.",
            "Give dates as date cells or as ISO text such as 2011-12-09 12:50; or name the column "
            f'of the date: [[layout]] columns = {{ invoice_date = "{beside["other"]}" }}.',
        )
    of_rows = [name for name in table.columns if name.endswith(("_due", "_empty"))]
    others = ["dated_rows", "last_row", "header_row", "first_row", "first_text"]
    return table.drop(columns=[*others, *of_rows])


def _example(row: dict[Hashable, Any]) -> str:
    # Of rows that have another unreadable cell before the date, none says what the date was.
    if pd.isna(row["first_row"]):
        return ""
    said = "nothing" if pd.isna(row["first_text"]) else row["first_text"]
    return f" (row {row['first_row']:.0f} says {shown(repr(said))})"


def _counted(con: Connection, rows: Table, today: date) -> pd.DataFrame:
    """Return the figures of each sheet's rows."""
    is_undated = rows.unreadable_column == "invoice_date"
    figures = con.execute(
        rows.group_by(*SHEET).agg(
            row_count=rows.count(),
            last_row=rows.row_number.max(),
            unreadable_rows=rows.unreadable_column.count(),
            dated_rows=rows.invoice_date.count(),
            first_row=rows.row_number.min(where=is_undated),
            first_text=rows.unreadable_text.argmin(rows.row_number, where=is_undated),
            revenue=total_revenue(rows),
            **_lacking(rows),
        )
    )
    # A lone misread year must not make centuries of months.
    end = months.shift(months.month_of(today), 1)
    likely = rows.filter((rows.invoice_date >= months.EARLIEST) & (rows.invoice_date < end))
    by_month = con.execute(
        likely.group_by(*SHEET, month=likely.invoice_date.truncate("M").date()).agg(
            rows=likely.count(),
            first_date=likely.invoice_date.min(),
            last_date=likely.invoice_date.max(),
        )
    )
    by_month["month"] = by_month["month"].map(months.month_of)
    bounds = []
    for sheet, of in by_month.groupby(SHEET):
        main = of[of["month"].isin(main_months(of.set_index("month")["rows"].to_dict()))]
        bounds.append((*sheet, main["first_date"].min(), main["last_date"].max()))
    columns = [*SHEET, "first_date", "last_date"]
    dates = pd.DataFrame(bounds, columns=columns).astype(
        dict.fromkeys(columns[2:], "datetime64[us]")
    )
    return figures.merge(dates, on=SHEET, how="left")


def _lacking(rows: Table) -> dict[str, Value]:
    """Count the rows that are whole but for the customer, the date or the money, and those without.

    What cannot be read is no lack.
    """
    is_blank = rows.unreadable_text.isnull()
    has = {name: rows[name].notnull() for name in ("customer_id", "invoice_date", "price")}
    lacks = {
        "customer_id": ~has["customer_id"],
        "invoice_date": is_blank & (rows.unreadable_column == "invoice_date"),
        "price": is_blank & rows.unreadable_column.isin(["price", "amount"]),
    }
    figures = {}
    for column, is_empty in lacks.items():
        others = ibis.and_(*(there for name, there in has.items() if name != column))
        figures[f"{column}_empty"] = (others & is_empty).sum()
        figures[f"{column}_due"] = (others & (is_empty | has[column])).sum()
    return figures


def main_months(rows: Mapping[date, int]) -> list[date]:
    """Return months but for those of a few rows that stand far beyond the rest: misread dates.

    A block of months, which a year without a row divides from others, is misread if it has less
    than a hundredth of the rows, or a single one of twenty and more.
    ``rows`` are how many a sheet has, by month.
    """
    blocks: list[list[date]] = []
    for month in sorted(rows):
        if not blocks or month > months.shift(blocks[-1][-1], FAR):
            blocks.append([])
        blocks[-1].append(month)
    sizes = [sum(rows[month] for month in block) for block in blocks]
    all_rows = sum(sizes)
    least = min(max(sizes, default=0), max(FEW * all_rows, 2 if all_rows >= MANY else 1))
    return [
        month for block, size in zip(blocks, sizes, strict=True) if size >= least for month in block
    ]


def likely_dates(surveyed: pd.DataFrame, workbooks: list[str], today: date) -> tuple[date, date]:
    """Return the first and the last date of the sheets of workbooks that can be right.

    A UserError says that there is not one row.
    """
    if not surveyed["row_count"].sum():
        raise UserError(
            f"{', '.join(workbooks)}: there is not one row of transactions.",
            "Put sheets with a header row and transactions in.",
        )
    # A sheet of a database is a month, so that no sheet knows which of its rows are misread.
    months_of = surveyed["first_date"][_is_of_database(surveyed)].dropna().map(months.month_of)
    main = main_months(dict(zip(months_of, surveyed["row_count"][months_of.index], strict=True)))
    surveyed = surveyed.drop(months_of[~months_of.isin(main)].index)
    first, last = surveyed["first_date"].min(), surveyed["last_date"].max()
    if pd.isna(first):
        # Not one date that can be right: all rows are rejected, whatever months are covered.
        return today, today
    return first.date(), last.date()


def _is_of_database(sheets: pd.DataFrame) -> pd.Series:
    return sheets["is_part"].astype(bool) & sheets["workbook"].str.startswith(PREFIX)
