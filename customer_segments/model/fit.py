"""Fitting: a pool of snapshots -> the rows of a model version.

Belongs here: what the rows say, and the version that follows from their numbers. Does not: KMeans
(``clustering``), names (``names``), which version labels (``champion``), scoring (``segments``).
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from threadpoolctl import threadpool_limits

from customer_segments.errors import UserError
from customer_segments.model.clustering import CONVERGED, as_points, best_kmeans, by_score, nearest
from customer_segments.model.features import FEATURES, NEUTRAL, SCALED_BY, SIGNS, Scaling
from customer_segments.model.measures import rounded, silhouettes
from customer_segments.model.names import describe, name_clusters
from customer_segments.model.training import Pool

# Columns of kmeans_model that a version is not the hash of: itself, and words.
NOT_HASHED = {"version", "segment", "description", "suggested_action"}


def fit_version(pool: Pool, *, n_clusters: int, seed: int) -> list[dict]:
    """Fit a model and return its rows as ``KMEANS_MODEL`` has them.

    Clusters and names are the pool's; how many customers a cluster has, and how they separate, is
    that of the training month. A UserError says that customers are too alike for so many segments.
    """
    fitted, newest = pool.fitted, pool.values[pool.is_newest]
    scaling = Scaling.learned(fitted.values, np.ones(len(fitted.values)))
    at, features = scaling.features(fitted.values), scaling.features(newest)
    if (kinds := len(np.unique(at, axis=0))) < n_clusters:
        raise UserError(
            f"The {len(newest):,} customers of {pool.training_month:%Y-%m} are of {kinds} kinds in "
            f"recency, frequency and money: too few to tell {n_clusters} segments apart.",
            "Add files with more customers, or take fewer segments and write into "
            f"customer_segments.toml:\n\n[model]\nn_clusters = {max(kinds, 2)}",
        )
    with threadpool_limits(limits=1):
        kmeans = best_kmeans(as_points(at), n_clusters, seed, **CONVERGED)
    centroids = kmeans.cluster_centers_[by_score(kmeans)]
    labels, labels_now = nearest(at, centroids), nearest(features, centroids)
    ranks = mean_percentiles(fitted.values, labels)
    (silhouette,) = silhouettes(features, [labels_now])
    shared = {
        "training_month": pool.training_month,
        "n_clusters": n_clusters,
        "seed": seed,
        "training_customers": len(newest),
        "inertia": rounded(((at - centroids[labels]) ** 2).sum()),
        "silhouette": rounded(silhouette),
        "score_weight": scaling.score_weight,
    }
    for by in SCALED_BY:
        shared |= _by_feature(by, getattr(scaling, by))
    rows = [
        shared
        | {"cluster": cluster, "customers": int((labels_now == cluster).sum())}
        | _by_feature("centroid", centroids[cluster, : len(FEATURES)])
        | _by_feature("rank", ranks[cluster])
        for cluster in range(n_clusters)
    ]
    version = hash_version(rows)
    return [
        row | {"version": version} | describe(segment, rank)
        for row, segment, rank in zip(rows, name_clusters(ranks), ranks, strict=True)
    ]


def mean_percentiles(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return each cluster's mean percentiles, 1 = most recent, most often, most: (clusters, 3)."""
    from scipy.stats import rankdata

    percentiles = rankdata(values * SIGNS, axis=0) / len(values)
    sums = [np.bincount(labels, weights=percentile) for percentile in percentiles.T]
    return np.column_stack(sums) / np.bincount(labels)[:, None]


def hash_version(rows: list[dict]) -> str:
    """Return the version that follows from a model's numbers; its words are not part of it.

    ``rows`` are a cluster each, in order, as ``KMEANS_MODEL`` has them, of Python's own types.
    """
    numbers = [
        sorted(
            (name, value)
            for name, value in row.items()
            if name not in NOT_HASHED and NEUTRAL.get(name) != value
        )
        for row in rows
    ]
    return hashlib.sha256(repr(numbers).encode()).hexdigest()[:12]


def _by_feature(column: str, values: Iterable[float]) -> dict[str, float]:
    return {f"{name}_{column}": rounded(at) for name, at in zip(FEATURES, values, strict=True)}
