"""Why so many segments, how stable they are, and what they foretell.

Belongs here: the pictures of ``model_selection`` and ``segment_backtest``.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customer_segments.evaluation.backtest import BOUND, QUINTILE_SUM
from customer_segments.evaluation.findings import means
from customer_segments.reports.pictures import style
from customer_segments.reports.pictures.palette import ACCENT, FAINT, NEUTRAL, PAPER
from customer_segments.reports.pictures.picture import Picture, in_use, is_continuum
from customer_segments.reports.pictures.words import counted, month_name, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from customer_segments.reports.evidence import Evidence


def number_of_segments(evidence: "Evidence") -> Picture | None:
    """Draw inertia and silhouette by the number of segments, with the silhouette of no segments."""
    selection = evidence.selection
    if selection.empty:
        return None
    k = selection["n_clusters"]
    drawn = style.figure(3.6)
    elbow = style.panel(
        drawn, 0.85, 0.55, 4.85, 0.4, title="Elbow", x="segments", y="inertia (squared distances)"
    )
    elbow.plot(k, selection["inertia"], "o-", c=ACCENT, lw=2, ms=6)
    elbow.set_ylim(0, selection["inertia"].max() * 1.08)
    places = elbow.get_yticks()
    elbow.set_yticks(places, [f"{place:,.0f}" for place in places])
    elbow.set_ylim(0, selection["inertia"].max() * 1.08)
    curve = style.panel(
        drawn, 5.0, 0.55, 1.6, 0.4, title="Silhouette", x="segments", y="mean silhouette, at most 1"
    )
    curve.plot(k, selection["silhouette"], "o-", c=ACCENT, lw=2, ms=6)
    curve.plot(k, selection["null_silhouette"], "s--", c=NEUTRAL, lw=2, ms=5)
    ends = selection[["silhouette", "null_silhouette"]].iloc[-1]
    both = selection[["silhouette", "null_silhouette"]].to_numpy()
    low, high = min(0.0, both.min() * 1.1), max(both.max() * 1.1, 0.1)
    labels = ("these customers", "a cloud without\nsegments")
    for place, label in zip(style.spread(ends.to_list(), 0.11 * (high - low)), labels, strict=True):
        style.write(curve, k.max() + 0.3, place, label, clip_on=False)
    curve.set_ylim(low, high)
    _mark_in_use(evidence, (elbow, curve))
    for axes in (elbow, curve):
        axes.set_xticks(k)
        axes.set_xlim(k.min() - 0.4, k.max() + 0.2)
    return Picture(
        "number_of_segments",
        "model_selection",
        _silhouettes(evidence),
        f"Tried on the customers of {month_name(selection['training_month'].iloc[0])}. Elbow: "
        "how far customers are from their segment's centre; it always falls, and a bend marks a "
        "good number. Silhouette: how well segments separate, beside what a structureless cloud "
        "of the same shape gets by being cut up.",
        style.png(drawn),
    )


def stability(evidence: "Evidence") -> Picture | None:
    """Draw how far segments stay the same when customers are drawn anew, by their number."""
    selection = evidence.selection.dropna(subset=["stability"])
    if selection.empty:
        return None
    drawn = style.figure(3.6)
    axes = style.panel(
        drawn, 0.85, 0.55, 2.3, 0.2, x="segments", y="agreement over resamples, 1 = the same"
    )
    k = selection["n_clusters"].to_numpy()
    for count, indices in zip(k, selection["cluster_jaccard"], strict=True):
        axes.plot([count] * len(indices), indices, "o", c=NEUTRAL, ms=5, alpha=0.7, mew=0)
    axes.plot(k, selection["stability"], c=ACCENT, lw=2)
    passes = selection["passes"].to_numpy(dtype=bool)
    for shown, fill in ((passes, ACCENT), (~passes, PAPER)):
        axes.plot(k[shown], selection["stability"][shown], "D", c=fill, mec=ACCENT, mew=1.5, ms=8)
    floor = min(selection["worst_jaccard"].min(), selection["stability"].min())
    low = min(0.5, np.floor(floor * 10) / 10)
    axes.set_ylim(low - 0.02, 1.01)
    axes.set_xlim(k.min() - 0.5, k.max() + 0.3)
    axes.set_xticks(k)
    axes.grid(axis="y", color=FAINT, lw=0.5, alpha=0.6)
    ends = [selection["stability"].iloc[-1], selection["worst_jaccard"].iloc[-1]]
    places = style.spread(ends, 0.08 * (1 - low))
    for place, label in zip(places, ("all labels (ARI)", "each segment (Jaccard)"), strict=True):
        style.write(axes, k.max() + 0.7, place, label, clip_on=False)
    for place, shape, size in zip(places, "Do", (8, 5), strict=True):
        hue = ACCENT if shape == "D" else NEUTRAL
        axes.plot(k.max() + 0.55, place, shape, c=hue, ms=size, mew=0, clip_on=False)
    _mark_in_use(evidence, (axes,))
    resamples = int(selection["resamples"].iloc[0])
    return Picture(
        "stability",
        "model_selection",
        _recommended(selection),
        f"The customers were drawn anew {counted(resamples, 'time')} and clustered again. "
        "Diamonds: adjusted Rand index of all labels, filled where the number passes every gate. "
        "Dots: mean Jaccard index of each segment.",
        style.png(drawn),
    )


def foretelling(evidence: "Evidence") -> Picture | None:
    """Draw how much of the months after each labelling foretells, beside the plain sum."""
    if evidence.backtest.empty:
        return None
    figures = means(evidence.backtest)
    figures = figures[figures["horizon_months"] == figures["horizon_months"].max()]
    figures = figures.dropna(subset=["explained_variance", "top_tenth_share"])
    if figures.empty:
        return None
    drawn = style.figure(1.05 + 0.3 * len(figures))
    names = figures["labelling"].to_list()
    panels = (
        ("explained_variance", "Revenue foretold", "variance of log revenue explained, %", 2.0),
        ("top_tenth_share", "Best tenth found", "its share of the revenue that followed, %", 5.6),
    )
    rows = -np.arange(len(figures))
    for column, title, unit, left in panels:
        axes = style.panel(
            drawn, left, 0.6, style.WIDTH - left - 3.3, 0.4, x=unit, title=title, spines=("bottom",)
        )
        values = 100 * figures[column].to_numpy()
        hues = [_hue(name, kind) for name, kind in zip(names, figures["kind"], strict=True)]
        axes.barh(rows, values, height=0.72, color=hues)
        for row, value in enumerate(values.tolist()):
            style.write(axes, max(value, 0), -row, f" {value:.0f}%")
        style.name_rows(axes, names if left < 3 else [""] * len(names))
        axes.set_xlim(min(0, values.min()), max(values.max(), 1) * 1.15)
    dates = evidence.backtest["as_of"].nunique()
    horizon = int(figures["horizon_months"].iloc[0])
    return Picture(
        "foretelling",
        "segment_backtest",
        _against_the_sum(figures, horizon, len(evidence.clusters)),
        f"Mean over {counted(dates, 'past date')}: what a grouping known then tells of the "
        f"{counted(horizon, 'month')} that followed. Dark: KMeans. The plain sum of quintile "
        "scores needs no model, and gradient boosting is the most that these features give.",
        style.png(drawn),
    )


def _hue(name: str, kind: str) -> str:
    if name.startswith("KMeans"):
        return ACCENT
    return FAINT if kind == "bound" else NEUTRAL


def _mark_in_use(evidence: "Evidence", panels: "tuple[Axes, ...]") -> None:
    """Mark the number of segments of the model in use."""
    row = in_use(evidence)
    if row is None:
        return
    for axes in panels:
        axes.axvspan(
            row["n_clusters"] - 0.25, row["n_clusters"] + 0.25, color=FAINT, alpha=0.35, lw=0
        )
        low, high = axes.get_ylim()
        place = low + 0.02 * (high - low)
        style.write(axes, row["n_clusters"], place, "in use", ha="center", va="bottom")


def _silhouettes(evidence: "Evidence") -> str:
    row = in_use(evidence)
    if row is None:
        best = evidence.selection.loc[evidence.selection["silhouette"].idxmax()]
        return (
            f"The silhouette is highest with {counted(best['n_clusters'], 'segment')}: "
            f"{best['silhouette']:.2f}"
        )
    ours, null = row["silhouette"], row["null_silhouette"]
    said = (
        "these are slices of a continuum" if is_continuum(row) else "these are groups of their own"
    )
    return (
        f"With {counted(row['n_clusters'], 'segment')} the silhouette is {ours:.2f}; a cloud "
        f"without segments would get {null:.2f}: {said}"
    )


def _recommended(selection: pd.DataFrame) -> str:
    chosen = selection[selection["is_recommended"]]
    if chosen.empty:
        return "No number of segments passes every gate when the customers are drawn anew"
    row = chosen.iloc[0]
    return (
        f"{counted(row['n_clusters'], 'segment')} are the most that stay the same when the "
        f"customers are drawn anew: {row['stability']:.2f} of 1, the least stable segment "
        f"{row['worst_jaccard']:.2f}"
    )


def _against_the_sum(figures: pd.DataFrame, horizon: int, n_clusters: int) -> str:
    """Say what KMeans explains, with the number in use if that was tried, else the best."""
    explained = figures.set_index("labelling")["explained_variance"]
    tried = [name for name in explained.index if name.startswith("KMeans")]
    ours = next((name for name in tried if name == f"KMeans, {n_clusters} clusters"), tried[0])
    rivals = ", ".join(
        f"{spoken} {percent(explained[name])}"
        for name, spoken in ((QUINTILE_SUM, "the plain quintile sum"), (BOUND, BOUND.lower()))
        if name in explained.index
    )
    return (
        f"{ours.replace(', ', ' with ')} explains {percent(explained[ours])} of the differences in "
        f"revenue over {counted(horizon, 'month')}; {rivals}"
    )
