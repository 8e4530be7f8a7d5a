"""Two model versions on the same customers: how alike they label, and how well.

Belongs here: the figures, as pure functions. Does not: what follows from them (``gates``,
``champion``), or which versions are compared.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from customer_segments.model.clustering import bootstrap, nearest
from customer_segments.model.features import FEATURES, Scaling
from customer_segments.model.measures import silhouettes
from customer_segments.model.training import Pool
from customer_segments.policy.model import Gate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """Figures of a challenger against the champion, named as columns of ``CHAMPION_MODEL``.

    The Rand index is of the two labellings; ``moved_share`` of customers whose segment would have
    another name by the refit alone; ``stability`` the challenger's mean adjusted Rand index under
    resampling; silhouettes are means, on the same features.
    """

    adjusted_rand_index: float
    moved_share: float
    stability: float | None
    silhouette: float
    champion_silhouette: float


def compare(
    pool: Pool, champion: "pd.DataFrame", challenger: "pd.DataFrame", gate: Gate
) -> Comparison:
    """Compare two versions on the snapshot that the challenger was trained on.

    Each version labels as it does in scoring, after its own scaling. Silhouettes are measured on
    features by the challenger's scaling: on two scalings they would not be comparable. The
    stability is that of the recipe, so there is none of a version of before it. Of ``gate`` are
    resamples and seed of the bootstrap; versions are their rows in ``KMEANS_MODEL``.
    """
    from sklearn.metrics import adjusted_rand_score

    values, scaling = pool.values[pool.is_newest], Scaling.of(challenger)
    old, new = nearest_clusters(values, champion), nearest_clusters(values, challenger)
    champion_silhouette, silhouette = silhouettes(scaling.features(values), [old, new])
    stability = None
    if scaling.score_weight:
        resampling = {"resamples": gate.bootstrap_resamples, "seed": gate.seed}
        (found,) = bootstrap(pool, scaling, [centroids_of(challenger)], **resampling)
        stability = found["stability"]
    return Comparison(
        adjusted_rand_index=float(adjusted_rand_score(old, new)),
        moved_share=float((segment_names(champion)[old] != segment_names(challenger)[new]).mean()),
        stability=stability,
        silhouette=silhouette,
        champion_silhouette=champion_silhouette,
    )


def centroids_of(version: "pd.DataFrame") -> np.ndarray:
    """Return the clusters of a version with their score, shape (clusters, 4)."""
    return Scaling.of(version).with_score(_of(version, "centroid"))


def nearest_clusters(values: np.ndarray, version: "pd.DataFrame") -> np.ndarray:
    """Return the cluster of each customer as ``segments.scoring`` labels, shape (customers,)."""
    # The lower number wins a tie, there as here.
    return nearest(Scaling.of(version).features(values), centroids_of(version))


def segment_names(version: "pd.DataFrame") -> np.ndarray:
    """Return the name of each cluster, in order of its number, shape (clusters,)."""
    return version.sort_values("cluster")["segment"].to_numpy(object)


def match_segments(versions: "pd.DataFrame", old: str, new: str) -> str:
    """Say which segment of version ``old`` became which of ``new``.

    Clusters are matched by the least total distance between the customers at their centroids,
    compared as log1p of their values, since the two versions have scales of their own.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    sides = [versions[versions["version"] == version] for version in (old, new)]
    centroids = [_values_at_centroids(version) for version in sides]
    before, after = map(segment_names, sides)
    matched = zip(*linear_sum_assignment(cdist(*centroids)), strict=True)
    return "; ".join(f"{before[a]} -> {after[b]}" for a, b in matched)


def _of(version: "pd.DataFrame", column: str) -> np.ndarray:
    """Return a column that there is for each feature, clusters in order, shape (clusters, 3)."""
    return version.sort_values("cluster")[[f"{name}_{column}" for name in FEATURES]].to_numpy(float)


def _values_at_centroids(version: "pd.DataFrame") -> np.ndarray:
    """Return log1p of recency, frequency and monetary at each centroid, shape (clusters, 3)."""
    scaling = Scaling.of(version)
    logs = _of(version, "centroid") * scaling.scale + scaling.mean
    return np.log1p(np.expm1(logs).clip(min=0) * scaling.unit)
