"""Which products go together: how much having one speaks for another.

Belongs here: learning it from who bought what, exactly for a usual catalogue, sparsely for a large
one. Does not: who is offered what (``lists``).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy.linalg import inv
from scipy.sparse import csr_array

from customer_segments.offers.history import History

# EASE inverts a matrix of all products by all: 6,000 take 8 s and 150 MB, 100,000 would take 40 GB.
MOST_EXACT = 6_000
# Ridge penalty of EASE.
PENALTY = 300
# Of the asymmetric cosine: exponent of the product that is spoken for, customers added to each, and
# products that each one speaks for. Of .5 to 1, 10 to 30 and 10 to 400 the best on Online Retail
# II, at two dates (half of the usual cosine's gain over popularity comes with .5 and 100).
ASYMMETRY, SHRINKAGE, NEIGHBOURS = 0.7, 10, 20
# Products whose pairs with all others are looked at at once: 100,000 take 300 MB at most.
BLOCK = 256


class Similarity(Protocol):
    """What products speak for which; ``held`` are numbers of those a customer has."""

    def scores(self, held: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return how much what is held, by its weights, speaks for each product: (products,)."""

    def shares(self, held: np.ndarray, weights: np.ndarray, of: np.ndarray) -> np.ndarray:
        """Return what each one adds to the scores of some products: (held, of)."""


@dataclass(frozen=True)
class Ease:
    """Weights of all products (rows) for all products (columns)."""

    weights: np.ndarray

    def scores(self, held: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See ``Similarity``."""
        return weights @ self.weights[held]

    def shares(self, held: np.ndarray, weights: np.ndarray, of: np.ndarray) -> np.ndarray:
        """See ``Similarity``."""
        return weights[:, None] * self.weights[np.ix_(held, of)]


@dataclass(frozen=True)
class Neighbours:
    """The products that each product speaks for most, and how much: (products, NEIGHBOURS)."""

    products: np.ndarray
    weights: np.ndarray

    def scores(self, held: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See ``Similarity``."""
        spoken = weights[:, None] * self.weights[held]
        return np.bincount(self.products[held].ravel(), spoken.ravel(), len(self.products))

    def shares(self, held: np.ndarray, weights: np.ndarray, of: np.ndarray) -> np.ndarray:
        """See ``Similarity``."""
        spoken = (weights[:, None] * self.weights[held])[:, :, None]
        return np.where(self.products[held][:, :, None] == of, spoken, 0).sum(axis=1)


def similarity(history: History, most_exact: int = MOST_EXACT) -> Similarity:
    """Learn from the purchases of the last year: by EASE, or past so many products by cosine."""
    speaks = history.speaks.astype("float32")
    shape = len(history.customers), len(history.products)
    # A copy: what says nothing is taken out in place, and the history goes on having it.
    bought = csr_array((speaks, history.product, history.starts), shape, copy=True)
    bought.eliminate_zeros()
    return ease(bought) if shape[1] <= most_exact else cosine(bought)


def ease(bought: csr_array) -> Ease:
    """Fit EASE (Steck 2019), a linear model of each product by all others, in closed form.

    ``bought`` has ones, shape (customers, products). The weights are -P[i, j] / P[j, j] with
    P = (X'X + 300 I)^-1, and zero on the diagonal.
    """
    gram = (bought.T @ bought).toarray()
    gram[np.diag_indices_from(gram)] += PENALTY
    weights = inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0)
    return Ease(weights)


def cosine(bought: csr_array) -> Neighbours:
    """Return the products that each one speaks for most, by the asymmetric cosine (Aiolli 2013).

    Customers of both / ((customers of the one + 10)^.3 (customers of the other + 10)^.7), with
    ``bought`` as for ``ease``.
    """
    customers = bought.sum(axis=0) + SHRINKAGE
    one, other = customers ** (ASYMMETRY - 1), customers**-ASYMMETRY
    by_product = bought.T.tocsr()
    products = np.zeros((len(customers), NEIGHBOURS), "int32")
    weights = np.zeros((len(customers), NEIGHBOURS), "float32")
    for first in range(0, len(customers), BLOCK):
        both = by_product[first : first + BLOCK] @ bought
        for product, (start, end) in enumerate(pairwise(both.indptr), first):
            found = both.indices[start:end]
            spoken = both.data[start:end] * other[found] * (found != product)
            best = largest(spoken, NEIGHBOURS)
            products[product, : len(best)] = found[best]
            weights[product, : len(best)] = spoken[best] * one[product]
    return Neighbours(products, weights)


def largest(scores: np.ndarray, most: int) -> np.ndarray:
    """Return the places of at most so many of the scores above 0, the largest first."""
    places = np.flatnonzero(scores > 0)
    if len(places) > most:
        places = np.sort(places[np.argpartition(-scores[places], most - 1)[:most]])
    return places[np.argsort(-scores[places], kind="stable")]
