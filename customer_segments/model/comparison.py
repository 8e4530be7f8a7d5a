"""Two model versions on the same customers: how alike they label, and how well.

Belongs here: the figures, as pure functions. Does not: what follows from them (``gates``,
``champion``), or which versions are compared.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customer_segments.model.clustering import bootstrap, nearest, weighted_points
from customer_segments.model.features import FEATURES, log_features
from customer_segments.model.measures import silhouettes
from customer_segments.policy.model import Gate


@dataclass(frozen=True)
class Comparison:
    """Figures of a challenger against the champion, named as columns of ``CHAMPION_MODEL``.

    The Rand index is of the two labellings; ``moved_share`` of customers whose segment would have
    another name by the refit alone; ``stability`` the challenger's mean adjusted Rand index under
    resampling; silhouettes are means, on the same features.
    """

    adjusted_rand_index: float
    moved_share: float
    stability: float
    silhouette: float
    champion_silhouette: float


def compare(
    customers: pd.DataFrame, champion: pd.DataFrame, challenger: pd.DataFrame, gate: Gate
) -> Comparison:
    """Compare two versions on one snapshot, the one that the challenger was trained on.

    Each version labels as it does in scoring, after its own scaling. Silhouettes and stability
    are both measured on log1p features standardized by the challenger's scaling: silhouettes
    on two scalings would not be comparable. Of ``gate`` are resamples and seed of the bootstrap;
    customers are sorted by ``customer_id``, versions their rows in ``KMEANS_MODEL``.
    """
    from sklearn.metrics import adjusted_rand_score

    features = scaled_features(customers, challenger)
    old, new = nearest_clusters(customers, champion), nearest_clusters(customers, challenger)
    champion_silhouette, silhouette = silhouettes(features, [old, new])
    points, centroids = weighted_points(features), _of(challenger, "centroid")
    resamples = gate.bootstrap_resamples
    (stability,) = bootstrap(points, [centroids], resamples=resamples, seed=gate.seed)
    return Comparison(
        adjusted_rand_index=float(adjusted_rand_score(old, new)),
        moved_share=float((segment_names(champion)[old] != segment_names(challenger)[new]).mean()),
        stability=stability.adjusted_rand_index,
        silhouette=silhouette,
        champion_silhouette=champion_silhouette,
    )


def scaled_features(customers: pd.DataFrame, version: pd.DataFrame) -> np.ndarray:
    """Return log1p features, standardized as the version was, shape (customers, 3)."""
    return (log_features(customers).to_numpy() - _of(version, "mean")[0]) / _of(version, "scale")[0]


def nearest_clusters(customers: pd.DataFrame, version: pd.DataFrame) -> np.ndarray:
    """Return the cluster of each customer as ``segments.scoring`` labels, shape (customers,)."""
    # The lower number wins a tie, there as here.
    return nearest(scaled_features(customers, version), _of(version, "centroid"))


def segment_names(version: pd.DataFrame) -> np.ndarray:
    """Return the name of each cluster, in order of its number, shape (clusters,)."""
    return version.sort_values("cluster")["segment"].to_numpy(object)


def match_segments(versions: pd.DataFrame, old: str, new: str) -> str:
    """Say which segment of version ``old`` became which of ``new``.

    Clusters are matched by the least total distance between centroids, compared as
    log1p values, since the two versions are standardized by different scales.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    sides = [versions[versions["version"] == version] for version in (old, new)]
    centroids = [_of(v, "centroid") * _of(v, "scale") + _of(v, "mean") for v in sides]
    before, after = map(segment_names, sides)
    matched = zip(*linear_sum_assignment(cdist(*centroids)), strict=True)
    return "; ".join(f"{before[a]} -> {after[b]}" for a, b in matched)


def _of(version: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column that there is for each feature, clusters in order, shape (clusters, 3)."""
    return version.sort_values("cluster")[[f"{name}_{column}" for name in FEATURES]].to_numpy(float)
