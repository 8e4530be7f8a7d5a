"""Why so many segments, how stable they are, and what they foretell.

Belongs here: the pictures of ``model_selection`` and ``segment_backtest``.
"""

from functools import partial
from operator import attrgetter

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from customer_segments.evaluation.findings import means
from customer_segments.evaluation.ways import BOUND, QUINTILE_SUM
from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.palette import ACCENT, FAINT, NEUTRAL, PAPER
from customer_segments.outputs.pictures.picture import Drawn, in_use, is_continuum, picture
from customer_segments.outputs.view import MonthView

HEADINGS = {
    "explained_variance": "Revenue foretold: variance of its log explained, %",
    "top_tenth_share": "Best tenth found: its share of later revenue, %",
}


@picture(attrgetter("selection"))
def number_of_segments(view: MonthView, selection: pd.DataFrame) -> Drawn:
    """Draw inertia and silhouette by the number of segments, with the silhouette of no segments."""
    k = selection["n_clusters"]
    figures = [style.figure(3.0), style.figure(3.0)]
    panel = partial(style.panel, bottom=0.5, top=style.HEADING, x="segments")
    elbow = panel(figures[0], 0.65, right=0.1, heading="Elbow: inertia (squared distances)")
    curve = panel(figures[1], 0.5, right=1.3, heading="Mean silhouette, at most 1")
    elbow.plot(k, selection["inertia"], "o-", c=ACCENT, lw=1.5, ms=5)
    elbow.set_ylim(0, selection["inertia"].max() * 1.08)
    elbow.yaxis.set_major_formatter("{x:,.0f}")
    curve.plot(k, selection["silhouette"], "o-", c=ACCENT, lw=1.5, ms=5)
    curve.plot(k, selection["null_silhouette"], "s--", c=NEUTRAL, lw=1.5, ms=4)
    both = selection[["silhouette", "null_silhouette"]].to_numpy()
    low, high = min(0.0, both.min() * 1.1), max(both.max() * 1.1, 0.1)
    places = style.spread(both[-1], 0.16 * (high - low))
    for place, label in zip(places, ("these customers", "a cloud without\nsegments"), strict=True):
        style.write(curve, k.max() + 0.4, place, label)
    curve.set_ylim(low, high)
    for axes in (elbow, curve):
        _mark_in_use(view, axes)
        axes.set(xticks=k, xlim=(k.min() - 0.4, k.max() + 0.2))
    chosen = in_use(view)
    row = selection.loc[selection["silhouette"].idxmax()] if chosen is None else chosen
    facts = {"is_continuum": None if chosen is None else is_continuum(chosen)}
    return figures, row.to_dict() | facts


@picture(lambda view: view.selection.dropna(subset=["stability"]))
def stability(view: MonthView, selection: pd.DataFrame) -> Drawn:
    """Draw how far segments stay the same when customers are drawn anew, by their number."""
    drawn = style.figure(3.6)
    said = {"x": "segments", "heading": "agreement over resamples, 1 = the same"}
    axes = style.panel(drawn, 0.4, 0.5, 1.45, style.HEADING, **said)
    k = selection["n_clusters"].to_numpy()
    for count, indices in zip(k, selection["cluster_jaccard"], strict=True):
        axes.plot([count] * len(indices), indices, "o", c=NEUTRAL, ms=4, mew=0)
    axes.plot(k, selection["stability"], c=ACCENT, lw=1.5)
    passes = selection["passes"].to_numpy(dtype=bool)
    for shown, fill in ((passes, ACCENT), (~passes, PAPER)):
        axes.plot(k[shown], selection["stability"][shown], "D", c=fill, mec=ACCENT, mew=1.5, ms=6)
    both = selection[["stability", "worst_jaccard"]]
    low = min(0.5, np.floor(both.min().min() * 10) / 10)
    axes.set(xticks=k, xlim=(k.min() - 0.5, k.max() + 0.3), ylim=(low - 0.02, 1.01))
    axes.grid(axis="y", color=FAINT, lw=0.5, alpha=0.6)
    places = style.spread(both.iloc[-1], 0.14 * (1 - low))
    legend = (("all labels\n(ARI)", "D", ACCENT, 6), ("each segment\n(Jaccard)", "o", NEUTRAL, 4))
    for place, (label, shape, hue, size) in zip(places, legend, strict=True):
        style.write(axes, k.max() + 1.1, place, label)
        axes.plot(k.max() + 0.7, place, shape, c=hue, ms=size, mew=0)
    _mark_in_use(view, axes)
    recommended = selection[selection["is_recommended"]]
    # Where none is, there is still to be said how often customers were drawn anew.
    row = (selection if recommended.empty else recommended).iloc[0]
    return [drawn], row.to_dict()


def _foretold(view: MonthView) -> pd.DataFrame:
    """Return the means of the longest horizon."""
    figures = means(view.backtest)
    figures = figures[figures["horizon_months"] == figures["horizon_months"].max()]
    return figures.dropna(subset=["explained_variance", "top_tenth_share"])


@picture(_foretold)
def foretelling(view: MonthView, table: pd.DataFrame) -> Drawn:
    """Draw how much of the months after each labelling foretells, beside the plain sum."""
    names = table["labelling"].to_list()
    is_ours = table["labelling"].str.startswith("KMeans")
    hues = np.where(is_ours, ACCENT, np.where(table["kind"] == "bound", "none", NEUTRAL))
    rows, figures = -np.arange(len(table)), []
    for column, heading in HEADINGS.items():
        drawn = style.figure(style.HEADING + 0.25 * len(table))
        axes = style.panel(drawn, 1.6, 0, 0.1, style.HEADING, heading=heading, spines=())
        values = 100 * table[column].to_numpy()
        most = max(values.max(), 1)
        axes.barh(rows, values, height=0.72, color=hues, ec=NEUTRAL, lw=1)
        for row, value in enumerate(values.tolist()):
            style.write(axes, max(value, 0) + 0.02 * most, -row, f"{value:.0f}%")
        style.name_rows(axes, names)
        axes.set(xticks=[], xlim=(min(0, values.min()), 1.2 * most))
        figures.append(drawn)
    explained = table.set_index("labelling")["explained_variance"]
    tried = [name for name in names if name.startswith("KMeans")]
    in_force = f"KMeans, {len(view.clusters)} clusters"
    # The number in use if that was tried, else the best.
    ours = in_force if in_force in tried else tried[0]
    rivals = ((QUINTILE_SUM, "the plain quintile sum"), (BOUND, BOUND.lower()))
    facts = {
        "dates": view.backtest["as_of"].nunique(),
        "months": int(table["horizon_months"].iloc[0]),
        "ours": ours.replace(", ", " with "),
        "explained": explained[ours],
        "rivals": [(said, explained[name]) for name, said in rivals if name in names],
    }
    return figures, facts


def _mark_in_use(view: MonthView, axes: Axes) -> None:
    """Mark the number of segments of the model in use, if it was tried."""
    k = len(view.clusters)
    if k not in view.selection["n_clusters"].to_list():
        return
    axes.axvline(k, color=FAINT, lw=1, ls=(0, (2, 2)), zorder=1)
    low, high = axes.get_ylim()
    style.write(axes, k, low + 0.02 * (high - low), "in use", ha="center", va="bottom")
