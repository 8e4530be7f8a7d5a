"""Lists, against the same written down a second time, one customer and product after the other."""

from datetime import date, timedelta
from math import exp

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from customer_segments.offers.backtest import figures
from customer_segments.offers.history import History
from customer_segments.offers.lists import ROW, lists, recommendations
from customer_segments.offers.similarity import NEIGHBOURS, Neighbours, cosine, similarity
from customer_segments.policy.rules import Recommend

AS_OF = date(2011, 6, 1)
PRODUCTS = 40
FEW = Recommend(buy_again=3, new_for_you=4, sold_days=60)


def invented(seed: int, customers: int = 25) -> History:
    """Return a history with rare and frequent products, and a customer who has none of them."""
    random = np.random.default_rng(seed)
    held = [
        np.sort(random.choice(PRODUCTS, size, replace=False))
        for size in (0, *random.integers(1, 12, customers - 1))
    ]
    product = np.concatenate(held).astype("int32")
    starts = np.cumsum([0, *map(len, held)])
    last_sale = [AS_OF - timedelta(days=int(days)) for days in random.integers(1, 120, PRODUCTS)]
    products = {
        "stock_code": [f"{number:02}" for number in range(PRODUCTS)],
        "description": [
            None if number % 9 == 0 else f"TEXT {number}" for number in range(PRODUCTS)
        ],
        "recent_orders": random.permutation(PRODUCTS) // 2 * random.integers(0, 2, PRODUCTS),
        "last_sale": pa.array(last_sale, pa.date32()),
    }
    return History(
        AS_OF,
        pa.table({"customer_id": [f"c{number}" for number in range(customers)]}),
        pa.table(products),
        starts,
        product,
        random.integers(0, 5, len(product)).astype("int32"),
        random.integers(1, 700, len(product)).astype("int32"),
    )


def expected(history: History, weights: np.ndarray, customer: int) -> tuple[dict, ...]:
    """Return scores to buy again, of new products, orders of other popular ones, what speaks."""
    popularity = history.products["recent_orders"].to_pylist()
    since = AS_OF - timedelta(days=60)
    sold = [last >= since for last in history.products["last_sale"].to_pylist()]
    again, had, speaking = {}, set(), {}
    for pair in range(*history.starts[customer : customer + 2]):
        product, orders, age = (
            int(x[pair]) for x in (history.product, history.orders, history.age)
        )
        had.add(product)
        if sold[product] and orders:
            again[product] = orders**1.5 * exp(-age / 180) * (popularity[product] + 0.1) ** 0.6
        if orders and age <= 365:
            speaking[product] = exp(-age / 180)
    new, popular = {}, {}
    for product in {*range(PRODUCTS)} - had:
        score = sum(weight * weights[one, product] for one, weight in speaking.items())
        if sold[product] and score > 0:
            new[product] = score * (popularity[product] + 0.1) ** 0.3
        elif sold[product] and popularity[product]:
            popular[product] = popularity[product]
    return again, new, popular, speaking


def dense(history: History) -> np.ndarray:
    """Return weights of EASE by its textbook formula."""
    bought = np.zeros((len(history.customers), PRODUCTS))
    who = np.repeat(np.arange(len(history.customers)), np.diff(history.starts))
    kept = (history.orders > 0) & (history.age <= 365)
    bought[who[kept], history.product[kept]] = 1
    precision = np.linalg.inv(bought.T @ bought + 300 * np.eye(PRODUCTS))
    weights = -precision / np.diag(precision)
    np.fill_diagonal(weights, 0)
    return weights


