"""How good a labelling is, whatever made it: how clusters separate, how alike two labellings are.

Belongs here: the figures, as pure functions. Does not: refits (``clustering``), thresholds
(``gates``). Of scikit-learn's, the silhouette does one labelling a call and computes all distances
anew each time, which nine numbers of clusters share here.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

# Beyond these digits, threads and processors disagree.
SIGNIFICANT_DIGITS = 10
# Distances grow with the square: beyond this a sample of as many. The silhouette of a customer
# varies with a standard deviation of .2 to .3, so a sample's mean has a standard error of .0025;
# numbers of clusters differ by hundredths.
MOST_EXACT = 10_000
# Distances held at a time by a thread, 8 MB: larger than caches, they take twice the time.
DISTANCES = 1_000_000


def stability(resamples: Sequence[tuple[float, np.ndarray]]) -> dict[str, Any]:
    """Return the columns that say how well a clustering survives resampling, as means.

    ``resamples`` are of each the Rand index and each cluster's Jaccard's. The Rand index is 1 if
    labels agree up to numbering, about 0 if only by chance (Hubert and Arabie 1985). Jaccard's, of
    each cluster with the one of the resample most like it (Hennig 2007), is .75 and more for a
    stable cluster, below .6 for one not to be trusted; there is no worst of no clusters.
    """
    indices, jaccards = zip(*resamples, strict=True)
    jaccard = [rounded(index) for index in np.mean(jaccards, axis=0)]
    return {
        "stability": rounded(float(np.mean(indices))),
        "cluster_jaccard": jaccard,
        "worst_jaccard": min(jaccard, default=None),
    }


def rounded(number: float) -> float:
    """Return a figure without the digits in which machines differ."""
    return float(f"{float(number):.{SIGNIFICANT_DIGITS}g}")


def separation_indices(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return the columns of the Davies-Bouldin and the Calinski-Harabasz index."""
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    return {
        "davies_bouldin": rounded(davies_bouldin_score(features, labels)),
        "calinski_harabasz": rounded(calinski_harabasz_score(features, labels)),
    }


def contingency(labels: np.ndarray, others: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return how many customers are in cluster i of one and j of the other labelling."""
    counts = np.bincount(labels * n_clusters + others, minlength=n_clusters**2)
    return counts.reshape(n_clusters, n_clusters)


def jaccard_indices(shared: np.ndarray) -> np.ndarray:
    """Return the Jaccard index of each row's cluster with each column's; 0 if nobody is in it."""
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    return shared / np.maximum(either, 1)


def silhouettes(
    features: np.ndarray, labellings: Sequence[np.ndarray], most_exact: int = MOST_EXACT
) -> list[float]:
    """Return the mean silhouette of each labelling (Rousseeuw 1987, as scikit-learn defines it).

    Exact up to ``most_exact`` customers. Of more, the same sample of so many for all labellings,
    among whom alone distances are taken: standard error about .25 / sqrt(most_exact).

    ``labellings`` are of shape (customers,), clusters counted from 0, some of which may be empty.
    One with a single cluster gets 0: it says nothing of who belongs together.
    """
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
        return list(map(_chunk_total, sums, [labels[rows] for labels in numbered], sizes))

    by_chunk = in_threads(totals, range(0, len(features), chunk))
    return [sum(of_one) / len(features) for of_one in zip(*by_chunk, strict=True)]


def _chunk_total(sums: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> float:
    """Add up the silhouettes of a chunk, given summed distances to each cluster."""
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


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return what the function makes of each item, in their order.

    Each call computes on one thread: sums are then added up in one order on any machine. Meanwhile
    scikit-learn and NumPy let go of the interpreter.
    """
    # BLAS is limited for the process, OpenMP for each thread by itself.
    with (
        threadpool_limits(limits=1),
        ThreadPoolExecutor(os.cpu_count(), initializer=threadpool_limits, initargs=(1,)) as pool,
    ):
        return list(pool.map(function, items))
