"""Two model versions on the same customers: how alike they label, and how well.

Belongs here: the figures, as pure functions. Does not: what follows from them (``gate``,
``champion``), or which versions are compared.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_segments.model.features import FEATURES, log_features
from customer_segments.model.fit import fit_kmeans
from customer_segments.model.silhouette import silhouettes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """Figures of a challenger against the champion, named as columns of ``CHAMPION_MODEL``.

    Parameters
    ----------
    adjusted_rand_index
        Of the two labellings: 1 if they agree up to numbering, about 0 if only by chance
        (Hubert and Arabie 1985).
    moved_share
        Share of customers whose segment would have another name by the refit alone.
    stability
        Of the challenger's labels under resampling; see ``bootstrap_stability``.
    silhouette, champion_silhouette
        Mean silhouette of either labelling, on the same features.
    """

    adjusted_rand_index: float
    moved_share: float
    stability: float
    silhouette: float
    champion_silhouette: float


def compare(
    customers: "pd.DataFrame",
    champion: "pd.DataFrame",
    challenger: "pd.DataFrame",
    *,
    resamples: int,
    seed: int,
) -> Comparison:
    """Compare two versions on one snapshot, the one that the challenger was trained on.

    Each version labels as it does in scoring, after its own scaling. Silhouettes and stability
    are both measured on log1p features standardized by the challenger's scaling: silhouettes
    on two scalings would not be comparable.

    Parameters
    ----------
    customers
        A row per customer, sorted by ``customer_id``, with the columns of ``customer_rfm``.
    champion, challenger
        Rows of one version each, as ``KMEANS_MODEL`` has them.
    resamples, seed
        Of the bootstrap.
    """
    from sklearn.metrics import adjusted_rand_score

    features = scaled_features(customers, challenger)
    old, new = nearest_clusters(customers, champion), nearest_clusters(customers, challenger)
    champion_silhouette, silhouette = mean_silhouettes(features, [old, new])
    return Comparison(
        adjusted_rand_index=float(adjusted_rand_score(old, new)),
        moved_share=float((segment_names(champion)[old] != segment_names(challenger)[new]).mean()),
        stability=bootstrap_stability(
            features, new, n_clusters=len(challenger), resamples=resamples, seed=seed
        ),
        silhouette=silhouette,
        champion_silhouette=champion_silhouette,
    )


def scaled_features(customers: "pd.DataFrame", version: "pd.DataFrame") -> "np.ndarray":
    """Return log1p features, standardized as the version was, shape (customers, 3)."""
    means = version[[f"{name}_mean" for name in FEATURES]].iloc[0].to_numpy(float)
    scales = version[[f"{name}_scale" for name in FEATURES]].iloc[0].to_numpy(float)
    return (log_features(customers).to_numpy() - means) / scales


def nearest_clusters(customers: "pd.DataFrame", version: "pd.DataFrame") -> "np.ndarray":
    """Return the cluster of each customer as ``segments.scoring`` labels, shape (customers,)."""
    from scipy.spatial.distance import cdist

    centroids = version.sort_values("cluster")[[f"{name}_centroid" for name in FEATURES]]
    # The lower number wins a tie, there as here.
    return cdist(scaled_features(customers, version), centroids, "sqeuclidean").argmin(axis=1)


def segment_names(version: "pd.DataFrame") -> "np.ndarray":
    """Return the name of each cluster, in order of its number, shape (clusters,)."""
    return version.sort_values("cluster")["segment"].to_numpy(object)


def mean_silhouettes(features: "np.ndarray", labellings: "list[np.ndarray]") -> list[float]:
    """Return the mean silhouette of each labelling, some of whose clusters may be empty.

    A labelling with one cluster gets 0: it says nothing of who belongs together.
    """
    import numpy as np

    # A champion need not find all its clusters in the challenger's snapshot.
    numbered = [np.unique(labels, return_inverse=True)[1] for labels in labellings]
    several = [labels for labels in numbered if labels.max() > 0]
    scores = iter(silhouettes(features, several) if several else [])
    return [next(scores) if labels.max() > 0 else 0.0 for labels in numbered]


def bootstrap_stability(
    features: "np.ndarray", labels: "np.ndarray", *, n_clusters: int, resamples: int, seed: int
) -> float:
    """Return how well a labelling survives resampling of the customers it was fitted on.

    The mean adjusted Rand index between ``labels`` and those that a model fitted on a resample
    with replacement gives to all customers (after Hennig 2007): 1 if the clusters are the
    data's, lower if they are this sample's.

    Parameters
    ----------
    features
        Standardized, shape (customers, 3).
    labels
        Of the model itself, shape (customers,).
    """
    import numpy as np
    from sklearn.metrics import adjusted_rand_score
    from sklearn.utils import resample

    # One generator, so that each resample is another one.
    random = np.random.RandomState(seed)
    scores = [
        adjusted_rand_score(
            labels,
            fit_kmeans(resample(features, random_state=random), n_clusters, seed).predict(features),
        )
        for _ in range(resamples)
    ]
    return float(np.mean(scores))


def match_segments(versions: "pd.DataFrame", old: str, new: str) -> str:
    """Say which segment of version ``old`` became which of ``new``.

    Clusters are matched by the least total distance between centroids, compared as
    log1p values, since the two versions are standardized by different scales.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    sides = [versions[versions["version"] == version] for version in (old, new)]
    matched = linear_sum_assignment(cdist(*(log_centroids(side) for side in sides)))
    became = {
        sides[0]["segment"].iloc[a]: sides[1]["segment"].iloc[b]
        for a, b in zip(*matched, strict=True)
    }
    return "; ".join(f"{before} -> {after}" for before, after in became.items())


def log_centroids(version: "pd.DataFrame"):
    """Return a version's centroids as log1p values, shape (clusters, 3)."""
    import numpy as np

    return np.column_stack(
        [
            version[f"{name}_centroid"] * version[f"{name}_scale"] + version[f"{name}_mean"]
            for name in FEATURES
        ]
    )
