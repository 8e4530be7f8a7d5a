"""Files -> cells: every sheet of every workbook as Arrow columns of text.

Belongs here: file formats, and errors of files. Does not: what a cell's text means
(``casting``). All columns are read as text, for a typed reader turns 3.5 into 3 and "six" into
null without a word, while text keeps what the cell said.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.ingestion.layout import HEADER_SEARCH_ROWS, match_header

if TYPE_CHECKING:
    import pyarrow as pa

# An encrypted .xlsx, like an old .xls, is an OLE container and not a zip archive.
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet.

    Parameters
    ----------
    workbook, name
        File name and sheet name (a file that has no sheets gives its own stem).
    content_hash, size
        SHA-256 of the file, and its bytes.
    cells
        A row per row that holds anything: ``row_number`` as Excel shows it, and a text column
        for each column of the layout, null where the cell is empty or an error such as #REF!.
    blank_rows
        Rows that hold nothing, before the last one that does.
    ignored_columns
        Headings of columns that are not part of the layout.
    """

    workbook: str
    name: str
    content_hash: str
    size: int
    cells: "pa.Table"
    blank_rows: int
    ignored_columns: tuple[str, ...]


def read_sheets(
    files: list[Path], progress: Callable[[str], None] = lambda message: None
) -> list[Sheet]:
    """Read every sheet of ``files``, side by side in threads, in the order given.

    Raises
    ------
    UserError
        If a file cannot be read or a sheet lacks a column; names file, sheet and column.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = [job for file in files for job in _sheet_jobs(file)]
        sheets = []
        for sheet in pool.map(lambda job: job(), jobs):
            if sheet is not None:
                progress(f"{sheet.workbook}, {sheet.name}: {sheet.cells.num_rows:,} rows")
                sheets.append(sheet)
    if not sheets:
        raise UserError(
            f"{', '.join(file.name for file in files)}: every sheet is empty.",
            "Put sheets with a header row and transactions in.",
        )
    return sheets


def _sheet_jobs(file: Path) -> Iterator[Callable[[], Sheet | None]]:
    """Yield a callable per sheet that reads it, and gives ``None`` for an empty one."""
    try:
        with file.open("rb") as stream:
            content_hash = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"{file.name} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    size = file.stat().st_size
    if size == 0:
        raise UserError(f"{file.name} is empty (0 bytes).", "Copy it again, or take it away.")

    suffix = file.suffix.lower()
    names = _sheet_names(file) if suffix == ".xlsx" else [file.stem]
    reader = {".xlsx": _read_xlsx, ".csv": _read_csv, ".parquet": _read_parquet}[suffix]
    for name in names:

        def job(name: str = name) -> Sheet | None:
            # The header row is part of the columns, so that its position is the file's.
            text = reader(file, name)
            if text.num_rows == 0:
                return None
            return _to_sheet(file, name, content_hash, size, text)

        yield job


def _where(file: Path, sheet: str) -> str:
    return f"{file.name}, sheet {sheet!r}"


def _to_sheet(file: Path, name: str, content_hash: str, size: int, text: "pa.Table") -> Sheet:
    import pyarrow as pa
    import pyarrow.compute as pc

    first_rows = [list(row.values()) for row in text.slice(0, HEADER_SEARCH_ROWS).to_pylist()]
    header = match_header(first_rows, _where(file, name))
    data = text.slice(1)
    row_number = pa.array(range(2, data.num_rows + 2), pa.int64())
    cells = pa.table(
        {"row_number": row_number}
        | {column: data.column(position) for column, position in header.positions.items()}
    )
    holds_something = pc.invert(pc.is_null(data.column(0)))
    for column in data.columns[1:]:
        holds_something = pc.or_(holds_something, pc.invert(pc.is_null(column)))
    if not pc.all(holds_something).as_py():
        cells = cells.filter(holds_something)
    last_row = cells["row_number"][-1].as_py() if cells.num_rows else 1
    return Sheet(
        workbook=file.name,
        name=name,
        content_hash=content_hash,
        size=size,
        cells=cells,
        blank_rows=last_row - 1 - cells.num_rows,
        ignored_columns=header.ignored,
    )


def _sheet_names(file: Path) -> list[str]:
    import fastexcel

    try:
        return fastexcel.read_excel(file).sheet_names
    except fastexcel.FastExcelError as error:
        raise _not_a_workbook(file, error) from error


def _read_xlsx(file: Path, sheet: str) -> "pa.Table":
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
    where = file.name if sheet is None else f"{_where(file, sheet)},"
    with file.open("rb") as stream:
        if stream.read(8) == OLE_MAGIC:
            return UserError(
                f"{file.name} is password-protected, or an old .xls under a new name.",
                "Open it in Excel and save it as .xlsx without a password.",
            )
    reason = str(error).splitlines()[0]
    return UserError(
        f"{where} is not a readable .xlsx workbook ({reason}).",
        "It may be cut off or of another kind: copy it again, or save it anew as .xlsx.",
    )


def _read_csv(file: Path, sheet: str) -> "pa.Table":
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
            match_header(first_rows, _where(file, sheet))
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


def _read_parquet(file: Path, sheet: str) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file).read()
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{file.name} is not a readable Parquet file ({error}).", "Write it anew."
        ) from error
    names = table.column_names
    header = match_header([names], _where(file, sheet))
    text = []
    for position, (name, column) in enumerate(zip(names, table.columns, strict=True)):
        try:
            cells = _as_text(column)
        except pa.ArrowException as error:
            if position in header.positions.values():
                raise UserError(
                    f"{_where(file, sheet)}, column {name}: cannot be read as text ({error}).",
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
