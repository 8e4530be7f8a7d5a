"""Cells as text, from each of the file formats.

Belongs here: .xlsx, .csv and .parquet, and errors of files. Does not: which of the cells are
transactions (``reading``). All columns are read as text, for a typed reader turns 3.5 into 3 and
"six" into null without a word, while text keeps what the cell said.
"""

from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.ingestion.layout import HEADER_SEARCH_ROWS, match_header, where

if TYPE_CHECKING:
    import pyarrow as pa

# An encrypted .xlsx, like an old .xls, is an OLE container and not a zip archive.
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")


def sheet_names(file: Path) -> list[str]:
    """Return the names of a workbook's sheets, in their order."""
    import fastexcel

    try:
        return fastexcel.read_excel(file).sheet_names
    except fastexcel.FastExcelError as error:
        raise _not_a_workbook(file, error) from error


def read_xlsx(file: Path, sheet: str) -> "pa.Table":
    """Read all rows of a sheet, its header row among them; null for empty and error cells."""
    import fastexcel
    import pyarrow as pa

    try:
        # A reader of its own: one reader does not serve two threads.
        batch = fastexcel.read_excel(file).load_sheet(
            sheet,
            header_row=None,
            skip_rows=0,
            dtypes="string",
            eager=True,
            whitespace_as_null=True,
        )
    except fastexcel.FastExcelError as error:
        raise _not_a_workbook(file, error, sheet) from error
    return pa.Table.from_batches([batch])


def _not_a_workbook(file: Path, error: Exception, sheet: str | None = None) -> UserError:
    place = file.name if sheet is None else f"{where(file.name, sheet)},"
    with file.open("rb") as stream:
        if stream.read(8) == OLE_MAGIC:
            return UserError(
                f"{file.name} is password-protected, or an old .xls under a new name.",
                "Open it in Excel and save it as .xlsx without a password.",
            )
    reason = str(error).splitlines()[0]
    return UserError(
        f"{place} is not a readable .xlsx workbook ({reason}).",
        "It may be cut off or of another kind: copy it again, or save it anew as .xlsx.",
    )


def read_csv(file: Path, sheet: str) -> "pa.Table":
    """Read all records of a CSV file; a record keeps its number, also after a blank line."""
    import csv

    import pyarrow as pa

    with file.open(encoding=_encoding(file), newline="") as stream:
        delimiter = max(",;\t", key=stream.readline().count)
        stream.seek(0)
        # Strict: a quotation mark that is never closed would swallow rows without a word.
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            first_rows = list(islice(reader, HEADER_SEARCH_ROWS))
            if not any(cell.strip() for row in chain(first_rows, reader) for cell in row):
                return pa.table({})
            # A header further down is to be told from too many cells in a row.
            match_header(first_rows, where(file.name, sheet))
            batches = list(_csv_batches(chain(first_rows, reader), len(first_rows[0]), file))
        except csv.Error as error:
            raise UserError(
                f"{file.name}, line {reader.line_num}: {error}.", "Check its quotation marks."
            ) from error
    return pa.Table.from_batches(batches)


def _csv_batches(reader, width: int, file: Path, batch_rows: int = 50_000):
    """Yield Arrow batches of ``width`` text columns; bounded memory for Python's own objects."""
    import pyarrow as pa

    columns: list[list[str | None]] = [[] for _ in range(width)]
    for number, record in enumerate(reader, 1):
        if len(record) > width:
            raise UserError(
                f"{file.name}, row {number}: {len(record)} cells where the header has {width}.",
                "Put the cell that holds a separator in quotation marks.",
            )
        record += [""] * (width - len(record))
        for column, cell in zip(columns, record, strict=True):
            column.append(cell if cell.strip() else None)
        if len(columns[0]) == batch_rows:
            yield pa.record_batch(
                [pa.array(column, pa.string()) for column in columns],
                names=[f"column_{n}" for n in range(width)],
            )
            columns = [[] for _ in range(width)]
    if width and columns[0]:
        yield pa.record_batch(
            [pa.array(column, pa.string()) for column in columns],
            names=[f"column_{n}" for n in range(width)],
        )


def _encoding(file: Path) -> str:
    """Return UTF-8 where the file is that, else Windows' Western European code page.

    The latter is what Excel on a Western European Windows writes as plain "CSV".
    """
    for encoding in ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError), file.open(encoding=encoding) as stream:
            if not any("\0" in part for part in iter(lambda: stream.read(1 << 20), "")):
                return encoding
    raise UserError(
        f"{file.name} is not a readable .csv file: its text is neither UTF-8 nor Windows-1252.",
        "It may be of another kind: save it anew as .csv, in UTF-8.",
    )


def read_parquet(file: Path, sheet: str) -> "pa.Table":
    """Read all rows of a Parquet file as text, with the column names as the first row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file).read()
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{file.name} is not a readable Parquet file ({error}).", "Write it anew."
        ) from error
    names = table.column_names
    header = match_header([names], where(file.name, sheet))
    text = []
    for position, (name, column) in enumerate(zip(names, table.columns, strict=True)):
        try:
            cells = _as_text(column)
        except pa.ArrowException as error:
            if position in header.positions.values():
                raise UserError(
                    f"{where(file.name, sheet)}, column {name}: cannot be read as text ({error}).",
                    "Write it as text, numbers or timestamps.",
                ) from error
            cells = pa.chunked_array([pa.nulls(len(column), pa.string())])
        text.append(pa.chunked_array([pa.array([name], pa.string()), *cells.chunks]))
    return pa.table(text, names=[f"column_{n}" for n in range(len(names))])


def _as_text(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return what the cells say; a float that is whole as its digits, never as 1.2e+10."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.string())
    if not pa.types.is_floating(column.type):
        return text
    is_whole = pc.and_(pc.less(pc.abs(column), 2.0**53), pc.equal(pc.trunc(column), column))
    whole = column.cast(pa.int64(), safe=False).cast(pa.string())
    # Whoever writes NaN into a column of numbers means that there is none.
    return pc.if_else(pc.is_nan(column), None, pc.if_else(is_whole, whole, text))
