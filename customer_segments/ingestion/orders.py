"""The orders of the sources: where each stands, and of how many rows.

Belongs here: keys under which an order, or a line of it, is found again elsewhere. Does not: which
of the places counts (``identity``), where a sheet holds the same twice (``blocks``).
"""

from datetime import date
from typing import Any

import ibis
import ibis.expr.operations as ops
from ibis.expr.types import IntegerValue, Table

from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import quoted
from customer_segments.storage.in_file import insert

# A sheet of a file.
SHEET = ["workbook", "sheet"]
# An order. The number alone says little: receipts restart each month, and tills count on their own.
# Where a file has no numbers, a customer's day is an order.
KEY = ("number", "customer", "day")
NO_DAY = date(1, 1, 1)


def with_keys(rows: Table) -> Table:
    """Add ``number``, ``customer`` and ``day``, empty where there is none, to be joined by."""
    return rows.mutate(
        number=rows.invoice.upper().fill_null(""),
        customer=rows.customer_id.fill_null(""),
        day=rows.invoice_date.date().fill_null(ibis.date(NO_DAY)),
    )


def orders_of(rows: Table) -> Table:
    """Return the orders of rows that have their keys and ``place``, that of a sheet or a block.

    ``rows`` (how many), ``negative`` (how many of them with a quantity below nothing), ``low``
    and ``high``: the first and the last ``row_number``.
    """
    return rows.group_by("place", *KEY).agg(
        rows=rows.count(),
        negative=(rows.quantity < 0).sum().fill_null(0),
        low=rows.row_number.min(),
        high=rows.row_number.max(),
    )


def line_hash(rows: Table) -> IntegerValue:
    """Return a number of what a line of an order says, the time aside, that not all exports have.

    Sums of it over an order do not overflow.
    """
    says = {name: rows[name] for name in ("stock_code", "quantity", "price")}
    return ibis.struct(says).hash() % 2**31


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
    con.raw_sql(f"CREATE TEMP VIEW {quoted(name)} AS {sql}")
    return ibis.table(relation.schema(), name)


def fetched(con: Connection, relation: Table) -> list[dict[str, Any]]:
    """Return the few rows of a relation."""
    if relation.op().find(ops.InMemoryTable):
        return con.to_pyarrow(relation).to_pylist()
    # By Ibis the engine would plan it twice, which is most of the time of a small query.
    rows = con.raw_sql(con.compile(relation)).fetchall()
    return [dict(zip(relation.columns, row, strict=True)) for row in rows]
