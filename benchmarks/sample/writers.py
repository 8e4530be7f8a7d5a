"""Puts a sample into a file: a workbook laid out as UCI's, or Parquet of any size.

Belongs here: files, sheets and cell types. Does not: the rows (``transactions``) and what is
wrong with them (``dirt``).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from benchmarks.sample.dirt import overlapping_sheets
from benchmarks.sample.transactions import COLUMNS, transaction_chunks
from customer_segments.errors import UserError

# Makes a workbook under 2 MB.
WORKBOOK_CUSTOMERS = 1_300
# What an Excel sheet holds, without the row of names.
_SHEET_ROWS = 1_048_575


def write_workbook(path: Path, *, customers: int = WORKBOOK_CUSTOMERS, seed: int = 7) -> None:
    """Write a sample as a workbook of two sheets that share nine days.

    Cell types are UCI's: invoices and stock codes are numbers when they are all digits and text
    otherwise, dates are dates, customer ids are numbers, what is missing is empty.

    Parameters
    ----------
    path
        The ``.xlsx`` to write or replace; its folder is made. It appears when it is complete.
    customers
        How many customers, 1 or more; about 30 lines each.
    seed
        The same seed and number of customers give the same cells, 0 or more.

    Raises
    ------
    UserError
        If there are more lines than an Excel sheet holds, no customers, or a negative seed.
    """
    from openpyxl import Workbook

    lines = _in_memory(transaction_chunks(customers=customers, seed=seed))
    book = Workbook(write_only=True)
    for name, part in overlapping_sheets(lines).items():
        sheet = book.create_sheet(name)
        sheet.append(COLUMNS)
        for row in _cells(part):
            sheet.append(row)
    with _complete(path) as unfinished:
        book.save(unfinished)


def write_parquet(path: Path, *, customers: int, seed: int = 7) -> None:
    """Write a sample as one Parquet file, streaming: memory does not grow with its size.

    The lines are those of the workbook with the same customers and seed, without the days that
    its sheets share; text columns are text, ``Customer ID`` is a whole number or null. One row
    group per 5,000 customers, sorted by time within each.

    Parameters
    ----------
    path
        The ``.parquet`` to write or replace; its folder is made. It appears when it is complete.
    customers
        How many customers, 1 or more; about 30 lines each.
    seed
        The same seed and number of customers give the same rows, 0 or more.

    Raises
    ------
    UserError
        If there are no customers to make, or the seed is negative.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema(
        {
            "Invoice": pa.string(),
            "StockCode": pa.string(),
            "Description": pa.string(),
            "Quantity": pa.int64(),
            "InvoiceDate": pa.timestamp("us"),
            "Price": pa.float64(),
            "Customer ID": pa.int64(),
            "Country": pa.string(),
        }
    )
    with _complete(path) as unfinished, ParquetWriter(unfinished, schema) as file:
        for lines in transaction_chunks(customers=customers, seed=seed):
            table = pa.Table.from_pandas(lines, schema=schema, preserve_index=False)
            file.write_table(table, row_group_size=len(lines))


def _in_memory(chunks: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Collect all lines in the order of time, or stop once a sheet could not hold them."""
    kept: list[pd.DataFrame] = []
    for chunk in chunks:
        kept.append(chunk)
        if sum(map(len, kept)) > _SHEET_ROWS:
            raise UserError(
                f"The sample has more lines than the {_SHEET_ROWS:,} of an Excel sheet.",
                "Ask for fewer customers, or for a .parquet file.",
            )
    return pd.concat(kept).sort_values("InvoiceDate", kind="stable", ignore_index=True)


def _cells(lines: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    columns = lines.astype(object).where(lines.notna(), None)
    for code in ("Invoice", "StockCode"):
        columns[code] = [int(text) if text.isdigit() else text for text in lines[code]]
    columns["InvoiceDate"] = lines["InvoiceDate"].dt.to_pydatetime()
    return columns.itertuples(index=False, name=None)


@contextmanager
def _complete(path: Path) -> Iterator[Path]:
    """Write beside the path under a hidden name, so that no reader sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
