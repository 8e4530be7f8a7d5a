"""Model versions for tests: small made-up ones, and what a warehouse holds of real ones."""

from datetime import date

import dagster as dg
import pandas as pd

from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.model.champion import in_force
from customer_segments.model.features import NEUTRAL
from customer_segments.model.fit import hash_version
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.tables import CHAMPION_MODEL, KMEANS_MODEL
from customer_segments_tests.installations import materialize

FEATURES = ("recency", "frequency", "monetary")


def made_up(centroids: list[tuple[float, float, float]], names: list[str], **changes) -> list[dict]:
    """A version of before there was a score, mean 0 and scale 1: centroids are log1p values."""
    rows = []
    for cluster, centroid in enumerate(centroids):
        row = {
            "cluster": cluster,
            "training_month": date(2024, 1, 1),
            "n_clusters": len(centroids),
            "seed": 1,
            "training_customers": 10 * len(centroids),
            "customers": 10,
            "inertia": 1.5,
            "silhouette": 0.25,
        }
        row |= {f"{name}_mean": 0.0 for name in FEATURES}
        row |= {f"{name}_scale": 1.0 for name in FEATURES}
        row |= {
            f"{name}_centroid": float(value) for name, value in zip(FEATURES, centroid, strict=True)
        }
        row |= {f"{name}_rank": 0.5 for name in FEATURES} | NEUTRAL
        rows.append(row | changes)
    words = {"version": hash_version(rows), "description": "so", "suggested_action": "act"}
    return [row | words | {"segment": name} for row, name in zip(rows, names, strict=True)]


def frame(rows: list[dict]) -> pd.DataFrame:
    """As a warehouse returns them."""
    return KMEANS_MODEL.arrow(rows).to_pandas(date_as_object=False)


def warehouse_of(settings: Settings) -> Warehouse:
    return Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)


def decisions(settings: Settings) -> pd.DataFrame:
    return warehouse_of(settings).load(CHAMPION_MODEL)


def champion(settings: Settings) -> str:
    version, _ = in_force(decisions(settings))
    assert version
    return version


def refit(settings: Settings, choice: dict | None = None, **model) -> dict:
    """Fit and judge, with as many clusters as before; returns what the UI shows of the champion.

    Without new evidence for their number, which has its own tests.
    """
    versions = warehouse_of(settings).load(KMEANS_MODEL)
    model.setdefault("n_clusters", int((versions["version"] == champion(settings)).sum()))
    config = {"kmeans_model": model, "champion_model": choice or {}}
    return shown(materialize(settings, list(config), config=config))


def choose(settings: Settings, **choice) -> dict:
    """Materialize ``champion_model`` alone, in an instance that has seen no fit."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs(Installation.of(settings))
            .resolve_job_def("refit")
            .execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey("champion_model")],
                run_config={"ops": {"champion_model": {"config": choice}}},
            )
        )
    return shown(result)


def shown(result: dg.ExecuteInProcessResult) -> dict:
    (event,) = result.asset_materializations_for_node("champion_model")
    return {name: value.value for name, value in event.metadata.items()}
