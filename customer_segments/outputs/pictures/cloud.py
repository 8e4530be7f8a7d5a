"""Customers as points, two and three features at a time.

Belongs here: the three planes and the space of recency, frequency and money.
"""

from typing import Any

import numpy as np
import pandas as pd

from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.customers import FEATURES
from customer_segments.outputs.pictures.palette import FAINT, PAPER, colour, in_order, mark
from customer_segments.outputs.pictures.picture import Drawn, in_use, is_continuum, picture
from customer_segments.outputs.view import MonthView

# Customers that are drawn as points: more would hide each other, and show no more.
POINTS = 2_000


@picture
def planes(view: MonthView) -> Drawn | None:
    """Draw customers in the three planes of recency, frequency and money."""
    people = view.people
    if people.empty:
        return None
    segments = in_order(people["segment"])
    points, hues = _points(people)
    drawn = style.figure(3.75 + style.LINE * -(-len(segments) // style.ACROSS))
    top = style.key(drawn, segments) + 0.2
    width = (style.WIDTH - 0.1) / 3
    medians = people.groupby("segment")[[feature.column for feature in FEATURES]].median()
    for index, (x, y) in enumerate(((0, 1), (0, 2), (1, 2))):
        left = index * width + 0.9
        right = style.WIDTH - (index + 1) * width + 0.02
        axes = style.panel(drawn, left, 0.55, right, top, x=FEATURES[x].label, y=FEATURES[y].label)
        axes.scatter(points[:, x], points[:, y], c=hues, s=7, linewidths=0, alpha=0.7)
        for segment in segments:
            middle = style.log10(medians.loc[segment].iloc[[x, y]])
            hue = colour(segment)
            axes.plot(*middle, mark(segment), c=hue, ms=11, mec=PAPER, mew=1.5, clip_on=False)
        for axis, at in ((axes.xaxis, x), (axes.yaxis, y)):
            low, high = style.bounds(points[:, at])
            axis.set_view_interval(low, high, ignore=True)
            axis.set_ticks(*style.log_ticks(low, high))
    return Drawn(drawn, {"rho": _rank_correlation(people), **_drawn(people)})


@picture
def space(view: MonthView) -> Drawn | None:
    """Draw customers in the space of recency, frequency and money."""
    people = view.people
    if people.empty:
        return None
    segments = in_order(people["segment"])
    points, hues = _points(people)
    drawn = style.figure(5.3 + style.LINE * -(-len(segments) // style.ACROSS))
    top = style.key(drawn, segments)
    # Any: three-dimensional axes have methods that flat ones lack.
    axes: Any = style.panel(drawn, 0.6, 0.05, 0.6, top, projection="3d")
    axes.set_box_aspect((1.25, 1, 0.95), zoom=1.02)
    axes.scatter(*points.T, c=hues, s=9, linewidths=0, alpha=0.85, depthshade=False)
    axes.view_init(elev=20, azim=-55)
    for name, feature, column in zip("xyz", FEATURES, points.T, strict=True):
        low, high = style.bounds(column, 0.02)
        getattr(axes, f"set_{name}lim")(low, high)
        getattr(axes, f"set_{name}ticks")(*style.log_ticks(low, high))
        label = feature.label.replace(", ", ",\n")
        getattr(axes, f"set_{name}label")(label, fontsize=style.SMALL, labelpad=8)
        axis = getattr(axes, f"{name}axis")
        axis.set_pane_color(PAPER)
        axis.line.set_color(FAINT)
    row = in_use(view)
    facts = {"is_continuum": None if row is None else is_continuum(row)}
    return Drawn(drawn, {"segments": len(segments), **facts, **_drawn(people)})


def _drawn(people: pd.DataFrame) -> dict[str, int]:
    return {"customers": len(people), "points": POINTS}


def _points(people: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return a seeded sample in random order as points, shape (customers, 3), and its colours."""
    random = np.random.default_rng(0)
    sample = people.iloc[random.permutation(len(people))[:POINTS]]
    points = np.column_stack([style.log10(sample[feature.column]) for feature in FEATURES])
    # Orders are few and whole: without this, thousands of customers would be a line.
    points[:, 1] = np.log10(sample["frequency"] + random.uniform(-0.3, 0.3, len(points)))
    return points, [colour(segment) for segment in sample["segment"]]


def _rank_correlation(people: pd.DataFrame) -> float | None:
    """Return Spearman's correlation of orders and money; ``None`` where one does not vary."""
    ranks = people[["frequency", "monetary"]].rank()
    if (ranks.nunique() < 2).any():
        return None
    return ranks["frequency"].corr(ranks["monetary"])
