"""Files -> grids: the cells of every sheet, as relations that the engine reads.

Belongs here: which reader takes which file, and which columns of a sheet are the layout's. Does
not: unpacking workbooks (``contained``), text (``text_files``), or what a cell means (``forms``).
"""

import zipfile
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import ibis
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.ingestion.contained import sheets_of
from customer_segments.ingestion.layout import (
    HEADER_SEARCH_ROWS,
    Header,
    header_of,
    match_header,
    require_columns,
    shown,
    where,
)
from customer_segments.ingestion.sources import Source
from customer_segments.ingestion.text_files import LONGEST_TEXT, TextFile, opened, records
from customer_segments.policy.layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

TEXT = (".csv", ".tsv", ".txt", ".gz")


class Grid(NamedTuple):
    """The cells of one sheet.

    Parameters
    ----------
    sheet
        Sheet name; a file that has no sheets gives its own stem.
    cells
        A row per row that holds anything: ``row_number`` as Excel shows it, ``overfull``, and a
        column for each column of the layout, null where the cell is empty or an error.
    view, sql
        Name and query of the view that ``cells`` reads, if it is not in memory.
    is_columnar
        Whether the engine reads single columns of it.
    """

    source: Source
    sheet: str
    header: Header
    cells: Table
    view: str = ""
    sql: str = ""
    is_columnar: bool = False


def grids(
    con: "Backend", source: Source, layout: Layout, folder: Path
) -> tuple[list[Grid], list[str]]:
    """Return the sheets of a source that hold transactions, and what was passed over.

    Parameters
    ----------
    con
        Scratch connection; views are made in it.
    folder
        Scratch folder, for copies that the engine can read.

    Raises
    ------
    UserError
        If a file cannot be read, or holds no transactions; names file, sheet and column.
    """
    found: list[Grid] = []
    passed_over: list[str] = []
    source.fetch()
    for part in source.parts:
        if part.stat().st_size == 0:
            raise UserError(
                f"{shown(source.name)} is empty (0 bytes).", "Copy it again, or take it away."
            )
        suffix = part.suffix.lower()
        if suffix in TEXT:
            try:
                found += _text_grids(con, source, part, layout, folder)
            except NoTransactions as error:
                # Many folders have notes in them.
                if suffix != ".txt":
                    raise
                passed_over.append(error.problem)
        elif suffix == ".parquet":
            found += _parquet_grids(con, source, part, layout)
        else:
            found += _workbook_grids(source, part, layout, passed_over)
    return found, passed_over


def _workbook_grids(
    source: Source, file: Path, layout: Layout, passed_over: list[str]
) -> list[Grid]:
    """Return the sheets of a workbook, and add those without transactions to ``passed_over``."""
    found: dict[str, Grid] = {}
    failed: UserError | None = None
    for sheet, cells, is_hidden in sheets_of(file, layout.sheets):
        place = where(source.name, sheet)
        if is_hidden:
            passed_over.append(f"{place}: hidden")
        if not cells.num_rows:
            continue
        grid = _sheet_grid(source, sheet, cells, layout)
        if isinstance(grid, UserError):
            failed = failed or grid
            passed_over.append(f"{place}: no transactions")
        elif sheet in found:
            raise UserError(f"{place}: two sheets have this name.", "Rename one of them.")
        else:
            found[sheet] = grid
    if failed and not found:
        raise failed
    return list(found.values())


