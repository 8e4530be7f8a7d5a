"""Predictive validity: how well groups of the past foretell what their customers spent since.

Belongs here: predictions out of sample, and how good they are. Does not: outcomes and dates
(``horizons``), the groups (``ways``), or words on the result (``findings``).

Half of the customers, drawn at random, take part in grouping, and tell what a group is worth; the
other half is judged. Then the other way round.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from threadpoolctl import threadpool_limits

from customer_segments.evaluation.ways import BOUND, Learn, ways
from customer_segments.model.measures import rounded
from customer_segments.model.training import Pool

TOP_SHARE = 0.1


# Trees that are held small: with the defaults they learn noise by heart. On the UCI
# data these explain .36 of the variance at six months, scikit-learn's defaults .32.
SMALL = {"max_iter": 60, "learning_rate": 0.07, "max_leaf_nodes": 8, "min_samples_leaf": 40}


class Half(NamedTuple):
    """Half of the customers to learn from, and where they and the others are in the newest rows."""

    known: Pool
    train: np.ndarray
    test: np.ndarray


# The number of a half, and what all customers did: log1p of revenue and whether they came back.
# Returns the same columns of the customers to foretell.
Predict = Callable[[int, pd.DataFrame], pd.DataFrame]


def backtest_at(
    pool: Pool, later: dict[int, pd.DataFrame], numbers: list[int], *, as_of: date, seed: int
) -> list[dict]:
    """Judge every way to group the customers of one date, as ``SEGMENT_BACKTEST`` has it.

    ``later`` is what the customers of the pool's newest month did since, in their order, by months
    of the horizon; ``numbers`` are those of the model's clusters.
    """
    halves = split(pool, seed)
    shared = {"as_of": as_of, "customers": int(pool.is_newest.sum())}
    return [
        {"labelling": name, "kind": kind, "horizon_months": months, **shared}
        | judge(predict, outcome, halves)
        for name, kind, predict in predictors(pool, halves, numbers, seed)
        for months, outcome in later.items()
    ]


def split(pool: Pool, seed: int) -> list[Half]:
    """Return both halves of the customers of the newest month, each with all of its snapshots."""
    customers = int(pool.customer.max()) + 1
    is_first = np.random.default_rng(seed).permutation(customers) < customers / 2
    at = pool.customer[pool.is_newest]
    return [
        Half(pool.of_customers(is_first == side), *map(np.flatnonzero, (mine, ~mine)))
        for side in (True, False)
        for mine in [is_first[at] == side]
    ]


def predictors(
    pool: Pool, halves: list[Half], numbers: list[int], seed: int
) -> Iterator[tuple[str, str, Predict]]:
    """Yield name, kind and predictor of all that is judged.

    A way to group foretells for a customer the mean of the group. The bound is what gradient
    boosting, which sees recency, frequency and money themselves, gets out of them.
    """
    values = pool.values[pool.is_newest]
    for name, kind, learn in ways(numbers, seed):
        yield name, kind, grouped(learn, values, halves)
    yield BOUND, "bound", partial(_by_boosting, values, halves, seed)


def grouped(learn: Learn, values: np.ndarray, halves: list[Half]) -> Predict:
    """Return a predictor by the groups that each half learns; ``values`` are (customers, 3)."""
    groups = [learn(half.known)(values) for half in halves]

    def predict(number: int, did: pd.DataFrame) -> pd.DataFrame:
        labels, half = groups[number], halves[number]
        known = did.iloc[half.train]
        worth = known.groupby(labels[half.train]).mean()
        # That of all where nobody who is known is in the group.
        return worth.reindex(labels[half.test]).fillna(known.mean())

    return predict


def judge(predict: Predict, outcome: pd.DataFrame, halves: list[Half]) -> dict[str, float | None]:
    """Return how well a predictor foretells an outcome for the customers that took no part.

    ``explained_variance``: R2 of log1p of revenue, mean of the halves; below 0 where a plain mean
    does better. ``repurchase_auc``: area under the ROC curve of the chance to come back, mean of
    the halves. ``top_tenth_share``: share of the revenue that those have whom the prediction puts
    into the top tenth of their half. Null where there is nothing to tell apart: nobody spent, or
    all came back. ``repurchase_share``: of those who did.
    """
    revenue, is_back = outcome["revenue"].to_numpy(), outcome["is_back"].astype(float)
    did, total = pd.DataFrame({"log_revenue": np.log1p(revenue), "is_back": is_back}), revenue.sum()
    explained, areas, captured = [], [], 0.0
    for number, half in enumerate(halves):
        foretold, later = predict(number, did), did.iloc[half.test]
        if later["log_revenue"].nunique() > 1:
            explained.append(r2_score(later["log_revenue"], foretold["log_revenue"]))
        if later["is_back"].nunique() > 1:
            areas.append(roc_auc_score(later["is_back"], foretold["is_back"]))
        captured += top_revenue(foretold["log_revenue"].to_numpy(), revenue[half.test])
    return {
        "explained_variance": rounded(float(np.mean(explained))) if explained else None,
        "repurchase_auc": rounded(float(np.mean(areas))) if areas else None,
        "top_tenth_share": rounded(captured / total) if total > 0 else None,
        "repurchase_share": rounded(is_back.mean()),
    }


def top_revenue(predicted: np.ndarray, revenue: np.ndarray) -> float:
    """Return the revenue of the tenth of customers with the highest prediction.

    Where customers with the same prediction straddle the tenth, what a random choice among them
    has on average: segments are few, and their order within means nothing.
    """
    _, groups = np.unique(-predicted, return_inverse=True)
    customers = np.cumsum(np.bincount(groups))
    money = np.cumsum(np.bincount(groups, weights=revenue))
    curve = np.append(0, customers), np.append(0, money)
    return float(np.interp(TOP_SHARE * len(predicted), *curve))


def _by_boosting(
    values: np.ndarray, halves: list[Half], seed: int, number: int, did: pd.DataFrame
) -> pd.DataFrame:
    train, test = halves[number].train, halves[number].test
    known, at = did.iloc[train], values[train]
    is_back = known["is_back"].mean()
    with threadpool_limits(limits=1):
        regressor = HistGradientBoostingRegressor(**SMALL, random_state=seed)
        log_revenue = regressor.fit(at, known["log_revenue"]).predict(values[test])
        if 0 < is_back < 1:
            classifier = HistGradientBoostingClassifier(**SMALL, random_state=seed)
            is_back = classifier.fit(at, known["is_back"]).predict_proba(values[test])[:, 1]
    return pd.DataFrame({"log_revenue": log_revenue, "is_back": is_back})
