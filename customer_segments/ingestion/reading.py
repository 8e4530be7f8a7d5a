"""Files -> cells: every sheet of every workbook as Arrow columns of text.

Belongs here: file formats, and errors of files. Does not: what a cell's text means
(``casting``). All columns are read as text, for a typed reader turns 3.5 into 3 and "six" into
null without a word, while text keeps what the cell said.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
        Rows that hold nothing, between the first row and the last one that does.
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


def _to_sheet(file: Path, name: str, content_hash: str, size: int, text: "pa.Table") -> Sheet:
    import pyarrow as pa
    import pyarrow.compute as pc

    first_rows = [list(row.values()) for row in text.slice(0, HEADER_SEARCH_ROWS).to_pylist()]
    header = match_header(first_rows, f"{file.name}, sheet {name!r}")
    data = text.slice(1)
    row_number = pa.array(range(2, data.num_rows + 2), pa.int64())
    cells = pa.table(
        {"row_number": row_number}
        | {column: data.column(position) for column, position in header.positions.items()}
    )
    holds_something = pc.invert(pc.is_null(data.column(0)))
    for column in data.columns[1:]:
        holds_something = pc.or_(holds_something, pc.invert(pc.is_null(column)))
    blank_rows = data.num_rows - (pc.sum(holds_something).as_py() or 0)
    return Sheet(
        workbook=file.name,
        name=name,
        content_hash=content_hash,
        size=size,
        cells=cells.filter(holds_something) if blank_rows else cells,
        blank_rows=blank_rows,
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
            skip_whitespace_tail_rows=True,
            whitespace_as_null=True,
        )
    except fastexcel.FastExcelError as error:
        raise _not_a_workbook(file, error, sheet) from error
    return pa.Table.from_batches([batch])


def _not_a_workbook(file: Path, error: Exception, sheet: str | None = None) -> UserError:
    where = file.name if sheet is None else f"{file.name}, sheet {sheet!r},"
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

    encoding = _encoding(file)
    with file.open(encoding=encoding, newline="") as stream:
        sample = stream.read(64_000)
        stream.seek(0)
        delimiter = max(",;\t", key=sample.partition("\n")[0].count)
        reader = csv.reader(stream, delimiter=delimiter)
        try:
            width = len(next(reader, []))
            stream.seek(0)
            batches = list(_csv_batches(csv.reader(stream, delimiter=delimiter), width, file))
        except csv.Error as error:
            raise UserError(
                f"{file.name}, line {reader.line_num}: {error}.", "Check its quotation marks."
            ) from error
    columns = [f"column_{n}" for n in range(width)]
    schema = pa.schema([(name, pa.string()) for name in columns])
    return pa.Table.from_batches(batches, schema=schema)


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
    with file.open(encoding="utf-8-sig") as stream:
        try:
            while stream.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _read_parquet(file: Path, sheet: str) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
        text = [column.cast(pa.string()) for column in table.columns]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise UserError(
            f"{file.name} is not a readable Parquet file ({error}).", "Write it anew."
        ) from error
    header = [pa.chunked_array([pa.array([name], pa.string())]) for name in table.column_names]
    return pa.table(
        [
            pa.chunked_array([*name.chunks, *column.chunks], pa.string())
            for name, column in zip(header, text, strict=True)
        ],
        names=[f"column_{n}" for n in range(table.num_columns)],
    )
