"""Scoring: the cluster whose centroid is nearest, as an expression inside the engine.

Belongs here: labelling snapshots with a model version, as pure Ibis. Does not: fitting.
"""

from functools import reduce
from operator import add

import ibis
from ibis.expr.types import Table

from customer_segments.model.features import FEATURES, log_feature
from customer_segments.segments.contracts import CUSTOMER_SEGMENTS


def champion_version(kmeans_model: Table, champion_model: Table) -> Table:
    """Return the clusters of the version that the newest decision put in force."""
    newest = champion_model.order_by(champion_model.decision.desc()).limit(1)
    return kmeans_model.semi_join(newest, "version")


def label(customers: Table, clusters: Table) -> Table:
    """Label every customer with the nearest cluster, as scikit-learn's ``predict`` does.

    Parameters
    ----------
    customers
        Snapshots, as ``CUSTOMER_RFM`` has them.
    clusters
        Rows of one model version, as ``KMEANS_MODEL`` has them.

    Returns
    -------
    Table
        As ``CUSTOMER_SEGMENTS`` has it.
    """
    logs = customers.mutate(
        **{f"{feature}_log": log_feature(customers, feature) for feature in FEATURES}
    )
    pairs = logs.cross_join(clusters)

    def offset(feature: str):
        scaled = (pairs[f"{feature}_log"] - pairs[f"{feature}_mean"]) / pairs[f"{feature}_scale"]
        return scaled - pairs[f"{feature}_centroid"]

    squares = [offset(feature) * offset(feature) for feature in FEATURES]
    nearest = ibis.row_number().over(
        group_by=["snapshot_month", "customer_id"], order_by=[reduce(add, squares), "cluster"]
    )
    labelled = pairs.mutate(rank=nearest, model_version=pairs.version)
    return labelled.filter(labelled["rank"] == 0).select(*CUSTOMER_SEGMENTS.schema.names)