def _sheet_grid(source: Source, sheet: str, text: "pa.Table", layout: Layout) -> "Grid | UserError":
    """Return a workbook's sheet, or why it has no transactions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = where(source.name, sheet)
    rows = [list(row.values()) for row in text.slice(0, HEADER_SEARCH_ROWS).to_pylist()]
    header = match_header(rows, layout, place)
    if header is None:
        return require_columns(rows, layout, place)
    data = text.slice(header.row)
    cells = pa.table(
        {
            "row_number": pa.arange(header.row + 1, text.num_rows + 1),
            "overfull": pa.nulls(data.num_rows, pa.string()),
        }
        | {column: data.column(position) for column, position in header.positions.items()}
    )
    if data.num_rows:
        cells = cells.filter(reduce(pc.or_, map(pc.is_valid, data.columns)))
    for column, heading in header.headings.items():
        lengths = pc.binary_length(cells[column])
        if (pc.max(lengths).as_py() or 0) > LONGEST_TEXT:
            number = pc.index(pc.greater(lengths, LONGEST_TEXT), True).as_py()
            raise UserError(
                f"{place}, column {heading!r}, row {cells['row_number'][number].as_py()}: a text "
                f"of more than {LONGEST_TEXT:,} bytes.",
                "Shorten it; Excel itself holds 32,767 characters.",
            )
    return Grid(source, sheet, header, ibis.memtable(cells))


def _text_grids(
    con: "Backend", source: Source, file: Path, layout: Layout, folder: Path
) -> Iterator[Grid]:
    """Yield the records of a text file: by the engine, or one by one where lines are not alike."""
    sheet = _stem(file)
    text = opened(file, layout, source.name, sheet, folder)
    if text is None:
        return
    view = f"grid_{uuid4().hex}"
    schema = {"row_number": "int64", "overfull": "string"} | dict.fromkeys(
        (f"c{place}" for place in range(text.width)), "string"
    )
    sql = _by_engine(con, text)
    if sql is None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        copy = folder / f"{view}.parquet"
        types = ibis.schema(schema).to_pyarrow()
        with pq.ParquetWriter(
            copy, pa.schema([field.with_nullable(True) for field in types])
        ) as out:
            for batch in records(text, source.name):
                out.write_batch(batch)
        sql = f"SELECT * FROM read_parquet({_quoted(copy)})"
    con.raw_sql(f"CREATE VIEW {view} AS {sql}")
    cells = ibis.table(schema, name=view)
    holds_something = ibis.or_(*(cells[f"c{place}"].notnull() for place in range(text.width)))
    cells = cells.filter(holds_something).select(
        "row_number",
        "overfull",
        **{column: cells[f"c{place}"] for column, place in text.header.positions.items()},
    )
    yield Grid(source, sheet, text.header, cells, view, sql)


def _by_engine(con: "Backend", text: TextFile) -> str | None:
    """Return the query that reads a text file; ``None`` where its lines are not all alike."""
    import duckdb

    if text.has_blank_lines:
        return None
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(text.width))
    trimmed = ", ".join(
        f"CASE WHEN trim(c{place}) <> '' THEN c{place} END AS c{place}"
        for place in range(text.width)
    )
    first = text.skipped + text.header.row
    sql = (
        f"SELECT row_number() OVER () + {first} AS row_number, NULL::VARCHAR AS overfull, "
        f"{trimmed} "
        f"FROM read_csv({_quoted(text.path)}, auto_detect = false, header = false, skip = {first}, "
        f"delim = {_quoted(text.separator)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"nullstr = '', columns = {{{columns}}})"
    )
    try:
        con.raw_sql(f"SELECT count(*) FROM ({sql})").fetchall()
    except duckdb.Error:
        return None
    return sql


def _parquet_grids(con: "Backend", source: Source, file: Path, layout: Layout) -> Iterator[Grid]:
    """Yield the one table of a Parquet file, with the types that it has."""
    import duckdb

    sheet = _stem(file)
    place = where(source.name, sheet)
    view = f"grid_{uuid4().hex}"
    read = f"read_parquet({_quoted(file)}, file_row_number = true)"
    try:
        con.raw_sql(f"CREATE VIEW {view} AS SELECT * FROM {read}")
        schema = con.table(view).schema()
    except duckdb.Error as error:
        raise UserError(
            f"{shown(source.name)} is not a readable Parquet file ({str(error).splitlines()[0]}).",
            "Write it anew.",
        ) from error
    names = [name for name in schema if name != "file_row_number"]
    header = header_of(names, layout, place)
    cells = ibis.table(schema, name=view)
    chosen = {}
    for column, position in header.positions.items():
        kind = schema[names[position]]
        if kind.is_nested() or kind.is_binary():
            raise UserError(
                f"{place}, column {names[position]!r}: it holds {kind}, not text, numbers or "
                "timestamps.",
                "Write it as one of these.",
            )
        cell = cells[names[position]]
        is_kept = kind.is_numeric() or kind.is_temporal()
        needs_form = column == "invoice_date" and not kind.is_temporal()
        chosen[column] = cell if is_kept and not needs_form else cell.cast("string").nullif("")
    something = ibis.or_(*(cell.notnull() for cell in chosen.values()))
    cells = cells.filter(something).select(
        row_number=cells.file_row_number + 2, overfull=ibis.null("string"), **chosen
    )
    yield Grid(source, sheet, header, cells, view, f"SELECT * FROM {read}", is_columnar=True)


def has_formulas_without_values(file: Path) -> bool:
    """Tell whether a workbook has formulas that were never calculated."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as stream:
                    end = b""
                    for block in iter(lambda: stream.read(1 << 20), b""):
                        if b"</f></c>" in end + block or b"</f><v></v>" in end + block:
                            return True
                        if b"</f><v/>" in end + block or b"</f><v />" in end + block:
                            return True
                        end = block[-16:]
    return False


def _stem(file: Path) -> str:
    return file.name.split(".")[0] if file.suffix.lower() == ".gz" else file.stem


def _quoted(text: "Path | str") -> str:
    return "'" + str(text).replace("'", "''") + "'"
