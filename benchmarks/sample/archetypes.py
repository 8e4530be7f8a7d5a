"""The planted archetypes: the kinds of customers that a segmentation of the sample must find.

Belongs here: what sets the kinds apart, as plain numbers. Does not: drawing customers from these
numbers (``customers``), nor how the pipeline finds or names its segments.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Archetype:
    """One kind of customer, as the distributions that its members are drawn from.

    Parameters
    ----------
    name
        Name from the RFM vocabulary.
    share
        Part of all customers, 0 to 1.
    recency_median, recency_spread
        Days from the last order to the end of the sample: lognormal, median in days and
        standard deviation of the logarithm.
    history
        Lowest and highest part, 0 to 1, of the time before the last order that lies between the
        first order and the last: uniform.
    further_orders
        Mean number of orders after the first: Poisson, its mean itself gamma distributed, since
        customers of one kind differ too.
    order_value
        Median value of an order in pounds; a customer's own level is lognormal around it.
    """

    name: str
    share: float
    recency_median: float
    recency_spread: float
    history: tuple[float, float]
    further_orders: float
    order_value: float


# Far enough apart that KMeans on log RFM finds them (adjusted Rand index about .9), close enough
# that they overlap as real customers do. Histories are long where they can be, so that the
# customers known at a month's end grow month by month.
ARCHETYPES = (
    Archetype(
        name="Champions",
        share=0.20,
        recency_median=10,
        recency_spread=0.7,
        history=(0.2, 1.0),
        further_orders=13,
        order_value=260,
    ),
    Archetype(
        name="At Risk",
        share=0.28,
        recency_median=120,
        recency_spread=0.38,
        history=(0.25, 1.0),
        further_orders=5.5,
        order_value=230,
    ),
    Archetype(
        name="New Customers",
        share=0.20,
        recency_median=22,
        recency_spread=0.6,
        history=(0.0, 0.08),
        further_orders=0.45,
        order_value=150,
    ),
    Archetype(
        name="Hibernating",
        share=0.32,
        recency_median=370,
        recency_spread=0.38,
        history=(0.0, 0.5),
        further_orders=0.4,
        order_value=130,
    ),
)
