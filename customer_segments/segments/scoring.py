"""Scoring: the cluster whose centroid is nearest, as an expression inside the engine.

Belongs here: labelling snapshots with model versions, as pure Ibis. Does not: fitting.
"""

from functools import reduce
from operator import add

import ibis
from ibis.expr.types import FloatingValue, Table

from customer_segments.model.features import FEATURES, with_logs
from customer_segments.tables import CUSTOMER_SEGMENTS

# Of CUSTOMER_SEGMENTS; its account_tier says nothing of the model and is added by ``tiers``.
LABELLED = tuple(name for name in CUSTOMER_SEGMENTS.schema.names if name != "account_tier")


def champion_version(kmeans_model: Table, champion_model: Table) -> Table:
    """Return the clusters of the version that the newest decision put in force."""
    newest = champion_model.order_by(champion_model.decision.desc()).limit(1)
    return kmeans_model.semi_join(newest, "version")


def label(customers: Table, clusters: Table) -> Table:
    """Label every customer with the nearest cluster, as scikit-learn's ``predict`` does.

    Takes snapshots and the rows of one model version; returns what ``CUSTOMER_SEGMENTS`` has,
    without ``account_tier``.
    """
    return _nearest(with_logs(customers).cross_join(clusters))


def label_by_version(customers: Table, kmeans_model: Table) -> Table:
    """Label every customer with the nearest cluster of the version that the row carries.

    As ``label``, of snapshots with a ``model_version`` and the rows of all these versions; a
    customer's snapshot may stand there once for each of several.
    """
    logs = with_logs(customers)
    return _nearest(logs.inner_join(kmeans_model, logs.model_version == kmeans_model.version))


def squared_distance(pairs: Table) -> FloatingValue:
    """Return how far customers are from the centroids they are paired with, squared.

    In standardized features; ``pairs`` has the columns of ``with_logs`` and of ``KMEANS_MODEL``.
    """

    def squared(name: str) -> FloatingValue:
        scaled = (pairs[f"{name}_log"] - pairs[f"{name}_mean"]) / pairs[f"{name}_scale"]
        offset = scaled - pairs[f"{name}_centroid"]
        return offset * offset

    return reduce(add, map(squared, FEATURES))


def _nearest(pairs: Table) -> Table:
    """Keep the nearest of the clusters that each customer is paired with."""
    snapshot = ["snapshot_month", "customer_id", "version"]
    nearest_first = [squared_distance(pairs), "cluster"]
    rank = ibis.row_number().over(group_by=snapshot, order_by=nearest_first)
    labelled = pairs.mutate(rank=rank, model_version=pairs.version)
    return labelled.filter(labelled["rank"] == 0).select(*LABELLED)
