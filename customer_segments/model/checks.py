"""Checks of this stage: each version is whole and separates; the champion can be trusted."""

from collections.abc import Iterator

import dagster as dg
from ibis.expr.types import Table

from customer_segments.model.monitoring import (
    ChampionThresholds,
    ModelThresholds,
    judge_champion,
    judge_fit,
    versions,
)
from customer_segments.monitoring.history import reported
from customer_segments.monitoring.spine import (
    all_passed,
    judge_contract,
    judge_reconciliation,
    spine_specs,
)
from customer_segments.storage import Warehouse
from customer_segments.tables import CHAMPION_MODEL, KMEANS_MODEL, MODEL_SELECTION


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


KMEANS_SPECS = [
    dg.AssetCheckSpec(
        "fit",
        asset=KMEANS_MODEL.table,
        description="Clusters of the newest versions separate, and none is tiny.",
    ),
]
CHAMPION_SPECS = [
    dg.AssetCheckSpec(
        "silhouette",
        asset=CHAMPION_MODEL.table,
        description="The clusters of the model in use separate.",
    ),
    dg.AssetCheckSpec(
        "stability",
        asset=CHAMPION_MODEL.table,
        additional_deps=[MODEL_SELECTION.table],
        description="The model in use does not depend on which customers it happened to see.",
    ),
    dg.AssetCheckSpec(
        "refit_moves",
        asset=CHAMPION_MODEL.table,
        description="The newest refit would have moved few customers by itself.",
    ),
]


@dg.multi_asset_check(specs=[*spine_specs(KMEANS_MODEL), *KMEANS_SPECS], can_subset=True)
def kmeans_model_checks(
    context: dg.AssetCheckExecutionContext,
    config: ModelThresholds,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.AssetCheckResult]:
    """Audit the contract; every version has all clusters, names and customers."""
    model = KMEANS_MODEL.relation
    with warehouse.reading() as con:
        judged = [
            judge_contract(con, KMEANS_MODEL),
            judge_reconciliation(con, KMEANS_MODEL, promised(model), found(model)),
        ]
        if all_passed(judged):
            judged.append(judge_fit(con.to_pyarrow(versions(model)).to_pylist(), config))
    yield from reported(context, warehouse, judged)


@dg.multi_asset_check(specs=CHAMPION_SPECS, can_subset=True)
def champion_model_checks(
    context: dg.AssetCheckExecutionContext,
    config: ChampionThresholds,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.AssetCheckResult]:
    """Judge the model that labels by what was measured when it was fitted and refitted."""
    tables = (CHAMPION_MODEL, KMEANS_MODEL, MODEL_SELECTION)
    decisions, model, selection = (warehouse.load(table) for table in tables)
    yield from reported(context, warehouse, judge_champion(decisions, model, selection, config))
