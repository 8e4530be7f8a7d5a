"""KMeans on a pool of snapshots: fitted on all of its rows, on weighted bins of many, on resamples.

Belongs here: fitting, and whose centroid is nearest. Does not: features (``features``), what the
fit that labels is made into (``fit``), how good a labelling is (``measures``).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from customer_segments.model import measures
from customer_segments.model.features import FEATURES, Scaling
from customer_segments.model.training import Pool

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

N_INIT = 10
# Of each refit. On the UCI data three starts take 40 % of the time of ten, and miss the best
# clustering now and then: stability comes out up to .02 lower for 8 clusters. So the error is on
# the careful side.
REFIT_N_INIT = 3
# So far that machines and the order of rows agree on where centroids come to rest.
CONVERGED: dict[str, Any] = {"tol": 1e-8, "max_iter": 3000}
# Up to here every row is a point, and a fit is exact.
MOST_EXACT = 100_000
# In standard deviations. Fits on bins have an inertia within .01 % of an exact fit's on UCI's
# 59,836 rows; on wider bins refits differ by where the bins lie.
BIN_WIDTH = 0.1
# Customers that are drawn from for a resample: of more a sample, which lets clusterings seem less
# stable than they are.
MOST_RESAMPLED = 20_000


class Points(NamedTuple):
    """Where rows are, shape (points, features), and how many each stands for, (points,)."""

    at: np.ndarray
    weights: np.ndarray


def as_bins(features: np.ndarray, weights: np.ndarray) -> Points:
    """Return rows as the means of cubic bins of recency, frequency and monetary."""
    cells = features[:, : len(FEATURES)]
    cells = np.floor((cells - cells.min(axis=0)) / BIN_WIDTH).astype(np.int64)
    numbers = np.ravel_multi_index(tuple(cells.T), tuple(cells.max(axis=0) + 1))
    _, bins = np.unique(numbers, return_inverse=True)
    total = np.bincount(bins, weights=weights)
    sums = [np.bincount(bins, weights=feature * weights) for feature in features.T]
    return Points(np.column_stack(sums) / total[:, None], total)


def as_points(features: np.ndarray, most_exact: int = MOST_EXACT) -> Points:
    """Return rows as points; beyond ``most_exact`` as bins."""
    one_each = np.ones(len(features))
    if len(features) <= most_exact:
        return Points(features, one_each)
    return as_bins(features, one_each)


def nearest(features: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Return the number of the nearest centroid, shape (rows,); the lower wins a tie."""
    from scipy.spatial.distance import cdist

    return cdist(features, centroids, "sqeuclidean").argmin(axis=1)


def best_kmeans(
    points: Points, n_clusters: int, seed: int, *, n_init: int = N_INIT, **limits: Any
) -> "KMeans":
    """Fit, and keep the best of ``n_init`` starts.

    The caller sees to it that sums are added up in one order on any machine: one thread.
    """
    from sklearn.cluster import KMeans

    kmeans = KMeans(n_clusters=n_clusters, n_init=n_init, random_state=seed, **limits)
    return kmeans.fit(points.at, sample_weight=points.weights)


def by_score(fitted: "KMeans") -> np.ndarray:
    """Return the clusters, highest score first: the seed alone would number them at random."""
    return np.argsort(-fitted.cluster_centers_[:, -1], kind="stable")


def fit_all(points: Points, tried: list[int], seed: int) -> list[np.ndarray]:
    """Return the centroids of each number of clusters, those of the highest score first."""

    def fit(n_clusters: int) -> np.ndarray:
        fitted = best_kmeans(points, n_clusters, seed)
        return fitted.cluster_centers_[by_score(fitted)]

    return measures.in_threads(fit, tried)


def bootstrap(
    pool: Pool, scaling: Scaling, clusterings: Sequence[np.ndarray], *, resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Return the ``stability`` of each clustering under resampling of the customers.

    Drawn, with replacement, are customers with all of their snapshots: twelve of one are no twelve
    customers. A refit learns units, bounds and scale anew, too. Both the clustering and each refit
    label all customers of the training month by nearest centroid, and these labels are compared.
    (Hennig compares those drawn only: on the UCI data the figures differ by less than .01. All of
    them are who gets labelled.) Clusterings, each centroids of shape (clusters, features) in the
    pool's ``scaling``, share the resamples, of which there is at least one.
    """
    from sklearn.metrics import adjusted_rand_score

    pool = _some(pool, seed)
    newest, fitted = pool.values[pool.is_newest], pool.fitted
    labellings = [nearest(scaling.features(newest), centroids) for centroids in clusterings]
    customers = np.full(int(pool.customer.max()) + 1, 1 / (pool.customer.max() + 1))

    def one_resample(stream: np.random.SeedSequence) -> list[tuple[float, np.ndarray]]:
        drawn = np.random.default_rng(stream).multinomial(len(customers), customers)
        times = drawn[fitted.customer].astype(float)
        # Drawn twice is a weight of two: the same fit, in less time.
        values, weights = fitted.values[times > 0], times[times > 0]
        relearned = Scaling.learned(values, weights)._replace(score_weight=scaling.score_weight)
        points = as_bins(relearned.features(values), weights)
        now = relearned.features(newest)
        start = int(stream.generate_state(1)[0])
        compared = []
        for centroids, labels in zip(clusterings, labellings, strict=True):
            # Of few kinds of customers some may not be drawn.
            clusters = min(len(centroids), len(points.at))
            refit = best_kmeans(points, clusters, start, n_init=REFIT_N_INIT)
            relabelled = nearest(now, refit.cluster_centers_)
            shared = measures.contingency(labels, relabelled, len(centroids))
            jaccard = measures.jaccard_indices(shared).max(axis=1)
            compared.append((adjusted_rand_score(labels, relabelled), jaccard))
        return compared

    streams = np.random.SeedSequence(seed).spawn(resamples)
    results = measures.in_threads(one_resample, streams)
    return [measures.stability(of_one) for of_one in zip(*results, strict=True)]


def _some(pool: Pool, seed: int) -> Pool:
    """Return the pool of a sample of the customers, where they are many."""
    customers = int(pool.customer.max()) + 1
    if customers <= MOST_RESAMPLED:
        return pool
    drawn = np.random.default_rng(seed).choice(customers, MOST_RESAMPLED, replace=False)
    return pool.of_customers(np.isin(np.arange(customers), drawn))
