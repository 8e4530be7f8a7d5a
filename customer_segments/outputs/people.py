"""The customers of a month, with all that is known of each: all of them, or a part.

Belongs here: joining what labels, snapshots, forecasts and lists say of a customer, of a large
month in parts. Does not: what else a view has (``reading``), the expressions (``queries``).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments import months, tables
from customer_segments.campaigns.groups import campaign_group
from customer_segments.ingestion.columns.layout import CONTACT
from customer_segments.model.sampling import parts_of
from customer_segments.outputs import queries
from customer_segments.outputs.view import MonthView
from customer_segments.segments.migration import KEY, customer_moves
from customer_segments.segments.scoring import most_clusters
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.relations import kept
from customer_segments.storage.requirements import require_sources

if TYPE_CHECKING:
    import pyarrow as pa

MADE_OF = (tables.CUSTOMER_SEGMENTS, tables.CUSTOMER_RFM, tables.KMEANS_MODEL)
BY_MONEY = ibis.desc("monetary"), ibis.asc("customer_id")
WHAT = "The view of a month"
# Customers of a large month that are in memory at a time.
BATCH = 200_000


@contextmanager
def all_customers(warehouse: Warehouse, view: MonthView) -> Iterator[Iterable["pa.Table"]]:
    """Give all customers of a month as the lists have them, in parts that memory can hold."""
    if view.sample is None:
        yield [view.customers]
        return
    with warehouse.reading() as con:
        of_month, _, moves = moved(con, view.month)
        people = partial(people_of, con, view.month, view.control_share, moves)
        number = ibis.row_number().over(order_by=[of_month.monetary.desc(), of_month.customer_id])
        numbered = of_month.select("customer_id", batch=number // BATCH)
        batches = kept(con, numbered, "batches")

        def part(batch: int) -> "pa.Table":
            among = batches.filter(batches.batch == batch)
            of_batch = people(lambda rows: rows.semi_join(among, "customer_id"))
            return rows_of(con, of_batch.order_by(*BY_MONEY))

        yield map(part, range(parts_of(view.of_all or 0, BATCH)))


def moved(con: Connection, month: date) -> tuple[Table, Table, Table]:
    """Return a month's labels, its snapshot with the one before, and who moved, computed once."""
    labels, rfm, model = (contract.relation for contract in MADE_OF)
    of_month, snapshots = queries.of(labels, month), queries.of(rfm, months.shift(month, -1), month)
    moves = customer_moves(of_month, snapshots, model, most_clusters(con.execute))
    require_sources(Catalog.of(con), WHAT, moves)
    return of_month, snapshots, kept(con, moves, "moves")


def people_of(
    con: Connection,
    month: date,
    control_share: float,
    moves: Table,
    among: Callable[[Table], Table] = lambda rows: rows,
) -> Table:
    """Return all that is known of the customers of a month, ``among`` the rows of each table."""
    labels, rfm, value = (
        among(queries.of(contract.relation, month))
        for contract in (*MADE_OF[:2], tables.CUSTOMER_VALUE)
    )
    labelled = labels.left_join(moves.select(*KEY, "from_segment"), KEY)
    labelled = labelled.select(*labels.columns, "from_segment")
    people = queries.customers_of(labelled, rfm)
    if tables.CUSTOMER_VALUE.table in Catalog.of(con):
        people = queries.with_value(people, value.drop("reason"))
    groups = campaign_group(people.customer_id, month, control_share)
    return queries.with_contacts(people.mutate(campaign_group=groups), contact_fields(con))


def contact_fields(con: Connection) -> list[str]:
    """Return what the files say of some customer that lists pass on."""
    if tables.CUSTOMER_CONTACTS.table not in Catalog.of(con):
        return []
    known = con.to_pyarrow(tables.CUSTOMER_CONTACTS.relation.select("field").distinct())
    return [field for field in CONTACT if field in known["field"].to_pylist()]


def rows_of(con: Connection, expression: Table) -> "pa.Table":
    """Run a query of the view; a clear error if a table is missing."""
    require_sources(Catalog.of(con), WHAT, expression)
    return con.to_pyarrow(expression)
