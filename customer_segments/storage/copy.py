"""Copies for readers: a DuckDB file that is swapped in whole, and never written to again.

Belongs here: writing it from an open warehouse. Does not: which tables (``outputs.serving``).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ibis.expr.types import Table

from customer_segments.private import replacing
from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import literal, quoted

# Drivers of BI tools may carry a DuckDB of years ago, which knows no newer files.
OPTIONS = "READ_WRITE, STORAGE_VERSION 'v1.0.0'"
# The least level: no larger here, in nine tenths of the time.
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"


def write_copy(
    con: Connection,
    path: Path,
    tables: Mapping[str, Sequence[Table]],
    whole: str,
    views: Mapping[str, Iterable[str]],
) -> None:
    """Write tables to a new DuckDB file at ``path``, and one, the ``whole``, to Parquet beside it.

    A table comes in one part or several, which are sorted, and held in memory, one by one; each of
    the ``views`` has some columns of the whole.
    Whoever has the old files open reads on in them; who opens them next meets the new ones.
    """
    # What was left of a process that was killed, by another number.
    for left in path.parent.glob(f".{path.stem}.*"):
        left.unlink(missing_ok=True)
    beside = path.with_suffix(".parquet")
    with replacing(beside) as rows, replacing(path) as draft:
        con.raw_sql(f"ATTACH {literal(str(draft))} AS copy ({OPTIONS})")
        try:
            for name, (first, *others) in tables.items():
                query = con.compile(first)
                con.raw_sql(f"CREATE TABLE copy.main.{quoted(name)} AS {query}")
                for query in map(con.compile, others):
                    con.raw_sql(f"INSERT INTO copy.main.{quoted(name)} {query}")
            for name, columns in views.items():
                query = f"SELECT {', '.join(map(quoted, columns))} FROM copy.main.{quoted(whole)}"
                con.raw_sql(f"CREATE VIEW copy.main.{quoted(name)} AS {query}")
            con.raw_sql(f"COPY copy.main.{quoted(whole)} TO {literal(str(rows))} ({PARQUET})")
        finally:
            with suppress(Exception):
                con.raw_sql("DETACH copy")
