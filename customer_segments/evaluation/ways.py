"""Ways to group customers that are judged by what came after: the model, before it, and plain ones.

Belongs here: what each learns from the customers it is shown, how it groups others, and how alike
if it had learned months before. Does not: other algorithms (``labellings``), judging
(``backtest``).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from customer_segments.evaluation.rfm_grid import grid_cells, quintile_edges, quintile_scores
from customer_segments.model.clustering import CONVERGED, as_points, best_kmeans, nearest
from customer_segments.model.features import Scaling
from customer_segments.model.measures import rounded
from customer_segments.model.training import Pool

# Takes values as ``features.values_of`` returns them, or scores, and returns the group of each row.
Group = Callable[[np.ndarray], np.ndarray]
# Learns how to group from a pool, by its customers alone: no outcome takes part.
Learn = Callable[[Pool], Group]

QUINTILE_SUM, GRID, BOUND = "Quintile sum", "RFM grid", "Gradient boosting"
MONTHS_BEFORE = (1, 3, 6, 12)
# The model until there were units, bounds and a score, with its number of clusters.
BEFORE, BEFORE_CLUSTERS = "log1p, 4 clusters", 4


def ways(numbers: list[int], seed: int) -> Iterator[tuple[str, str, Learn]]:
    """Yield name, kind and way of each: the model with each number of clusters, and its rivals."""
    for n_clusters in numbers:
        name = f"KMeans, {n_clusters} clusters"
        yield name, "segments", partial(by_model, n_clusters=n_clusters, seed=seed)
    yield BEFORE, "segments", partial(by_log1p, n_clusters=BEFORE_CLUSTERS, seed=seed)
    yield GRID, "segments", partial(by_scores, group=grid_cells)
    # Who has the same sum of scores is alike.
    yield QUINTILE_SUM, "score", partial(by_scores, group=partial(np.sum, axis=1))


def by_model(pool: Pool, *, n_clusters: int, seed: int) -> Group:
    """Learn as ``model.fit`` does."""
    values = pool.fitted.values
    scaling = Scaling.learned(values, np.ones(len(values)))
    return _nearest(scaling, values, n_clusters, seed)


def by_log1p(pool: Pool, *, n_clusters: int, seed: int) -> Group:
    """Learn from one snapshot, log1p standardized."""
    values = pool.values[pool.is_newest]
    return _nearest(Scaling.plain(values), values, n_clusters, seed)


def by_scores(pool: Pool, *, group: Group) -> Group:
    """Learn quintiles from one snapshot, and group by the scores of R, F and M."""
    edges = quintile_edges(pool.values[pool.is_newest])
    return lambda others: group(quintile_scores(others, edges))


def agreements(pools: Sequence[tuple[int, Pool]], numbers: list[int], *, seed: int) -> list[dict]:
    """Compare the labels of each fit with those of the fits before, as ``REFIT_AGREEMENT`` has it.

    ``pools`` are by months before the first one, whose newest customers are labelled; one without
    customers is left out.
    """
    from sklearn.metrics import adjusted_rand_score

    (_, now), *before = pools
    values, rows = now.values[now.is_newest], []
    for name, kind, learn in ways(numbers, seed):
        if kind != "segments":
            continue
        labels = learn(now)(values)
        for months, pool in before:
            if len(pool.values):
                index = adjusted_rand_score(labels, learn(pool)(values))
                rows.append(
                    {
                        "labelling": name,
                        "months_before": months,
                        "training_month": now.training_month,
                        "customers": len(values),
                        "adjusted_rand_index": rounded(index),
                    }
                )
    return rows


def _nearest(scaling: Scaling, values: np.ndarray, n_clusters: int, seed: int) -> Group:
    points = as_points(scaling.features(values))
    clusters = min(n_clusters, len(np.unique(points.at, axis=0)))
    with threadpool_limits(limits=1):
        centroids = best_kmeans(points, clusters, seed, **CONVERGED).cluster_centers_
    return lambda others: nearest(scaling.features(others), centroids)
