"""What the sheets hold, counted before the warehouse sees them.

Belongs here: the cells of all sheets as one relation, and the figures that reconciliation
holds against ``raw_transactions``. Does not: reading files (``reading``).
"""

from collections.abc import Mapping
from datetime import date

import ibis
import pandas as pd
from ibis.expr.types import Table

from customer_segments import months
from customer_segments.errors import UserError
from customer_segments.ingestion.casting import PARSER
from customer_segments.ingestion.layout import HEADINGS, shown, where
from customer_segments.ingestion.reading import Sheet
from customer_segments.tables import SOURCE_SHEETS
from customer_segments.tables.money import SUM

SHEET = ["workbook", "sheet"]
# Of months, from one with rows to the next: a year lies empty between.
FAR = 12
# Of a sheet's rows; and from how many rows on one alone is few.
FEW = 0.01
MANY = 20


def cells_of(sheets: list[Sheet]) -> Table:
    """Return the cells of all sheets as one relation."""
    import pyarrow as pa

    def with_source(sheet: Sheet) -> pa.Table:
        # A million times the same name: indices into a dictionary of one.
        index = pa.repeat(pa.scalar(0, pa.int32()), sheet.cells.num_rows)
        cells = sheet.cells
        for column, name in zip(SHEET, (sheet.source.name, sheet.name), strict=True):
            cells = cells.append_column(column, pa.DictionaryArray.from_arrays(index, [name]))
        return cells

    text = dict.fromkeys([*HEADINGS, "workbook", "sheet"], pa.string())
    nothing = pa.schema({"row_number": pa.int64()} | text).empty_table()
    tables = [with_source(sheet) for sheet in sheets] or [nothing]
    return ibis.memtable(pa.concat_tables(tables).unify_dictionaries())


def computed(rows: Table) -> Table:
    """Compute a relation in memory, once, for all who read it from here on."""
    return ibis.memtable(ibis.duckdb.connect().to_pyarrow(rows))


def survey(sheets: list[Sheet], rows: Table, today: date) -> pd.DataFrame:
    """Count each sheet; a row per sheet as ``SOURCE_SHEETS`` has it, but for ``source_order``.

    Parameters
    ----------
    rows
        Result of ``typed_rows`` over the cells of ``sheets``.

    Raises
    ------
    UserError
        If a sheet with rows has not one readable date.
    """
    if not sheets:
        return SOURCE_SHEETS.arrow([]).to_pandas()
    counted = _counted(rows, today)
    table = pd.DataFrame(
        {
            "workbook": [sheet.source.name for sheet in sheets],
            "sheet": [sheet.name for sheet in sheets],
            "content_hash": [sheet.source.content_hash for sheet in sheets],
            "file_size": [sheet.source.size for sheet in sheets],
            "parser": PARSER,
            "row_count": [sheet.cells.num_rows for sheet in sheets],
            "blank_rows": [sheet.blank_rows for sheet in sheets],
            "ignored_columns": [", ".join(sheet.ignored_columns) for sheet in sheets],
        }
    ).merge(counted, on=["workbook", "sheet"], how="left")
    table["unreadable_rows"] = table["unreadable_rows"].fillna(0).astype("int64")
    for index, row in table.iterrows():
        if row["row_count"] and not row["dated_rows"]:
            first = sheets[index].cells.slice(0, 1).to_pylist()[0]
            raise UserError(
                f"{where(row['workbook'], row['sheet'])}, column InvoiceDate: not one readable "
                f"date (row {first['row_number']} says "
                f"{shown(repr(first['invoice_date'] or 'nothing'))}).",
                "Give dates as date cells, or as ISO text such as 2011-12-09 12:50, without time "
                "zone.",
            )
    return table.drop(columns="dated_rows")


def _counted(rows: Table, today: date) -> pd.DataFrame:
    """Return the figures of each sheet's cells."""
    con = ibis.duckdb.connect()
    figures = con.execute(
        rows.group_by(*SHEET).agg(
            unreadable_rows=rows.unreadable_column.count(),
            dated_rows=rows.invoice_date.count(),
            revenue=(rows.quantity * rows.price).cast(SUM).sum(),
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


def main_months(rows: Mapping[date, int]) -> list[date]:
    """Return months but for those of a few rows that stand far beyond the rest: misread dates.

    A block of months, which a year without a row divides from others, is misread if it has less
    than a hundredth of the rows, or a single one of twenty and more.

    Parameters
    ----------
    rows
        How many a sheet has, by month.
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


def in_order(surveyed: pd.DataFrame, workbooks: list[str]) -> pd.DataFrame:
    """Return surveyed sheets as ``SOURCE_SHEETS`` has them, in the order in which they count.

    ``workbooks`` are the file names in natural order; sheets of one are in theirs.
    """
    ordered = surveyed.sort_values(
        "workbook", key=lambda names: names.map(workbooks.index), kind="stable", ignore_index=True
    )
    ordered["source_order"] = range(len(ordered))
    return ordered[list(SOURCE_SHEETS.columns)]


def source_order(surveyed: pd.DataFrame) -> Table:
    """Return the place of each sheet among all, for ``settle``."""
    return ibis.memtable(surveyed[["workbook", "sheet", "source_order"]])


def likely_dates(surveyed: pd.DataFrame, workbooks: list[str], today: date) -> tuple[date, date]:
    """Return the first and the last date of the sheets of workbooks that can be right.

    Raises
    ------
    UserError
        If there is not one row.
    """
    if not surveyed["row_count"].sum():
        raise UserError(
            f"{', '.join(workbooks)}: there is not one row of transactions.",
            "Put sheets with a header row and transactions in.",
        )
    first, last = surveyed["first_date"].min(), surveyed["last_date"].max()
    if pd.isna(first):
        # Not one date that can be right: all rows are rejected, whatever months are covered.
        return today, today
    return first.date(), last.date()
