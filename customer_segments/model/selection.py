"""Evidence for the number of clusters.

Belongs here: comparing numbers of clusters on one snapshot. Does not: the fit that labels.
"""

from datetime import date
from typing import TYPE_CHECKING

from customer_segments.model.fit import fit_kmeans, standardized
from customer_segments.model.silhouette import silhouettes

if TYPE_CHECKING:
    import pandas as pd

N_CLUSTERS = range(2, 11)


def compare_n_clusters(customers: "pd.DataFrame", *, seed: int, month: date) -> list[dict]:
    """Fit every number of clusters from 2 to 10; rows as ``MODEL_SELECTION`` has them.

    Silhouettes say how well slices of a continuum separate; they fall with more clusters and
    are no proof that segments exist.
    """
    import numpy as np

    features, _, _ = standardized(customers.sort_values("customer_id"))
    fits = [fit_kmeans(features, n_clusters, seed) for n_clusters in N_CLUSTERS]
    scores = silhouettes(features, [fitted.labels_ for fitted in fits])
    return [
        {
            "n_clusters": n_clusters,
            "training_month": month,
            "training_customers": len(customers),
            "inertia": float(fitted.inertia_),
            "silhouette": score,
            "smallest_share": float(np.bincount(fitted.labels_).min() / len(customers)),
        }
        for n_clusters, fitted, score in zip(N_CLUSTERS, fits, scores, strict=True)
    ]
