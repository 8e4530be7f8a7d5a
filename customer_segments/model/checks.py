"""Checks of ``kmeans_model``: each version is whole and its customers add up."""

from collections.abc import Iterator

import dagster as dg
from ibis.expr.types import Table

from customer_segments.model.contracts import KMEANS_MODEL
from customer_segments.storage import Warehouse
from customer_segments.storage.checks import (
    contract_result,
    reconciliation_result,
    selected,
    spine_specs,
)


def promised(model: Table) -> Table:
    """Return clusters, names and customers that each version says it has."""
    return model.select(
        "version",
        clusters=model.n_clusters,
        names=model.n_clusters,
        customers=model.training_customers,
    ).distinct()


def found(model: Table) -> Table:
    """Return clusters, names and customers that the rows of each version add up to."""
    return model.group_by("version").agg(
        clusters=model.cluster.nunique(),
        names=model.segment.nunique(),
        customers=model.customers.sum().cast("int64"),
    )


@dg.multi_asset_check(specs=spine_specs(KMEANS_MODEL), can_subset=True)
def kmeans_model_checks(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; every version has all clusters, names and customers."""
    model = KMEANS_MODEL.relation
    with warehouse.reading() as con:
        results = [
            contract_result(con, KMEANS_MODEL),
            reconciliation_result(con, KMEANS_MODEL, promised(model), found(model)),
        ]
    yield from selected(context, results)
