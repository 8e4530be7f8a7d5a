"""The assets of this stage: the fitted model, the evidence for it, and the champion."""

import dagster as dg
import ibis
from pydantic import Field

from customer_segments.model.contracts import CHAMPION_MODEL, KMEANS_MODEL, MODEL_SELECTION
from customer_segments.storage import Warehouse
from customer_segments.storage.dagster_metadata import asset_attributes

GROUP = "model"
TRAINING_MONTH = Field(
    default=None,
    pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
    description="Snapshot month to train on, YYYY-MM; empty for the newest complete one.",
)
SEED = Field(default=42, ge=0, description="Seed of KMeans; the same seed gives the same version.")


class ModelConfig(dg.Config):
    """What an analyst may choose about the model."""

    n_clusters: int = Field(
        default=4, ge=2, le=30, description="Segments. Four is the most stable on the UCI data."
    )
    seed: int = SEED
    training_month: str | None = TRAINING_MONTH
    min_months: int = Field(default=12, ge=1, description="Least months of history to train on.")
    min_customers: int = Field(default=500, ge=2, description="Least customers to train on.")


class SelectionConfig(dg.Config):
    """What an analyst may choose about the evidence."""

    seed: int = SEED
    training_month: str | None = TRAINING_MONTH


class ChampionConfig(dg.Config):
    """An explicit choice of the version that labels."""

    version: str | None = Field(
        default=None, description="Version of kmeans_model to promote; empty to keep the champion."
    )
    reason: str = Field(default="", description="Why; recorded with the decision.")


@dg.asset(group_name=GROUP, **asset_attributes(KMEANS_MODEL, "scikitlearn"))
def kmeans_model(
    context: dg.AssetExecutionContext,
    config: ModelConfig,
    warehouse: dg.ResourceParam[Warehouse],
    customer_rfm: ibis.Table,
) -> object:
    """KMeans on one snapshot, as rows: centroids, scaling, names. All versions are kept.

    The version is a hash of the numbers: fitting the same data again adds nothing.
    """
    from customer_segments.model.features import training_customers, training_month
    from customer_segments.model.fit import fit_version

    month = training_month(customer_rfm, warehouse, config.training_month)
    customers = training_customers(
        customer_rfm, warehouse, month, config.min_months, config.min_customers
    )
    rows = fit_version(customers, n_clusters=config.n_clusters, seed=config.seed, month=month)
    context.add_output_metadata(
        {
            "model_version": rows[0]["version"],
            "training_month": f"{month:%Y-%m}",
            "training_customers": len(customers),
            "silhouette": rows[0]["silhouette"],
            "segments": dg.MetadataValue.md(
                "\n".join(
                    f"- **{row['segment']}** ({row['customers']:,}): {row['description']}"
                    for row in rows
                )
            ),
        }
    )
    return KMEANS_MODEL.arrow(rows)


@dg.asset(group_name=GROUP, **asset_attributes(MODEL_SELECTION, "scikitlearn"))
def model_selection(
    config: SelectionConfig,
    warehouse: dg.ResourceParam[Warehouse],
    customer_rfm: ibis.Table,
) -> object:
    """Evidence for the number of clusters: inertia and silhouette of 2 to 10."""
    from customer_segments.model.features import training_customers, training_month
    from customer_segments.model.selection import N_CLUSTERS, compare_n_clusters

    month = training_month(customer_rfm, warehouse, config.training_month)
    customers = training_customers(
        customer_rfm, warehouse, month, min_customers=max(N_CLUSTERS) + 1
    )
    return MODEL_SELECTION.arrow(compare_n_clusters(customers, seed=config.seed, month=month))


@dg.asset(group_name=GROUP, deps=[kmeans_model], **asset_attributes(CHAMPION_MODEL))
def champion_model(
    context: dg.AssetExecutionContext,
    config: ChampionConfig,
    warehouse: dg.ResourceParam[Warehouse],
) -> object:
    """Which model version labels customers, since when, and why.

    The first fit promotes itself. After that the champion stays, so that segments stay
    comparable, until somebody names another version in the launchpad.
    """
    from customer_segments.model.champion import decide

    versions, decisions = warehouse.load(KMEANS_MODEL), warehouse.load(CHAMPION_MODEL)
    decided = decide(
        versions, decisions, wanted=config.version, reason=config.reason, run_id=context.run.run_id
    )
    in_force = decided[0]["version"] if decided else decisions["version"].iloc[-1]
    context.add_output_metadata({"champion_version": in_force, "is_new_decision": bool(decided)})
    return CHAMPION_MODEL.arrow(decided)


MODEL_ASSETS = [kmeans_model, model_selection, champion_model]
