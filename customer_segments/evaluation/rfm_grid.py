"""The classic baseline: quintile scores of R, F and M, and eleven names on a grid of them.

Belongs here: scores and the grid, as the field has used them since mail order. Does not: the
names that clusters get (``model.names``).

The grid is the map from score pairs to names that public RFM notebooks and tutorials repeat to the
letter (``[1-2][1-2]`` is hibernating, ``[1-2][3-4]`` at risk, ``5[4-5]`` champions, ...). It has
ten names; the eleventh, Lost, which tables with ranges that overlap give to the lowest scores, is
the lowest cell here.
"""

from collections.abc import Callable

import numpy as np

from customer_segments.model.features import FEATURES

N_SCORES = 5
# Rows: recency score 5 (most recent) down to 1. Columns: frequency and money score 1 to 5.
GRID = (
    ("New Customers", "Potential Loyalists", "Potential Loyalists", "Champions", "Champions"),
    ("Promising", *["Potential Loyalists"] * 2, "Loyal Customers", "Loyal Customers"),
    ("About To Sleep", "About To Sleep", "Need Attention", "Loyal Customers", "Loyal Customers"),
    ("Hibernating", "Hibernating", "At Risk", "At Risk", "Cannot Lose Them"),
    ("Lost", "Hibernating", "At Risk", "At Risk", "Cannot Lose Them"),
)
GRID_NAMES = tuple(dict.fromkeys(name for row in GRID for name in row))


def grid_of(known: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Learn the quintiles of customers, shape (customers, 3); return what groups others by them."""
    edges = quintile_edges(known)
    return lambda others: grid_cells(quintile_scores(others, edges))


def quintile_edges(features: np.ndarray) -> np.ndarray:
    """Return the four inner edges of the quintiles of each feature, shape (4, 3).

    ``features`` are of shape (customers, 3); logarithms and scaling change no quintile.
    """
    return np.quantile(features, np.arange(1, N_SCORES) / N_SCORES, axis=0)


def quintile_scores(features: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the scores 1 to 5 of each customer in R, F and M, shape (customers, 3).

    5 is the most recent, the most frequent, the most money. Customers who are the same in a
    feature have the same score: that many bought once leaves some scores of F with nobody.
    (Tutorials rank ties by their order in the file, which is no property of a customer.)
    """
    scores = [
        np.searchsorted(*column, side="left") + 1
        for column in zip(edges.T, features.T, strict=True)
    ]
    recency = FEATURES.index("recency")
    scores[recency] = N_SCORES + 1 - scores[recency]
    return np.column_stack(scores)


def grid_cells(scores: np.ndarray) -> np.ndarray:
    """Return for each customer the index of its name in ``GRID_NAMES``, shape (customers,).

    The second side of the grid is the mean of the scores of F and M, halves rounded up.
    """
    numbers = np.array([[GRID_NAMES.index(name) for name in row] for row in GRID])
    recency, frequency, monetary = scores.T
    return numbers[N_SCORES - recency, (frequency + monetary + 1) // 2 - 1]
