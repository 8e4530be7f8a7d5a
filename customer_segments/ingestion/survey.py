"""What the sheets hold, counted before the warehouse sees them.

Belongs here: the cells of all sheets as one relation, and the figures that reconciliation
holds against ``raw_transactions``. Does not: reading files (``reading``).
"""

from datetime import date

import ibis
import pandas as pd
from ibis.expr.types import Table

from customer_segments import months
from customer_segments.errors import UserError
from customer_segments.ingestion.contracts import SOURCE_SHEETS
from customer_segments.ingestion.reading import Sheet


def cells_of(sheets: list[Sheet]) -> Table:
    """Return the cells of all sheets as one relation.

    ``source_order`` counts the sheets as given: natural order of file names, then sheets.
    """
    import pyarrow as pa

    def with_source(order: int, sheet: Sheet) -> pa.Table:
        rows = sheet.cells.num_rows
        # A million times the same name: indices into a dictionary of one.
        index = pa.repeat(pa.scalar(0, pa.int32()), rows)
        named = [
            pa.DictionaryArray.from_arrays(index, [name]) for name in (sheet.workbook, sheet.name)
        ]
        return (
            sheet.cells.append_column("workbook", named[0])
            .append_column("sheet", named[1])
            .append_column("source_order", pa.repeat(pa.scalar(order, pa.int64()), rows))
        )

    return ibis.memtable(
        pa.concat_tables(
            [with_source(order, sheet) for order, sheet in enumerate(sheets)]
        ).unify_dictionaries()
    )


def computed(rows: Table) -> Table:
    """Compute a relation in memory, once, for all who read it from here on."""
    return ibis.memtable(ibis.duckdb.connect().to_pyarrow(rows))


def survey(sheets: list[Sheet], rows: Table) -> pd.DataFrame:
    """Count each sheet; a row per sheet as ``SOURCE_SHEETS`` has it.

    Parameters
    ----------
    rows
        Result of ``typed_rows`` over the cells of ``sheets``.

    Raises
    ------
    UserError
        If a sheet with rows has not one readable date.
    """
    # A lone misread year must not make centuries of months.
    end = months.shift(months.month_of(date.today()), 1)
    is_likely = (rows.invoice_date >= months.EARLIEST) & (rows.invoice_date < end)
    counted = ibis.duckdb.connect().execute(
        rows.group_by("source_order").agg(
            unreadable_rows=rows.unreadable_column.count(),
            dated_rows=rows.invoice_date.count(),
            earliest=rows.invoice_date.min(),
            latest=rows.invoice_date.max(),
            first_date=rows.invoice_date.min(where=is_likely),
            last_date=rows.invoice_date.max(where=is_likely),
            revenue=(rows.quantity * rows.price).cast("decimal(38, 4)").sum(),
        )
    )
    table = pd.DataFrame(
        {
            "workbook": [sheet.workbook for sheet in sheets],
            "sheet": [sheet.name for sheet in sheets],
            "source_order": range(len(sheets)),
            "content_hash": [sheet.content_hash for sheet in sheets],
            "file_size": [sheet.size for sheet in sheets],
            "row_count": [sheet.cells.num_rows for sheet in sheets],
            "blank_rows": [sheet.blank_rows for sheet in sheets],
            "ignored_columns": [", ".join(sheet.ignored_columns) for sheet in sheets],
        }
    ).merge(counted, on="source_order", how="left")
    table["unreadable_rows"] = table["unreadable_rows"].fillna(0).astype("int64")
    for row in table[(table["row_count"] > 0) & (table["dated_rows"] == 0)].itertuples():
        first = sheets[row.source_order].cells.slice(0, 1).to_pylist()[0]
        raise UserError(
            f"{row.workbook}, sheet {row.sheet!r}, column InvoiceDate: not one readable date "
            f"(row {first['row_number']} says {first['invoice_date'] or 'nothing'!r}).",
            "Give dates as date cells, or as ISO text such as 2011-12-09 12:50, without time zone.",
        )
    if table["first_date"].isna().all():
        table[["first_date", "last_date"]] = table[["earliest", "latest"]]
    if table["first_date"].isna().all():
        raise UserError(
            f"{', '.join(sorted(set(table['workbook'])))}: there is a header, but not one row.",
            "Put transactions in.",
        )
    return table[[column.name for column in SOURCE_SHEETS.columns]]
