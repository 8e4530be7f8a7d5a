"""Who moved between segments since last month.

Belongs here: the pictures of ``segment_migration``.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customer_segments.reports.pictures import style
from customer_segments.reports.pictures.palette import (
    ACCENT,
    FAINT,
    INK,
    colour,
    in_order,
    mixed,
    text_on,
)
from customer_segments.reports.pictures.picture import Picture, segments_of
from customer_segments.reports.pictures.words import counted, month_name, percent
from customer_segments.tables import NEW

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from customer_segments.reports.evidence import Evidence

# Of the flow: the columns' width, and the gap between segments as a share of all customers.
NODE, GAP = 0.03, 0.035


def migration_table(evidence: "Evidence") -> Picture | None:
    """Draw which share of each segment of last month is where now, as a heat map."""
    moves = _moves(evidence)
    if moves is None:
        return None
    shares = moves.div(moves.sum(axis=1).where(lambda total: total > 0), axis=0).fillna(0)
    rows, columns = list(moves.index), list(moves.columns)
    are_many = len(columns) > 7
    top, left, right = (1.65, 2.95, 0.75) if are_many else (0.9, 2.95, 0.1)
    drawn = style.figure(top + 0.1 + 0.52 * len(rows))
    axes = style.panel(drawn, left, 0.1, right, top, spines=())
    size = 6.8 if are_many else style.SMALL
    hues = [[mixed(ACCENT, 0.1 + 0.8 * share) for share in row] for row in shares.to_numpy()]
    for row, hues_of_row in enumerate(hues):
        for column, hue in enumerate(hues_of_row):
            axes.barh(-row, 0.97, left=column - 0.485, height=0.94, color=hue)
            customers = moves.iat[row, column]
            if customers:
                text = f"{percent(shares.iat[row, column]).replace('less than ', '<')}"
                text = f"{text.replace('more than ', '>')}\n{customers:,}"
                style.write(
                    axes, column, -row, text, ha="center", fontsize=size, color=text_on(hue)
                )
    totals = moves.sum(axis=1)
    names = [f"{name} ({totals[name]:,})" for name in rows]
    style.name_rows(axes, names)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.xaxis.tick_top()
    if are_many:
        axes.set_xticks(
            range(len(columns)),
            columns,
            fontsize=style.TEXT,
            rotation=40,
            ha="left",
            rotation_mode="anchor",
        )
    else:
        wrapped = [name.replace(" ", "\n", 1) for name in columns]
        axes.set_xticks(range(len(columns)), wrapped, fontsize=style.TEXT)
    axes.tick_params(axis="x", length=0)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("segment now", fontsize=style.SMALL, color=INK, labelpad=8)
    axes.set_ylabel("segment a month before (customers)", fontsize=style.SMALL, color=INK)
    axes.yaxis.set_label_coords(-2.65 / (style.WIDTH - left - right), 0.5)
    return Picture(
        "migration_table",
        "segment_migration",
        _stayed(evidence, moves),
        "Each row is a segment a month before, and where its customers are now: their share of "
        "the row, and how many they are. The darker, the larger the share. Both months are "
        "judged by the same model.",
        style.png(drawn),
    )


def migration_flow(evidence: "Evidence") -> Picture | None:
    """Draw customers as ribbons from their segment a month before to their segment now."""
    moves = _moves(evidence)
    if moves is None:
        return None
    total = moves.to_numpy().sum()
    drawn = style.figure(max(4.6, 0.55 * max(moves.shape)))
    axes = style.panel(drawn, 2.3, 0.1, 2.6, 0.5, spines=())
    left, right = moves.sum(axis=1) / total, moves.sum(axis=0) / total
    starts, ends = _stacked(left), _stacked(right)
    from_top, to_top = starts.copy(), ends.copy()
    for source in moves.index:
        for target in moves.columns:
            width = moves.at[source, target] / total
            if width:
                customers = moves.at[source, target]
                _ribbon(
                    axes, (source, target), (from_top[source], to_top[target]), width, customers
                )
                from_top[source] -= width
                to_top[target] -= width
    before = moves.sum(axis=1)
    now = moves.sum(axis=0)
    _label(axes, left, starts, -0.02, "right", [f"{n}  {before[n]:,}" for n in left.index])
    changes = [_change(before.get(name), now[name], name) for name in right.index]
    _label(axes, right, ends, 1.02, "left", changes)
    for share, tops, x in ((left, starts, 0.0), (right, ends, 1 - NODE)):
        for name in share.index:
            axes.bar(
                x, -share[name], NODE, tops[name], align="edge", color=colour(name), ec=INK, lw=0.4
            )
    axes.set_xlim(-0.002, 1.002)
    axes.set_xticks([0, 1], ["a month before", f"end of {month_name(evidence.month)}"])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=style.SMALL, pad=8)
    axes.set_yticks([])
    lowest = min(starts.iloc[-1] - left.iloc[-1], ends.iloc[-1] - right.iloc[-1])
    axes.set_ylim(lowest - 0.01, 0.01)
    return Picture(
        "migration_flow",
        "segment_migration",
        _largest_move(evidence, moves),
        "Each ribbon is customers on their way from their segment a month before (left) to their "
        "segment now (right), as wide as they are many. Who stayed is pale. In brackets: how "
        "many more or fewer the segment has.",
        style.png(drawn),
    )


def _moves(evidence: "Evidence") -> pd.DataFrame | None:
    """Return customers by segment before (rows) and now; ``None`` without a month before."""
    moves = evidence.migration
    moves = moves[moves["snapshot_month"] == pd.Timestamp(evidence.month)]
    if moves["from_segment"].isin([NEW]).all():
        return None
    table = moves.pivot(index="from_segment", columns="to_segment", values="customers")
    known = segments_of(evidence)
    rows = in_order([*known, *table.index])
    columns = in_order([*known, *table.columns])
    return table.reindex(index=rows, columns=columns).fillna(0).astype(int)


def _stayed(evidence: "Evidence", moves: pd.DataFrame) -> str:
    known = moves.drop(index=NEW, errors="ignore")
    total = int(known.to_numpy().sum())
    stayed = sum(known.at[name, name] for name in known.index if name in known.columns)
    return (
        f"{percent(stayed / total)} of last month's {counted(total, 'customer')} stayed in their "
        f"segment in {month_name(evidence.month)}, {total - stayed:,} did not"
    )


def _largest_move(evidence: "Evidence", moves: pd.DataFrame) -> str:
    known = moves.drop(index=NEW, errors="ignore").stack()
    known = known[known.index.get_level_values(0) != known.index.get_level_values(1)]
    month = month_name(evidence.month)
    if known.empty or not known.max():
        return f"Nobody changed segment in {month}"
    source, target = known.idxmax()
    return f"Largest move of {month}: {counted(known.max(), 'customer')} from {source} to {target}"


def _change(before: float | None, now: int, name: str) -> str:
    if before is None:
        return f"{name}  {now:,}"
    change = int(now - before)
    return f"{name}  {now:,} ({change:+,})" if change else f"{name}  {now:,} (±0)"


def _stacked(shares: pd.Series) -> pd.Series:
    """Return the upper edges of segments below each other."""
    above = shares.cumsum() - shares + GAP * np.arange(len(shares))
    return -above


def _label(axes: "Axes", shares, tops, x: float, side: str, labels: list[str]) -> None:
    middles = tops - shares / 2
    places = style.spread(middles.to_list(), 0.052)
    for place, label in zip(places, labels, strict=True):
        style.write(axes, x, place, label, ha=side, fontsize=style.TEXT, clip_on=False)


def _ribbon(
    axes: "Axes", move: tuple[str, str], tops: tuple[float, float], width: float, customers: int
) -> None:
    """Draw a move from its segment before to that now, between the upper edges of its ends."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (source, target), (start, end) = move, tops
    left, right, middle = NODE, 1 - NODE, 0.5
    corners = [
        (left, start),
        (middle, start),
        (middle, end),
        (right, end),
        (right, end - width),
        (middle, end - width),
        (middle, start - width),
        (left, start - width),
    ]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    stays = source == target
    if not stays and width > 0.025:
        text_hue = text_on(mixed(colour(source), 0.75))
        style.write(axes, left + 0.015, start - width / 2, f"{customers:,}", color=text_hue)
    axes.add_patch(
        PathPatch(
            Path(corners, codes),
            facecolor=colour(source),
            alpha=0.16 if stays else 0.75,
            # A line of its own keeps a handful of customers visible.
            edgecolor="none" if stays else (FAINT if source == NEW else colour(source)),
            linewidth=0 if stays else 0.5,
            zorder=1 if stays else 2,
        )
    )
