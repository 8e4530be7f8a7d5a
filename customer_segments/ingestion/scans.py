"""Text and Parquet files -> grids that the engine reads from the file, at each use.

Belongs here: the queries that read them. Does not: making text readable (``text_files``).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ibis
from ibis.expr.types import Value

from customer_segments.errors import UserError
from customer_segments.ingestion.grid import Grid
from customer_segments.ingestion.layout import header_of, shown, where
from customer_segments.ingestion.sources import Source
from customer_segments.ingestion.text_files import (
    LONGEST_TEXT,
    TextFile,
    opened,
    records,
)
from customer_segments.policy.layout import Layout

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def text_grids(
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


def parquet_grids(con: "Backend", source: Source, file: Path, layout: Layout) -> Iterator[Grid]:
    """Yield the one table of a Parquet file, with the types that it has."""
    import duckdb

    sheet = _stem(file)
    place = where(source.name, sheet)
    view = f"grid_{uuid4().hex}"
    # Names of folders are no data, and old writers do not say that bytes are text.
    options = "file_row_number = true, hive_partitioning = false, binary_as_string = true"
    read = f"read_parquet({_quoted(file)}, {options})"
    try:
        con.raw_sql(f"CREATE VIEW {view} AS SELECT * FROM {read}")
        schema = con.table(view).schema()
    except duckdb.Error as error:
        raise _broken(source, error) from error
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


def require_readable(con: "Backend", grid: Grid) -> None:
    """Read all of a sheet, to find out whether it is what made a query fail.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    import duckdb

    if grid.sql:
        try:
            con.raw_sql(f"SELECT max(hash(cells)) FROM ({grid.sql}) AS cells").fetchall()
        except duckdb.Error as error:
            raise _broken(grid.source, error) from error


def longest_texts(grid: Grid) -> dict[str, Value]:
    """Return the length of the longest text of each column, to be computed."""
    texts = (name for name in grid.header.positions if grid.cells[name].type().is_string())
    return {f"longest {name}": grid.cells[name].length().max() for name in texts}


def require_short(grid: Grid, counts: Mapping[str, Any]) -> None:
    """Require that no text is endless.

    Raises
    ------
    UserError
        If one is; names the column.
    """
    for column, heading in grid.header.headings.items():
        if (counts.get(f"longest {column}") or 0) > LONGEST_TEXT:
            raise UserError(
                f"{where(grid.source.name, grid.sheet)}, column {heading!r}: a text of more than "
                f"{LONGEST_TEXT:,} characters.",
                "Shorten it; Excel itself holds 32,767 characters.",
            )


def _broken(source: Source, error: Exception) -> UserError:
    kind = "Parquet" if source.parts[0].suffix.lower() == ".parquet" else "text"
    return UserError(
        f"{shown(source.name)} is not a readable {kind} file "
        f"({shown(str(error).splitlines()[0].rstrip('.'))}).",
        "It may be cut off or of another kind: copy it again, or write it anew.",
    )


def _stem(file: Path) -> str:
    return file.name.split(".")[0] if file.suffix.lower() == ".gz" else file.stem


def _quoted(text: "Path | str") -> str:
    return "'" + str(text).replace("'", "''") + "'"
