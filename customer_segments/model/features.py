"""Features of a customer: recency, frequency and monetary value on one scale, and their score.

Belongs here: the transformation, once for NumPy (to fit) and once for Ibis (to score), side by side
so that they cannot drift apart. Does not: whose values are taken (``training``), fitting.
"""

from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
from ibis.expr.types import Table

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}
FEATURES = tuple(COLUMNS)
# Of the score: whoever bought lately, often and for much is worth most.
SIGNS = (-1.0, 1.0, 1.0)
# A quarter in days, and an order; the unit of money is learned, as a share of the median.
RECENCY_UNIT, FREQUENCY_UNIT, MONEY_SHARE = 90.0, 1.0, 0.1
# Beyond these quantiles customers are as far out as at them: wholesalers pull no centroid.
WINSORIZED = (0.025, 0.975)
# A version's columns by feature, as the fields of ``Scaling`` are called.
SCALED_BY = ("unit", "low", "high", "mean", "scale")
# What versions of before there were units, bounds and a score have in their columns, which takes
# nothing from how they label; and they keep their hashes, which leave such numbers out.
UNBOUNDED = 1_000.0
NEUTRAL = {
    "score_weight": 0.0,
    **{f"{name}_unit": 1.0 for name in FEATURES},
    **{f"{name}_low": 0.0 for name in FEATURES},
    **{f"{name}_high": UNBOUNDED for name in FEATURES},
}


class Scaling(NamedTuple):
    """How values become features; arrays of shape (3,), in order of ``FEATURES``.

    x = log1p(max(value, 0) / unit), cut at ``low`` and ``high``, less ``mean``, by ``scale``: z.
    The score is -z of recency + z of frequency + z of monetary; ``score_weight`` is what its
    squared distance counts beside those of the three. Versions of before there was a score have
    units of 1, bounds that nobody reaches, and a weight of 0.
    """

    unit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    score_weight: float = 1.0

    @classmethod
    def learned(cls, values: np.ndarray, weights: np.ndarray) -> "Scaling":
        """Return the scaling of values as ``values_of`` returns them, each so many times."""

        def quantile(of: np.ndarray, at: float | tuple[float, ...]) -> np.ndarray:
            return np.quantile(of, at, axis=0, weights=weights, method="inverted_cdf")

        # Where half the customers returned all they bought, any unit will do.
        money = float(quantile(values[:, -1], 0.5)) * MONEY_SHARE or 1.0
        unit = np.array([RECENCY_UNIT, FREQUENCY_UNIT, money])
        logs = np.log1p(values / unit)
        low, high = quantile(logs, WINSORIZED)
        logs = logs.clip(low, high)
        mean = np.average(logs, axis=0, weights=weights)
        scale = np.sqrt(np.average((logs - mean) ** 2, axis=0, weights=weights))
        # A feature in which all are alike tells nobody apart, and must not divide by zero.
        return cls(unit, low, high, mean, np.where(np.ptp(logs, axis=0) > 0, scale, 1.0))

    @classmethod
    def plain(cls, values: np.ndarray) -> "Scaling":
        """Return log1p standardized, without units, bounds and score: as it was before them."""
        logs = np.log1p(values)
        scale = np.where(np.ptp(logs, axis=0) > 0, logs.std(axis=0), 1.0)
        ones = np.ones(len(FEATURES))
        return cls(ones, ones * 0.0, ones * UNBOUNDED, logs.mean(axis=0), scale, score_weight=0.0)

    @classmethod
    def of(cls, version: "pd.DataFrame") -> "Scaling":
        """Return that of a version, given as its rows of ``KMEANS_MODEL``."""
        first = version.iloc[0]
        unit, low, high, mean, scale = (
            first[[f"{name}_{by}" for name in FEATURES]].to_numpy(float) for by in SCALED_BY
        )
        return cls(unit, low, high, mean, scale, float(first["score_weight"]))

    def features(self, values: np.ndarray) -> np.ndarray:
        """Return z of the three and the weighted score, shape (rows, 4).

        Euclidean distances of these are what customers are told apart by.
        """
        logs = np.log1p(values / self.unit).clip(self.low, self.high)
        return self.with_score((logs - self.mean) / self.scale)

    def with_score(self, z: np.ndarray) -> np.ndarray:
        """Add the weighted score to standardized values, or centroids, of shape (rows, 3)."""
        return np.column_stack([z, z @ np.array(SIGNS) * self.score_weight**0.5])


def values_of(customers: "pd.DataFrame") -> np.ndarray:
    """Return recency, frequency and monetary, cut at 0 below, of shape (customers, 3)."""
    return customers[list(COLUMNS.values())].to_numpy("float64").clip(min=0)


def with_features(customers: Table) -> Table:
    """Add what ``Scaling.features`` returns, as ``recency_z`` and so on, and ``score``.

    Each customer stands beside the scaling of a version, as the columns of ``KMEANS_MODEL``.
    """
    scaled = {}
    for name, column in COLUMNS.items():
        by = {each: customers[f"{name}_{each}"] for each in SCALED_BY}
        value = ibis.greatest(customers[column].cast("float64"), 0.0)
        log = (value / by["unit"] + 1.0).ln()
        within = ibis.least(ibis.greatest(log, by["low"]), by["high"])
        scaled[f"{name}_z"] = (within - by["mean"]) / by["scale"]
    return customers.mutate(**scaled).mutate(score=score_of("z"))


def score_of(column: str) -> ibis.Deferred:
    """Return the score of a table's columns by feature, such as ``z`` or ``centroid``."""
    recency, frequency, monetary = (ibis._[f"{name}_{column}"] for name in FEATURES)
    return frequency + monetary - recency