@hypothesis_settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_lists_are_as_their_formulas_say(seed):
    history = invented(seed)
    before = history.product.copy(), history.starts.copy()
    made = np.concatenate([*lists(history, similarity(history), FEW)])
    assert all(map(np.array_equal, before, (history.product, history.starts)))
    weights = dense(history)
    for customer in range(len(history.customers)):
        again, new, popular, speaking = expected(history, weights, customer)
        rows = made[made["customer"] == customer]
        own, others = rows[~rows["is_new"]], rows[rows["is_new"]]
        spoken = others[others["bought_with"] >= 0]
        filled = others[len(spoken) :]
        # The best, in order; of products as good as equal, any.
        for listed, scores, most in ((own, again, 3), (spoken, new, 4)):
            best = sorted(scores.values(), reverse=True)[:most]
            assert list(listed["score"]) == pytest.approx(best, rel=1e-3)
            assert [scores[at] for at in listed["product"]] == pytest.approx(best, rel=1e-3)
        for offer in spoken:
            shares = {one: speaking[one] * weights[one, offer["product"]] for one in speaking}
            most = max(shares.values())
            assert shares[offer["bought_with"]] == pytest.approx(most, rel=1e-3)
        orders = [popular[product] for product in filled["product"]]
        assert orders == sorted(popular.values(), reverse=True)[: 4 - len(spoken)]
        for listed in (own, others):
            assert list(listed["rank"]) == [*range(1, len(listed) + 1)]


def test_past_a_limit_of_products_neighbours_speak_for_each_other():
    history = invented(1, customers=300)
    known = similarity(history, most_exact=PRODUCTS - 1)
    assert isinstance(known, Neighbours)
    held, weights = np.array([3, 7, 20]), np.array([0.9, 0.5, 0.1], "float32")
    of = np.arange(PRODUCTS)
    scores = known.scores(held, weights)
    assert known.shares(held, weights, of).sum(axis=0) == pytest.approx(scores)
    bought = (np.random.default_rng(2).random((500, PRODUCTS)) < 0.2).astype("float32")
    found = cosine(csr_array(bought))
    both, alone = bought.T @ bought, bought.sum(axis=0) + 10
    full = both / (alone[:, None] ** 0.3 * alone**0.7)
    np.fill_diagonal(full, 0)
    best = np.sort(full, axis=1)[:, ::-1][:, :NEIGHBOURS]
    assert found.weights == pytest.approx(best, rel=1e-5)
    assert np.take_along_axis(full, found.products, 1) == pytest.approx(best, rel=1e-5)


def test_reasons_are_sentences():
    history = invented(4)
    history.orders[:] = np.maximum(history.orders, 1)
    rows = ibis_rows(history)
    reasons = {row["reason"] for row in rows}
    for row in rows:
        when = row["last_purchase_date"]
        if row["list"] == "buy again":
            times = "once" if row["orders"] == 1 else f"{row['orders']} times"
            assert row["reason"] == f"bought {times}, last on {when}"
        elif row["bought_with"]:
            name = "" if int(row["bought_with"]) % 9 == 0 else "TEXT "
            known = f"{name}{int(row['bought_with'])}" if name else row["bought_with"]
            assert row["reason"] == f"bought with {known} that they have"
        else:
            assert row["reason"] == f"popular: {row['recent_orders']} orders in the last 30 days"
    assert len({reason.split()[0] for reason in reasons}) == 2
    assert {row["as_of"] for row in rows} == {AS_OF}


def ibis_rows(history: History) -> list[dict]:
    import ibis

    offered = lists(history, similarity(history), FEW)
    return ibis.duckdb.connect().to_pyarrow(recommendations(history, offered)).to_pylist()


def test_figures_of_lists_by_hand():
    hits = np.zeros(4, ROW)
    hits["customer"], hits["rank"] = [0, 0, 2, 3], [1, 20, 11, 2]
    # The second and the fifth bought nothing that a list had; nobody else bought anything.
    found = figures(hits, np.array([4, 0, 2, 1, 0, 5]))
    best_of_four = sum(1 / np.log2(rank + 1) for rank in range(1, 5))
    assert found == pytest.approx(
        {
            "customers": 4,
            "hit_rate": 2 / 4,
            "recall": (2 / 4 + 1 / 2 + 1 / 1 + 0) / 4,
            "ndcg": (1 / best_of_four + 0 + 1 / np.log2(3) + 0) / 4,
        }
    )
