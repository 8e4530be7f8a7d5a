"""Thresholds of the checks: from where on a figure is worth a look, and from where on an error.

Belongs here: the numbers, with what they are compared with. Does not: the figures (each stage's
``judges``), or what is exact and has no threshold (contracts, reconciliation).
"""

from customer_segments.policy.section import Count, Section


class Limits(Section):
    """A figure at ``warn`` is worth a look, one at ``fail`` is an error."""

    warn: float
    fail: float


class Checks(Section):
    """Thresholds by check."""

    volume: Limits = Limits(warn=2, fail=4)
    """Rows, revenue or customers of a month as a multiple of what is usual, or usual as a multiple
    of them. A Christmas season doubles a gift shop's sales."""
    reject_rate: Limits = Limits(warn=0.10, fail=0.40)
    """Share of a month's rows that a reason rejects, above the median of the twelve before."""
    growth: Limits = Limits(warn=0.25, fail=1.0)
    """Growth of a snapshot's customers since the month before; in the first year of the data they
    may grow as they like."""
    loss: Limits = Limits(warn=0.05, fail=0.20)
    """Share of customers that a snapshot lost since the month before. Without a look-back window
    customers never leave."""
    negative: Limits = Limits(warn=0.05, fail=0.20)
    """Share of customers who returned all that they bought, or more: sales may be missing, or be
    taken for credit notes."""
    silhouette: Limits = Limits(warn=0.25, fail=0.15)
    """Mean silhouette of a fitted version, or below: Kaufman and Rousseeuw (1990) find no
    substantial structure up to .25."""
    smallest_cluster: Limits = Limits(warn=0.05, fail=0.01)
    """Share of the training customers in the smallest cluster, or less."""
    stability: Limits = Limits(warn=0.85, fail=0.70)
    """The champion's mean adjusted Rand index over resamples, or less; the gate asks as much of a
    challenger."""
    moved: Limits = Limits(warn=0.10, fail=0.25)
    """Share of customers whom the newest refit alone would move."""
    smallest_segment: Limits = Limits(warn=0.05, fail=0.01)
    """Share of a month's customers in its smallest segment, or less."""
    separation_loss: Limits = Limits(warn=0.05, fail=0.15)
    """How far a month's simplified silhouette lies below that of the training month."""
    movement: Limits = Limits(warn=0.35, fail=0.60)
    """Share of last month's customers in another segment now, or gone. In UCI's data 13 to 28 %."""
    drift_month: Limits = Limits(warn=0.05, fail=0.25)
    """Population stability index of the segments' sizes against the month before. In UCI's data .09
    after Christmas and .01 otherwise."""
    drift_year: Limits = Limits(warn=0.10, fail=0.25)
    """The same against the same month a year before."""
    typical: Limits = Limits(warn=1.4, fail=2.5)
    """A segment's median money or mean orders as a multiple of those of a month before, or those as
    a multiple of them."""
    least_customers: Count = 30
    """Segments with fewer customers, then or now, are not judged."""
