"""The clustering algorithms side by side: separation, stability under resampling, the gates.

Belongs here: measuring labellings of one snapshot, and a sentence on each. Does not: the
algorithms (``labellings``), or what they foretell (``backtest``).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np

from customer_segments.evaluation.labellings import NOISE, Labelling
from customer_segments.model import measures
from customer_segments.model.gates import missed_by_clusters
from customer_segments.policy.model import Selection


def compare_labellings(
    features: np.ndarray, labellings: list[Labelling], config: Selection, *, month: date
) -> Iterator[dict]:
    """Measure each labelling of the customers of one snapshot, as ``ALGORITHM_COMPARISON`` has it.

    ``features`` are standardized, of the snapshot ``month``; ``config`` has resamples (at least
    one), seed and gates.
    """
    for labelling in labellings:
        labels = labelling.labels(features, config.seed)
        row = {
            "labelling": labelling.name,
            "algorithm": labelling.algorithm,
            "settings": labelling.settings,
            "training_month": month,
            "training_customers": len(features),
            **separation(features, labels),
            **stability(features, labels, labelling, config),
        }
        yield row | verdict(row, config)


def separation(features: np.ndarray, labels: np.ndarray) -> dict:
    """Return sizes and internal indices; the latter of clustered customers only, null for one."""
    clustered = labels != NOISE
    sizes = np.unique(labels[clustered], return_counts=True)[1]
    row = {
        "n_clusters": len(sizes),
        "smallest_share": measures.rounded(sizes.min() / len(labels)) if len(sizes) else 0.0,
        "noise_share": measures.rounded(1 - clustered.mean()),
        "silhouette": None,
    }
    if len(sizes) < 2:
        return row
    at, labels = features[clustered], labels[clustered]
    (silhouette,) = measures.silhouettes(at, [labels])
    row["silhouette"] = measures.rounded(silhouette)
    return row | measures.separation_indices(at, labels)


def stability(
    features: np.ndarray, labels: np.ndarray, labelling: Labelling, config: Selection
) -> dict[str, Any]:
    """Fit again on customers drawn with replacement, and compare the labels of all customers.

    As ``model.clustering`` does for KMeans, for whatever gives labels. To be in no cluster counts
    as a label for the Rand index, and not as a cluster for Jaccard's.
    """
    from sklearn.metrics import adjusted_rand_score

    clusters = np.unique(labels[labels != NOISE])

    def one_resample(stream: np.random.SeedSequence) -> tuple[float, np.ndarray]:
        drawn = np.random.default_rng(stream).integers(len(features), size=len(features))
        label = labelling.fit(features[drawn], int(stream.generate_state(1)[0]))
        # Noise becomes the first row and column.
        ours, theirs = labels - NOISE, label(features) - NOISE
        most = int(max(ours.max(), theirs.max()))
        shared = measures.contingency(ours, theirs, most + 1)
        alike = measures.jaccard_indices(shared)[clusters - NOISE, 1:]
        return adjusted_rand_score(ours, theirs), alike.max(axis=1, initial=0)

    streams = np.random.SeedSequence(config.seed).spawn(config.resamples)
    return measures.stability(measures.in_threads(one_resample, streams))


def verdict(row: dict, config: Selection) -> dict:
    """Return whether a labelling passes the gates, and why, in a sentence."""
    if row["n_clusters"] < 2:
        found = "one cluster" if row["n_clusters"] else "no cluster"
        missed = [f"finds {found}: nothing to tell apart"]
    else:
        missed = missed_by_clusters(row, config)
    said = "; ".join(missed) or (
        f"passes every gate: ARI {row['stability']:.3f}, worst cluster's Jaccard "
        f"{row['worst_jaccard']:.3f}, smallest {row['smallest_share']:.1%}"
    )
    noise = f" {row['noise_share']:.1%} of the customers are in no cluster."
    reason = f"{said[0].upper()}{said[1:]}.{noise if row['noise_share'] else ''}"
    return {"passes": not missed, "reason": reason}
