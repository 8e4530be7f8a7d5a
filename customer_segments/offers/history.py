"""Who bought which product how often and when last: what offers are made of.

Belongs here: adding lines up to pairs of customer and product inside the engine, as pure Ibis, and
these as arrays. Does not: which products go together (``similarity``), who is offered what
(``lists``).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import ibis
import numpy as np
import pyarrow as pa
from ibis.expr.types import Table

from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.requirements import require_sources

# Days. What was not sold for a year is offered to nobody, whatever the policy says; what was sold
# in the last month is what sells now.
WINDOW = 365
RECENT = 30


@dataclass(frozen=True)
class History:
    """What was bought before a day, of products sold in the year before it."""

    # What happened on that day is not known yet.
    as_of: date
    # ``customer_id`` of all who ever bought a product; a customer's number is the row.
    customers: pa.Table
    # ``stock_code``, ``description`` (as most often written in the last month with one),
    # ``recent_orders`` (of the last 30 days), ``last_sale``; a product's number is the row.
    products: pa.Table
    # Shape (customers + 1,): pairs of customer c are those from starts[c] to before starts[c + 1].
    starts: np.ndarray
    # By pair: number of the product; orders with it, 0 if all of it was taken back; days since the
    # last of them, at least 1.
    product: np.ndarray
    orders: np.ndarray
    age: np.ndarray

    @cached_property
    def recent_orders(self) -> np.ndarray:
        """Orders with each product in the last 30 days."""
        return self.products["recent_orders"].to_numpy()

    @cached_property
    def speaks(self) -> np.ndarray:
        """Tell of each pair whether it says what a customer likes: of the last year, and kept."""
        return (self.age <= WINDOW) & (self.orders > 0)

    def is_sold(self, days: int) -> np.ndarray:
        """Tell of each product whether it was sold in the last so many days."""
        since = np.datetime64(self.as_of - timedelta(days=days))
        return self.products["last_sale"].to_numpy() >= since


def sales(cleaned: Table) -> Table:
    """Return sales of known products to known customers, a row per order with a product.

    ``customer_id``, ``stock_code``, ``invoice`` and ``day``: an order is invoice, customer and day.
    """
    known = cleaned.filter(
        cleaned.customer_id.notnull(), cleaned.stock_code.notnull(), ~cleaned.is_credit
    )
    day = known.invoice_date.date()
    return known.select("customer_id", "stock_code", "invoice", day=day).distinct()


def newest_sale(con: Connection, cleaned: Table) -> date | None:
    """Return the day of the newest sale of a product; ``None`` if files name no products."""
    newest = sales(cleaned).day.max()
    require_sources(Catalog.of(con), "What to offer", newest)
    return con.to_pyarrow(newest).as_py()


def numbered(cleaned: Table, as_of: date) -> tuple[Table, Table, Table]:
    """Return customers, products and pairs of what was bought before a day, as expressions.

    Customers and products are numbered from 0; see ``History``.
    """
    sold = sales(cleaned)
    sold = sold.filter(sold.day < ibis.date(as_of))
    customers = sold.select("customer_id").distinct()
    customers = customers.mutate(customer=ibis.row_number().over(order_by="customer_id"))
    products = _products(sold, as_of)
    described = products.left_join(descriptions(cleaned), "stock_code")
    pairs = _kept(sold, cleaned.filter(cleaned.invoice_date < ibis.timestamp(as_of.isoformat())))
    pairs = pairs.inner_join(customers, "customer_id")
    pairs = pairs.inner_join(products.select("stock_code", "product"), "stock_code")
    age = ibis.date(as_of).delta(pairs.day, unit="day")
    columns = {"customer": pairs.customer, "product": pairs["product"], "orders": pairs.orders}
    small = {name: value.cast("int32") for name, value in (columns | {"age": age}).items()}
    described = described.select(*products.columns, "description")
    return customers, described, pairs.select(**small)


def history(con: Connection, cleaned: Table, as_of: date) -> History:
    """Return what was bought before a day, as arrays.

    They take 16 bytes a pair of customer and product.
    """
    customers, products, pairs = numbered(cleaned, as_of)
    rows = con.to_pyarrow(pairs.order_by("customer", "product"))
    columns = [rows[name].to_numpy() for name in ("customer", "product", "orders", "age")]
    ids = con.to_pyarrow(customers.order_by("customer"))
    starts = np.searchsorted(columns[0], np.arange(len(ids) + 1))
    known = con.to_pyarrow(products.order_by("product"))
    return History(as_of, ids, known, starts, *columns[1:])


def _products(sold: Table, as_of: date) -> Table:
    """Return the products of the year before a day, with numbers."""
    is_recent = sold.day >= ibis.date(as_of - timedelta(days=RECENT))
    products = sold.group_by("stock_code").agg(
        recent_orders=is_recent.sum().cast("int64"), last_sale=sold.day.max()
    )
    products = products.filter(products.last_sale >= ibis.date(as_of - timedelta(days=WINDOW)))
    return products.mutate(product=ibis.row_number().over(order_by="stock_code"))


def _kept(sold: Table, lines: Table) -> Table:
    """Return pairs with their orders and the ``day`` of the last.

    Orders are 0 where credit lines, the last not before that day, take back all that was bought.
    """
    key = ["customer_id", "stock_code"]
    credited = lines.invoice_date.max(where=lines.is_credit).date()
    net = lines.group_by(key).agg(units=lines.quantity.sum(), credited=credited)
    pairs = sold.group_by(key).agg(orders=sold.count(), day=sold.day.max()).inner_join(net, key)
    is_taken_back = (pairs.units <= 0) & (pairs.credited >= pairs.day)
    return pairs.mutate(orders=is_taken_back.ifelse(0, pairs.orders))


def descriptions(cleaned: Table) -> Table:
    """Return each product's ``description``: of most lines in the last month that has any."""
    lines = cleaned.mutate(description=cleaned.description.strip())
    lines = lines.filter(lines.stock_code.notnull(), lines.description != "")
    texts = lines.group_by("stock_code", "month", "description").agg(lines=lines.count())
    newest_first = [texts.month.desc(), texts.lines.desc(), texts.description]
    texts = texts.mutate(at=ibis.row_number().over(group_by="stock_code", order_by=newest_first))
    return texts.filter(texts["at"] == 0).select("stock_code", "description")
