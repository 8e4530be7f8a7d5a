"""Parquet files -> grids, which the engine reads from the file at each use, typed as it is.

Belongs here: the query, and the bounds of what a small file may unpack to. Does not: text.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import OTHER, header_of, where
from customer_segments.ingestion.files.code_pages import largest
from customer_segments.ingestion.files.grid import Grid
from customer_segments.ingestion.files.scans import broken, require_short, stem
from customer_segments.ingestion.files.sources import Source
from customer_segments.policy.layout import Layout
from customer_segments.storage.contracts import literal, quoted

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

PROBED = "probed"
# No compression of a shop's rows comes near.
MOST_ROWS_PER_BYTE, HARMLESS_ROWS = 10, 10_000_000


def parquet_grid(con: "Backend", source: Source, file: Path, layout: Layout) -> Grid:
    """Return the one table of a Parquet file, with the types that it has.

    A UserError says that it cannot be read, lacks a column, or unpacks to more than any export has.
    """
    import duckdb

    try:
        return _grid(con, source, file, layout)
    except duckdb.Error as error:
        raise broken(source, error) from error


def _grid(con: "Backend", source: Source, file: Path, layout: Layout) -> Grid:
    sheet = stem(source, file)
    place = where(source.name, sheet)
    # Names of folders are no data.
    options = "file_row_number = true, hive_partitioning = false"
    read = f"read_parquet({literal(str(file))}, {options})"
    con.raw_sql(f"CREATE OR REPLACE TEMP VIEW {PROBED} AS SELECT * FROM {read}")
    types = con.table(PROBED).schema()
    names = [name for name in types if name != "file_row_number"]
    header = header_of(names, layout, place)
    schema = {"row_number": "int64", "overfull": "string"}
    chosen = []
    for column, position in header.positions.items():
        name = names[position]
        kind = types[name]
        if kind.is_nested():
            if column.startswith(OTHER):
                continue
            raise UserError(
                f"{place}, column {name!r}: it holds {kind}, not text, numbers or timestamps.",
                "Write it as one of these.",
            )
        is_number = kind.is_numeric() and column != "invoice_date"
        is_kept = is_number or kind.is_temporal()
        schema[column] = kind if is_kept else "string"
        cell = _decoding(con, read, quoted(name)) if kind.is_binary() else quoted(name)
        cell = cell if is_kept else f"nullif({cell}::VARCHAR, '')"
        chosen.append(f"{cell} AS {quoted(column)}")
    texts = {
        column: f"{quoted(names[position])}::VARCHAR"
        for column, position in header.positions.items()
        if not column.startswith(OTHER)
        and (types[names[position]].is_string() or types[names[position]].is_binary())
    }
    require_short(con, place, header, read, texts, "file_row_number + 2")
    _require_bounded(con, f"{place} is refused", read, texts.values(), file)
    given = [column for column in schema if column not in ("row_number", "overfull")]
    something = " OR ".join(f"{quoted(column)} IS NOT NULL" for column in given)
    sql = (
        f"SELECT * FROM (SELECT file_row_number + 2 AS row_number, NULL::VARCHAR AS overfull, "
        f"{', '.join(chosen)} FROM {read}) WHERE {something}"
    )
    return Grid(source, sheet, header, ibis.schema(schema), sql)


def _decoding(con: "Backend", read: str, cell: str) -> str:
    """Return the text of bytes: old writers do not call it so; of ids, their digits."""
    is_text = f"coalesce(regexp_full_match(try(decode({cell})), '[^\\x00-\\x08]*'), {cell} IS NULL)"
    ((are_texts,),) = con.raw_sql(f"SELECT bool_and({is_text}) FROM {read}").fetchall()
    return f"decode({cell})" if are_texts in (True, None) else f"lower(hex({cell}))"


def _require_bounded(
    con: "Backend", refused: str, read: str, texts: Iterable[str], file: Path
) -> None:
    """Require that a file does not unpack to more than any export has."""
    size = file.stat().st_size
    totals = "".join(f", sum(strlen({name}))::BIGINT" for name in texts)
    ((rows, *totals_of),) = con.raw_sql(f"SELECT count(*){totals} FROM {read}").fetchall()
    for found, most, what in [
        (rows, max(HARMLESS_ROWS, MOST_ROWS_PER_BYTE * size), "rows"),
        *((total or 0, largest(file), "bytes of text in a column") for total in totals_of),
    ]:
        if found > most:
            raise UserError(
                f"{refused}: its {size:,} bytes unpack to {found:,} {what}, which no export does.",
                "Ask whoever made it.",
            )
