"""Who is turned to and who is left alone, by lot, and how small a difference that can show.

Belongs here: the draw, as an Ibis expression; the formula of a test's power, and the other way
round. Does not: comparing the groups (``result``), the rates (``outputs``).
"""

from datetime import date
from math import ceil, sqrt
from statistics import NormalDist

import ibis
from ibis.expr.types import StringValue

TEST, CONTROL = "test", "control"
# What came of a list is looked at so many complete months after it.
FOLLOWED_MONTHS = 3
# Bloom 1995, Minimum detectable effects: the standard error times the sum of two normal quantiles,
# those of a two-sided test at 5 % and of a power of 80 %; 2.80.
CONFIDENCE, POWER = 0.95, 0.80
MULTIPLE = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) + NormalDist().inv_cdf(POWER)
# Of the return rate; what customers are counted for.
FIVE_POINTS = 0.05


def campaign_group(customer_id: StringValue, month: date, control_share: float) -> StringValue:
    """Return the group of customers on the lists of a month, ``test`` or ``control``.

    In control is whose MD5 of ``2011-11 13085``, as hexadecimal digits, comes before the share of
    all digests: the same on any engine and for ever, whoever else is on the list, drawn anew each
    month. Of a larger share, those of a smaller one are a part.
    """
    digest = (ibis.literal(f"{month:%Y-%m} ") + customer_id).hexdigest("md5")
    return (digest < f"{round(control_share * 16**8):08x}").ifelse(CONTROL, TEST)


def smallest_difference(rate: float, customers: int, control_share: float) -> float | None:
    """Return the smallest difference between two rates that a test shows in four of five cases.

    ``rate`` is what is expected without a campaign, ``customers`` are those of both groups. None
    of a rate of 0 or 1: customers of whom none or all came back do not tell how they vary. Nor of
    customers so few that no rate could differ by as much.
    """
    if not 0 < rate < 1 or not customers:
        return None
    difference = MULTIPLE * sqrt(_variance(rate, control_share) / customers)
    return difference if difference <= max(rate, 1 - rate) else None


def customers_needed(rate: float, control_share: float) -> int | None:
    """Return how many customers a test of ``FIVE_POINTS`` takes; else as above."""
    if not 0 < rate < 1:
        return None
    return ceil(MULTIPLE**2 * _variance(rate, control_share) / FIVE_POINTS**2)


def _variance(rate: float, control_share: float) -> float:
    """Return the variance of the difference, times the customers."""
    return rate * (1 - rate) / (control_share * (1 - control_share))
