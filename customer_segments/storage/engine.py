"""Sessions of an engine that speaks Spark Connect, and what it writes.

Belongs here: starting Sail in this process, the settings that make engines agree, running an
expression into files. Does not: what becomes of the files (``lake``).
"""

import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ibis
import sqlglot.expressions as sge

from customer_segments.errors import UserError
from customer_segments.storage.contracts import Contract

if TYPE_CHECKING:
    from upath import UPath

# Times are naive, as in DuckDB.
SETTINGS = {"spark.sql.timestampType": "TIMESTAMP_NTZ", "spark.sql.session.timeZone": "UTC"}

# Of Sail: memory is shared fairly, and joins sort, so that all who want more use the disk; months
# are written side by side in small groups.
SAIL = {
    "RUST_LOG": "error",
    "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
    "SAIL_OPTIMIZER__PREFER_HASH_JOIN": "false",
    "SAIL_PARQUET__MAX_ROW_GROUP_SIZE": "122880",
}
# What sorts all rows.
DEAR = sge.Window, sge.Join
# For an engine to answer.
SECONDS = 10


@contextmanager
def session(engine: str, memory: str) -> Iterator[Any]:
    """Give the Ibis backend of an engine; ``sail`` is started, with so much memory.

    Each write has its own, for engines end those that nobody used for a while. A UserError says
    that nothing answers at its address.
    """
    with warnings.catch_warnings(action="ignore"):  # pyspark's, of the newest pandas
        from pyspark.sql import SparkSession

        address = _started(memory) if engine == "sail" else _reached(engine)
        spark = SparkSession.builder.remote(address).create()
        try:
            yield ibis.pyspark.connect(spark, **SETTINGS)
        finally:
            spark.stop()


@cache
def _server(memory: str) -> Any:
    from pysail.spark import SparkConnectServer

    size = {"SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(_bytes(memory))}
    for name, value in (SAIL | size).items():
        os.environ.setdefault(name, value)
    server = SparkConnectServer()
    server.start(background=True)
    return server


def _started(memory: str) -> str:
    host, port = _server(memory).listening_address
    return f"sc://{host}:{port}"


def _reached(address: str) -> str:
    """Return the address if something listens there: the client would try for ten minutes."""
    at = urlsplit(address)
    try:
        socket.create_connection((at.hostname, at.port or 15002), SECONDS).close()
    except OSError as error:
        raise UserError(
            f"The engine at {at.hostname}:{at.port or 15002} does not answer: {error}.",
            "Start it, or name another in [engine].",
        ) from error
    return address


def _bytes(memory: str) -> int:
    number = memory.rstrip("KMGTiB ")
    unit = memory[len(number) :].strip()[0]
    return int(float(number) * 1024 ** ("KMGT".index(unit) + 1))


def write(
    engine: str,
    memory: str,
    expression: ibis.Table,
    contract: Contract,
    tables: Mapping[str, Any],
    folder: "UPath",
    part: str,
) -> None:
    """Run an expression and write its rows, of the contract's types, in folders by month.

    ``tables`` are what it reads, by name: lists of files, or Arrow tables. ``part`` names the
    column that the folders are called by. No rows leave no file.
    """
    shared = folder.with_name(f"{folder.name}-shared")
    with session(engine, memory) as con:
        from ibis.backends.pyspark.datatypes import PySparkType

        spark = con._session
        for name, rows in tables.items():
            if isinstance(rows, list):
                frame = spark.read.parquet(*map(str, rows))
            else:
                frame = spark.createDataFrame(rows)
            frame.createOrReplaceTempView(name)
        frame = _run(con, expression, shared)
        typed = [
            frame[n].cast(PySparkType.from_ibis(t)).alias(n) for n, t in contract.schema.items()
        ]
        frame = frame.select(*typed, frame[contract.month_column].cast("date").alias(part))
        frame.write.mode("append").partitionBy(part).parquet(str(folder))
    if shared.exists():
        shared.fs.rm(str(shared), recursive=True)


def _run(con: Any, expression: ibis.Table, folder: "UPath") -> Any:
    """Return the rows of a query; some of what it reads is computed before, into a folder.

    Ibis names in WITH what is read more than once. Engines compute it each time, and what is shared
    in it each of these times. What windows look at comes before them, too: all that sorts at once
    shares the memory.
    """
    spark, query, numbers = con._session, con.compiler.to_sqlglot(expression), count()

    def named(name: str, rows: sge.Expression, *, is_stored: bool) -> None:
        frame, place = spark.sql(rows.sql(con.dialect)), folder / name
        if is_stored:
            frame.write.parquet(str(place))
            # No rows leave no file.
            frame = spark.read.parquet(str(place)) if [*place.glob("*.parquet")] else frame
        frame.createOrReplaceTempView(name)

    def before_windows(select: sge.Expression) -> None:
        for inner in reversed([*select.find_all(sge.Subquery)]):
            outer = inner.parent_select if isinstance(inner.parent, sge.From) else None
            columns = outer.expressions if outer else ()
            if any(each.find(sge.Window) for each in columns) and inner.this.find(*DEAR):
                # The same alias may stand in several of WITH.
                name = f"{inner.alias}_{next(numbers)}"
                named(name, inner.this, is_stored=True)
                inner.replace(sge.to_table(name).as_(inner.alias))

    for shared in query.ctes:
        before_windows(shared.this)
        is_dear = shared.this.find(*DEAR, sge.Group, sge.Distinct)
        named(shared.alias, shared.this, is_stored=bool(is_dear))
    if query.ctes:
        query.find(sge.With).pop()
    before_windows(query)
    return spark.sql(query.sql(con.dialect))
