"""Ways to group customers, one as good as the other to whoever calls them.

Belongs here: the algorithms, their parameters, and how each labels customers it was not fitted
on. Does not: measuring them (``comparison``), the model that labels for good (``model.fit``), or
what that is worth beside simpler ways (``ways``).

All get the same features of one snapshot, and fits take at most ``MOST_CUSTOMERS`` of them:
some of the algorithms hold the distances of all pairs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from customer_segments.evaluation.rfm_grid import grid_of
from customer_segments.model.clustering import Points, best_kmeans
from customer_segments.model.features import FEATURES, Scaling
from customer_segments.model.training import Pool
from customer_segments.texts import read_toml

Label = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[np.ndarray, int], Label]

# Of more customers a sample: Ward holds the distances of all pairs, .4 GB of so many.
MOST_CUSTOMERS = 10_000
NOISE = -1
# Ester et al. 1996 take 4 in two dimensions; Sander et al. 1998: twice the dimensions.
MIN_SAMPLES = 6
# Smallest cluster that HDBSCAN may find: what the gate asks of the smallest segment.
MIN_CLUSTER_SHARE = 0.05
# Radius of BIRCH's subclusters, in standard deviations: a few hundred of them on the UCI data.
BIRCH_THRESHOLD = 0.2
GMM_STARTS = 3


class Labelling(NamedTuple):
    """A way to group customers; words as ``ALGORITHM_COMPARISON`` has them.

    ``fit`` takes features of shape (customers, 4) and a seed, and returns what labels such
    features: shape (customers,), clusters counted from 0, ``NOISE`` for who is in none.
    """

    name: str
    algorithm: str
    settings: str
    fit: Fit

    def labels(self, features: np.ndarray, seed: int) -> np.ndarray:
        """Return the labels of those whom it is fitted on, shape (customers,)."""
        # One order of sums on any machine.
        with threadpool_limits(limits=1):
            return self.fit(features, seed)(features)


def evaluated(pool: Pool, seed: int) -> np.ndarray:
    """Return the features of the customers to evaluate on, those of the month or a sample.

    As the model has them, shape (customers, 4).
    """
    values = pool.values[pool.is_newest]
    if len(values) > MOST_CUSTOMERS:
        random = np.random.default_rng(seed)
        values = values[np.sort(random.choice(len(values), MOST_CUSTOMERS, replace=False))]
    fitted = pool.fitted.values
    return Scaling.learned(fitted, np.ones(len(fitted))).features(values)


def all_labellings(features: np.ndarray, n_clusters: list[int]) -> list[Labelling]:
    """Return every way to group, with parameters that follow from features as of ``evaluated``.

    ``n_clusters`` is KMeans'; the first one also of the other algorithms that take a number.
    """
    from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, Birch
    from sklearn.mixture import GaussianMixture

    first = n_clusters[0]
    eps, smallest = knee(features), max(round(MIN_CLUSTER_SHARE * len(features)), 2)
    chosen = {
        "eps": eps,
        "smallest": smallest,
        "share": MIN_CLUSTER_SHARE,
        "min_samples": MIN_SAMPLES,
        "threshold": BIRCH_THRESHOLD,
        "gmm_starts": GMM_STARTS,
        "neighbour": "others labelled like their nearest neighbour",
    }

    def gmm(at: np.ndarray, seed: int) -> Label:
        return GaussianMixture(first, n_init=GMM_STARTS, random_state=seed).fit(at).predict

    def birch(at: np.ndarray, _seed: int) -> Label:
        return Birch(threshold=BIRCH_THRESHOLD, n_clusters=first).fit(at).predict

    ways: list[tuple[str, int, Fit]] = [
        *(("kmeans", k, _kmeans(k)) for k in dict.fromkeys(n_clusters)),
        ("gmm", first, gmm),
        ("ward", first, _by_neighbour(AgglomerativeClustering(first, linkage="ward"))),
        ("birch", first, birch),
        ("hdbscan", first, _by_neighbour(HDBSCAN(smallest, min_samples=MIN_SAMPLES, copy=True))),
        ("dbscan", first, _by_neighbour(DBSCAN(eps=eps, min_samples=MIN_SAMPLES))),
        ("grid", first, _rfm_grid),
    ]
    words = read_toml(__package__, "labellings.toml")
    return [
        Labelling(
            **{name: said.format(k=k, **chosen) for name, said in words[key].items()}, fit=fit
        )
        for key, k, fit in ways
    ]


def knee(features: np.ndarray) -> float:
    """Return the distance at the knee of the sorted distances to the ``MIN_SAMPLES``-th neighbour.

    The knee is where the curve lies farthest below its chord (Satopaa et al. 2011).
    """
    from sklearn.neighbors import NearestNeighbors

    # Each customer is its own nearest neighbour, and DBSCAN counts it too.
    neighbours = NearestNeighbors(n_neighbors=min(MIN_SAMPLES, len(features))).fit(features)
    distances = np.sort(neighbours.kneighbors(features)[0][:, -1])
    chord = np.linspace(distances[0], distances[-1], len(distances))
    # Where most customers are alike the knee may be at 0, which no radius can be.
    return max(float(distances[np.argmax(chord - distances)]), 1e-3)


def _kmeans(n_clusters: int) -> Fit:
    return lambda at, seed: best_kmeans(Points(at, np.ones(len(at))), n_clusters, seed).predict


def _rfm_grid(features: np.ndarray, _seed: int) -> Label:
    group = grid_of(features[:, : len(FEATURES)])
    return lambda others: group(others[:, : len(FEATURES)])


def _by_neighbour(estimator: Any) -> Fit:
    """Label like the nearest of those fitted on: these algorithms have no ``predict``."""

    def fit(features: np.ndarray, _seed: int) -> Label:
        from scipy.spatial import KDTree
        from sklearn.base import clone

        labels, tree = clone(estimator).fit_predict(features), KDTree(features)
        return lambda others: labels[tree.query(others)[1]]

    return fit
