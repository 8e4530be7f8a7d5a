"""What the customers of each segment are like, and whether they come back.

Belongs here: violins, the snake plot, retention. Does not: customers as points (``cloud``).
"""

from operator import attrgetter

import numpy as np
import pandas as pd

from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.palette import FAINT, INK, PAPER, colour, in_order, mark
from customer_segments.outputs.pictures.picture import Drawn, picture
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import counted, number, percent
from customer_segments.texts import read_toml

# Months after which the title of retention says who came back, if so many have passed.
SAID_MONTHS = 6
# By column of ``customer_segments``: how it is shown on an axis, and spoken of.
FEATURES: dict[str, dict[str, str]] = read_toml(__package__, "pictures.toml")["features"]
COLUMNS = list(FEATURES)


@picture(attrgetter("retention"))
def retention(view: MonthView, known: pd.DataFrame) -> Drawn:
    """Draw which share of each segment bought again within so many months."""
    counts = known.pivot(index="months_after", columns="segment")
    shares = counts["returned"] / counts["customers"]
    shares = shares[in_order(shares.columns)]
    drawn = style.figure(max(4.0, 0.3 * len(shares.columns)))
    said = {"x": "months after", "y": "customers who bought again, %"}
    axes = style.panel(drawn, 0.75, 0.55, 2.3, 0.2, **said)
    end = int(shares.index.max())
    first, edge = (0.8 if end > 1 else 0.4), end + 0.1
    beside = 0.02 * (edge - first)
    for segment in shares.columns:
        line, hue = 100 * shares[segment].dropna(), colour(segment)
        axes.plot(line.index, line, c=hue, marker=mark(segment), lw=2, ms=7, mec=PAPER)
    last = shares.ffill().iloc[-1]
    ends = shares.apply(lambda of: max(of.last_valid_index() + beside, 1))
    names = [f"{segment} {percent(share)}" for segment, share in last.items()]
    style.name_ends(axes, 100 * last, names, 5.8, (ends, edge + beside, edge + 1.4 * beside))
    axes.set(xticks=range(1, end + 1), xlim=(first, edge), ylim=(0, 102))
    axes.grid(axis="y", color=FAINT, lw=0.5, alpha=0.6)
    months = min(SAID_MONTHS, int(shares.dropna(how="all").index.max()))
    then = shares.loc[months].dropna()
    facts = {"months": months, "best": then.idxmax(), "worst": then.idxmin()}
    return drawn, facts | {"best_share": then.max(), "worst_share": then.min()}


@picture(attrgetter("people"))
def distributions(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw how recency, frequency and money spread in each segment, as violins."""
    segments = in_order(people["segment"])
    medians = people.groupby("segment")[COLUMNS].median()
    drawn = style.figure(1.0 + 0.78 * len(segments))
    width = (style.WIDTH - style.NAMES - 0.15) / 3
    for index, (column, feature) in enumerate(FEATURES.items()):
        left = style.NAMES + index * width
        right = style.WIDTH - left - width + 0.2
        said = {"x": feature["label"], "title": feature["title"]}
        axes = style.panel(drawn, left, 0.6, right, 0.4, spines=("bottom",), **said)
        logs = style.log10(people[column])
        low, high = style.bounds(logs, 0.1)
        grid = np.linspace(low, high, 200)
        for row, segment in enumerate(segments):
            values = logs[(people["segment"] == segment).to_numpy()]
            half = 0.36 * _density(values, grid)
            hue = colour(segment)
            axes.fill_between(grid, -row - half, -row + half, where=half > 0.002, color=hue, lw=0)
            quarter, middle, rest = np.percentile(values, [25, 50, 75])
            axes.plot([quarter, rest], [-row, -row], c=INK, lw=2.5, solid_capstyle="butt")
            axes.plot(middle, -row, "o", c=PAPER, mec=INK, ms=5)
            inner = np.clip(middle, low + 0.12 * (high - low), high - 0.12 * (high - low))
            median, unit = medians.at[segment, column], feature["unit"]
            text = counted(median, unit) if unit else number(round(median))
            style.write(axes, inner, -row + 0.37, text, ha="center", va="bottom")
        style.name_rows(axes, segments if index == 0 else [""] * len(segments))
        axes.set_xlim(low, high)
        axes.set_xticks(*style.log_ticks(low, high, most=4))
    facts = {"is_cut": not (people["monetary"] >= 1).all()}
    best, worst = medians["monetary"].idxmax(), medians["monetary"].idxmin()
    for end, segment in (("best", best), ("worst", worst)):
        facts |= {end: segment} | medians.loc[segment].add_prefix(f"{end}_").to_dict()
    return drawn, facts


@picture(attrgetter("people"))
def snake(view: MonthView, people: pd.DataFrame) -> Drawn:
    """Draw the standardized means of each segment as lines over the three features."""
    logs = np.log1p(people[COLUMNS].clip(lower=0))
    scores = (logs - logs.mean()) / logs.std(ddof=0).replace(0, 1)
    # Fewer days are better: turned round, up is good on all three.
    scores["recency_days"] *= -1
    # Of one segment only noise of floating point is left, which no axis should enlarge.
    means = scores.groupby(people["segment"]).mean().round(9)
    means = means.loc[in_order(means.index)]
    drawn = style.figure(max(4.0, 0.3 * len(means)))
    unit = "standard deviations from the average customer"
    axes = style.panel(drawn, 0.85, 0.45, 2.3, 0.2, y=unit)
    axes.axhline(0, color=FAINT, lw=1)
    for segment, row in means.iterrows():
        axes.plot(range(3), row, c=colour(segment), marker=mark(segment), lw=2.5, ms=9, mec=PAPER)
    low, high = style.bounds(means.to_numpy().ravel(), 0.08)
    gap = 0.058 * (high - low)
    style.name_ends(axes, means["monetary"], list(means.index), gap, (2.04, 2.14, 2.17))
    names = [f"{of['title'].lower()}\n(up: {of['up']})" for of in FEATURES.values()]
    axes.set_xticks(range(3), names, fontsize=style.SMALL)
    axes.set(xlim=(-0.1, 2.05), ylim=(low, high))
    apart = means.max() - means.min()
    most = apart.idxmax()
    ends = {"best": means[most].idxmax(), "worst": means[most].idxmin()}
    what = FEATURES[most]["spoken"]
    return drawn, {"segments": len(means), "apart": apart.max(), "what": what, **ends}


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
