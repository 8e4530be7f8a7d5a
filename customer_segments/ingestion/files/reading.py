"""Files -> grids: the cells of every sheet, as relations that the engine reads.

Belongs here: which reader takes which file, and which columns of a sheet are the layout's. Does
not: unpacking workbooks (``contained``), text (``text_files``), or what a cell means (``forms``).
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial, reduce
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.doubt import Doubt, doubt
from customer_segments.errors import UserError
from customer_segments.ingestion.columns import headings
from customer_segments.ingestion.columns.layout import (
    HEADER_SEARCH_ROWS,
    NoTransactions,
    match_header,
    require_columns,
    shown,
    where,
)
from customer_segments.ingestion.files.contained import sheets_of
from customer_segments.ingestion.files.grid import Grid
from customer_segments.ingestion.files.parquet_files import parquet_grid
from customer_segments.ingestion.files.scans import copied, text_grid
from customer_segments.ingestion.files.sources import Source
from customer_segments.policy.layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

SHEET = re.compile(r"xl/worksheets/.*\.xml")
# In the XML of sheets: a formula that was never calculated; rows that a filter hides, at the start.
EMPTY_FORMULA = re.compile(rb"</f>(?:<v ?/>|<v></v>|</c>)")
FILTERED = re.compile(rb'<sheetPr [^>]*filterMode="(?:1|true)"')
BLOCK = 1 << 20
TEXT = (".csv", ".tsv", ".txt", ".gz")
# Of a sheet without headings; fewer are notes.
LEAST_ROWS = 20


def grids(
    con: "Backend", source: Source, layout: Layout, folder: Path
) -> tuple[list[Grid], list[str]]:
    """Return the sheets of a source that hold transactions, and what was passed over.

    Views are made in the connection, and copies that the engine can read in the folder: both are
    scratch. A UserError says that a file cannot be read, or holds no transactions; it names file,
    sheet and column.
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
        if suffix in TEXT or _is_text(part):
            try:
                grid = text_grid(con, source, part, layout, folder)
                found += [grid] if grid else []
            except NoTransactions as error:
                # Many folders have notes in them.
                if suffix != ".txt":
                    raise
                passed_over.append(error.problem)
        elif suffix == ".parquet":
            found.append(parquet_grid(con, source, part, layout))
        else:
            found += _workbook_grids(con, source, part, layout, folder, passed_over)
    return found, passed_over


def _is_text(file: Path) -> bool:
    """Tell whether what is called a workbook is lines of separated text, as some shops do it."""
    with file.open("rb") as stream:
        start = stream.read(4096)
    (first, *_) = start.splitlines() or [b""]
    is_separated = any(first.count(mark) > 1 for mark in (b"\t", b";", b","))
    return is_separated and b"\0" not in start and not first.lstrip().startswith(b"<")


def _workbook_grids(
    con: "Backend", source: Source, file: Path, layout: Layout, folder: Path, passed_over: list[str]
) -> list[Grid]:
    """Return the sheets of a workbook, and add those without transactions to ``passed_over``."""
    found: dict[str, Grid] = {}
    failed: UserError | None = None
    others: list[tuple[str, pa.Table]] = []
    for sheet, cells, is_hidden in sheets_of(file, layout.sheets):
        place = where(source.name, sheet)
        if is_hidden:
            passed_over.append(f"{place}: hidden")
        if not cells.num_rows:
            continue
        grid = _sheet_grid(con, source, sheet, cells, layout, folder)
        if isinstance(grid, UserError):
            failed = failed or grid
            passed_over.append(f"{place}: no transactions")
            others += [] if is_hidden else [(sheet, cells)]
        elif sheet in found:
            raise UserError(f"{place}: two sheets have this name.", "Rename one of them.")
        else:
            found[sheet] = grid
    if failed and not found:
        raise failed
    sheets = list(found.values())
    if sheets:
        doubts = [] if layout.sheets else [*_looking_alike(sheets[0], others)]
        if has_in_sheets(file, FILTERED, at_start=True):
            doubts.append(doubt("filtered", file=shown(source.name)))
        sheets[0] = sheets[0]._replace(doubts=tuple(doubts))
    return sheets


def _looking_alike(like: Grid, others: list[tuple[str, "pa.Table"]]) -> Iterator[Doubt]:
    """Doubt sheets without a header that have most headings of another, or its rows alone."""
    names, places = like.header.headings.values(), like.header.positions
    needed = [places[name] for name in ("invoice_date", "price", "amount") if name in places]
    for sheet, cells in others:
        first = cells.slice(0, HEADER_SEARCH_ROWS).to_pylist()
        rows = [[cell or "" for cell in row.values()] for row in first]
        most = max(sum(bool(headings.named(name, row)) for name in names) for row in rows)
        is_data = all(
            place < len(rows[0]) and re.search("[0-9]", rows[0][place]) for place in needed
        )
        if most > len(names) / 2 or (is_data and cells.num_rows >= LEAST_ROWS):
            place = where(like.source.name, sheet)
            yield doubt("passed_over", rows=cells.num_rows, where=place, other=like.sheet)


def _sheet_grid(
    con: "Backend", source: Source, sheet: str, text: "pa.Table", layout: Layout, folder: Path
) -> "Grid | UserError":
    """Return a workbook's sheet, or why it has no transactions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = where(source.name, sheet)
    first = text.slice(0, max(HEADER_SEARCH_ROWS, layout.header_row or 0))
    rows = [list(row.values()) for row in first.to_pylist()]
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
    return copied(con, source, sheet, header, folder, cells.to_batches())


def has_in_sheets(file: Path, what: re.Pattern[bytes], *, at_start: bool = False) -> bool:
    """Tell whether the XML of a workbook's sheets has something, as far as the workbook is whole.

    It is looked for in all of it, or ``at_start`` alone.
    """
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        try:
            for name in filter(SHEET.fullmatch, archive.namelist()):
                with archive.open(name) as stream:
                    blocks, end = iter(partial(stream.read, BLOCK), b""), b""
                    for block in islice(blocks, 1 if at_start else None):
                        if what.search(end + block):
                            return True
                        end = block[-16:]
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
            pass
    return False
