"""Whether the model that labels is still one to trust.

Belongs here: thresholds for newly fitted versions and for the champion. Does not: the gate that
a challenger has to pass (``gate``), measuring (``comparison``).
"""

from typing import TYPE_CHECKING

import dagster as dg
from ibis.expr.types import Table
from pydantic import Field

from customer_segments.monitoring.verdicts import Judged, Level, Verdict, level, worst
from customer_segments.tables import CHAMPION_MODEL, KMEANS_MODEL

if TYPE_CHECKING:
    import pandas as pd


class SilhouetteThresholds(dg.Config):
    """From where on clusters do not separate."""

    silhouette_warn: float = Field(
        default=0.25,
        ge=-1,
        le=1,
        description="Warn where the mean silhouette is not above this: Kaufman and Rousseeuw "
        "(1990) find no substantial structure below.",
    )
    silhouette_fail: float = Field(default=0.15, ge=-1, le=1, description="The same, as an error.")


class ModelThresholds(SilhouetteThresholds):
    """From where on a fitted version stands out."""

    smallest_warn: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Warn where a cluster has no more than this share of the training customers.",
    )
    smallest_fail: float = Field(default=0.01, ge=0, le=1, description="The same, as an error.")


class ChampionThresholds(SilhouetteThresholds):
    """From where on the champion stands out."""

    stability_warn: float = Field(
        default=0.85,
        ge=-1,
        le=1,
        description="Warn where its mean adjusted Rand index over resamples is not above this; "
        "the gate asks as much of a challenger.",
    )
    stability_fail: float = Field(default=0.70, ge=-1, le=1, description="The same, as an error.")
    moved_warn: float = Field(
        default=0.10,
        ge=0,
        le=1,
        description="Warn where the newest refit alone would move this share of the customers.",
    )
    moved_fail: float = Field(default=0.25, ge=0, le=1, description="The same, as an error.")


def versions(model: Table) -> Table:
    """Return silhouette and smallest share of the versions of the newest training month."""
    newest = model.filter(model.training_month == model.training_month.max())
    return newest.group_by("version", month="training_month").agg(
        silhouette=newest.silhouette.max(),
        smallest_share=(newest.customers / newest.training_customers).min(),
    )


def judge_fit(rows: list[dict], thresholds: ModelThresholds) -> Judged:
    """Judge how well the clusters of the newest versions separate, and their sizes.

    Parameters
    ----------
    rows
        As ``versions`` returns them.
    """
    verdicts = []
    for row in sorted(map(dict, rows), key=lambda row: row["version"]):
        levels = [
            not_above(row["silhouette"], thresholds.silhouette_warn, thresholds.silhouette_fail),
            not_above(row["smallest_share"], thresholds.smallest_warn, thresholds.smallest_fail),
        ]
        said = (
            f"version {row['version']} has a silhouette of {row['silhouette']:.2f} and a cluster "
            f"with {row['smallest_share']:.1%} of the customers"
        )
        judged, month = worst(levels), row.pop("month")
        verdicts.append(Verdict.of(month, judged, said, row))
    return Judged(
        KMEANS_MODEL.table,
        "fit",
        tuple(verdicts),
        "Fit fewer clusters, or on another month; model_selection compares numbers of clusters.",
        thresholds.model_dump(),
    )


def judge_champion(
    decisions: "pd.DataFrame",
    model: "pd.DataFrame",
    selection: "pd.DataFrame",
    thresholds: ChampionThresholds,
) -> list[Judged]:
    """Judge silhouette and stability of the champion, and what a refit would do to its labels.

    Parameters
    ----------
    decisions
        ``champion_model``, in order.
    model
        ``kmeans_model``.
    selection
        ``model_selection``, may be empty.
    """
    champion = decisions["version"].iloc[-1]
    clusters = model[model["version"] == champion]
    silhouette = float(clusters["silhouette"].iloc[0]) if len(clusters) else None
    stability = champion_stability(champion, decisions, clusters, selection)
    # A refit with another number of clusters moves customers by intent.
    sizes = model.groupby("version").size()
    refits = decisions[
        decisions["moved_share"].notna()
        & (decisions["challenger"].map(sizes) == len(clusters))
        & (decisions["verdict"].isin(["promoted", "kept"]))
    ]
    moved = float(refits["moved_share"].iloc[-1]) if len(refits) else None
    return [
        _judged(
            "silhouette",
            silhouette,
            not_above(silhouette, thresholds.silhouette_warn, thresholds.silhouette_fail),
            f"the champion {champion} has a silhouette of {silhouette or 0:.2f}",
            "the champion is not in kmeans_model",
            "Its segments overlap: look at model_selection, and refit.",
        ),
        _judged(
            "stability",
            stability,
            not_above(stability, thresholds.stability_warn, thresholds.stability_fail),
            f"the champion {champion} is stable under resampling to {stability or 0:.2f} only",
            "not measured yet: model_selection over its training month does, as does a refit",
            "Its segments depend on which customers it happened to see: fit fewer clusters.",
        ),
        _judged(
            "refit_moves",
            moved,
            level(moved, warn=thresholds.moved_warn, fail=thresholds.moved_fail),
            f"the newest refit alone would move {moved or 0:.1%} of the customers",
            "no refit so far",
            "The champion is out of date, or the refit saw a month that is not complete: compare "
            "them in champion_model, and promote the one that campaigns are to follow.",
        ),
    ]


def champion_stability(
    champion: str, decisions: "pd.DataFrame", clusters: "pd.DataFrame", selection: "pd.DataFrame"
) -> float | None:
    """Return the champion's own figure from when it was the challenger, or else the evidence's.

    The evidence is of the same model where it is of as many clusters of the same customers.

    Parameters
    ----------
    clusters
        Its rows of ``kmeans_model``, may be empty.
    """
    own = decisions[(decisions["challenger"] == champion) & decisions["stability"].notna()]
    if len(own):
        return float(own["stability"].iloc[-1])
    trained_on = ["n_clusters", "training_month", "training_customers"]
    measured = selection[selection["stability"].notna()]
    found = clusters.head(1)[trained_on].merge(measured, on=trained_on)["stability"]
    return float(found.iloc[0]) if len(found) else None


def not_above(value: float | None, warn: float, fail: float) -> Level:
    """Return how bad a value is of which less is worse."""
    return level(None if value is None else -value, warn=-warn, fail=-fail)


def _judged(
    check: str, value: float | None, bad: Level, said: str, unknown: str, advice: str
) -> Judged:
    figures = {} if value is None else {check: value}
    verdict = (
        Verdict.not_judged(None, unknown, figures)
        if value is None
        else Verdict.of(None, bad, said, figures)
    )
    return Judged(CHAMPION_MODEL.table, check, (verdict,), advice, metadata=dict(figures))
