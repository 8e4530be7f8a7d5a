"""How small a difference in the return rate a test can show.

Belongs here: the formula, and the other way round. Does not: the rates (``outputs``).

Bloom 1995, Minimum detectable effects: the standard error times the sum of two normal quantiles,
those of a two-sided test at 5 % and of a power of 80 %; 2.80.
"""

from math import ceil, sqrt
from statistics import NormalDist

# What came of a list is looked at so many complete months after it.
FOLLOWED_MONTHS = 3
CONFIDENCE, POWER = 0.95, 0.80
MULTIPLE = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) + NormalDist().inv_cdf(POWER)
# Of the return rate; what customers are counted for.
FIVE_POINTS = 0.05


def smallest_difference(rate: float, customers: int, control_share: float) -> float | None:
    """Return the smallest difference between two rates that a test shows in four of five cases.

    ``rate`` is what is expected without a campaign, ``customers`` are those of both groups. None
    of a rate of 0 or 1: customers of whom none or all came back do not tell how they vary.
    """
    if not 0 < rate < 1 or not customers:
        return None
    return MULTIPLE * sqrt(_variance(rate, control_share) / customers)


def customers_needed(rate: float, control_share: float) -> int | None:
    """Return how many customers a test of ``FIVE_POINTS`` takes; else as above."""
    if not 0 < rate < 1:
        return None
    return ceil(MULTIPLE**2 * _variance(rate, control_share) / FIVE_POINTS**2)


def _variance(rate: float, control_share: float) -> float:
    """Return the variance of the difference, times the customers."""
    return rate * (1 - rate) / (control_share * (1 - control_share))
