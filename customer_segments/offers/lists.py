"""Who is offered what: two lists per customer, *buy again* and *new for you*.

Belongs here: scores and ranks, by numbers of customers and products, what speaks for an offer, and
the same with names and words, as people read it. Does not: which products go together
(``similarity``).
"""

from collections.abc import Iterable, Iterator

import ibis
import numpy as np
import pyarrow as pa
from ibis.expr.types import StringValue, Table
from threadpoolctl import threadpool_limits

from customer_segments.offers.history import History
from customer_segments.offers.similarity import Similarity, largest
from customer_segments.policy.rules import Recommend
from customer_segments.tables import PRODUCT_RECOMMENDATIONS

AGAIN, NEW = "buy again", "new for you"

# Days after which a purchase counts 1/e.
FADING = 180
# Exponents of the orders that a customer has with a product, and of the orders that all had with it
# in the last 30 days, in either list; FLOOR orders more, so that none is worth nothing. Chosen on
# Online Retail II: docs/model.md, Offers.
OFTEN, POPULAR_AGAIN, POPULAR_NEW = 1.5, 0.6, 0.3
FLOOR = 0.1
# Customers whose rows are handed on at once.
BLOCK = 2_000
# A row of a list. Numbers that are not known of it are -1: orders and their age are of *buy again*,
# ``bought_with`` is the product that speaks most for one that is new.
ROW = np.dtype(
    [
        *(("customer", "i4"), ("is_new", "?"), ("rank", "i4"), ("product", "i4"), ("score", "f8")),
        *(("orders", "i4"), ("age", "i4"), ("bought_with", "i4")),
    ]
)


def lists(history: History, known: Similarity | None, recommend: Recommend) -> Iterator[np.ndarray]:
    """Yield the lists of all customers, best first, as arrays of ``ROW``; ranks start at 1.

    *Buy again* has products that the customer had, by orders^1.5 * exp(-age / 180 days) *
    popularity^.6, popularity being the orders of all in the last 30 days. *New for you* has others,
    by what the customer's purchases of the last year, fading alike, say for them (``known``), times
    popularity^.3; where they say nothing, and without ``known``, the most popular, with a score of
    0. Neither has products that were not sold for ``recommend.sold_days``.
    """
    offers = _Offers(history, known, recommend)
    customers = len(history.customers)
    for first in range(0, customers, BLOCK):
        block = range(first, min(first + BLOCK, customers))
        # Of products as small as these, threads would wait for each other longer than they work.
        with threadpool_limits(limits=1):
            made = [rows for customer in block for rows in offers.of(customer)]
        yield np.concatenate(made)


class _Offers:
    """What the lists of one customer after the other are made of."""

    def __init__(self, history: History, known: Similarity | None, recommend: Recommend):
        self.history, self.known, self.recommend = history, known, recommend
        is_sold = history.is_sold(recommend.sold_days)
        popularity = history.recent_orders + FLOOR
        self.for_again = np.where(is_sold, popularity**POPULAR_AGAIN, 0)
        self.for_new = np.where(is_sold, popularity**POPULAR_NEW, 0)
        recent = np.where(is_sold, history.recent_orders, 0)
        self.popular = largest(recent, len(recent))

    def of(self, customer: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of *buy again* and of *new for you*."""
        at = slice(*self.history.starts[customer : customer + 2])
        had, orders, age = self.history.product[at], self.history.orders[at], self.history.age[at]
        fading = np.exp(-age / FADING).astype("float32")
        scores = orders**OFTEN * fading * self.for_again[had]
        best = largest(scores, self.recommend.buy_again)
        again = _rows(customer, had[best], scores[best])
        again["orders"], again["age"] = orders[best], age[best]
        speaks = self.history.speaks[at]
        return again, self._new(customer, had, had[speaks], fading[speaks])

    def _new(
        self, customer: int, had: np.ndarray, held: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """Return products that the customer never had, by those held for a year at most."""
        most, scores = self.recommend.new_for_you, np.zeros(len(self.for_new))
        if self.known and len(held):
            scores = self.known.scores(held, weights) * self.for_new
            scores[had] = 0
        best = largest(scores, most)
        # Those among the popular that are had or offered already are no more than these.
        popular = self.popular[: most + len(had)]
        popular = popular[~np.isin(popular, np.concatenate([had, best]))][: most - len(best)]
        offered = np.concatenate([best, popular])
        rows = _rows(customer, offered, np.maximum(scores[offered], 0))
        rows["is_new"] = True
        if self.known and len(best):
            speaks_most = self.known.shares(held, weights, best).argmax(axis=0)
            rows["bought_with"][: len(best)] = held[speaks_most]
        return rows


def _rows(customer: int, products: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return rows of one list, in their order, nothing else known of them."""
    rows = np.full(len(products), -1, ROW)
    rows["customer"], rows["is_new"], rows["product"] = customer, False, products
    rows["rank"], rows["score"] = np.arange(1, len(products) + 1), scores
    return rows


def recommendations(history: History, blocks: Iterable[np.ndarray]) -> Table:
    """Return rows of ``PRODUCT_RECOMMENDATIONS`` from arrays of ``ROW``.

    A row takes 40 bytes: names stand in dictionaries, and the engine makes the texts.
    """
    products = history.products
    customers, codes, descriptions = (
        table[name].combine_chunks()
        for table, name in (
            (history.customers, "customer_id"),
            (products, "stock_code"),
            (products, "description"),
        )
    )

    def batch(rows: np.ndarray) -> pa.RecordBatch:
        known = {
            name: pa.array(rows[name], mask=rows[name] < 0)
            for name in ("rank", "score", "product", "orders", "bought_with")
        }
        day = np.datetime64(history.as_of) - rows["age"]
        named = {
            "customer_id": (rows["customer"], customers),
            "stock_code": (known["product"], codes),
            "description": (known["product"], descriptions),
            "bought_with": (known["bought_with"], codes),
            "companion": (known["bought_with"], descriptions),
            "list": (rows["is_new"].astype("int8"), [AGAIN, NEW]),
        }
        columns = {
            name: pa.DictionaryArray.from_arrays(at, names) for name, (at, names) in named.items()
        }
        columns |= {name: known[name] for name in ("rank", "score", "orders")}
        columns["last_purchase_date"] = pa.array(day, mask=rows["age"] < 0)
        columns["recent_orders"] = pa.array(history.recent_orders[rows["product"]])
        return pa.RecordBatch.from_pydict(columns)

    rows = ibis.memtable(pa.Table.from_batches(map(batch, blocks)))
    rows = rows.mutate(as_of=ibis.date(history.as_of), reason=_reason(rows))
    schema = PRODUCT_RECOMMENDATIONS.relation.schema()
    return rows.select(**{name: rows[name].cast(kind) for name, kind in schema.items()})


def _reason(rows: Table) -> StringValue:
    """Say why a product is offered."""
    times = (rows.orders == 1).ifelse("once", rows.orders.cast("string").concat(" times"))
    had = times.concat(", last on ", rows.last_purchase_date.cast("string"))
    companion = rows.companion.fill_null(rows.bought_with)
    popular = rows.recent_orders.cast("string").concat(" orders in the last 30 days")
    return ibis.cases(
        (rows.orders.notnull(), ibis.literal("bought ").concat(had)),
        (
            rows.bought_with.notnull(),
            ibis.literal("bought with ").concat(companion, " that they have"),
        ),
        else_=ibis.literal("popular: ").concat(popular),
    )
