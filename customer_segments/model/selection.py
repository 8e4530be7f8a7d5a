"""Evidence for the number of clusters.

Belongs here: comparing numbers of clusters on one pool of snapshots. Does not: the fit that labels,
or which number follows from the evidence (``gates``).
"""

from functools import partial
from itertools import compress

import numpy as np

from customer_segments.model import measures
from customer_segments.model.clustering import as_points, bootstrap, fit_all, nearest
from customer_segments.model.features import Scaling
from customer_segments.model.training import Pool

N_CLUSTERS = range(2, 11)
# For a comparison of numbers of clusters, and with other algorithms.
LEAST_CUSTOMERS = 100
UNMEASURED = dict.fromkeys(("stability", "cluster_jaccard", "worst_jaccard"))
# Rows up to which the fits of this evidence are exact. On bins inertia is within .01 % of it.
MOST_EXACT_ROWS = 20_000


def compare_n_clusters(
    pool: Pool, *, resamples: int, seed: int, min_share: float = 0.0
) -> list[dict]:
    """Measure every number of clusters from 2 to 10, as far as there are so many customers.

    None of fewer than ``LEAST_CUSTOMERS``: their figures say nothing.

    Clusters are those of the pool, on weighted bins where it is large; inertia is of all its rows,
    the smallest share of the month in which it is least, all else of the customers of the training
    month. Silhouettes say how well slices of a continuum separate, and are no proof that segments
    exist: so each stands beside the one that a single normal cloud of the same covariance gets.

    ``resamples`` are of the bootstrap, 0 for none. What has a segment smaller than ``min_share`` is
    not resampled, since it cannot pass.
    """
    newest = pool.values[pool.is_newest]
    if len(newest) < LEAST_CUSTOMERS:
        return []
    fitted, sized = pool.fitted, pool.sized
    scaling = Scaling.learned(fitted.values, np.ones(len(fitted.values)))
    at, features = scaling.features(fitted.values), scaling.features(newest)
    points = as_points(at, MOST_EXACT_ROWS)
    kinds = len(np.unique(points.at, axis=0))
    tried = [n_clusters for n_clusters in N_CLUSTERS if n_clusters < kinds]
    clusterings = fit_all(points, tried, seed)
    labellings = [nearest(features, centroids) for centroids in clusterings]
    shares = [smallest_share(sized, scaling, centroids) for centroids in clusterings]
    passing = [share >= min_share for share in shares]

    def stabilities() -> list[dict]:
        if not resamples or not any(passing):
            return [UNMEASURED] * len(tried)
        resampled = [*compress(clusterings, passing)]
        found = iter(bootstrap(pool, scaling, resampled, resamples=resamples, seed=seed))
        return [next(found) if is_passing else UNMEASURED for is_passing in passing]

    separate = measures.in_threads(partial(measures.separation_indices, features), labellings)
    inertia = measures.in_threads(
        lambda c: measures.rounded(((at - c[nearest(at, c)]) ** 2).sum()), clusterings
    )
    own, null = measures.silhouettes(features, labellings), null_silhouettes(features, tried, seed)
    shared = {
        "training_month": pool.training_month,
        "training_customers": len(newest),
        "resamples": resamples,
    }
    measured = zip(tried, own, null, inertia, shares, separate, stabilities(), strict=True)
    return [
        {
            "n_clusters": n_clusters,
            "silhouette": measures.rounded(silhouette),
            "null_silhouette": measures.rounded(of_cloud),
            "inertia": of_all,
            "smallest_share": measures.rounded(share),
        }
        | {**shared, **indices, **stability}
        for n_clusters, silhouette, of_cloud, of_all, share, indices, stability in measured
    ]


def smallest_share(sized: Pool, scaling: Scaling, centroids: np.ndarray) -> float:
    """Return the share of the smallest cluster, in the month in which it is least."""
    labels = nearest(scaling.features(sized.values), centroids)
    clusters, months = len(centroids), int(sized.month.max()) + 1
    counts = np.bincount(sized.month * clusters + labels, minlength=months * clusters)
    sizes = counts.reshape(months, clusters)
    sizes = sizes[sizes.sum(axis=1) > 0]
    return float((sizes.min(axis=1) / sizes.sum(axis=1)).min())


def null_silhouettes(features: np.ndarray, tried: list[int], seed: int) -> list[float]:
    """Return the silhouettes of KMeans on a normal cloud with the covariance of the features.

    What clustering finds where there is nothing to find (Tibshirani, Walther and Hastie 2001
    compare with such a reference). One cloud, of as many customers as a silhouette is exact for.
    """
    cloud = np.random.default_rng(seed).multivariate_normal(
        features.mean(axis=0), np.cov(features.T), size=min(len(features), measures.MOST_EXACT)
    )
    clusterings = fit_all(as_points(cloud), tried, seed)
    return measures.silhouettes(cloud, [nearest(cloud, centroids) for centroids in clusterings])
