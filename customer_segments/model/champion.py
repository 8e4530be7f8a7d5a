"""The champion: which version labels customers, since when, and why.

Belongs here: the decision, and matching the clusters of two versions. Does not: fitting.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.model.features import FEATURES

if TYPE_CHECKING:
    import pandas as pd


def decide(
    versions: "pd.DataFrame",
    decisions: "pd.DataFrame",
    *,
    wanted: str | None,
    reason: str,
    run_id: str,
) -> list[dict]:
    """Return the decision to append as ``CHAMPION_MODEL`` has it, or nothing.

    The first fit promotes itself; after that the champion stays until somebody names another.

    Parameters
    ----------
    versions
        ``kmeans_model``, all versions.
    decisions
        ``champion_model`` so far, may be empty.
    wanted
        Version to promote, or ``None``.
    """
    if wanted is not None and wanted not in set(versions["version"]):
        raise UserError(
            f"There is no model version {wanted!r}.",
            f"Choose one of {', '.join(sorted(set(versions['version'])))}.",
        )
    if wanted is None and len(decisions):
        return []
    if wanted is None:
        if versions.empty:
            raise UserError("There is no model yet.", "Materialize kmeans_model first.")
        newest = versions.sort_values(["training_month", "version"]).iloc[-1]
        wanted, reason = newest["version"], "first fit"
    before = decisions.sort_values("decision").iloc[-1]["version"] if len(decisions) else None
    if before == wanted:
        return []
    return [
        {
            "decision": len(decisions) + 1,
            "version": wanted,
            "decided_at": datetime.now(UTC).replace(tzinfo=None),
            "reason": reason or "chosen by hand",
            "matching": match_segments(versions, before, wanted) if before else "",
            "run_id": run_id,
        }
    ]


def match_segments(versions: "pd.DataFrame", old: str, new: str) -> str:
    """Say which segment of version ``old`` became which of ``new``.

    Clusters are matched by the least total distance between centroids, compared as
    log1p values, since the two versions are standardized by different scales.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    sides = [versions[versions["version"] == version] for version in (old, new)]
    matched = linear_sum_assignment(cdist(*(log_centroids(side) for side in sides)))
    became = {
        sides[0]["segment"].iloc[a]: sides[1]["segment"].iloc[b]
        for a, b in zip(*matched, strict=True)
    }
    return "; ".join(f"{before} -> {after}" for before, after in became.items())


def log_centroids(version: "pd.DataFrame"):
    """Return a version's centroids as log1p values, shape (clusters, 3)."""
    import numpy as np

    return np.column_stack(
        [
            version[f"{name}_centroid"] * version[f"{name}_scale"] + version[f"{name}_mean"]
            for name in FEATURES
        ]
    )
