"""Names, sentences and suggested actions of segments, and their order.

Belongs here: what a cluster is called, and what to do about it (``names.toml``). Names are the
field's own; each is a point in the space of recency, frequency and monetary percentiles, so that a
name always means the same kind of customer, whatever model finds them.
"""

from bisect import bisect
from collections.abc import Iterable

import numpy as np

from customer_segments.tables import GONE, NEW
from customer_segments.texts import read_toml

# Percentiles (recency with 1 = most recent, frequency, monetary) and the suggested action.
SEGMENTS: dict[str, tuple[list[float], str]] = {
    name: (segment["percentiles"], segment["action"])
    for name, segment in read_toml(__package__, "names.toml").items()
}
THIRDS = (1 / 3, 2 / 3)
# Of recency, frequency and monetary, from the lowest third of percentiles up.
LEVELS = [("long ago", "not recent", "recent")]
LEVELS += [(f"low {what}", f"medium {what}", f"high {what}") for what in ("frequency", "value")]


def name_clusters(positions: np.ndarray) -> list[str]:
    """Give each cluster a name, all different, with the least total distance to their points.

    ``positions`` are mean percentiles of each cluster, shape (clusters, 3). With more clusters than
    names, a name is used again with a number behind it.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    rounds = -(-len(positions) // len(SEGMENTS))
    names = [f"{name} {turn}" for turn in range(1, rounds + 1) for name in SEGMENTS]
    points = [point for point, _ in SEGMENTS.values()] * rounds
    # All clusters in order: there are as many names, or more.
    _, chosen = linear_sum_assignment(cdist(positions, points))
    return [names[index].removesuffix(" 1") for index in chosen]


def describe(segment: str, position: Iterable[float]) -> dict[str, str]:
    """Return the columns ``segment``, ``description`` and ``suggested_action`` of a cluster."""
    said = [levels[bisect(THIRDS, at)] for levels, at in zip(LEVELS, position, strict=True)]
    action = SEGMENTS[name_of(segment)][1]
    words = ", ".join(reversed(said))
    return {"segment": segment, "description": words, "suggested_action": action}


def name_of(segment: str) -> str:
    """Return the name of the vocabulary, without which of the segments so called it is."""
    return segment.rstrip("0123456789 ")


def in_order(segments: Iterable[str], model: Iterable[str] = ()) -> list[str]:
    """Return segments once each, best first: in their model's order, or that of all names.

    New customers come first, who is gone comes last.
    """
    places = {name: place for place, name in enumerate((NEW, *model))}
    if len(places) == 1:
        places |= {name: place for place, name in enumerate(SEGMENTS, 1)}
    # Behind them names that another model brought along.
    places[GONE] = len(places) + 1
    last = len(places) - 1
    return sorted(
        set(segments), key=lambda name: (places.get(name, places.get(name_of(name), last)), name)
    )
