"""Relations in the engine: computed once, given a name, or fetched.

Belongs here: what saves the engine from planning or computing a relation again. Does not: tables
that are published (``publish``, ``in_file``).
"""

from typing import Any

import ibis
import ibis.expr.operations as ops
from ibis.expr.types import Table

from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import quoted


def kept(con: Connection, relation: Table, name: str) -> Table:
    """Compute a relation once, in the engine, for all who read it from here on.

    The name is the connection's own, and stands for one relation.
    """
    schema = relation.schema()
    columns = ", ".join(column.sql("duckdb") for column in schema.to_sqlglot_column_defs("duckdb"))
    con.raw_sql(f"CREATE TEMP TABLE {quoted(name)} ({columns})")
    insert(con, name, relation, con.compile(relation))
    return ibis.table(schema, name)


def named(con: Connection, relation: Table, name: str) -> Table:
    """Give a relation over tables of the connection a name, under which each reading computes it.

    What reads it is compiled without all that it is made of.
    """
    sql = con.compile(relation)
    con.raw_sql(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {sql}")
    return ibis.table(relation.schema(), name)


def fetched(con: Connection, relation: Table) -> list[dict[str, Any]]:
    """Return the few rows of a relation."""
    if relation.op().find(ops.InMemoryTable):
        return con.to_pyarrow(relation).to_pylist()
    # By Ibis the engine would plan it twice, which is most of the time of a small query.
    rows = con.raw_sql(con.compile(relation)).fetchall()
    return [dict(zip(relation.columns, row, strict=True)) for row in rows]


def insert(con: Connection, table: str, expression: Table, sql: str) -> None:
    """Insert the rows of an expression; ``sql`` is the expression, compiled."""
    if expression.op().find(ops.InMemoryTable):
        con.insert(table, expression)
    else:
        # Compiled once: for Ibis that takes as long as for DuckDB to run it.
        con.raw_sql(f"INSERT INTO {quoted(table)} BY NAME {sql}")
