"""Who moved between segments since last month.

Belongs here: the pictures of ``segment_migration``.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.palette import (
    ACCENT,
    FAINT,
    INK,
    colour,
    in_order,
    mixed,
    text_on,
)
from customer_segments.outputs.pictures.picture import Drawn, picture
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import month_name, percent
from customer_segments.tables import NEW

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of the flow: the columns' width, and the gap between segments as a share of all customers.
NODE, GAP = 0.03, 0.035


@picture
def migration_table(view: MonthView) -> Drawn | None:
    """Draw which share of each segment of last month is where now, as a heat map."""
    moves = moved(view)
    if moves is None:
        return None
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
    places = range(len(moves.columns))
    if are_many:
        turned: dict[str, Any] = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"}
        axes.set_xticks(places, moves.columns, fontsize=style.TEXT, **turned)
    else:
        wrapped = [name.replace(" ", "\n", 1) for name in moves.columns]
        axes.set_xticks(places, wrapped, fontsize=style.TEXT)
    axes.tick_params(axis="x", length=0)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("segment now", fontsize=style.SMALL, color=INK, labelpad=8)
    axes.set_ylabel("segment a month before (customers)", fontsize=style.SMALL, color=INK)
    axes.yaxis.set_label_coords(-2.65 / (style.WIDTH - left - right), 0.5)
    return Drawn(drawn, {"month": view.month} | _stayed(moves))


@picture
def migration_flow(view: MonthView) -> Drawn | None:
    """Draw customers as ribbons from their segment a month before to their segment now."""
    moves = moved(view)
    if moves is None:
        return None
    drawn = style.figure(max(4.6, 0.55 * max(moves.shape)))
    axes = style.panel(drawn, 2.3, 0.1, 2.6, 0.5, spines=())
    before, now = moves.sum(axis=1), moves.sum(axis=0)
    total = moves.to_numpy().sum()
    tops = [_stacked(before / total), _stacked(now / total)]
    starts, ends = (edge.copy() for edge in tops)
    for (source, target), customers in moves.stack().items():
        if customers:
            width = customers / total
            _ribbon(axes, (source, target), (starts[source], ends[target]), width, customers)
            starts[source] -= width
            ends[target] -= width
    names = [f"{name}  {before[name]:,}" for name in before.index]
    changes = [
        f"{name}  {now[name]:,}{_changed(before.get(name), now[name])}" for name in now.index
    ]
    for edge, sizes, labels, x, outside, side in (
        (tops[0], before / total, names, 0.0, -0.02, "right"),
        (tops[1], now / total, changes, 1 - NODE, 1.02, "left"),
    ):
        places = style.spread((edge - sizes / 2).to_list(), 0.052)
        for place, label in zip(places, labels, strict=True):
            options = {"ha": side, "fontsize": style.TEXT, "clip_on": False}
            style.write(axes, outside, place, label, **options)
        for name, size in sizes.items():
            hue = colour(name)
            axes.bar(x, -size, NODE, edge[name], align="edge", color=hue, ec=INK, lw=0.4)
    axes.set_xticks([0, 1], ["a month before", f"end of {month_name(view.month)}"])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=style.SMALL, pad=8)
    lowest = min(
        tops[0].iloc[-1] - before.iloc[-1] / total, tops[1].iloc[-1] - now.iloc[-1] / total
    )
    axes.set(yticks=[], xlim=(-0.002, 1.002), ylim=(lowest - 0.01, 0.01))
    return Drawn(drawn, {"month": view.month} | _largest(moves))


def moved(view: MonthView) -> pd.DataFrame | None:
    """Return customers by segment before (rows) and now; ``None`` without a month before."""
    moves = view.of_month(view.migration)
    if moves["from_segment"].isin([NEW]).all():
        return None
    table = moves.pivot(index="from_segment", columns="to_segment", values="customers")
    known = view.clusters["segment"]
    rows, columns = in_order([*known, *table.index]), in_order([*known, *table.columns])
    return table.reindex(index=rows, columns=columns).fillna(0).astype(int)


def _stayed(moves: pd.DataFrame) -> dict[str, int]:
    was_there = moves.drop(index=NEW, errors="ignore")
    both = was_there.index.intersection(moves.columns)
    stayed = sum(int(was_there.at[name, name]) for name in both)
    return {"customers": int(was_there.to_numpy().sum()), "stayed": stayed}


def _largest(moves: pd.DataFrame) -> dict[str, Any]:
    changes = moves.drop(index=NEW, errors="ignore").stack()
    changes = changes[changes.index.get_level_values(0) != changes.index.get_level_values(1)]
    if changes.empty or not changes.max():
        return {"customers": 0}
    origin, target = changes.idxmax()
    return {"customers": changes.max(), "origin": origin, "target": target}


def _changed(before: "float | None", now: int) -> str:
    if before is None:
        return ""
    return f" ({int(now - before):+,})" if now != before else " (±0)"


def _stacked(shares: pd.Series) -> pd.Series:
    """Return the upper edges of segments below each other."""
    return -(shares.cumsum() - shares + GAP * np.arange(len(shares)))


def _ribbon(
    axes: "Axes", move: tuple[str, str], tops: tuple[float, float], width: float, customers: int
) -> None:
    """Draw a move from its segment before to that now, between the upper edges of its ends."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (source, target), (start, end) = move, tops
    left, right, middle = NODE, 1 - NODE, 0.5
    upper = [(left, start), (middle, start), (middle, end), (right, end)]
    lower = [(x, y - width) for x, y in reversed(upper)]
    curve, stays = [Path.CURVE4] * 3, source == target
    if not stays and width > 0.025:
        text_hue = text_on(mixed(colour(source), 0.75))
        style.write(axes, left + 0.015, start - width / 2, f"{customers:,}", color=text_hue)
    axes.add_patch(
        PathPatch(
            Path([*upper, *lower], [Path.MOVETO, *curve, Path.LINETO, *curve]),
            facecolor=colour(source),
            alpha=0.16 if stays else 0.75,
            # A line of its own keeps a handful of customers visible.
            edgecolor="none" if stays else (FAINT if source == NEW else colour(source)),
            linewidth=0 if stays else 0.5,
            zorder=1 if stays else 2,
        )
    )
