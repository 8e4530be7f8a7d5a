"""From where on segments stand out, as the launchpad shows it."""

import dagster as dg
from pydantic import Field


class SegmentThresholds(dg.Config):
    """From where on a month's labels stand out."""

    smallest_warn: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Warn where a segment has no more than this share of the customers.",
    )
    smallest_fail: float = Field(default=0.01, ge=0, le=1, description="The same, as an error.")
    separation_loss_warn: float = Field(
        default=0.05,
        gt=0,
        description="Warn where customers lie so much less clearly in their segments than those "
        "of the training month (simplified silhouette).",
    )
    separation_loss_fail: float = Field(default=0.15, gt=0, description="The same, as an error.")


class MigrationThresholds(dg.Config):
    """From where on a month's moves stand out."""

    moved_warn: float = Field(
        default=0.35,
        gt=0,
        le=1,
        description="Warn where this share of last month's customers is in another segment now, "
        "or gone. In UCI's data 13 to 28 % are.",
    )
    moved_fail: float = Field(default=0.60, gt=0, le=1, description="The same, as an error.")


class ProfileThresholds(dg.Config):
    """From where on a month's profiles stand out."""

    drift_month_warn: float = Field(
        default=0.05,
        gt=0,
        description="Warn where the population stability index of the segments' sizes against the "
        "month before is this. In UCI's data it is .09 after Christmas and .01 otherwise.",
    )
    drift_year_warn: float = Field(
        default=0.10,
        gt=0,
        description="Warn where it is this against the same month a year before.",
    )
    drift_fail: float = Field(
        default=0.25, gt=0, description="Fail where either is this: another population."
    )
    typical_warn_factor: float = Field(
        default=1.4,
        gt=1,
        description="Warn where a segment's median money or mean orders are this many times those "
        "of a month before, or those are so many times them.",
    )
    typical_fail_factor: float = Field(default=2.5, gt=1, description="The same, as an error.")
    least_customers: int = Field(
        default=30, ge=1, description="Segments with fewer customers, then or now, are not judged."
    )
