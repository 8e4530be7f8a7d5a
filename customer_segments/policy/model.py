"""Rules of fitting, of choosing a champion and of evaluating; none of them decides a row.

``Fitting``, ``Selecting`` and ``Deciding`` add what a single launch may say, as launchpads show it.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from customer_segments.policy.section import Count, Section

Share = Annotated[float, Field(ge=0, le=1)]
RandIndex = Annotated[float, Field(ge=-1, le=1)]
Seed = Annotated[
    int, Field(ge=0, le=2**32 - 1, description="Seed; the same one, the same figures.")
]
AUTO, MOST_CLUSTERS = "auto", 30


def _auto_or_number(value: Any) -> Any:
    number = int(value) if str(value).isdecimal() else 0
    if value != AUTO and not 2 <= number <= MOST_CLUSTERS:
        raise ValueError(f"it is auto, or a number from 2 to {MOST_CLUSTERS}")
    return number or AUTO


class Model(Section):
    """How a model is fitted."""

    # A launchpad knows no choice between a text and a number.
    n_clusters: Annotated[Any, BeforeValidator(_auto_or_number)] = AUTO
    """Segments, from 2 to 30; auto: the most that pass every gate of [selection], 7 on UCI's
    data, and 4 where none does."""
    seed: Seed = 42
    min_months: Count = 12
    """Least months of history to train on."""
    min_customers: int = Field(default=500, ge=2)
    """Least customers to train on."""


class Selection(Section):
    """The evidence for a number of clusters, and the gates of a recommendation."""

    resamples: int = Field(default=50, ge=0)
    """Resamples that stability is the mean of; 0 for none."""
    min_stability: RandIndex = 0.92
    """Gate: least mean adjusted Rand index between the labels and those of refits on resampled
    customers."""
    min_jaccard: Share = 0.75
    """Gate: least mean Jaccard index of the worst cluster with its like in the refits; a stable
    cluster has .75 or more (Hennig 2007)."""
    min_share: Share = 0.05
    """Gate: least share of customers in the smallest cluster, in every month with a year behind
    it."""
    seed: Seed = 42


class Gate(Section):
    """What a challenger has to show to become champion."""

    min_stability: RandIndex = 0.85
    """Gate: least mean adjusted Rand index between a challenger's labels and those of its refits on
    resampled customers."""
    max_moved_share: Share = 0.10
    """Gate: largest share of customers whose segment the refit alone may change."""
    max_silhouette_loss: float = Field(default=0.02, ge=-2, le=2)
    """Gate: how far a challenger's silhouette may lie below the champion's on the same
    customers."""
    bootstrap_resamples: Count = 20
    """Resamples that the stability is the mean of."""
    seed: Seed = 42


def launched_month(description: str) -> Any:
    """Return the field of a month: not None by default, which a launchpad does not show."""
    return Field(default="", pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$", description=description)


TRAINING_MONTH = launched_month(
    "Snapshot month to train on, YYYY-MM; empty for the newest complete one."
)


class Fitting(Model):
    """How a model is fitted, and on which snapshot."""

    training_month: str = TRAINING_MONTH


class Selecting(Selection):
    """The evidence for a number of clusters, and on which snapshot."""

    training_month: str = TRAINING_MONTH


class Deciding(Gate):
    """An explicit choice of the version that labels, or else the gate's thresholds."""

    version: str = Field(
        default="",
        description="Version of kmeans_model to promote, whatever the gate says; empty for the "
        "gate to judge the version fitted last.",
    )
    reason: str = Field(default="", description="Why this version; recorded with the decision.")


class Algorithms(Selection):
    """Which clusterings are compared; gates as for the number of clusters."""

    resamples: Count = 20
    """Resamples that stability is the mean of, per algorithm."""
    n_clusters: list[int] = Field(default=[4, 7], min_length=1)
    """Numbers of clusters that KMeans is tried with; of the other algorithms that take a number,
    the first."""


class Backtest(Section):
    """Which past dates are looked back to, and how far ahead of each."""

    as_of: list[str] = Field(default=[])
    """First days of months, YYYY-MM-01, at which customers are grouped; empty for the newest one
    that the longest horizon of complete months follows, and those three and six months before, as
    far as twelve months of history precede them."""
    horizons: list[int] = Field(default=[3, 6], min_length=1)
    """Months after each date that are foretold."""
    min_months: Count = 12
    """Least months of history at a date."""
    min_customers: int = Field(default=500, ge=50)
    """Least customers at a date."""
    n_clusters: list[int] = Field(default=[])
    """Numbers of clusters that the model is tried with; empty for the evidence's and 4."""
    seed: Seed = 42


class Campaigns(Section):
    """How customers are drawn that campaigns leave alone."""

    control_share: float = Field(default=0.2, ge=0.01, le=0.5)
    """Share of the customers on a month's lists that is left alone, by lot. Groups follow from it:
    to judge lists of before it was changed, say what it was then."""


class Profile(Section):
    """What the data profile draws."""

    sample_rows: int = Field(default=10_000, ge=1, le=100_000)
    """Rows of each table that pictures are made of."""
    seed: Seed = 42
