"""The serving copy: what dashboards, BI tools and SQL shells read in place of the warehouse.

A reader of the warehouse holds runs up, and cannot open it while one writes. Belongs here: which
tables the copy has. Does not: how a copy is swapped in (``storage.copy``), when it is due
(``automation.agenda``).
"""

import ibis
from ibis.expr.types import Table

from customer_segments import tables
from customer_segments.installation import Installation
from customer_segments.outputs import queries
from customer_segments.private import make_folder
from customer_segments.segments.scoring import most_clusters
from customer_segments.shown import SERVED
from customer_segments.storage.connection import Connection
from customer_segments.storage.copy import write_copy
from customer_segments.storage.ledger import PUBLICATIONS, is_there
from customer_segments.storage.state import State

# All that is known of each customer at each month's end; what is read from here alone.
CUSTOMERS, ORDERS, PRODUCTS = "customers", queries.ORDERS, "customer_products"


def serve(installed: Installation) -> None:
    """Write the copy anew; the small file beside it says what it is of."""
    copy = installed.copy
    make_folder(copy.path.parent)
    with installed.warehouse.reading() as con:
        write_copy(con, copy.path, served(con), CUSTOMERS)
        # Last: without it the copy is made once more.
        State.read(con).save(copy.state_path)


def served(con: Connection) -> dict[str, Table]:
    """Return the tables of the copy, by name: of customer grain or less, as far as they are made.

    ``customers`` joins what is known of each customer and month; ``customer_orders`` has a row per
    customer and invoice, ``customer_products`` one per customer and product.
    """
    known = {c.table: c.relation for c in (PUBLICATIONS, *SERVED) if is_there(con, c.table)}
    segments, rfm = tables.CUSTOMER_SEGMENTS.relation, tables.CUSTOMER_RFM.relation
    most = most_clusters(con.execute)
    people = queries.customers_of(segments, rfm, tables.KMEANS_MODEL.relation, most)
    if tables.CUSTOMER_VALUE.table in known:
        people = queries.with_value(people, tables.CUSTOMER_VALUE.relation)
    lines = tables.CLEANED_TRANSACTIONS.relation.filter(ibis._.customer_id.notnull())
    return known | {
        queries.ROWS_BY_REASON: queries.rows_by_reason(),
        CUSTOMERS: people.order_by("snapshot_month", "customer_id"),
        ORDERS: orders_of(lines),
        PRODUCTS: products_of(lines),
    }


def orders_of(lines: Table) -> Table:
    """Add up the lines of each customer's invoices, credit notes among them."""
    orders = lines.group_by("customer_id", "month", "invoice", "is_credit").agg(
        invoice_date=lines.invoice_date.min(),
        lines=lines.count(),
        quantity=lines.quantity.sum(),
        revenue=lines.revenue.sum(),
    )
    return orders.order_by("customer_id", "invoice_date", "invoice")


def products_of(lines: Table) -> Table:
    """Add up each customer's lines of a product; ``orders`` are sales, money is net."""
    named = lines.filter(lines.stock_code.notnull())
    products = named.group_by("customer_id", "stock_code").agg(
        description=named.description.argmax(named.invoice_date),
        last_purchase=named.invoice_date.max(where=~named.is_credit),
        orders=named.invoice.nunique(where=~named.is_credit),
        quantity=named.quantity.sum(),
        revenue=named.revenue.sum(),
    )
    return products.order_by("customer_id", "stock_code")
