"""What the customers of each segment are like, and whether they come back.

Belongs here: violins, the snake plot, retention. Does not: customers as points (``cloud``).
"""

from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from customer_segments.model.names import in_order
from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.palette import FAINT, INK, PAPER, colour, mark
from customer_segments.outputs.pictures.picture import Drawn, picture
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import counted, number, percent
from customer_segments.texts import read_toml

# Months after which the title of retention says who came back, if so many have passed.
SAID_MONTHS = 6
# Of the months on the axis.
NAMED_MONTHS = (1, 2, 3, 6, 9, 12)
LINE: dict[str, Any] = {"lw": 1.5, "ms": 6, "mec": PAPER, "mew": 0.5}
# By column of ``customer_segments``: how it is shown on an axis, and spoken of.
FEATURES: dict[str, dict[str, str]] = read_toml(__package__, "pictures.toml")["features"]
COLUMNS = list(FEATURES)


@picture(attrgetter("retention"))
def retention(view: MonthView, known: pd.DataFrame) -> Drawn:
    """Draw which share of each segment bought again within so many months."""
    counts = known.pivot(index="months_after", columns="segment")
    shares = counts["returned"] / counts["customers"]
    shares = shares[in_order(shares.columns, view.clusters["segment"])]
    drawn = style.figure(max(3.6, 0.22 * len(shares.columns) + 0.9))
    said = {"x": "months after", "heading": "customers who bought again, %"}
    axes = style.panel(drawn, 0.4, 0.5, 1.85, style.HEADING, **said)
    end = int(shares.index.max())
    first, edge = (0.8 if end > 1 else 0.4), end + 0.1
    beside = 0.04 * (edge - first)
    for segment in shares.columns:
        line = 100 * shares[segment].dropna()
        axes.plot(line.index, line, c=colour(segment), marker=mark(segment), **LINE)
    last = shares.ffill().iloc[-1]
    ends = shares.apply(lambda of: max(of.last_valid_index() + beside, 1))
    names = [f"{segment} {percent(share)}" for segment, share in last.items()]
    axes.set(xlim=(first, edge), ylim=(0, 102))
    style.name_ends(axes, 100 * last, names, (ends, edge + beside, edge + 1.5 * beside))
    axes.set_xticks([month for month in NAMED_MONTHS if month <= end])
    axes.grid(axis="y", color=FAINT, lw=0.5, alpha=0.6)
    months = min(SAID_MONTHS, int(shares.dropna(how="all").index.max()))
    then = shares.loc[months].dropna()
    facts = {"months": months, "best": then.idxmax(), "worst": then.idxmin()}
    return [drawn], facts | {"best_share": then.max(), "worst_share": then.min()}


@picture(attrgetter("people"))
def distributions(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw how recency, frequency and money spread in each segment, as violins."""
    segments = in_order(people["segment"], view.clusters["segment"])
    medians = people.groupby("segment")[COLUMNS].median()
    figures = []
    for column, feature in FEATURES.items():
        drawn = style.figure(0.65 + 0.5 * len(segments))
        heading = f"{feature['title']}: {feature['label']}"
        margins = (style.NAMES, 0.3, 0.3, style.HEADING)
        axes = style.panel(drawn, *margins, heading=heading, spines=("bottom",))
        logs = style.log10(people[column])
        low, high = style.bounds(logs, 0.1)
        grid = np.linspace(low, high, 200)
        for row, segment in enumerate(segments):
            values = logs[(people["segment"] == segment).to_numpy()]
            half = 0.27 * _density(values, grid)
            hue = colour(segment)
            look: Any = {"facecolor": (hue, 0.35), "edgecolor": hue, "lw": 1}
            axes.fill_between(grid, -row - half, -row + half, where=half > 0.002, **look)
            quarter, middle, rest = np.percentile(values, [25, 50, 75])
            axes.plot([quarter, rest], [-row, -row], c=INK, lw=2.5, solid_capstyle="butt")
            axes.plot(middle, -row, "o", c=PAPER, mec=INK, ms=4)
            inner = np.clip(middle, low + 0.14 * (high - low), high - 0.14 * (high - low))
            median, unit = medians.at[segment, column], feature["unit"]
            text = counted(median, unit) if unit else number(round(median))
            style.write(axes, inner, -row + 0.27, text, ha="center", va="bottom")
        style.name_rows(axes, segments)
        axes.set_xlim(low, high)
        axes.set_xticks(*style.log_ticks(low, high, most=4))
        figures.append(drawn)
    facts = {"is_cut": not (people["monetary"] >= 1).all()}
    best, worst = medians["monetary"].idxmax(), medians["monetary"].idxmin()
    for end, segment in (("best", best), ("worst", worst)):
        facts |= {end: segment} | medians.loc[segment].add_prefix(f"{end}_").to_dict()
    return figures, facts


@picture(attrgetter("people"))
def snake(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw the standardized means of each segment as lines over the three features."""
    logs = np.log1p(people[COLUMNS].clip(lower=0))
    scores = (logs - logs.mean()) / logs.std(ddof=0).replace(0, 1)
    # Fewer days are better: turned round, up is good on all three.
    scores["recency_days"] *= -1
    # Of one segment only noise of floating point is left, which no axis should enlarge.
    means = scores.groupby(people["segment"]).mean().round(9)
    means = means.loc[in_order(means.index, view.clusters["segment"])]
    drawn = style.figure(max(3.6, 0.22 * len(means) + 0.9))
    unit = "standard deviations from the average customer"
    axes = style.panel(drawn, 0.4, 0.5, style.NAMES, style.HEADING, heading=unit)
    axes.axhline(0, color=FAINT, lw=1)
    for segment, row in means.iterrows():
        axes.plot(range(3), row, c=colour(segment), marker=mark(segment), **LINE)
    low, high = style.bounds(means.to_numpy().ravel(), 0.08)
    axes.set(xlim=(-0.2, 2.15), ylim=(low, high))
    style.name_ends(axes, means["monetary"], list(means.index), (2.06, 2.24, 2.28))
    axes.set_xticks(range(3), [f"{of['title']}:\n{of['up']}" for of in FEATURES.values()])
    apart = means.max() - means.min()
    most = apart.idxmax()
    ends = {"best": means[most].idxmax(), "worst": means[most].idxmin()}
    what = FEATURES[most]["spoken"]
    return [drawn], {"segments": len(means), "apart": apart.max(), "what": what, **ends}


def _density(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return a kernel density on a grid, 1 at its highest.

    Gaussian, over a histogram; the bandwidth is Silverman's, and at least so wide that whole
    numbers of orders do not become spikes.
    """
    step = grid[1] - grid[0]
    spread = min(values.std(), (np.subtract(*np.percentile(values, [75, 25]))) / 1.34)
    bandwidth = max(0.9 * spread * len(values) ** -0.2, 0.07, step)
    counts, _ = np.histogram(values, np.append(grid - step / 2, grid[-1] + step / 2))
    density = np.exp(-0.5 * (np.subtract.outer(grid, grid) / bandwidth) ** 2) @ counts
    return density / density.max()
