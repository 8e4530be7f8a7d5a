"""Customers as points, two and three features at a time.

Belongs here: the three planes and the space of recency, frequency and money.
"""

from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.customers import COLUMNS, FEATURES
from customer_segments.outputs.pictures.palette import FAINT, PAPER, colour, in_order, mark
from customer_segments.outputs.pictures.picture import Drawn, in_use, is_continuum, picture
from customer_segments.outputs.view import MonthView

# Customers that are drawn as points: more would hide each other, and show no more.
POINTS = 2_000
LABELS = [feature["label"] for feature in FEATURES.values()]


@picture(attrgetter("people"))
def planes(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw customers in the three planes of recency, frequency and money."""
    segments = in_order(people["segment"])
    points, hues = _points(people)
    drawn, top = style.keyed(3.75, segments)
    width = (style.WIDTH - 0.1) / 3
    medians = people.groupby("segment")[COLUMNS].median()
    for index, (x, y) in enumerate(((0, 1), (0, 2), (1, 2))):
        left = index * width + 0.9
        right = style.WIDTH - (index + 1) * width + 0.02
        axes = style.panel(drawn, left, 0.55, right, top + 0.2, x=LABELS[x], y=LABELS[y])
        axes.scatter(points[:, x], points[:, y], c=hues, s=7, linewidths=0, alpha=0.7)
        for segment in segments:
            middle = style.log10(medians.loc[segment].iloc[[x, y]])
            hue = colour(segment)
            axes.plot(*middle, mark(segment), c=hue, ms=11, mec=PAPER, mew=1.5, clip_on=False)
        for axis, at in ((axes.xaxis, x), (axes.yaxis, y)):
            low, high = style.bounds(points[:, at])
            axis.set_view_interval(low, high, ignore=True)
            axis.set_ticks(*style.log_ticks(low, high))
    ranks = people[["frequency", "monetary"]].rank()
    # Spearman's correlation; there is none where one of them does not vary.
    rho = ranks["frequency"].corr(ranks["monetary"]) if (ranks.nunique() > 1).all() else None
    return drawn, {"rho": rho, "customers": len(people), "points": POINTS}


@picture(attrgetter("people"))
def space(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw customers in the space of recency, frequency and money."""
    segments = in_order(people["segment"])
    points, hues = _points(people)
    drawn, top = style.keyed(5.3, segments)
    # Any: three-dimensional axes have methods that flat ones lack.
    axes: Any = style.panel(drawn, 0.6, 0.05, 0.6, top, projection="3d")
    axes.set_box_aspect((1.25, 1, 0.95), zoom=1.02)
    axes.scatter(*points.T, c=hues, s=9, linewidths=0, alpha=0.85, depthshade=False)
    axes.view_init(elev=20, azim=-55)
    for name, label, column in zip("xyz", LABELS, points.T, strict=True):
        low, high = style.bounds(column, 0.02)
        ticks, labels = style.log_ticks(low, high)
        axes.set(**{f"{name}lim": (low, high), f"{name}ticks": ticks, f"{name}ticklabels": labels})
        axis = getattr(axes, f"{name}axis")
        axis.set_label_text(label.replace(", ", ",\n"), fontsize=style.SMALL)
        axis.labelpad = 8
        axis.set_pane_color(PAPER)
        axis.line.set_color(FAINT)
    row = in_use(view)
    facts = {"is_continuum": None if row is None else is_continuum(row), "points": POINTS}
    return drawn, {"segments": len(segments), "customers": len(people), **facts}


def _points(people: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return a seeded sample in random order as points, shape (customers, 3), and its colours."""
    random = np.random.default_rng(0)
    sample = people.iloc[random.permutation(len(people))[:POINTS]]
    points = np.column_stack([style.log10(sample[column]) for column in COLUMNS])
    # Orders are few and whole: without this, thousands of customers would be a line.
    points[:, 1] = np.log10(sample["frequency"] + random.uniform(-0.3, 0.3, len(points)))
    return points, [colour(segment) for segment in sample["segment"]]
