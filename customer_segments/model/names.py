"""Names, sentences and suggested actions of segments.

Belongs here: what a cluster is called, and what to do about it. Names are the field's own;
each is a point in the space of recency, frequency and monetary percentiles, so that a name
always means the same kind of customer, whatever model finds them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Percentiles (recency with 1 = most recent, frequency, monetary) and the suggested action.
# The points spread the usual RFM grid (recency 1-5 by frequency and monetary 1-5) evenly.
SEGMENTS: dict[str, tuple[tuple[float, float, float], str]] = {
    "Champions": (
        (0.90, 0.90, 0.90),
        "Reward them, show them new products first, ask for reviews; no discounts needed.",
    ),
    "Loyal Customers": (
        (0.70, 0.78, 0.78),
        "Offer a loyalty programme and higher-value products; ask what they would like next.",
    ),
    "Potential Loyalists": (
        (0.75, 0.50, 0.50),
        "Recommend products that go with what they bought; offer membership.",
    ),
    "New Customers": (
        (0.90, 0.15, 0.20),
        "Welcome them, help with the first order, and give a reason for a second one soon.",
    ),
    "Promising": (
        (0.68, 0.22, 0.30),
        "Make the brand known with small samples and a first-repeat offer.",
    ),
    "Need Attention": (
        (0.50, 0.58, 0.58),
        "Make a limited offer based on past purchases before they drift away.",
    ),
    "About To Sleep": (
        (0.48, 0.28, 0.28),
        "Remind them of popular products at a small discount; share something useful.",
    ),
    "At Risk": (
        (0.25, 0.60, 0.60),
        "Write personally, offer renewals, and find out what went wrong.",
    ),
    "Cannot Lose Them": (
        (0.15, 0.88, 0.90),
        "Call them: win them back with service and terms of their own, before a competitor does.",
    ),
    "Hibernating": (
        (0.22, 0.22, 0.22),
        "Send a seasonal reminder with relevant products; spend little.",
    ),
    "Lost": ((0.08, 0.10, 0.10), "One last win-back mail, then leave them out of paid campaigns."),
}


def name_clusters(positions: "np.ndarray") -> list[str]:
    """Give each cluster a name, all different, with the least total distance to their points.

    Parameters
    ----------
    positions
        Mean percentiles of each cluster, shape (clusters, 3). With more clusters than names, a
        name is used again with a number behind it.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    rounds = -(-len(positions) // len(SEGMENTS))
    names = [
        name if turn == 0 else f"{name} {turn + 1}" for turn in range(rounds) for name in SEGMENTS
    ]
    points = np.array([point for point, _ in SEGMENTS.values()] * rounds)
    clusters, chosen = linear_sum_assignment(cdist(positions, points))
    return [names[index] for _, index in sorted(zip(clusters, chosen, strict=True))]


def describe(segment: str, position: tuple[float, float, float]) -> dict[str, str]:
    """Return the columns ``segment``, ``description`` and ``suggested_action`` of a cluster."""
    recency, frequency, monetary = position
    sentence = ", ".join(
        (
            _level(monetary, "low value", "medium value", "high value"),
            _level(frequency, "low frequency", "medium frequency", "high frequency"),
            _level(recency, "long ago", "not recent", "recent"),
        )
    )
    base = segment.rstrip("0123456789 ")
    return {"segment": segment, "description": sentence, "suggested_action": SEGMENTS[base][1]}


def _level(percentile: float, low: str, middle: str, high: str) -> str:
    return low if percentile < 1 / 3 else middle if percentile < 2 / 3 else high
