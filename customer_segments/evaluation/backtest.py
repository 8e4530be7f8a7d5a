"""Predictive validity: how well groups of the past foretell what their customers spent since.

Belongs here: predictions out of fold, and how good they are. Does not: outcomes and dates
(``horizons``), the groups (``labellings``), or words on the result (``findings``).

Customers are grouped once, by features alone: no outcome takes part, so nothing leaks. What a
group is worth is learned from four fifths of the customers and judged on the last fifth.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from customer_segments.evaluation.horizons import Outcome
from customer_segments.evaluation.labellings import Labelling, all_labellings
from customer_segments.evaluation.rfm_grid import quintile_edges, quintile_scores
from customer_segments.model.measures import rounded

N_FOLDS = 5
TOP_SHARE = 0.1
QUINTILE_SUM = "Quintile sum"
BOUND = "Gradient boosting"


# Trees that are held small: with the defaults they learn noise by heart. On the UCI
# data these explain .36 of the variance at six months, scikit-learn's defaults .32.
SMALL = {"max_iter": 60, "learning_rate": 0.07, "max_leaf_nodes": 8, "min_samples_leaf": 40}

# What all customers did, log1p of revenue and whether they came back; the numbers of those to
# learn from and of those to foretell. Returns the same columns of the latter.
Predict = Callable[[pd.DataFrame, np.ndarray, np.ndarray], pd.DataFrame]


def backtest_at(
    features: np.ndarray, later: dict[int, Outcome], n_clusters: list[int], as_of: date, seed: int
) -> list[dict]:
    """Judge every way to group the customers of one date, as ``SEGMENT_BACKTEST`` has it.

    ``features`` are standardized, as of that date, shape (customers, 3); ``later`` is what these
    customers did since, by months of the horizon.
    """
    labellings = all_labellings(features, n_clusters)
    shared = {"as_of": as_of, "customers": len(features)}
    return [
        {"labelling": name, "kind": kind, "horizon_months": months, **shared}
        | judge(predict, outcome, seed)
        for name, kind, predict in predictors(features, labellings, seed)
        for months, outcome in later.items()
    ]


def predictors(
    features: np.ndarray, labellings: list[Labelling], seed: int
) -> Iterator[tuple[str, str, Predict]]:
    """Yield name, kind and predictor of all that is judged.

    A labelling foretells for a customer the mean of the segment (who is in none is a segment
    too); the quintile sum R + F + M the mean of those with the same sum. The bound is what
    gradient boosting, which sees the features themselves, gets out of them.
    """
    for labelling in labellings:
        yield labelling.name, "segments", partial(_by_group, labelling.labels(features, seed))
    scores = quintile_scores(features, quintile_edges(features))
    yield QUINTILE_SUM, "score", partial(_by_group, scores.sum(axis=1))
    yield BOUND, "bound", partial(_by_boosting, features, seed)


def judge(predict: Predict, outcome: Outcome, seed: int) -> dict[str, float | None]:
    """Return how well a predictor foretells an outcome, by five-fold cross-validation.

    ``explained_variance``: R2 of log1p of revenue, mean of the folds; below 0 where a plain mean
    does better. ``repurchase_auc``: area under the ROC curve of the chance to come back, mean of
    the folds. ``top_tenth_share``: share of the folds' revenue that those have whom the prediction
    puts into the top tenth of their fold. Null where there is nothing to tell apart: nobody spent,
    or all came back. ``repurchase_share``: of those who did.
    """
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.model_selection import KFold

    revenue, total = outcome.revenue, outcome.revenue.sum()
    did = pd.DataFrame({"log_revenue": np.log1p(revenue), "is_back": outcome.is_back.astype(float)})
    explained, areas, captured = [], [], 0.0
    for train, test in KFold(N_FOLDS, shuffle=True, random_state=seed).split(did):
        foretold, later = predict(did, train, test), did.iloc[test]
        if later["log_revenue"].nunique() > 1:
            explained.append(r2_score(later["log_revenue"], foretold["log_revenue"]))
        if later["is_back"].nunique() > 1:
            areas.append(roc_auc_score(later["is_back"], foretold["is_back"]))
        captured += top_revenue(foretold["log_revenue"].to_numpy(), revenue[test])
    return {
        "explained_variance": rounded(float(np.mean(explained))) if explained else None,
        "repurchase_auc": rounded(float(np.mean(areas))) if areas else None,
        "top_tenth_share": rounded(captured / total) if total > 0 else None,
        "repurchase_share": rounded(outcome.is_back.mean()),
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


def _by_group(
    labels: np.ndarray, did: pd.DataFrame, train: np.ndarray, test: np.ndarray
) -> pd.DataFrame:
    """Foretell the mean of the group; that of all where no training customer is in it."""
    known = did.iloc[train]
    return known.groupby(labels[train]).mean().reindex(labels[test]).fillna(known.mean())


def _by_boosting(
    features: np.ndarray, seed: int, did: pd.DataFrame, train: np.ndarray, test: np.ndarray
) -> pd.DataFrame:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    known, at = did.iloc[train], features[train]
    is_back = known["is_back"].mean()
    with threadpool_limits(limits=1):
        regressor = HistGradientBoostingRegressor(**SMALL, random_state=seed)
        log_revenue = regressor.fit(at, known["log_revenue"]).predict(features[test])
        if 0 < is_back < 1:
            classifier = HistGradientBoostingClassifier(**SMALL, random_state=seed)
            is_back = classifier.fit(at, known["is_back"]).predict_proba(features[test])[:, 1]
    return pd.DataFrame({"log_revenue": log_revenue, "is_back": is_back})
