"""Scoring: the cluster whose centroid is nearest, as an expression inside the engine.

Belongs here: labelling snapshots with model versions, as pure Ibis. Does not: fitting.
"""

from collections.abc import Callable
from functools import reduce
from operator import add
from sys import float_info
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import FloatingValue, Table

from customer_segments.model.features import FEATURES, SCALED_BY, score_of, with_features
from customer_segments.policy.model import MOST_CLUSTERS
from customer_segments.tables import CUSTOMER_SEGMENTS, KMEANS_MODEL

if TYPE_CHECKING:
    import pandas as pd

# What says nothing of the model is added by ``tiers`` and ``actions``.
ADDED = {"account_tier", "channel", "why"}
LABELLED = tuple(name for name in CUSTOMER_SEGMENTS.schema.names if name not in ADDED)
# Of KMEANS_MODEL: what all clusters of a version share, and where each is.
SCALING = ("version", "score_weight", *(f"{name}_{by}" for name in FEATURES for by in SCALED_BY))
CENTROIDS = tuple(f"{name}_centroid" for name in FEATURES)
# Of a cluster that a version does not have.
FAR = float_info.max


def champion_version(kmeans_model: Table, champion_model: Table) -> Table:
    """Return the clusters of the version that the newest decision put in force."""
    newest = champion_model.order_by(champion_model.decision.desc()).limit(1)
    return kmeans_model.semi_join(newest, "version")


def label(customers: Table, clusters: Table, most: int = MOST_CLUSTERS) -> Table:
    """Label every customer with the nearest cluster, as scikit-learn's ``predict`` does.

    Takes snapshots and the rows of one model version, of ``most`` clusters or fewer; returns what
    ``CUSTOMER_SEGMENTS`` has, without ``ADDED``, and the segment's own ``suggested_action``.
    """
    scaled = customers.cross_join(_centroids(clusters, most))
    return _nearest(_with_distances(scaled, most), clusters, most)


def label_by_version(customers: Table, kmeans_model: Table, most: int = MOST_CLUSTERS) -> Table:
    """Label every customer with the nearest cluster of the version that the row carries.

    As ``label``, of snapshots with a ``model_version`` and the rows of all these versions; a
    customer's snapshot may stand there once for each of several.
    """
    wide = _centroids(kmeans_model, most)
    scaled = customers.inner_join(wide, customers.model_version == wide.version)
    return _nearest(_with_distances(scaled.drop("model_version"), most), kmeans_model, most)


def pairs_by_version(customers: Table, kmeans_model: Table) -> Table:
    """Pair snapshots that have a ``model_version`` with each of its clusters.

    With ``distance`` squared, for who wants more than the nearest: there are so many pairs that it
    should be of few customers.
    """
    scalings = kmeans_model.select(*SCALING).distinct()
    scaled = customers.inner_join(scalings, customers.model_version == scalings.version)
    by_version = ["version", "cluster", "training_month", *CENTROIDS]
    clusters = kmeans_model.select(*by_version, score_centroid=score_of("centroid"))
    pairs = with_features(scaled).inner_join(clusters, "version")
    return pairs.mutate(distance=_distance(pairs))


def most_clusters(query: Callable[[Table], "pd.DataFrame"]) -> int:
    """Return how many clusters the versions have at most: with fewer a query is sooner compiled."""
    model = KMEANS_MODEL.relation
    return int(query(model.agg(most=model.n_clusters.max().fill_null(1)))["most"][0])


def _centroids(clusters: Table, most: int) -> Table:
    """Return versions with all centroids side by side, so that no customer is paired with any."""
    clusters = clusters.mutate(score_centroid=score_of("centroid").resolve(clusters))
    places = {
        f"{name}_{cluster}": clusters[name].max(where=clusters.cluster == cluster)
        for cluster in range(most)
        for name in (*CENTROIDS, "score_centroid")
    }
    return clusters.group_by(*SCALING, "n_clusters").agg(**places)


def _with_distances(scaled: Table, most: int) -> Table:
    """Add the distances to customers beside the scaling and the centroids of a version."""
    kept = [name for name in scaled.columns if "_centroid_" not in name]
    scaled = with_features(scaled)
    by_cluster = {
        f"distance_{cluster}": _distance(scaled, f"_{cluster}").fill_null(FAR)
        for cluster in range(most)
    }
    return scaled.select(*kept, **by_cluster)


def _distance(scaled: Table, cluster: str = "") -> FloatingValue:
    """Return how far customers are, squared, from the centroid that stands beside them."""
    offsets = [scaled[f"{name}_z"] - scaled[f"{name}_centroid{cluster}"] for name in FEATURES]
    of_score = scaled.score - scaled[f"score_centroid{cluster}"]
    squares = reduce(add, [offset * offset for offset in offsets])
    return squares + scaled.score_weight * of_score * of_score


def _nearest(measured: Table, clusters: Table, most: int) -> Table:
    """Take the nearest cluster, of several as near the first."""
    each = [measured[f"distance_{cluster}"] for cluster in range(most)]
    measured = measured.mutate(nearest=ibis.least(*each))
    is_nearest = [measured[distance.get_name()] == measured.nearest for distance in each]
    cluster = ibis.cases(*((nearest, number) for number, nearest in enumerate(is_nearest)))
    # Nobody is labelled by half of a model: reconciliation misses whom it leaves out.
    measured = measured.filter(measured.n_clusters <= most).mutate(cluster=cluster.cast("int64"))
    own = clusters.select("version", "cluster", "segment", "suggested_action")
    labelled = measured.inner_join(own, ["version", "cluster"])
    return labelled.mutate(model_version=labelled.version).select(*LABELLED)
