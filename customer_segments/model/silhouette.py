"""Mean silhouettes of several labellings in one pass over the distances.

Belongs here: that one computation. scikit-learn's ``silhouette_score`` does one labelling a
call and computes all distances anew each time; nine numbers of clusters share them here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Rows of the distance matrix held at a time: 1,000 x 6,000 customers are 48 MB.
CHUNK = 1_000


def silhouettes(features: "np.ndarray", labellings: "Sequence[np.ndarray]") -> list[float]:
    """Return the mean silhouette of each labelling (Rousseeuw 1987, as scikit-learn defines it).

    Parameters
    ----------
    features
        Shape (customers, features).
    labellings
        Each of shape (customers,), clusters counted from 0, none of them empty.
    """
    import numpy as np
    from sklearn.metrics.pairwise import euclidean_distances

    members = [np.eye(labels.max() + 1)[labels] for labels in labellings]
    stacked = np.hstack(members)
    totals = [0.0] * len(labellings)
    for start in range(0, len(features), CHUNK):
        rows = slice(start, start + CHUNK)
        sums = euclidean_distances(features[rows], features) @ stacked
        offset = 0
        for index, (labels, member) in enumerate(zip(labellings, members, strict=True)):
            clusters = member.shape[1]
            totals[index] += _chunk_total(
                sums[:, offset : offset + clusters], labels[rows], member.sum(axis=0)
            )
            offset += clusters
    return [total / len(features) for total in totals]


def _chunk_total(sums: "np.ndarray", labels: "np.ndarray", sizes: "np.ndarray") -> float:
    """Add up the silhouettes of a chunk, given summed distances to each cluster."""
    import numpy as np

    own = np.arange(len(labels)), labels
    # A customer is at distance 0 of itself and does not count as its own neighbour.
    within = sums[own] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[own] = np.inf
    between = means.min(axis=1)
    score = (between - within) / np.maximum(np.maximum(within, between), np.finfo(float).tiny)
    return float(score[sizes[labels] > 1].sum())
