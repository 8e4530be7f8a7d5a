"""Scoring: the cluster whose centroid is nearest, as an expression inside the engine.

Belongs here: labelling snapshots with model versions, as pure Ibis. Does not: fitting.
"""

from functools import reduce
from operator import add

import ibis
from ibis.expr.types import Table

from customer_segments.model.features import FEATURES, SCALED_BY, score_of, with_features
from customer_segments.tables import CUSTOMER_SEGMENTS

# What says nothing of the model is added by ``tiers`` and ``actions``.
ADDED = {"account_tier", "channel", "why"}
LABELLED = tuple(name for name in CUSTOMER_SEGMENTS.schema.names if name not in ADDED)
# Of KMEANS_MODEL: what all clusters of a version share, and where each is.
SCALING = ("version", "score_weight", *(f"{name}_{by}" for name in FEATURES for by in SCALED_BY))
CENTROIDS = tuple(f"{name}_centroid" for name in FEATURES)


def champion_version(kmeans_model: Table, champion_model: Table) -> Table:
    """Return the clusters of the version that the newest decision put in force."""
    newest = champion_model.order_by(champion_model.decision.desc()).limit(1)
    return kmeans_model.semi_join(newest, "version")


def label(customers: Table, clusters: Table) -> Table:
    """Label every customer with the nearest cluster, as scikit-learn's ``predict`` does.

    Takes snapshots and the rows of one model version; returns what ``CUSTOMER_SEGMENTS`` has,
    without ``ADDED``, and the segment's own ``suggested_action``.
    """
    scalings = clusters.select(*SCALING).distinct()
    return _nearest(pairs_of(customers.cross_join(scalings), clusters))


def label_by_version(customers: Table, kmeans_model: Table) -> Table:
    """Label every customer with the nearest cluster of the version that the row carries.

    As ``label``, of snapshots with a ``model_version`` and the rows of all these versions; a
    customer's snapshot may stand there once for each of several.
    """
    return _nearest(pairs_by_version(customers, kmeans_model))


def pairs_by_version(customers: Table, kmeans_model: Table) -> Table:
    """Return ``pairs_of`` snapshots with a ``model_version``, and the rows of these versions."""
    scalings = kmeans_model.select(*SCALING).distinct()
    scaled = customers.inner_join(scalings, customers.model_version == scalings.version)
    return pairs_of(scaled.drop("model_version"), kmeans_model)


def pairs_of(scaled: Table, clusters: Table) -> Table:
    """Pair customers with the clusters of the version that they carry, each ``distance`` squared.

    ``scaled`` are customers beside the scaling of a version, whose features are computed once.
    """
    by_version = ["version", "cluster", "segment", "suggested_action", "training_month"]
    clusters = clusters.select(*by_version, **_centroids(clusters))
    pairs = with_features(scaled).inner_join(clusters, "version")
    offsets = [pairs[f"{name}_z"] - pairs[f"{name}_centroid"] for name in FEATURES]
    of_score = pairs.score - pairs.score_centroid
    squares = [offset * offset for offset in offsets]
    return pairs.mutate(distance=reduce(add, squares) + pairs.score_weight * of_score * of_score)


def _centroids(clusters: Table) -> dict[str, ibis.Value]:
    """Return where clusters are; their score is linear in the features, as a customer's is."""
    centroids = {name: clusters[name] for name in CENTROIDS}
    return centroids | {"score_centroid": score_of("centroid").resolve(clusters)}


def _nearest(pairs: Table) -> Table:
    """Keep the nearest of the clusters that each customer is paired with."""
    snapshot = ["snapshot_month", "customer_id", "version"]
    rank = ibis.row_number().over(group_by=snapshot, order_by=["distance", "cluster"])
    labelled = pairs.mutate(rank=rank, model_version=pairs.version)
    return labelled.filter(labelled["rank"] == 0).select(*LABELLED)
