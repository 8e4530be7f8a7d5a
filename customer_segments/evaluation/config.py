"""What an analyst may choose about the evaluation, as the launchpad shows it."""

import dagster as dg
from pydantic import Field

from customer_segments.model.config import SelectionConfig

N_CLUSTERS = Field(
    default=[4, 8],
    min_length=1,
    description="Numbers of clusters that KMeans is tried with; of the other algorithms that take "
    "a number, the first.",
)


class AlgorithmsConfig(SelectionConfig):
    """Which clusterings are compared; gates as for the number of clusters."""

    resamples: int = Field(
        default=20, ge=1, description="Resamples that stability is the mean of, per algorithm."
    )
    n_clusters: list[int] = N_CLUSTERS


class BacktestConfig(dg.Config):
    """Which past dates are looked back to, and how far ahead of each."""

    as_of: list[str] = Field(
        default=[],
        description="First days of months, YYYY-MM-01, at which customers are grouped; empty for "
        "the newest one that the longest horizon of complete months follows, and those three and "
        "six months before, as far as twelve months of history precede them.",
    )
    horizons: list[int] = Field(
        default=[3, 6], min_length=1, description="Months after each date that are foretold."
    )
    min_months: int = Field(default=12, ge=1, description="Least months of history at a date.")
    min_customers: int = Field(default=500, ge=50, description="Least customers at a date.")
    n_clusters: list[int] = N_CLUSTERS
    seed: int = Field(default=42, ge=0, description="Seed of clusterings and of the five folds.")
