"""How large the segments are, what they bring, and how that came about.

Belongs here: the pictures of ``segment_profiles``.
"""

from typing import Any

import numpy as np
import pandas as pd

from customer_segments.model.names import in_order
from customer_segments.months import shift
from customer_segments.outputs.pictures import style
from customer_segments.outputs.pictures.palette import FAINT, INK, PAPER, colour
from customer_segments.outputs.pictures.picture import Drawn, picture
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import counted, number, percent

# Months from one name on the axis to the next; more names than so many would meet.
STEPS, TICKS = (1, 3, 6, 12, 24, 60, 600), 6


def _now(view: MonthView) -> pd.DataFrame:
    return view.of_month(view.profiles).set_index("segment")


@picture(_now)
def sizes_and_revenue(view: MonthView, profiles: pd.DataFrame) -> Drawn:
    """Draw the share of customers and of revenue of each segment, one bar above the other."""
    segments = in_order([*view.clusters["segment"], *profiles.index], view.clusters["segment"])
    has_revenue = profiles["revenue_share"].notna().any()
    columns = ["customers", "share", "revenue", "revenue_share"]
    profiles = profiles[columns].reindex(segments).fillna(0)
    drawn = style.figure(0.64 * len(segments))
    axes = style.panel(drawn, 0.05, 0, 0.05, 0, spines=())
    shares, revenue_shares = profiles["share"], profiles["revenue_share"]
    low, most = min(0, 100 * revenue_shares.min()), 100 * max(shares.max(), revenue_shares.max())
    for row, (segment, of) in enumerate(profiles.iterrows()):
        hue = colour(segment)
        bars = [(0.02, of["share"], "none", counted(of["customers"], "customer"))]
        if has_revenue:
            money = f"revenue {number(round(of['revenue']))}"
            bars.append((-0.24, of["revenue_share"], hue, money))
        style.write(axes, low, -row + 0.32, segment, weight="bold")
        for offset, share, fill, label in bars:
            axes.barh(-row + offset, 100 * share, height=0.2, color=fill, ec=hue, lw=1.2)
            text = f"{percent(share)}  ({label})"
            style.write(axes, max(100 * share, 0) + 0.02 * most, -row + offset, text)
    axes.set(xticks=[], yticks=[], xlim=(low, 1.85 * most), ylim=(-len(segments) + 0.5, 0.5))
    if low < 0:
        axes.axvline(0, color=FAINT, lw=1)
    best = revenue_shares.idxmax() if has_revenue else shares.idxmax()
    said = revenue_shares[best] if has_revenue else None
    facts = {"best": best, "share": shares[best], "revenue_share": said, "span": view.span}
    return [drawn], facts


@picture(_now)
def segment_shares(view: MonthView, profiles: pd.DataFrame) -> Drawn:
    """Draw how the customers of each month's end fall into segments, month by month."""
    shares = view.profiles.pivot(index="snapshot_month", columns="segment", values="share")
    segments = in_order(shares.columns, view.clusters["segment"])
    shares = 100 * shares.fillna(0)[segments]
    months = shares.index.year * 12 + shares.index.month
    drawn = style.figure(max(3.8, 0.22 * len(segments) + 0.8))
    unit = "share of the month's customers, %"
    axes = style.panel(drawn, 0.4, 0.45, 1.85, style.HEADING, heading=unit, spines=())
    # The best segment stands on the ground, where its change is seen best.
    tops, edges = shares.cumsum(axis=1), np.append(months - 0.5, months[-1] + 0.5)
    for segment in segments:
        bottom, look = tops[segment] - shares[segment], {"ec": PAPER, "lw": 0.8, "fill": True}
        axes.stairs(tops[segment], edges, baseline=bottom, fc=colour(segment), **look)
    edge = edges[-1]
    last = shares.iloc[-1]
    here = last[last > 0].index
    middles = (tops - shares / 2).iloc[-1][here]
    names = [f"{segment} {percent(last[segment] / 100)}" for segment in here]
    span = max(len(months), 8)
    axes.set(xlim=(months[0] - 0.6, max(edge, months[0] + 7)), ylim=(0, 100))
    ends = tuple(edge + span * np.array([0, 0.04, 0.12]))
    places = style.name_ends(axes, middles, names, ends)
    for segment, place in zip(here, places, strict=True):
        axes.plot(edge + 0.07 * span, place, "s", c=colour(segment), ms=6)
    versions = view.profiles.groupby("snapshot_month")["model_version"].first()
    for month in months[1:][versions.to_numpy()[1:] != versions.to_numpy()[:-1]]:
        axes.axvline(month - 0.5, color=INK, lw=1.5, ls=(0, (2, 1)))
        style.write(axes, month - 0.4, 97, "new model", va="top", backgroundcolor=PAPER)
    ticks = pd.date_range(shares.index[0], shares.index[-1], freq="MS")
    step = next(step for step in STEPS if len(months) <= TICKS * step)
    ticks = ticks[(ticks.year * 12 + ticks.month - 1) % step == 0]
    has_year = (ticks.month == 1) | (ticks == ticks.min())
    names = np.where(has_year, ticks.strftime("%b\n%Y"), ticks.strftime("%b"))
    axes.set_xticks(ticks.year * 12 + ticks.month, names)
    return [drawn], changed_most(view)


def changed_most(view: MonthView) -> dict[str, Any]:
    """Return which segment's share changed most in a year, or since the first month."""
    now, first, last = _now(view), shift(view.month, -12), shift(view.month, -1)
    earlier = view.profiles[view.profiles["model_version"].isin(now["model_version"])]
    earlier = earlier[earlier["snapshot_month"].between(*map(pd.Timestamp, (first, last)))]
    start, largest = earlier["snapshot_month"].min(), now["share"].idxmax()
    facts = {"month": view.month, "largest": largest, "share": now["share"][largest]}
    if earlier.empty:
        return facts | {"since": None}
    then = earlier[earlier["snapshot_month"] == start].set_index("segment")["share"]
    then, share = then.align(now["share"], fill_value=0)
    most = (share - then).abs().idxmax()
    facts |= {"since": start, "most": most, "rose": share[most] > then[most]}
    return facts | {"was": percent(then[most]), "now": percent(share[most])}
