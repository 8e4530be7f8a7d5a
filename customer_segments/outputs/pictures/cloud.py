"""Customers as points, two and three features at a time.

Belongs here: the three planes and the space of recency, frequency and money.
"""

from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from customer_segments.model.names import in_order
from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.customers import COLUMNS, FEATURES
from customer_segments.outputs.pictures.palette import FAINT, INK, PAPER, colour, mark
from customer_segments.outputs.pictures.picture import Drawn, in_use, is_continuum, picture
from customer_segments.outputs.view import MonthView

# Customers that are drawn as points: more would hide each other, and show no more.
POINTS = 2_000
LABELS = [feature["label"] for feature in FEATURES.values()]


@picture(attrgetter("people"))
def planes(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw customers in the three planes of recency, frequency and money."""
    segments = in_order(people["segment"], view.clusters["segment"])
    points = _points(people)
    every = np.concatenate(list(points.values()))
    medians = people.groupby("segment")[COLUMNS].median()
    figures = []
    for x, y in ((0, 1), (0, 2), (1, 2)):
        drawn, top = style.keyed(3.5, segments)
        said = {"x": LABELS[x], "heading": LABELS[y]}
        axes = style.panel(drawn, 0.75, 0.5, 0.25, top + style.HEADING + 0.05, **said)
        for segment, own in points.items():
            look: dict[str, Any] = {"c": colour(segment), "ms": 3.5, "mew": 0}
            axes.plot(own[:, x], own[:, y], mark(segment), **look)
        for segment in segments:
            middle = style.log10(medians.loc[segment].iloc[[x, y]])
            hue = colour(segment)
            axes.plot(*middle, mark(segment), c=hue, ms=10, mec=PAPER, mew=1.5)
        for axis, at in ((axes.xaxis, x), (axes.yaxis, y)):
            low, high = style.bounds(every[:, at])
            axis.set_view_interval(low, high, ignore=True)
            axis.set_ticks(*style.log_ticks(low, high, most=5))
        figures.append(drawn)
    ranks = people[["frequency", "monetary"]].rank()
    # Spearman's correlation; there is none where one of them does not vary.
    rho = ranks["frequency"].corr(ranks["monetary"]) if (ranks.nunique() > 1).all() else None
    return figures, {"rho": rho, "customers": view.scaled(len(people)), "points": POINTS}


@picture(attrgetter("people"))
def space(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw customers in the space of recency, frequency and money."""
    segments = in_order(people["segment"], view.clusters["segment"])
    points = _points(people)
    drawn, top = style.keyed(3.8, segments)
    # Any: three-dimensional axes have methods that flat ones lack.
    axes: Any = style.panel(drawn, 0, 0, 0.5, top - 0.3, projection="3d")
    axes.set_box_aspect((1.25, 1, 0.95), zoom=0.95)
    for segment, own in points.items():
        axes.plot(*own.T, mark(segment), c=colour(segment), ms=3.5, mew=0)
    axes.view_init(elev=20, azim=-55)
    every = np.concatenate(list(points.values()))
    for name, label, column in zip("xyz", LABELS, every.T, strict=True):
        low, high = style.bounds(column, 0.02)
        ticks, labels = style.log_ticks(low, high, most=4)
        axes.set(**{f"{name}lim": (low, high), f"{name}ticks": ticks, f"{name}ticklabels": labels})
        axis = getattr(axes, f"{name}axis")
        axis.set_label_text(label.partition(",")[0], fontsize=style.TEXT, color=INK)
        axis.labelpad = 6
        axis.set_pane_color(PAPER)
        axis.line.set_color(FAINT)
        # matplotlib has no other way to it.
        axis._axinfo["grid"]["color"] = FAINT
    row = in_use(view)
    facts = {"is_continuum": None if row is None else is_continuum(row), "points": POINTS}
    return [drawn], {"segments": len(segments), "customers": view.scaled(len(people)), **facts}


def _points(people: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return a seeded sample by segment as points, shape (customers, 3), the largest first.

    So no segment is hidden under a larger one.
    """
    random = np.random.default_rng(0)
    sample = people.iloc[random.permutation(len(people))[:POINTS]]
    points = np.column_stack([style.log10(sample[column]) for column in COLUMNS])
    # Orders are few and whole: without this, thousands of customers would be a line.
    points[:, 1] = np.log10(sample["frequency"] + random.uniform(-0.3, 0.3, len(points)))
    largest_first = sample["segment"].value_counts().index
    return {name: points[(sample["segment"] == name).to_numpy()] for name in largest_first}
