"""Why so many segments, how stable they are, and what they foretell.

Belongs here: the pictures of ``model_selection`` and ``segment_backtest``.
"""

from functools import partial
from operator import attrgetter

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from customer_segments.evaluation.backtest import BOUND
from customer_segments.evaluation.findings import means
from customer_segments.evaluation.ways import QUINTILE_SUM
from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.palette import ACCENT, FAINT, NEUTRAL, PAPER
from customer_segments.outputs.pictures.picture import Drawn, in_use, is_continuum, picture
from customer_segments.outputs.view import MonthView


@picture(attrgetter("selection"))
def number_of_segments(view: MonthView, selection: pd.DataFrame) -> Drawn:
    """Draw inertia and silhouette by the number of segments, with the silhouette of no segments."""
    k = selection["n_clusters"]
    drawn = style.figure(3.6)
    inertia, silhouette = "inertia (squared distances)", "mean silhouette, at most 1"
    panel = partial(style.panel, drawn, bottom=0.55, top=0.4, x="segments")
    elbow = panel(left=0.85, right=4.85, title="Elbow", y=inertia)
    curve = panel(left=5.0, right=1.6, title="Silhouette", y=silhouette)
    elbow.plot(k, selection["inertia"], "o-", c=ACCENT, lw=2, ms=6)
    elbow.set_ylim(0, selection["inertia"].max() * 1.08)
    elbow.yaxis.set_major_formatter("{x:,.0f}")
    curve.plot(k, selection["silhouette"], "o-", c=ACCENT, lw=2, ms=6)
    curve.plot(k, selection["null_silhouette"], "s--", c=NEUTRAL, lw=2, ms=5)
    both = selection[["silhouette", "null_silhouette"]].to_numpy()
    low, high = min(0.0, both.min() * 1.1), max(both.max() * 1.1, 0.1)
    places = style.spread(both[-1], 0.11 * (high - low))
    for place, label in zip(places, ("these customers", "a cloud without\nsegments"), strict=True):
        style.write(curve, k.max() + 0.3, place, label, clip_on=False)
    curve.set_ylim(low, high)
    for axes in (elbow, curve):
        _mark_in_use(view, axes)
        axes.set(xticks=k, xlim=(k.min() - 0.4, k.max() + 0.2))
    chosen = in_use(view)
    row = selection.loc[selection["silhouette"].idxmax()] if chosen is None else chosen
    facts = {"is_continuum": None if chosen is None else is_continuum(chosen)}
    return drawn, row.to_dict() | facts


@picture(lambda view: view.selection.dropna(subset=["stability"]))
def stability(view: MonthView, selection: pd.DataFrame) -> Drawn:
    """Draw how far segments stay the same when customers are drawn anew, by their number."""
    drawn = style.figure(3.6)
    said = {"x": "segments", "y": "agreement over resamples, 1 = the same"}
    axes = style.panel(drawn, 0.85, 0.55, 2.3, 0.2, **said)
    k = selection["n_clusters"].to_numpy()
    for count, indices in zip(k, selection["cluster_jaccard"], strict=True):
        axes.plot([count] * len(indices), indices, "o", c=NEUTRAL, ms=5, alpha=0.7, mew=0)
    axes.plot(k, selection["stability"], c=ACCENT, lw=2)
    passes = selection["passes"].to_numpy(dtype=bool)
    for shown, fill in ((passes, ACCENT), (~passes, PAPER)):
        axes.plot(k[shown], selection["stability"][shown], "D", c=fill, mec=ACCENT, mew=1.5, ms=8)
    both = selection[["stability", "worst_jaccard"]]
    low = min(0.5, np.floor(both.min().min() * 10) / 10)
    axes.set(xticks=k, xlim=(k.min() - 0.5, k.max() + 0.3), ylim=(low - 0.02, 1.01))
    axes.grid(axis="y", color=FAINT, lw=0.5, alpha=0.6)
    places = style.spread(both.iloc[-1], 0.08 * (1 - low))
    legend = (("all labels (ARI)", "D", ACCENT, 8), ("each segment (Jaccard)", "o", NEUTRAL, 5))
    for place, (label, shape, hue, size) in zip(places, legend, strict=True):
        style.write(axes, k.max() + 0.7, place, label, clip_on=False)
        axes.plot(k.max() + 0.55, place, shape, c=hue, ms=size, mew=0, clip_on=False)
    _mark_in_use(view, axes)
    recommended = selection[selection["is_recommended"]]
    # Where none is, there is still to be said how often customers were drawn anew.
    row = (selection if recommended.empty else recommended).iloc[0]
    return drawn, row.to_dict()


def _foretold(view: MonthView) -> pd.DataFrame:
    """Return the means of the longest horizon."""
    figures = means(view.backtest)
    figures = figures[figures["horizon_months"] == figures["horizon_months"].max()]
    return figures.dropna(subset=["explained_variance", "top_tenth_share"])


@picture(_foretold)
def foretelling(view: MonthView, figures: pd.DataFrame) -> Drawn:
    """Draw how much of the months after each labelling foretells, beside the plain sum."""
    drawn = style.figure(1.05 + 0.3 * len(figures))
    names = figures["labelling"].to_list()
    hues = figures["kind"].map({"bound": FAINT}).fillna(NEUTRAL)
    hues[figures["labelling"].str.startswith("KMeans")] = ACCENT
    rows = -np.arange(len(figures))
    for column, title, unit, left in (
        ("explained_variance", "Revenue foretold", "variance of log revenue explained, %", 2.0),
        ("top_tenth_share", "Best tenth found", "its share of the revenue that followed, %", 5.6),
    ):
        right = style.WIDTH - left - 3.3
        axes = style.panel(drawn, left, 0.6, right, 0.4, x=unit, title=title, spines=("bottom",))
        values = 100 * figures[column].to_numpy()
        axes.barh(rows, values, height=0.72, color=hues)
        for row, value in enumerate(values.tolist()):
            style.write(axes, max(value, 0), -row, f" {value:.0f}%")
        style.name_rows(axes, names if left < 3 else [""] * len(names))
        axes.set_xlim(min(0, values.min()), max(values.max(), 1) * 1.15)
    explained = figures.set_index("labelling")["explained_variance"]
    tried = [name for name in names if name.startswith("KMeans")]
    in_force = f"KMeans, {len(view.clusters)} clusters"
    # The number in use if that was tried, else the best.
    ours = in_force if in_force in tried else tried[0]
    rivals = ((QUINTILE_SUM, "the plain quintile sum"), (BOUND, BOUND.lower()))
    facts = {
        "dates": view.backtest["as_of"].nunique(),
        "months": int(figures["horizon_months"].iloc[0]),
        "ours": ours.replace(", ", " with "),
        "explained": explained[ours],
        "rivals": [(said, explained[name]) for name, said in rivals if name in names],
    }
    return drawn, facts


def _mark_in_use(view: MonthView, axes: Axes) -> None:
    """Mark the number of segments of the model in use."""
    row = in_use(view)
    if row is None:
        return
    k = row["n_clusters"]
    axes.axvspan(k - 0.25, k + 0.25, color=FAINT, alpha=0.35, lw=0)
    low, high = axes.get_ylim()
    style.write(axes, k, low + 0.02 * (high - low), "in use", ha="center", va="bottom")
