"""Evidence for the number of clusters.

Belongs here: comparing numbers of clusters on one snapshot. Does not: the fit that labels, or
which number follows from the evidence (``gates``).
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from customer_segments.model.clustering import (
    bootstrap,
    fit_all,
    nearest,
    standardized,
    weighted_points,
)
from customer_segments.model.measures import (
    MOST_EXACT,
    in_threads,
    rounded,
    separation_indices,
    silhouettes,
)

N_CLUSTERS = range(2, 11)
# For a comparison of numbers of clusters, and with other algorithms.
LEAST_CUSTOMERS = 100
UNMEASURED = dict.fromkeys(("stability", "cluster_jaccard", "worst_jaccard"))


def compare_n_clusters(
    customers: pd.DataFrame, *, resamples: int, seed: int, month: date
) -> list[dict]:
    """Measure every number of clusters from 2 to 10, as far as there are so many customers.

    None of fewer than ``LEAST_CUSTOMERS``: their figures say nothing.

    Exact up to 50,000 customers, apart from the silhouettes (``measures``). Of more, centroids
    are fitted on weighted bins: their inertia is within .1 % of an exact fit's. Inertia,
    Davies-Bouldin, Calinski-Harabasz and the shares are of all customers, labelled by these
    centroids; stability is the bins'.

    Silhouettes say how well slices of a continuum separate, and are no proof that segments exist:
    so each stands beside the one that a single normal cloud of the same covariance gets.

    ``customers`` are those of the snapshot ``month``; ``resamples`` are of the bootstrap, 0 for
    none.
    """
    if len(customers) < LEAST_CUSTOMERS:
        return []
    features, _, _ = standardized(customers.sort_values("customer_id"))
    points = weighted_points(features)
    distinct = len(np.unique(points.at, axis=0))
    tried = [n_clusters for n_clusters in N_CLUSTERS if n_clusters < distinct]
    clusterings = fit_all(points, tried, seed)
    labellings = [nearest(features, centroids) for centroids in clusterings]

    def of_labels(centroids: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        inertia = ((features - centroids[labels]) ** 2).sum()
        share = np.bincount(labels, minlength=len(centroids)).min() / len(features)
        sizes = {"inertia": rounded(inertia), "smallest_share": rounded(share)}
        return sizes | separation_indices(features, labels)

    def stabilities() -> list[dict]:
        found = bootstrap(points, clusterings, resamples=resamples, seed=seed)
        return [stability.columns() for stability in found]

    measures: list[Callable[[], list]] = [
        lambda: [*map(of_labels, clusterings, labellings)],
        lambda: silhouettes(features, labellings),
        lambda: null_silhouettes(features, tried, seed),
        stabilities if resamples else lambda: [UNMEASURED] * len(tried),
    ]
    # Side by side: refits keep one processor busy, distances the others.
    measured = zip(tried, *in_threads(lambda measure: measure(), measures), strict=True)
    shared = {"training_month": month, "training_customers": len(features), "resamples": resamples}
    return [
        {"n_clusters": n_clusters, "silhouette": rounded(own), "null_silhouette": rounded(null)}
        | {**shared, **of_all, **stability}
        for n_clusters, of_all, own, null, stability in measured
    ]


def null_silhouettes(features: np.ndarray, tried: list[int], seed: int) -> list[float]:
    """Return the silhouettes of KMeans on a normal cloud with the covariance of the features.

    What clustering finds where there is nothing to find (Tibshirani, Walther and Hastie 2001
    compare with such a reference). One cloud, of as many customers as a silhouette is exact for.
    """
    cloud = np.random.default_rng(seed).multivariate_normal(
        features.mean(axis=0), np.cov(features.T), size=min(len(features), MOST_EXACT)
    )
    clusterings = fit_all(weighted_points(cloud), tried, seed)
    return silhouettes(cloud, [nearest(cloud, centroids) for centroids in clusterings])
