"""Mean silhouettes of several labellings in one pass over the distances.

Belongs here: that one computation. scikit-learn's ``silhouette_score`` does one labelling a
call and computes all distances anew each time; nine numbers of clusters share them here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from customer_segments.model.threads import in_threads

if TYPE_CHECKING:
    import numpy as np

# Distances grow with the square: beyond this a sample of as many. The silhouette of a customer
# varies with a standard deviation of .2 to .3, so a sample's mean has a standard error of .002.
MOST_EXACT = 20_000
# Distances held at a time by a thread, 8 MB: larger than caches, they take twice the time.
DISTANCES = 1_000_000


def silhouettes(
    features: "np.ndarray", labellings: "Sequence[np.ndarray]", most_exact: int = MOST_EXACT
) -> list[float]:
    """Return the mean silhouette of each labelling (Rousseeuw 1987, as scikit-learn defines it).

    Exact up to ``most_exact`` customers. Of more, the same sample of so many for all labellings,
    among whom alone distances are taken: standard error about .25 / sqrt(most_exact).

    Parameters
    ----------
    features
        Shape (customers, features).
    labellings
        Each of shape (customers,), clusters counted from 0, some of which may be empty. One with
        a single cluster gets 0: it says nothing of who belongs together.
    """
    import numpy as np
    from scipy.spatial.distance import cdist

    if len(features) > most_exact:
        drawn = np.random.default_rng(0).choice(len(features), most_exact, replace=False)
        features, labellings = features[drawn], [labels[drawn] for labels in labellings]
    numbered = [np.unique(labels, return_inverse=True)[1] for labels in labellings]
    members = [np.eye(labels.max() + 1)[labels] for labels in numbered]
    sizes = [member.sum(axis=0) for member in members]
    stacked = np.hstack(members)
    ends = np.cumsum([len(size) for size in sizes])[:-1]
    chunk = max(DISTANCES // len(features), 1)

    def totals(start: int) -> list[float]:
        rows = slice(start, start + chunk)
        sums = np.split(cdist(features[rows], features) @ stacked, ends, axis=1)
        return [
            _chunk_total(of_one, labels[rows], size)
            for of_one, labels, size in zip(sums, numbered, sizes, strict=True)
        ]

    by_chunk = in_threads(totals, range(0, len(features), chunk))
    return [sum(of_one) / len(features) for of_one in zip(*by_chunk, strict=True)]


def _chunk_total(sums: "np.ndarray", labels: "np.ndarray", sizes: "np.ndarray") -> float:
    """Add up the silhouettes of a chunk, given summed distances to each cluster."""
    import numpy as np

    if len(sizes) == 1:
        return 0.0
    own = np.arange(len(labels)), labels
    # A customer is at distance 0 of itself and does not count as its own neighbour.
    within = sums[own] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[own] = np.inf
    between = means.min(axis=1)
    score = (between - within) / np.maximum(np.maximum(within, between), np.finfo(float).tiny)
    return float(score[sizes[labels] > 1].sum())
