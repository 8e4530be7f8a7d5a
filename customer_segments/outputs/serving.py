"""The serving copy: what dashboards, BI tools and SQL shells read in place of the warehouse.

A reader of the warehouse holds runs up, and cannot open it while one writes. Belongs here: which
tables the copy has. Does not: how a copy is swapped in (``storage.copy``), when it is due
(``automation.agenda``).
"""

from datetime import date

import ibis
from ibis.expr.types import Table

from customer_segments import tables
from customer_segments.installation import Installation
from customer_segments.months import shift
from customer_segments.outputs import queries
from customer_segments.private import make_folder
from customer_segments.segments.migration import with_origin
from customer_segments.segments.scoring import most_clusters
from customer_segments.shown import SERVED, is_large
from customer_segments.storage import Contract
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.copy import write_copy
from customer_segments.storage.ledger import PUBLICATIONS, latest
from customer_segments.storage.state import State

# All that is known of each customer at each month's end; what is read from here alone.
CUSTOMERS, ORDERS, PRODUCTS = "customers", queries.ORDERS, "customer_products"
TOLD = tables.CUSTOMER_RFM, tables.CUSTOMER_VALUE, tables.CUSTOMER_SEGMENTS
# Rows of ``customers`` that are joined at a time: a gigabyte holds twice as many.
MOST_JOINED = 1_000_000
# Lines that are added up to orders at a time.
MOST_LINES = 10_000_000


def serve(installed: Installation) -> None:
    """Write the copy anew, and what it is of into the small file beside it; of nobody, nothing."""
    copy = installed.copy
    make_folder(copy.path.parent)
    with installed.warehouse.reading() as con:
        if tables.CUSTOMER_SEGMENTS.table not in Catalog.of(con):
            return
        views = {c.table: c.schema.names for c in told_by_customers(con)}
        of = {name: parts for name, parts in served(con).items() if name not in views}
        write_copy(con, copy.path, of, CUSTOMERS, views)
        # Last: without it the copy is made once more.
        State.read(con).save(copy.state_path)


def served(con: Connection) -> dict[str, list[Table]]:
    """Return the tables of the copy, by name: of customer grain or less, as far as they are made.

    ``customers`` joins what is known of each customer and month; ``customer_orders`` has a row per
    customer and invoice, ``customer_products`` one per customer and product, unless they are many.
    """
    there = Catalog.of(con)
    known = {c.table: [c.relation] for c in (PUBLICATIONS, *SERVED) if c.table in there}
    has_value, most = tables.CUSTOMER_VALUE.table in known, most_clusters(con.execute)
    lines = tables.CLEANED_TRANSACTIONS.relation.filter(ibis._.customer_id.notnull())
    known |= {
        queries.ROWS_BY_REASON: [queries.rows_by_reason()],
        CUSTOMERS: [_customers(span, has_value, most) for span in spans(con)],
        ORDERS: [orders_of(part) for part in _by_customer(con, lines)],
    }
    return known if is_large(State.read(con)) else known | {PRODUCTS: [products_of(lines)]}


def told_by_customers(con: Connection) -> tuple[Contract, ...]:
    """Return the tables of which ``customers`` has all rows and columns: written twice for nothing.

    Labels or forecasts of a snapshot before the newest are not: they may be of other customers.
    """
    snapshots = latest(con, tables.CUSTOMER_RFM.table)

    def is_of_them(contract: Contract) -> bool:
        held = latest(con, contract.table)
        return held.keys() == snapshots.keys() and all(
            line.rows == held[month].rows and line.publication <= held[month].publication
            for month, line in snapshots.items()
        )

    return tuple(filter(is_of_them, TOLD)) if is_of_them(tables.CUSTOMER_SEGMENTS) else ()


def spans(con: Connection, most: int = MOST_JOINED) -> list[tuple[date, date]]:
    """Return the labelled months in spans of about so many rows at most, each of a month at least.

    One span of all months where there are not more.
    """
    held = latest(con, tables.CUSTOMER_SEGMENTS.table)
    found: list[tuple[date, date]] = []
    rows = 0
    for month, line in sorted((month, line.rows) for month, line in held.items() if month):
        if found and rows + line <= most:
            found[-1], rows = (found[-1][0], month), rows + line
        else:
            found, rows = [*found, (month, month)], line
    return found


def _by_customer(con: Connection, lines: Table) -> list[Table]:
    """Divide lines into parts of about ``MOST_LINES``, all lines of a customer in one."""
    rows = sum(line.rows for line in latest(con, tables.CLEANED_TRANSACTIONS.table).values())
    parts = rows // MOST_LINES + 1
    number = (lines.customer_id.hash() % parts).abs()
    return [lines.filter(number == part) for part in range(parts)]


def _customers(span: tuple[date, date], has_value: bool, most: int) -> Table:
    """Return all that is known of the customers at the ends of the months of a span."""
    # Who moved is told from the month before.
    with_before = shift(span[0], -1), span[1]
    segments, rfm = (
        _of(contract, with_before) for contract in (tables.CUSTOMER_SEGMENTS, tables.CUSTOMER_RFM)
    )
    labelled = with_origin(segments, rfm, tables.KMEANS_MODEL.relation, most)
    labelled = labelled.filter(labelled.snapshot_month >= ibis.date(span[0]))
    people = queries.customers_of(labelled, _of(tables.CUSTOMER_RFM, span))
    return queries.with_value(people, _of(tables.CUSTOMER_VALUE, span)) if has_value else people


def _of(contract: Contract, span: tuple[date, date]) -> Table:
    rows = contract.relation
    return rows.filter(rows.snapshot_month.between(*(ibis.date(end) for end in span)))


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
    named, key = lines.filter(lines.stock_code.notnull()), ["customer_id", "stock_code"]
    is_sale = ~named.is_credit
    products = named.group_by(key).agg(
        description=named.description.argmax(named.invoice_date),
        last_purchase=named.invoice_date.max(where=is_sale),
        quantity=named.quantity.sum(),
        revenue=named.revenue.sum(),
    )
    # Apart: distinct ones of each group would have to be held all at a time.
    invoices = named.filter(is_sale).select(*key, "invoice").distinct()
    both = products.left_join(invoices.group_by(key).agg(orders=invoices.count()), key)
    products = both.select(*products.columns, orders=both.orders.fill_null(0))
    return products.order_by(key)
