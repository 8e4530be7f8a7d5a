"""Fitting: a snapshot's customers -> the rows of a model version.

Belongs here: KMeans, and the version that follows from its numbers. Does not: names
(``names``), the decision which version labels (``champion``), scoring (``segments``).
"""

import hashlib
from datetime import date
from typing import TYPE_CHECKING

from customer_segments.model.features import FEATURES, log_features
from customer_segments.model.names import describe, name_clusters
from customer_segments.model.silhouette import silhouettes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.cluster import KMeans

# Beyond these digits, threads and processors disagree.
SIGNIFICANT_DIGITS = 10
N_INIT = 10
# Columns of kmeans_model that a version is not the hash of: itself, and words.
NOT_HASHED = {"version", "segment", "description", "suggested_action"}


def standardized(customers: "pd.DataFrame") -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return features of shape (customers, 3), and their means and scales, each of shape (3,)."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    features = scaler.fit_transform(log_features(customers).to_numpy())
    return features, scaler.mean_, scaler.scale_


def best_kmeans(
    features: "np.ndarray",
    n_clusters: int,
    seed: int,
    *,
    weights: "np.ndarray | None" = None,
    n_init: int = N_INIT,
) -> "KMeans":
    """Fit; the caller sees to it that sums are added up in one order on any machine: one thread.

    Parameters
    ----------
    weights
        How many customers each row stands for, shape (rows,); one each if not given.
    n_init
        Starts, of which the best is kept.
    """
    from sklearn.cluster import KMeans

    kmeans = KMeans(n_clusters=n_clusters, n_init=n_init, random_state=seed)
    return kmeans.fit(features, sample_weight=weights)


def fit_version(
    customers: "pd.DataFrame", *, n_clusters: int, seed: int, month: date
) -> list[dict]:
    """Fit a model of the snapshot ``month`` and return its rows as ``KMEANS_MODEL`` has them.

    ``customers`` are a row each, with the columns of ``customer_rfm``.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    customers = customers.sort_values("customer_id", ignore_index=True)
    features, means, scales = standardized(customers)
    with threadpool_limits(limits=1):
        fitted = best_kmeans(features, n_clusters, seed)
    # Numbered by value, since the seed alone would number them at random.
    order = np.argsort(-fitted.cluster_centers_[:, FEATURES.index("monetary")], kind="stable")
    centroids = fitted.cluster_centers_[order]
    labels = np.argsort(order)[fitted.labels_]
    ranks = percentile_ranks(customers).groupby(labels).mean()
    segments = name_clusters(ranks.to_numpy())
    (silhouette,) = silhouettes(features, [labels])

    shared = {
        "training_month": month,
        "n_clusters": n_clusters,
        "seed": seed,
        "training_customers": len(customers),
        "inertia": rounded(fitted.inertia_),
        "silhouette": rounded(silhouette),
    }
    shared |= {f"{name}_mean": rounded(mean) for name, mean in zip(FEATURES, means, strict=True)}
    shared |= {f"{name}_scale": rounded(s) for name, s in zip(FEATURES, scales, strict=True)}
    rows = [
        shared
        | {"cluster": cluster, "customers": int((labels == cluster).sum())}
        | {f"{name}_centroid": rounded(at) for name, at in zip(FEATURES, centroid, strict=True)}
        | {f"{name}_rank": rounded(at) for name, at in ranks.loc[cluster].items()}
        for cluster, centroid in enumerate(centroids)
    ]
    version = hash_version(rows)
    return [
        row | {"version": version} | describe(segment, tuple(ranks.loc[row["cluster"]]))
        for row, segment in zip(rows, segments, strict=True)
    ]


def hash_version(rows: list[dict]) -> str:
    """Return the version that follows from a model's numbers; its words are not part of it.

    Parameters
    ----------
    rows
        A row per cluster, in order, as ``KMEANS_MODEL`` has them, of Python's own types.
    """
    numbers = [
        sorted((name, value) for name, value in row.items() if name not in NOT_HASHED)
        for row in rows
    ]
    return hashlib.sha256(repr(numbers).encode()).hexdigest()[:12]


def percentile_ranks(customers: "pd.DataFrame") -> "pd.DataFrame":
    """Return the percentile of each customer in each feature, shape (customers, 3).

    1 is the most recent, the most frequent, the highest in money.
    """
    logs = log_features(customers)
    logs["recency"] = -logs["recency"]
    return logs.rank(pct=True)


def rounded(number: float) -> float:
    """Return a figure without the digits in which machines differ."""
    return float(f"{float(number):.{SIGNIFICANT_DIGITS}g}")
