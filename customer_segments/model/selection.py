"""Evidence for the number of clusters.

Belongs here: comparing numbers of clusters on one snapshot. Does not: the fit that labels, or
which number follows from the evidence (``gates``).
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from customer_segments.model.bootstrap import Stability, bootstrap
from customer_segments.model.features import FEATURES
from customer_segments.model.fit import best_kmeans, rounded, standardized
from customer_segments.model.points import nearest, weighted_points
from customer_segments.model.silhouette import MOST_EXACT, silhouettes
from customer_segments.model.threads import in_threads

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from customer_segments.model.points import Points

N_CLUSTERS = range(2, 11)


def compare_n_clusters(
    customers: "pd.DataFrame", *, resamples: int, seed: int, month: date
) -> list[dict]:
    """Measure every number of clusters from 2 to 10, as far as there are so many customers.

    Exact up to 50,000 customers, apart from the silhouettes (``silhouette``). Of more, centroids
    are fitted on weighted bins (``points``): their inertia is within .1 % of an exact fit's.
    Inertia, Davies-Bouldin, Calinski-Harabasz and the shares are of all customers, labelled by
    these centroids; stability is the bins'.

    Silhouettes say how well slices of a continuum separate, and are no proof that segments exist:
    so each stands beside the one that a single normal cloud of the same covariance gets.

    Parameters
    ----------
    customers
        A row per customer of the snapshot ``month``, with the columns of ``customer_rfm``.
    resamples
        Of the bootstrap; 0 for none.
    """
    import numpy as np

    features, _, _ = standardized(customers.sort_values("customer_id"))
    points = weighted_points(features)
    distinct = len(np.unique(points.at, axis=0))
    tried = [n_clusters for n_clusters in N_CLUSTERS if n_clusters < distinct]
    clusterings = fit_all(points, tried, seed)
    labellings = [nearest(features, centroids) for centroids in clusterings]

    def of_labels(centroids: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        inertia = rounded(((features - centroids[labels]) ** 2).sum())
        sizes = np.bincount(labels, minlength=len(centroids))
        share = {"smallest_share": rounded(sizes.min() / len(features))}
        return {"inertia": inertia} | share | separation_indices(features, labels)

    measures: list[Callable[[], list]] = [
        lambda: [*map(of_labels, clusterings, labellings)],
        lambda: silhouettes(features, labellings),
        lambda: null_silhouettes(features, tried, seed),
        lambda: (
            bootstrap(points, clusterings, resamples=resamples, seed=seed)
            if resamples
            else [None] * len(tried)
        ),
    ]
    # Side by side: refits keep one processor busy, distances the others.
    indices, separations, nulls, stabilities = in_threads(lambda measure: measure(), measures)
    return [
        {
            "n_clusters": n_clusters,
            "training_month": month,
            "training_customers": len(customers),
            "resamples": resamples,
            "silhouette": rounded(silhouette),
            "null_silhouette": rounded(null),
            **of_all,
            **stability_columns(stability),
        }
        for n_clusters, of_all, silhouette, null, stability in zip(
            tried, indices, separations, nulls, stabilities, strict=True
        )
    ]


def fit_all(points: "Points", tried: list[int], seed: int) -> "list[np.ndarray]":
    """Return the centroids of each number of clusters, those of highest monetary first."""
    import numpy as np

    def fit(n_clusters: int) -> np.ndarray:
        fitted = best_kmeans(points.at, n_clusters, seed, weights=points.customers)
        monetary = fitted.cluster_centers_[:, FEATURES.index("monetary")]
        return fitted.cluster_centers_[np.argsort(-monetary, kind="stable")]

    return in_threads(fit, tried)


def null_silhouettes(features: "np.ndarray", tried: list[int], seed: int) -> list[float]:
    """Return the silhouettes of KMeans on a normal cloud with the covariance of the features.

    What clustering finds where there is nothing to find (Tibshirani, Walther and Hastie 2001
    compare with such a reference). One cloud, of as many customers as a silhouette is exact for.
    """
    import numpy as np

    cloud = np.random.default_rng(seed).multivariate_normal(
        features.mean(axis=0), np.cov(features.T), size=min(len(features), MOST_EXACT)
    )
    clusterings = fit_all(weighted_points(cloud), tried, seed)
    return silhouettes(cloud, [nearest(cloud, centroids) for centroids in clusterings])


def separation_indices(features: "np.ndarray", labels: "np.ndarray") -> dict[str, float]:
    """Return the columns of the Davies-Bouldin and the Calinski-Harabasz index."""
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    return {
        "davies_bouldin": rounded(davies_bouldin_score(features, labels)),
        "calinski_harabasz": rounded(calinski_harabasz_score(features, labels)),
    }


def stability_columns(stability: Stability | None) -> dict[str, float | list[float] | None]:
    """Return the columns of a bootstrap; null where there was none."""
    if stability is None:
        return dict.fromkeys(("stability", "cluster_jaccard", "worst_jaccard"))
    jaccard = [rounded(index) for index in stability.cluster_jaccard]
    return {
        "stability": rounded(stability.adjusted_rand_index),
        "cluster_jaccard": jaccard,
        "worst_jaccard": min(jaccard),
    }
