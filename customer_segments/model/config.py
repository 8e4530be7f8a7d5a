"""What an analyst may choose about models, as the launchpad shows it."""

import dagster as dg
from pydantic import Field

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
    """What an analyst may choose about the evidence, and the gates of a recommendation."""

    resamples: int = Field(
        default=50, ge=0, description="Resamples that stability is the mean of; 0 for none."
    )
    min_stability: float = Field(
        default=0.92,
        ge=-1,
        le=1,
        description="Gate: least mean adjusted Rand index between the labels and those of refits "
        "on resampled customers.",
    )
    min_jaccard: float = Field(
        default=0.75,
        ge=0,
        le=1,
        description="Gate: least mean Jaccard index of the worst cluster with its like in the "
        "refits; a stable cluster has .75 or more (Hennig 2007).",
    )
    min_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Gate: least share of customers in the smallest cluster.",
    )
    seed: int = SEED
    training_month: str | None = TRAINING_MONTH


class ChampionConfig(dg.Config):
    """An explicit choice of the version that labels, or else the gate's thresholds."""

    version: str | None = Field(
        default=None,
        description="Version of kmeans_model to promote, whatever the gate says; empty for the "
        "gate to judge the version fitted last.",
    )
    reason: str = Field(default="", description="Why this version; recorded with the decision.")
    min_stability: float = Field(
        default=0.85,
        ge=-1,
        le=1,
        description="Gate: least mean adjusted Rand index between a challenger's labels and those "
        "of its refits on resampled customers.",
    )
    max_moved_share: float = Field(
        default=0.10,
        ge=0,
        le=1,
        description="Gate: largest share of customers whose segment the refit alone may change.",
    )
    max_silhouette_loss: float = Field(
        default=0.02,
        ge=-2,
        le=2,
        description="Gate: how far a challenger's silhouette may lie below the champion's on the "
        "same customers.",
    )
    bootstrap_resamples: int = Field(
        default=20, ge=1, description="Resamples that the stability is the mean of."
    )
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="Seed of the resamples.")
