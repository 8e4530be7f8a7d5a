"""How good the lists are: made as of a past day, and held against what was bought since.

Belongs here: what was bought since, as pure Ibis, and the figures. Does not: the lists.
"""

from datetime import date

import ibis
import numpy as np
import pyarrow as pa
from ibis.expr.types import Table

from customer_segments.months import is_complete, month_of, shift
from customer_segments.offers.history import History, numbered, sales
from customer_segments.offers.lists import AGAIN, NEW, lists
from customer_segments.offers.similarity import Similarity, similarity
from customer_segments.policy.rules import Recommend

MONTHS = 3
POPULAR = "popular"
# Places in which a hit counts, and in which all that was bought is looked for.
TOP, LONG = 10, 20
# What a hit at a rank from 1 is worth, and what hits at all first ranks are.
DISCOUNT = 1 / np.log2(np.arange(2, LONG + 2))
IDEAL = np.cumsum(DISCOUNT[:TOP])


def newest_date(last_sale: date, today: date) -> date:
    """Return the newest first day of a month that three complete months of data follow."""
    newest = month_of(last_sale)
    return shift(newest, 1 - MONTHS if is_complete(newest, last_sale, today) else -MONTHS)


def bought_since(cleaned: Table, as_of: date) -> Table:
    """Return what known customers bought in the three months from a day on, each product once.

    ``customer`` and ``product`` are the numbers of ``History``, -1 for a product that it does not
    have; ``is_new`` tells whether the customer had never bought it before.
    """
    sold, key = sales(cleaned), ["customer_id", "stock_code"]
    customers, products, _ = numbered(cleaned, as_of)
    since = sold.filter(sold.day >= ibis.date(as_of), sold.day < ibis.date(shift(as_of, MONTHS)))
    since = since.select(key).distinct().inner_join(customers, "customer_id")
    had = sold.filter(sold.day < ibis.date(as_of)).select(key).distinct()
    since = since.left_join(had.mutate(had=True), key)
    since = since.select(*key, "customer", is_new=since.had.isnull())
    since = since.left_join(products.select("stock_code", "product"), "stock_code")
    return since.select("customer", "is_new", product=since["product"].fill_null(-1))


def backtest(history: History, since: pa.Table, sold_days: int) -> list[dict]:
    """Return the figures of both lists, and of the popular ones, as ``RECOMMENDATION_BACKTEST``.

    ``since`` is what ``bought_since`` says. *Buy again* is held against all that customers bought,
    *new for you* and the popular against what they had never bought before. Products that nobody
    could know of yet count against all three.
    """
    customer, product, is_new = (
        since[name].to_numpy() for name in ("customer", "product", "is_new")
    )
    recommend = Recommend(buy_again=LONG, new_for_you=LONG, sold_days=sold_days)
    size = len(history.products)
    pairs = (customer * size + product)[product >= 0]

    def hits(known: Similarity | None) -> np.ndarray:
        """Return the rows of lists that were bought, of all customers' lists a few at a time."""
        blocks = lists(history, known, recommend)
        return np.concatenate(
            [
                rows[np.isin(rows["customer"].astype("int64") * size + rows["product"], pairs)]
                for rows in blocks
            ]
        )

    ours, popular = hits(similarity(history)), hits(None)
    judged = (
        (AGAIN, ours[~ours["is_new"]], customer),
        (NEW, ours[ours["is_new"]], customer[is_new]),
        (POPULAR, popular[popular["is_new"]], customer[is_new]),
    )
    return [
        {"list": name, "as_of": history.as_of} | figures(rows, np.bincount(customers))
        for name, rows, customers in judged
        if len(customers)
    ]


def figures(hits: np.ndarray, bought: np.ndarray) -> dict[str, float]:
    """Return how well lists say what customers bought: means over those who bought something.

    ``hits`` are the rows of ``lists.ROW`` that were bought, ``bought`` is how many products each
    customer bought. ``hit_rate``: whether one of the first ten was; ``recall``: share of what was
    bought that is among the first twenty; ``ndcg``: discounted gain of the first ten by that of the
    best there could be (Jarvelin and Kekalainen 2002).
    """
    top = hits[hits["rank"] <= TOP]
    is_judged = bought > 0
    found, placed, gained = (
        np.bincount(rows["customer"], weights, len(bought))[is_judged]
        for rows, weights in ((hits, None), (top, None), (top, DISCOUNT[top["rank"] - 1]))
    )
    wanted = bought[is_judged]
    return {
        "customers": len(wanted),
        "hit_rate": float((placed > 0).mean()),
        "recall": float((found / wanted).mean()),
        "ndcg": float((gained / IDEAL[np.minimum(wanted, TOP) - 1]).mean()),
    }
