"""Text and workbooks -> grids: a copy of their cells that the engine reads column by column.

Belongs here: writing it, and what no cell may be. Does not: making text readable (``text_files``).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import ibis

from customer_segments.doubt import Doubt, doubt
from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import OTHER, Header, shown, where
from customer_segments.ingestion.files.alphabets import Page
from customer_segments.ingestion.files.code_pages import as_utf8
from customer_segments.ingestion.files.grid import Grid
from customer_segments.ingestion.files.quotation import Misquoted, requoted
from customer_segments.ingestion.files.sources import Source
from customer_segments.ingestion.files.text_files import LONGEST_TEXT, TextFile, opened, records
from customer_segments.policy.layout import Layout
from customer_segments.storage.contracts import literal, quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

# Bytes at the end of a file that have its last two lines.
END = 20_000
# Of wider ones the engine keeps too much at a time.
MOST_SIMPLE_COLUMNS = 1_000


def text_grid(
    con: "Backend", source: Source, file: Path, layout: Layout, folder: Path
) -> Grid | None:
    """Return the records of a text file: by the engine, or one by one where lines are not alike.

    They are copied to ``folder``, parsed once; ``None`` if there are none.
    """
    sheet = stem(source, file)
    try:
        return _text_grid(con, source, sheet, file, layout, folder)
    except Misquoted:
        path, *_ = as_utf8(file, layout, source.name, folder)
        if not (copy := requoted(path, source.name, folder)):
            raise
        in_utf8 = layout.model_copy(update={"encoding": None})
        return _text_grid(con, source, sheet, copy, in_utf8, folder)


def _text_grid(
    con: "Backend", source: Source, sheet: str, file: Path, layout: Layout, folder: Path
) -> Grid | None:
    text = opened(file, layout, source.name, sheet, folder)
    if text is None:
        return None
    grid, copy = _copy(source, sheet, text.header, folder)
    place = where(source.name, sheet)
    doubts = (*_open_pages(text.page, place), *_cut_off(text, place))
    # A quoted sep= behind a byte order mark swallows the header in the engine.
    is_simple = not text.has_blank_lines and not text.skipped
    if not (is_simple and text.width <= MOST_SIMPLE_COLUMNS) or not _copied_by_engine(
        con, text, copy
    ):
        grid = copied(con, source, sheet, text.header, folder, records(text, source.name))
    else:
        _require_short_texts(con, grid)
    return grid._replace(doubts=doubts)


def _open_pages(page: Page, place: str) -> Iterator[Doubt]:
    """Doubt a code page where letters fit another as well, or fit none."""
    if page.other:
        yield doubt(
            "wrong_code_page.none" if page.is_odd else "wrong_code_page.open",
            {"layout": [{"encoding": page.other}]},
            where=place,
            page=page.name,
            other=page.other,
            example=shown(page.example),
            other_example=shown(page.other_example),
        )


def _cut_off(text: TextFile, place: str) -> Iterator[Doubt]:
    """Doubt a file whose last line has no end, and fewer cells than the line before it."""
    with text.path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - END))
        *_, before, last = [b"", b"", *stream.read().split(b"\n")]
    between = text.separator.encode()
    if 0 < last.count(between) < before.count(between) and b'"' not in before + last:
        yield doubt("cut_off.line", where=place, line=shown(last.decode(errors="replace")))


def copied(
    con: "Backend",
    source: Source,
    sheet: str,
    header: Header,
    folder: Path,
    batches: Iterable["pa.RecordBatch"],
) -> Grid:
    """Write cells, all of them text, to where the engine reads them."""
    import pyarrow.parquet as pq

    grid, copy = _copy(source, sheet, header, folder)
    with pq.ParquetWriter(copy, grid.schema.to_pyarrow()) as out:
        for batch in batches:
            out.write_batch(batch)
    _require_short_texts(con, grid)
    return grid


def _require_short_texts(con: "Backend", grid: Grid) -> None:
    place, texts = where(grid.source.name, grid.sheet), grid.header.positions
    names = {column: quoted(column) for column in texts if not column.startswith(OTHER)}
    require_short(con, place, grid.header, f"({grid.sql})", names, "row_number")


def _copy(source: Source, sheet: str, header: Header, folder: Path) -> tuple[Grid, Path]:
    copy = folder / f"{uuid4().hex}.parquet"
    texts = dict.fromkeys(("overfull", *header.positions), "string")
    schema = ibis.schema({"row_number": "int64"} | texts)
    sql = f"SELECT * FROM read_parquet({literal(str(copy))})"
    return Grid(source, sheet, header, schema, sql), copy


def _copied_by_engine(con: "Backend", text: TextFile, copy: Path) -> bool:
    """Copy the records of a text file, unless its lines are not all alike."""
    import duckdb

    types = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(text.width))
    chosen = ", ".join(
        f"CASE WHEN trim(c{place}) <> '' THEN c{place} END AS {column}"
        for column, place in text.header.positions.items()
    )
    # Most rows need no look at the other columns.
    something = " OR ".join(f"trim(c{place}) <> ''" for place in text.header.positions.values())
    texts = ", ".join(f"c{place}" for place in range(text.width))
    first = text.header.row
    sql = (
        f"SELECT row_number, NULL::VARCHAR AS overfull, {chosen} "
        f"FROM (SELECT row_number() OVER () + {first} AS row_number, * FROM "
        f"read_csv({literal(str(text.path))}, auto_detect = false, header = false, skip = {first}, "
        f"delim = {literal(text.separator)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"nullstr = '', columns = {{{types}}})) WHERE {something} OR trim(concat({texts})) <> ''"
    )
    try:
        con.raw_sql(f"COPY ({sql}) TO {literal(str(copy))} (FORMAT parquet)")
    except duckdb.Error:
        return False
    return True


def require_readable(con: "Backend", grid: Grid) -> None:
    """Read all of a sheet, to find out whether it is what made a query fail.

    A UserError says that it cannot be read.
    """
    import duckdb

    try:
        con.raw_sql(f"SELECT max(hash(cells)) FROM ({grid.sql}) AS cells").fetchall()
    except duckdb.Error as error:
        raise broken(grid.source, error) from error


def require_short(
    con: "Backend", place: str, header: Header, read: str, texts: Mapping[str, str], row: str
) -> None:
    """Require that no text is endless, before any is looked at.

    ``read`` is what the engine reads, as it is: single columns of it are not unpacked; ``texts``
    the quoted name of each column that is text, by the layout's, ``row`` the number of a row. A
    UserError names column and row of one that is.
    """
    if not texts:
        return
    lengths = ", ".join(f"max(strlen({name}))" for name in texts.values())
    (found,) = con.raw_sql(f"SELECT {lengths} FROM {read}").fetchall()
    for column, longest in zip(texts, found, strict=True):
        if (longest or 0) > LONGEST_TEXT:
            one = f"strlen({texts[column]}) > {LONGEST_TEXT} LIMIT 1"
            ((number,),) = con.raw_sql(f"SELECT {row} FROM {read} WHERE {one}").fetchall()
            raise UserError(
                f"{place}, column {header.headings[column]!r}, row {number}: a text of more than "
                f"{LONGEST_TEXT:,} bytes.",
                "Shorten it; Excel itself holds 32,767 characters.",
            )


def broken(source: Source, error: Exception) -> UserError:
    """Return what to say of a file that the engine cannot read."""
    kind = "Parquet" if source.parts[0].suffix.lower() == ".parquet" else "text"
    return UserError(
        f"{shown(source.name)} is not a readable {kind} file "
        f"({shown(str(error).splitlines()[0].rstrip('.'))}).",
        "It may be cut off or of another kind: copy it again, or write it anew.",
    )


def stem(source: Source, file: Path) -> str:
    """Return what the one sheet of a file is called that has none; of a part, with its folder."""
    name = file.relative_to(source.file).as_posix() if source.file.is_dir() else file.name
    name = name.removesuffix(".gz") if name.lower().endswith(".gz") else name
    return name.rpartition(".")[0]
