"""Predictive validity: how well groups of the past foretell what their customers spent since.

Belongs here: predictions out of fold, and how good they are. Does not: outcomes and dates
(``horizons``), the groups (``labellings``), or words on the result (``findings``).

Customers are grouped once, by features alone: no outcome takes part, so nothing leaks. What a
group is worth is learned from four fifths of the customers and judged on the last fifth.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from customer_segments.evaluation.horizons import Outcome
from customer_segments.evaluation.labellings import Labelling, all_labellings
from customer_segments.evaluation.rfm_grid import quintile_edges, quintile_scores
from customer_segments.model.fit import rounded

if TYPE_CHECKING:
    import numpy as np

N_FOLDS = 5
TOP_SHARE = 0.1
QUINTILE_SUM = "Quintile sum"
BOUND = "Gradient boosting"


class Predictions(NamedTuple):
    """For some customers: of log1p of revenue, and of the chance to come back."""

    log_revenue: "np.ndarray"
    is_back: "np.ndarray"


# What the training customers did, their rows, and the rows to foretell.
Predict = Callable[["np.ndarray", "np.ndarray", "np.ndarray", "np.ndarray"], Predictions]


def backtest_at(
    features: "np.ndarray",
    later: dict[int, Outcome],
    n_clusters: list[int],
    *,
    as_of: date,
    seed: int,
) -> list[dict]:
    """Judge every way to group the customers of one date, as ``SEGMENT_BACKTEST`` has it.

    Parameters
    ----------
    features
        Standardized log features as of that date, shape (customers, 3).
    later
        What these customers did since, by months of the horizon.
    n_clusters
        As ``all_labellings`` takes it.
    """
    rows = []
    for name, kind, predict in predictors(features, all_labellings(features, n_clusters), seed):
        for months, outcome in later.items():
            shared = {"as_of": as_of, "horizon_months": months, "customers": len(features)}
            figures = judge(predict, outcome, seed)
            back = {"repurchase_share": rounded(outcome.is_back.mean())}
            rows.append({"labelling": name, "kind": kind} | shared | figures | back)
    return rows


def predictors(
    features: "np.ndarray", labellings: list[Labelling], seed: int
) -> Iterator[tuple[str, str, Predict]]:
    """Yield name, kind and predictor of all that is judged.

    A labelling foretells for a customer the mean of the segment (who is in none is a segment
    too); the quintile sum R + F + M the mean of those with the same sum. The bound is what
    gradient boosting, which sees the features themselves, gets out of them.
    """
    for labelling in labellings:
        yield labelling.name, "segments", _by_group(labelling.labels(features, seed))
    scores = quintile_scores(features, quintile_edges(features))
    yield QUINTILE_SUM, "score", _by_group(scores.sum(axis=1))
    yield BOUND, "bound", _by_boosting(features, seed)


def judge(predict: Predict, outcome: Outcome, seed: int) -> dict[str, float | None]:
    """Return how well a predictor foretells an outcome, by five-fold cross-validation.

    Returns
    -------
    dict
        ``explained_variance``: R2 of log1p of revenue, mean of the folds; below 0 where a plain
        mean does better. ``repurchase_auc``: area under the ROC curve of the chance to come back,
        mean of the folds. ``top_tenth_share``: share of the folds' revenue that those have whom
        the prediction puts into the top tenth of their fold. Null where there is nothing to tell
        apart: nobody spent, or all came back.
    """
    import numpy as np
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.model_selection import KFold

    logs = np.log1p(outcome.revenue)
    explained, areas, captured = [], [], 0.0
    for train, test in KFold(N_FOLDS, shuffle=True, random_state=seed).split(logs):
        foretold = predict(logs, outcome.is_back, train, test)
        if np.ptp(logs[test]) > 0:
            explained.append(r2_score(logs[test], foretold.log_revenue))
        if 0 < outcome.is_back[test].mean() < 1:
            areas.append(roc_auc_score(outcome.is_back[test], foretold.is_back))
        captured += top_revenue(foretold.log_revenue, outcome.revenue[test])
    total = outcome.revenue.sum()
    return {
        "explained_variance": rounded(float(np.mean(explained))) if explained else None,
        "repurchase_auc": rounded(float(np.mean(areas))) if areas else None,
        "top_tenth_share": rounded(captured / total) if total > 0 else None,
    }


def top_revenue(predicted: "np.ndarray", revenue: "np.ndarray") -> float:
    """Return the revenue of the tenth of customers with the highest prediction.

    Where customers with the same prediction straddle the tenth, what a random choice among them
    has on average: segments are few, and their order within means nothing.
    """
    import numpy as np

    _, groups = np.unique(-predicted, return_inverse=True)
    customers = np.cumsum(np.bincount(groups))
    money = np.cumsum(np.bincount(groups, weights=revenue))
    return float(
        np.interp(TOP_SHARE * len(predicted), np.append(0, customers), np.append(0, money))
    )


def _by_group(labels: "np.ndarray") -> Predict:
    """Foretell the mean of the group; that of all where no training customer is in it."""

    def predict(logs, is_back, train, test) -> Predictions:
        import pandas as pd

        known = pd.DataFrame({"logs": logs[train], "is_back": is_back[train].astype(float)})
        means = known.groupby(labels[train]).mean().reindex(labels[test]).fillna(known.mean())
        return Predictions(means["logs"].to_numpy(), means["is_back"].to_numpy())

    return predict


def _by_boosting(features: "np.ndarray", seed: int) -> Predict:
    """Foretell by trees that are held small: with the defaults they learn noise by heart.

    On the UCI data these explain .36 of the variance at six months, scikit-learn's defaults .32.
    """

    def predict(logs, is_back, train, test) -> Predictions:
        import numpy as np
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        small = {
            "max_iter": 60,
            "learning_rate": 0.07,
            "max_leaf_nodes": 8,
            "min_samples_leaf": 40,
            "random_state": seed,
        }
        with threadpool_limits(limits=1):
            regressor = HistGradientBoostingRegressor(**small).fit(features[train], logs[train])
            log_revenue = regressor.predict(features[test])
            if not 0 < is_back[train].mean() < 1:
                return Predictions(log_revenue, np.full(len(test), is_back[train].mean()))
            classifier = HistGradientBoostingClassifier(**small)
            classifier.fit(features[train], is_back[train])
            return Predictions(log_revenue, classifier.predict_proba(features[test])[:, 1])

    return predict
