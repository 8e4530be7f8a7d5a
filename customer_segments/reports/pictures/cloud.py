"""Customers as points, two and three features at a time.

Belongs here: the three planes and the space of recency, frequency and money.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customer_segments.reports.pictures import style
from customer_segments.reports.pictures.customers import FEATURES
from customer_segments.reports.pictures.palette import FAINT, PAPER, colour, in_order, mark
from customer_segments.reports.pictures.picture import Picture, in_use, is_continuum
from customer_segments.reports.pictures.words import counted

if TYPE_CHECKING:
    from customer_segments.reports.evidence import Evidence

# Customers that are drawn as points: more would hide each other, and show no more.
POINTS = 2_000


def planes(evidence: "Evidence") -> Picture | None:
    """Draw customers in the three planes of recency, frequency and money."""
    customers = evidence.customers
    if customers.empty:
        return None
    segments = in_order(customers["segment"])
    sample, points = _points(customers)
    drawn = style.figure(3.75 + 0.28 * -(-len(segments) // 4))
    top = style.key(drawn, segments, 0.05) + 0.2
    hues = sample["segment"].map({segment: colour(segment) for segment in segments}).to_list()
    width = (style.WIDTH - 0.1) / 3
    for index, (x, y) in enumerate(((0, 1), (0, 2), (1, 2))):
        left = index * width + 0.9
        right = style.WIDTH - (index + 1) * width + 0.02
        axes = style.panel(drawn, left, 0.55, right, top, x=FEATURES[x].label, y=FEATURES[y].label)
        axes.scatter(points[:, x], points[:, y], c=hues, s=7, linewidths=0, alpha=0.7)
        for segment in segments:
            rows = customers[customers["segment"] == segment]
            middle = [style.log10(rows[FEATURES[axis].column].median()) for axis in (x, y)]
            axes.plot(
                *middle, mark(segment), c=colour(segment), ms=11, mec=PAPER, mew=1.5, clip_on=False
            )
        for axis, at in ((axes.xaxis, x), (axes.yaxis, y)):
            low, high = style.bounds(points[:, at])
            axis.set_view_interval(low, high, ignore=True)
            axis.set_ticks(*style.log_ticks(low, high))
    return Picture(
        "planes",
        "customer_segments",
        _correlation(customers),
        f"{_sampled(customers)} The large marks are the segments' medians. Each step on an axis "
        "multiplies.",
        style.png(drawn),
    )


def space(evidence: "Evidence") -> Picture | None:
    """Draw customers in the space of recency, frequency and money."""
    customers = evidence.customers
    if customers.empty:
        return None
    segments = in_order(customers["segment"])
    sample, points = _points(customers)
    drawn = style.figure(5.3 + 0.28 * -(-len(segments) // 4))
    top = style.key(drawn, segments, 0.05)
    # Any: three-dimensional axes have methods that flat ones lack.
    axes: Any = style.panel(drawn, 0.6, 0.05, 0.6, top, projection="3d")
    axes.set_box_aspect((1.25, 1, 0.95), zoom=1.02)
    hues = sample["segment"].map({segment: colour(segment) for segment in segments}).to_list()
    axes.scatter(*points.T, c=hues, s=9, linewidths=0, alpha=0.85, depthshade=False)
    axes.view_init(elev=20, azim=-55)
    limits = [style.bounds(column, 0.02) for column in points.T]
    for name, feature, (low, high) in zip("xyz", FEATURES, limits, strict=True):
        places, labels = style.log_ticks(low, high)
        getattr(axes, f"set_{name}lim")(low, high)
        getattr(axes, f"set_{name}ticks")(places, labels)
        label = feature.label.replace(", ", ",\n")
        getattr(axes, f"set_{name}label")(label, fontsize=style.SMALL, labelpad=8)
        axis = getattr(axes, f"{name}axis")
        axis.set_pane_color(PAPER)
        axis.line.set_color(FAINT)
    return Picture(
        "space",
        "customer_segments",
        _cloud(evidence, segments),
        f"{_sampled(customers)} The best customers are up, to the back and to the left: much "
        "money, many orders, few days. Each step on an axis multiplies.",
        style.png(drawn),
    )


def _points(customers: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a seeded sample in random order, and its points, shape (customers, 3)."""
    random = np.random.default_rng(0)
    sample = customers.iloc[random.permutation(len(customers))[:POINTS]]
    points = np.column_stack([style.log10(sample[feature.column]) for feature in FEATURES])
    # Orders are few and whole: without this, thousands of customers would be a line.
    orders = sample["frequency"] + random.uniform(-0.3, 0.3, len(points))
    points[:, 1] = np.log10(orders)
    return sample, points


def _sampled(customers: pd.DataFrame) -> str:
    if len(customers) <= POINTS:
        return "Each dot is a customer; orders are spread a little, so that dots do not hide dots."
    return (
        f"Each dot is one of {POINTS:,} customers drawn at random out of {len(customers):,}; "
        "orders are spread a little, so that dots do not hide dots."
    )


def _cloud(evidence: "Evidence", segments: list[str]) -> str:
    """Say whether the segments are apart, as far as the silhouette of the model in use tells."""
    row = in_use(evidence)
    if len(segments) < 2 or row is None:
        customers = counted(len(evidence.customers), "customer")
        return f"{customers} in {counted(len(segments), 'segment')}"
    is_what = "slices of one cloud, not islands" if is_continuum(row) else "groups of their own"
    return f"The {len(segments)} segments are {is_what}"


def _correlation(customers: pd.DataFrame) -> str:
    """Say whether orders and money go together, by Spearman's rank correlation."""
    ranks = customers[["frequency", "monetary"]].rank()
    if (ranks.nunique() < 2).any():
        return f"{counted(len(customers), 'customer')} by recency, frequency and money"
    rho = ranks["frequency"].corr(ranks["monetary"])
    figure = f"(rank correlation {rho:.2f})"
    if rho >= 0.5:
        return f"Who orders more often has brought more money {figure}"
    if rho <= -0.5:
        return f"Who orders more often has brought less money {figure}"
    return f"How often customers order says little about the money they bring {figure}"
