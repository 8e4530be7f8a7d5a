"""Who moved between segments since last month.

Belongs here: the pictures of ``segment_migration``.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from customer_segments.model.names import in_order
from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.palette import ACCENT, INK, PAPER, colour
from customer_segments.outputs.pictures.picture import Drawn, picture
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import month_name, percent, signed
from customer_segments.tables import NEW

# Of the flow: the columns' width, and the gap between segments as a share of all customers.
NODE, GAP = 0.06, 0.035


def moved(view: MonthView) -> pd.DataFrame | None:
    """Return customers by segment before (rows) and now; ``None`` without a month before."""
    moves = view.of_month(view.migration)
    if moves["from_segment"].isin([NEW]).all():
        return None
    table = moves.pivot(index="from_segment", columns="to_segment", values="customers")
    known = view.clusters["segment"]
    rows, columns = (in_order([*known, *names], known) for names in table.axes)
    return table.reindex(index=rows, columns=columns).fillna(0).astype(int)


@picture(moved)
def migration_table(view: MonthView, moves: pd.DataFrame) -> Drawn:
    """Draw which share of each segment of last month is where now, as a heat map."""
    totals = moves.sum(axis=1)
    shares = moves.div(totals.where(totals > 0), axis=0).fillna(0)
    drawn = style.figure(1.5 + 0.38 * len(moves))
    axes = style.panel(drawn, style.NAMES, 0.05, 0.05, 1.45, spines=())
    for (row, column), share in np.ndenumerate(shares.to_numpy()):
        # Never so dark that its figure could not be read on it.
        look = {"facecolor": (ACCENT, 0.04 + 0.46 * share), "edgecolor": PAPER}
        axes.bar(column, 1, 1, -row - 0.5, **look)
        if share:
            style.write(axes, column, -row, _cell(share), ha="center")
    style.name_rows(axes, [f"{name}\n{total:,}" for name, total in totals.items()])
    axes.set_ylim(-len(moves) + 0.5, 0.5)
    axes.set_xlim(-0.5, len(moves.columns) - 0.5)
    axes.xaxis.tick_top()
    turned: dict[str, Any] = {
        "rotation": 90,
        "rotation_mode": "anchor",
        "ha": "left",
        "va": "center",
    }
    axes.set_xticks(range(len(moves.columns)), moves.columns, **turned)
    axes.tick_params(axis="x", length=0)
    said = "of each segment\na month before\n(rows), % now in\neach (columns)"
    drawn.text(0.005, 0.99, said, fontsize=style.TEXT, color=INK, va="top")
    stayed, left = _before(moves)
    customers = stayed.sum() + left.sum()
    return [drawn], {"month": view.month, "customers": customers, "stayed": stayed.sum()}


@picture(moved)
def migration_flow(view: MonthView, moves: pd.DataFrame) -> Drawn:
    """Draw customers as ribbons from their segment a month before to their segment now."""
    drawn = style.figure(0.45 + 0.44 * max(moves.shape))
    heading = f"a month before \N{RIGHTWARDS ARROW} {month_name(view.month)}"
    margins = (style.NAMES, 0.05, style.NAMES, style.HEADING)
    axes = style.panel(drawn, *margins, heading=heading, spines=())
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
    names = [f"{name}\n{count:,}" for name, count in before.items()]
    changes = [f"{name}\n{count:,}" for name, count in now.items()]
    for place, (name, count) in enumerate(now.items()):
        if name in before:
            change = count - before[name]
            changes[place] += f" ({signed(f'{change:+,}')})" if change else " (±0)"
    ends_at, gap = [], (1 + GAP * max(moves.shape)) / max(moves.shape)
    for edge, sizes, labels, x, outside, side in (
        (tops[0], before / total, names, 0.0, -0.02, "right"),
        (tops[1], now / total, changes, 1 - NODE, 1.02, "left"),
    ):
        places = style.spread(edge - sizes / 2, 0.9 * gap)
        for place, label in zip(places, labels, strict=True):
            style.write(axes, outside, place, label, ha=side)
        hues = [colour(name) for name in sizes.index]
        axes.bar(x, -sizes, NODE, edge, align="edge", color=hues)
        # Labels of small segments at either end may stand beyond them.
        ends_at += [(edge - sizes).iloc[-1] - gap / 3, gap / 3]
        ends_at += [min(places) - gap / 2, max(places) + gap / 2]
    ylim = min(ends_at), max(ends_at)
    axes.set(xticks=[], yticks=[], xlim=(-0.002, 1.002), ylim=ylim)
    _, left = _before(moves)
    if left.empty or not left.max():
        return [drawn], {"month": view.month, "customers": 0}
    largest = dict(zip(("origin", "target"), left.idxmax(), strict=True))
    return [drawn], {"month": view.month, "customers": left.max(), **largest}


def _cell(share: float) -> str:
    return percent(share).replace("less than ", "<").replace("more than ", ">").rstrip("%")


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
    # Lines keep a handful of customers visible, and fills that let text be read.
    stayed = source == target
    look = {"facecolor": (hue, 0.1 if stayed else 0.35), "edgecolor": hue, "zorder": 2 - stayed}
    if width > 0.045 and not stayed:
        style.write(axes, left + 0.03, start - width / 2, f"{customers:,}")
    path = Path([*upper, *lower], [Path.MOVETO, *curve, Path.LINETO, *curve])
    axes.add_patch(PathPatch(path, linewidth=0.6, **look))
