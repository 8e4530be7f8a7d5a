"""What the customers of each segment are like, feature by feature.

Belongs here: violins and the snake plot. Does not: customers as points (``cloud``).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customer_segments.reports.pictures import style
from customer_segments.reports.pictures.palette import FAINT, INK, PAPER, colour, in_order, mark
from customer_segments.reports.pictures.picture import Picture
from customer_segments.reports.pictures.words import counted, number

if TYPE_CHECKING:
    from customer_segments.reports.evidence import Evidence


@dataclass(frozen=True)
class Feature:
    """A column of ``customer_segments`` on an axis."""

    column: str
    label: str
    title: str
    unit: str


FEATURES = (
    Feature("recency_days", "days since the last order", "Recency", "day"),
    Feature("frequency", "orders", "Frequency", "order"),
    Feature("monetary", "revenue, in the data's currency", "Money", ""),
)


def distributions(evidence: "Evidence") -> Picture | None:
    """Draw how recency, frequency and money spread in each segment, as violins."""
    customers = evidence.customers
    if customers.empty:
        return None
    segments = in_order(customers["segment"])
    drawn = style.figure(1.0 + 0.78 * len(segments))
    width = (style.WIDTH - style.NAMES - 0.15) / 3
    for index, feature in enumerate(FEATURES):
        left = style.NAMES + index * width
        right = style.WIDTH - left - width + 0.2
        axes = style.panel(
            drawn, left, 0.6, right, 0.4, x=feature.label, title=feature.title, spines=("bottom",)
        )
        logs = style.log10(customers[feature.column])
        low, high = style.bounds(logs, 0.1)
        grid = np.linspace(low, high, 200)
        for row, segment in enumerate(segments):
            values = logs[(customers["segment"] == segment).to_numpy()]
            half = 0.36 * _density(values, grid)
            hue = colour(segment)
            axes.fill_between(grid, -row - half, -row + half, where=half > 0.002, color=hue, lw=0)
            quarter, middle, rest = np.percentile(values, [25, 50, 75])
            axes.plot([quarter, rest], [-row, -row], c=INK, lw=2.5, solid_capstyle="butt")
            axes.plot(middle, -row, "o", c=PAPER, mec=INK, ms=5)
            inner = min(max(middle, low + 0.12 * (high - low)), high - 0.12 * (high - low))
            said = _middle(customers, segment, feature)
            style.write(axes, inner, -row + 0.37, said, ha="center", va="bottom")
        style.name_rows(axes, segments if index == 0 else [""] * len(segments))
        axes.set_xlim(low, high)
        axes.set_xticks(*style.log_ticks(low, high, most=4))
    below = "" if (customers["monetary"] >= 1).all() else " Money below 1 stands at 1."
    return Picture(
        "distributions",
        "customer_segments",
        _typical(customers),
        "A shape is wide where many of the segment's customers are; all are as wide at their "
        "widest. The dot and the figure are the median, the bar holds the middle half. Each step "
        f"on an axis multiplies.{below}",
        style.png(drawn),
    )


def snake(evidence: "Evidence") -> Picture | None:
    """Draw the standardized means of each segment as lines over the three features."""
    customers = evidence.customers
    if customers.empty:
        return None
    columns = [feature.column for feature in FEATURES]
    logs = np.log1p(customers[columns].clip(lower=0))
    scores = (logs - logs.mean()) / logs.std(ddof=0).replace(0, 1)
    # Fewer days are better: turned round, up is good on all three.
    scores["recency_days"] *= -1
    means = scores.groupby(customers["segment"]).mean()
    means = means.loc[in_order(means.index)]
    drawn = style.figure(max(4.0, 0.3 * len(means)))
    axes = style.panel(
        drawn, 0.85, 0.45, 2.3, 0.2, y="standard deviations from the average customer"
    )
    axes.axhline(0, color=FAINT, lw=1)
    low, high = style.bounds(means.to_numpy().ravel(), 0.08)
    places = style.spread(means["monetary"].to_list(), 0.058 * (high - low))
    for (segment, row), place in zip(means.iterrows(), places, strict=True):
        axes.plot(range(3), row, c=colour(segment), marker=mark(segment), lw=2.5, ms=9, mec=PAPER)
        axes.plot([2.04, 2.14], [row["monetary"], place], c=FAINT, lw=0.8, clip_on=False)
        style.write(axes, 2.17, place, segment, fontsize=style.TEXT, clip_on=False)
    axes.set_xlim(-0.1, 2.05)
    axes.set_ylim(low, high)
    names = ("recency\n(up: more recent)", "frequency\n(up: more orders)", "money\n(up: more)")
    axes.set_xticks(range(3), names, fontsize=style.SMALL)
    return Picture(
        "snake",
        "customer_segments",
        _differ(means),
        "Each line is a segment's mean on a logarithmic scale; 0 is the average of the month's "
        "customers. Lines that run apart are segments that differ there.",
        style.png(drawn),
    )


def _density(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return a kernel density on a grid, 1 at its highest.

    Gaussian, by convolving a histogram; the bandwidth is Silverman's, and at least so wide that
    whole numbers of orders do not become spikes.
    """
    step = grid[1] - grid[0]
    spread = min(values.std(), (np.subtract(*np.percentile(values, [75, 25]))) / 1.34)
    bandwidth = max(0.9 * spread * len(values) ** -0.2, 0.07, step)
    edges = np.append(grid - step / 2, grid[-1] + step / 2)
    counts = np.histogram(values, edges)[0].astype(float)
    reach = np.arange(-len(grid), len(grid) + 1) * step
    kernel = np.exp(-0.5 * (reach / bandwidth) ** 2)
    density = np.convolve(counts, kernel)[len(grid) : 2 * len(grid)]
    return density / density.max()


def _middle(customers: pd.DataFrame, segment: str, feature: Feature) -> str:
    median = customers.loc[customers["segment"] == segment, feature.column].median()
    return counted(median, feature.unit) if feature.unit else number(round(median))


def _typical(customers: pd.DataFrame) -> str:
    """Say the median orders and money of the segments with most and least money."""
    medians = customers.groupby("segment")[["frequency", "monetary"]].median()

    def said(segment: str) -> str:
        orders, money = medians.loc[segment]
        return f"{counted(orders, 'order')} worth {number(round(money))}"

    best, worst = medians["monetary"].idxmax(), medians["monetary"].idxmin()
    rest = "" if best == worst else f", one in {worst} {said(worst)}"
    return f"A typical customer in {best} has {said(best)}{rest}"


def _differ(means: pd.DataFrame) -> str:
    """Say in which feature the segments lie farthest apart, and which one is on top there."""
    if len(means) < 2:
        return f"One segment, {means.index[0]}: its customers are the average"
    apart = means.max() - means.min()
    spoken = {
        "recency_days": "how recently they bought",
        "frequency": "how often they ordered",
        "monetary": "how much money they brought",
    }
    if apart.max() < 0.005:
        return f"The {len(means)} segments are alike on the average"
    most = apart.idxmax()
    return (
        f"Segments differ most in {spoken[most]}: {means[most].idxmax()} most, "
        f"{means[most].idxmin()} least"
    )
