"""What a single launch may say beyond the policy, as the launchpad shows it."""

from pydantic import Field

from customer_segments.policy.model import Gate, Model, Selection

TRAINING_MONTH = Field(
    # Not None, which a launchpad does not show.
    default="",
    pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$",
    description="Snapshot month to train on, YYYY-MM; empty for the newest complete one.",
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
