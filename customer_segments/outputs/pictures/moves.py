"""Who moved between segments since last month.

Belongs here: the pictures of ``segment_migration``.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from customer_segments.outputs.pictures import palette, style
from customer_segments.outputs.pictures.palette import ACCENT, FAINT, INK, colour, mixed, text_on
from customer_segments.outputs.pictures.picture import Drawn, picture
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import month_name, percent
from customer_segments.tables import NEW

# Of the flow: the columns' width, and the gap between segments as a share of all customers.
NODE, GAP = 0.03, 0.035


def moved(view: MonthView) -> pd.DataFrame | None:
    """Return customers by segment before (rows) and now; ``None`` without a month before."""
    moves = view.of_month(view.migration)
    if moves["from_segment"].isin([NEW]).all():
        return None
    table = moves.pivot(index="from_segment", columns="to_segment", values="customers")
    known = view.clusters["segment"]
    rows, columns = (palette.in_order([*known, *names]) for names in table.axes)
    return table.reindex(index=rows, columns=columns).fillna(0).astype(int)


@picture(moved)
def migration_table(view: MonthView, moves: pd.DataFrame) -> Drawn:
    """Draw which share of each segment of last month is where now, as a heat map."""
    totals = moves.sum(axis=1)
    shares = moves.div(totals.where(totals > 0), axis=0).fillna(0)
    are_many = len(moves.columns) > 7
    top, left, right = (1.65, 2.95, 0.75) if are_many else (0.9, 2.95, 0.1)
    drawn = style.figure(top + 0.1 + 0.52 * len(moves))
    axes = style.panel(drawn, left, 0.1, right, top, spines=())
    size = 6.8 if are_many else style.SMALL
    for (row, column), share in np.ndenumerate(shares.to_numpy()):
        hue = mixed(ACCENT, 0.1 + 0.8 * share)
        axes.barh(-row, 0.97, left=column - 0.485, height=0.94, color=hue)
        if customers := moves.iat[row, column]:
            text = percent(share).replace("less than ", "<").replace("more than ", ">")
            options = {"ha": "center", "fontsize": size, "color": text_on(hue)}
            style.write(axes, column, -row, f"{text}\n{customers:,}", **options)
    style.name_rows(axes, [f"{name} ({total:,})" for name, total in totals.items()])
    axes.set_xlim(-0.5, len(moves.columns) - 0.5)
    axes.xaxis.tick_top()
    names = [name if are_many else name.replace(" ", "\n", 1) for name in moves.columns]
    turned: dict[str, Any] = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), names, fontsize=style.TEXT, **(turned if are_many else {}))
    axes.tick_params(axis="x", length=0)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("segment now", fontsize=style.SMALL, color=INK, labelpad=8)
    axes.set_ylabel("segment a month before (customers)", fontsize=style.SMALL, color=INK)
    axes.yaxis.set_label_coords(-2.65 / (style.WIDTH - left - right), 0.5)
    stayed, left = _before(moves)
    customers = stayed.sum() + left.sum()
    return drawn, {"month": view.month, "customers": customers, "stayed": stayed.sum()}


@picture(moved)
def migration_flow(view: MonthView, moves: pd.DataFrame) -> Drawn:
    """Draw customers as ribbons from their segment a month before to their segment now."""
    drawn = style.figure(max(4.6, 0.55 * max(moves.shape)))
    axes = style.panel(drawn, 2.3, 0.1, 2.6, 0.5, spines=())
    before, now = moves.sum(axis=1), moves.sum(axis=0)
    total = moves.to_numpy().sum()
    # Upper edges of segments, below each other.
    tops = [
        -(shares.cumsum() - shares + GAP * np.arange(len(shares)))
        for shares in (before / total, now / total)
    ]
    starts, ends = (edge.copy() for edge in tops)
    for (source, target), customers in moves.stack().items():
        if customers:
            width = customers / total
            _ribbon(axes, (source, target), (starts[source], ends[target]), width, customers)
            starts[source] -= width
            ends[target] -= width
    names = [f"{name}  {count:,}" for name, count in before.items()]
    changes = [f"{name}  {count:,}" for name, count in now.items()]
    for place, (name, count) in enumerate(now.items()):
        if name in before:
            change = count - before[name]
            changes[place] += f" ({change:+,})" if change else " (±0)"
    lowest = []
    for edge, sizes, labels, x, outside, side in (
        (tops[0], before / total, names, 0.0, -0.02, "right"),
        (tops[1], now / total, changes, 1 - NODE, 1.02, "left"),
    ):
        places = style.spread(edge - sizes / 2, 0.052)
        for place, label in zip(places, labels, strict=True):
            options = {"ha": side, "fontsize": style.TEXT, "clip_on": False}
            style.write(axes, outside, place, label, **options)
        hues = [colour(name) for name in sizes.index]
        axes.bar(x, -sizes, NODE, edge, align="edge", color=hues, ec=INK, lw=0.4)
        lowest.append((edge - sizes).iloc[-1])
    axes.set_xticks([0, 1], ["a month before", month_name(view.month)])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=style.SMALL, pad=8)
    axes.set(yticks=[], xlim=(-0.002, 1.002), ylim=(min(lowest) - 0.01, 0.01))
    _, left = _before(moves)
    if left.empty or not left.max():
        return drawn, {"month": view.month, "customers": 0}
    largest = dict(zip(("origin", "target"), left.idxmax(), strict=True))
    return drawn, {"month": view.month, "customers": left.max(), **largest}


def _before(moves: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the customers who were there a month before by move: those who stayed, and left."""
    were = moves.drop(index=NEW, errors="ignore").stack()
    is_same = were.index.get_level_values(0) == were.index.get_level_values(1)
    return were[is_same], were[~is_same]


def _ribbon(
    axes: Axes, move: tuple[str, str], tops: tuple[float, float], width: float, customers: int
) -> None:
    """Draw a move from its segment before to that now, between the upper edges of its ends."""
    (source, target), (start, end) = move, tops
    hue, curve, left, right, middle = colour(source), [Path.CURVE4] * 3, NODE, 1 - NODE, 0.5
    upper = [(left, start), (middle, start), (middle, end), (right, end)]
    lower = [(x, y - width) for x, y in reversed(upper)]
    # A line of its own keeps a handful of customers visible.
    edge = FAINT if source == NEW else hue
    how: dict[str, Any] = {"alpha": 0.75, "edgecolor": edge, "linewidth": 0.5, "zorder": 2}
    if source == target:
        how = {"alpha": 0.16, "edgecolor": "none", "linewidth": 0, "zorder": 1}
    elif width > 0.025:
        text_hue = text_on(mixed(hue, 0.75))
        style.write(axes, left + 0.015, start - width / 2, f"{customers:,}", color=text_hue)
    path = Path([*upper, *lower], [Path.MOVETO, *curve, Path.LINETO, *curve])
    axes.add_patch(PathPatch(path, facecolor=hue, **how))
