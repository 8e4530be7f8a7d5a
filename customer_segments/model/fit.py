"""Fitting: a snapshot's customers -> the rows of a model version.

Belongs here: what the rows say, and the version that follows from their numbers. Does not: KMeans
(``clustering``), names (``names``), which version labels (``champion``), scoring (``segments``).
"""

import hashlib
from collections.abc import Iterable
from datetime import date

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from customer_segments.errors import UserError
from customer_segments.model.clustering import best_kmeans, by_money, standardized
from customer_segments.model.features import FEATURES, log_features
from customer_segments.model.measures import rounded, silhouettes
from customer_segments.model.names import describe, name_clusters

# Columns of kmeans_model that a version is not the hash of: itself, and words.
NOT_HASHED = {"version", "segment", "description", "suggested_action"}


def fit_version(customers: pd.DataFrame, *, n_clusters: int, seed: int, month: date) -> list[dict]:
    """Fit a model of the snapshot ``month`` and return its rows as ``KMEANS_MODEL`` has them.

    ``customers`` are a row each, with the columns of ``customer_rfm``. A UserError says that they
    are too alike for so many segments.
    """
    customers = customers.sort_values("customer_id", ignore_index=True)
    features, means, scales = standardized(customers)
    if (kinds := len(np.unique(features, axis=0))) < n_clusters:
        raise UserError(
            f"The {len(customers):,} customers of {month:%Y-%m} are of {kinds} kinds in recency, "
            f"frequency and money: too few to tell {n_clusters} segments apart.",
            "Add files with more customers, or take fewer segments and write into "
            f"customer_segments.toml:\n\n[model]\nn_clusters = {max(kinds, 2)}",
        )
    with threadpool_limits(limits=1):
        fitted = best_kmeans(features, n_clusters, seed)
    order = by_money(fitted)
    labels = np.argsort(order)[fitted.labels_]
    logs = log_features(customers)
    # So that 1 is the most recent, as it is the most frequent and the highest in money.
    logs["recency"] = -logs["recency"]
    ranks = logs.rank(pct=True).groupby(labels).mean().to_numpy()
    (silhouette,) = silhouettes(features, [labels])
    shared = {
        "training_month": month,
        "n_clusters": n_clusters,
        "seed": seed,
        "training_customers": len(customers),
        "inertia": rounded(fitted.inertia_),
        "silhouette": rounded(silhouette),
        **_by_feature("mean", means),
        **_by_feature("scale", scales),
    }
    rows = [
        shared
        | {"cluster": cluster, "customers": int((labels == cluster).sum())}
        | _by_feature("centroid", fitted.cluster_centers_[order[cluster]])
        | _by_feature("rank", ranks[cluster])
        for cluster in range(n_clusters)
    ]
    version = hash_version(rows)
    return [
        row | {"version": version} | describe(segment, rank)
        for row, segment, rank in zip(rows, name_clusters(ranks), ranks, strict=True)
    ]


def hash_version(rows: list[dict]) -> str:
    """Return the version that follows from a model's numbers; its words are not part of it.

    ``rows`` are a cluster each, in order, as ``KMEANS_MODEL`` has them, of Python's own types.
    """
    numbers = [
        sorted((name, value) for name, value in row.items() if name not in NOT_HASHED)
        for row in rows
    ]
    return hashlib.sha256(repr(numbers).encode()).hexdigest()[:12]


def _by_feature(column: str, values: Iterable[float]) -> dict[str, float]:
    return {f"{name}_{column}": rounded(at) for name, at in zip(FEATURES, values, strict=True)}
