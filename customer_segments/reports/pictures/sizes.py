"""How large the segments are, what they bring, and how that came about.

Belongs here: the pictures of ``segment_profiles``.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customer_segments.months import shift
from customer_segments.reports.pictures import style
from customer_segments.reports.pictures.palette import FAINT, INK, PAPER, colour, in_order, mixed
from customer_segments.reports.pictures.picture import Picture, segments_of
from customer_segments.reports.pictures.words import counted, month_name, number, percent

if TYPE_CHECKING:
    from customer_segments.reports.evidence import Evidence


def sizes_and_revenue(evidence: "Evidence") -> Picture | None:
    """Draw the share of customers and of revenue of each segment, one bar above the other."""
    profiles = _of_month(evidence)
    if profiles.empty:
        return None
    segments = segments_of(evidence)
    profiles = profiles.set_index("segment").reindex(segments)
    customers = profiles["customers"].fillna(0)
    shares, revenue_shares = profiles["share"].fillna(0), profiles["revenue_share"]
    has_revenue = revenue_shares.notna().any()
    revenue_shares = revenue_shares.fillna(0)
    drawn = style.figure(0.85 + 0.72 * len(segments))
    axes = style.panel(drawn, style.NAMES, 0.6, 0.9, 0.1, x="share of all, %", spines=("bottom",))
    for row, segment in enumerate(segments):
        bars = [(0.19, shares[segment], 0.45, counted(customers[segment], "customer"))]
        if has_revenue:
            money = f"revenue {number(round(profiles['revenue'].fillna(0)[segment]))}"
            bars.append((-0.19, revenue_shares[segment], 1.0, money))
        for offset, share, strength, label in bars:
            hue = mixed(colour(segment), strength)
            axes.barh(-row + offset, 100 * share, height=0.36, color=hue)
            text = f"{percent(share)}  ({label})"
            style.write(axes, max(100 * share, 0) + 0.6, -row + offset, text)
    style.name_rows(axes, segments)
    most = 100 * max(shares.max(), revenue_shares.max())
    axes.set_xlim(min(0, 100 * revenue_shares.min() * 1.1), most * 1.22)
    axes.axvline(0, color=FAINT, lw=1)
    best = revenue_shares.idxmax() if has_revenue else shares.idxmax()
    title = f"{best}: {percent(shares[best])} of the customers"
    if has_revenue:
        title += f", {percent(revenue_shares[best])} of the revenue"
    return Picture(
        "sizes_and_revenue",
        "segment_profiles",
        title,
        "Pale bars: each segment's share of the customers. Full bars: its share of the revenue "
        "(sales minus credit notes, in the data's currency), over all time up to the month's end.",
        style.png(drawn),
    )


def segment_shares(evidence: "Evidence") -> Picture | None:
    """Draw how the customers of each month's end fall into segments, month by month."""
    profiles = evidence.profiles
    if _of_month(evidence).empty:
        return None
    shares = profiles.pivot(index="snapshot_month", columns="segment", values="share").fillna(0)
    segments = in_order(shares.columns)
    shares = 100 * shares[segments]
    months = shares.index.year * 12 + shares.index.month
    drawn = style.figure(4.3)
    axes = style.panel(
        drawn, 0.75, 0.55, 2.35, 0.15, y="share of the month's customers, %", spines=()
    )
    # The best segment stands on the ground, where its change is seen best.
    tops = shares.cumsum(axis=1)
    for segment in segments:
        below = tops[segment] - shares[segment]
        axes.bar(
            months, shares[segment], bottom=below, width=0.92, color=colour(segment), linewidth=0
        )
    last = shares.iloc[-1]
    middles = (tops - shares / 2).iloc[-1]
    places = style.spread(middles.to_list(), 4.6 if len(segments) <= 12 else 3.8)
    edge = months[-1] + 0.5
    for segment, middle, place in zip(segments, middles, places, strict=True):
        if last[segment] > 0:
            axes.plot([edge, edge + 0.7], [middle, place], c=FAINT, lw=0.8, clip_on=False)
            text = f"{segment} {percent(last[segment] / 100)}"
            axes.plot(edge + 1, place, "s", c=colour(segment), ms=7, clip_on=False)
            style.write(axes, edge + 1.4, place, text, fontsize=style.TEXT, clip_on=False)
    _mark_new_models(axes, evidence, months)
    axes.set_xlim(months[0] - 0.6, max(edge, months[0] + 8))
    axes.set_ylim(0, 100)
    step = 1 if len(months) <= 8 else 3
    ticks = [month for month in range(months[0], months[-1] + 1) if (month - 1) % step == 0]
    axes.set_xticks(ticks, [_tick(month, index == 0) for index, month in enumerate(ticks)])
    return Picture(
        "segment_shares",
        "segment_profiles",
        _change(evidence),
        "Each column is a month's end, all its customers by segment, the best at the bottom. In "
        "the first months of the data all customers are recent, whatever they are later.",
        style.png(drawn),
    )


def _of_month(evidence: "Evidence") -> pd.DataFrame:
    profiles = evidence.profiles
    return profiles[profiles["snapshot_month"] == pd.Timestamp(evidence.month)]


def _tick(month: int, is_first: bool) -> str:
    year, index = divmod(month - 1, 12)
    name = f"{pd.Timestamp(year, index + 1, 1):%b}"
    return f"{name}\n{year}" if is_first or index == 0 else name


def _mark_new_models(axes, evidence: "Evidence", months: np.ndarray) -> None:
    """Draw a line where another model version labels from then on."""
    versions = evidence.profiles.groupby("snapshot_month")["model_version"].first().to_numpy()
    for before, after, month in zip(versions[:-1], versions[1:], months[1:], strict=True):
        if before != after:
            axes.axvline(month - 0.5, color=INK, lw=1.5, ls=(0, (2, 1)))
            style.write(axes, month - 0.4, 97, "new model", va="top", backgroundcolor=PAPER)


def _change(evidence: "Evidence") -> str:
    """Say which segment's share changed most in a year, or since the first month."""
    now = _of_month(evidence).set_index("segment")
    earlier = evidence.profiles[
        (evidence.profiles["snapshot_month"] < pd.Timestamp(evidence.month))
        & (evidence.profiles["snapshot_month"] >= pd.Timestamp(shift(evidence.month, -12)))
        & evidence.profiles["model_version"].isin(now["model_version"])
    ]
    largest = now["share"].idxmax()
    alone = (
        f"{largest}: {percent(now['share'][largest])} of the customers at the end of "
        f"{month_name(evidence.month)}"
    )
    if earlier.empty:
        return alone
    start = earlier["snapshot_month"].min()
    then = earlier[earlier["snapshot_month"] == start].set_index("segment")["share"]
    then, share = then.align(now["share"], fill_value=0)
    most = (share - then).abs().idxmax()
    was, is_now = percent(then[most]), percent(share[most])
    if was == is_now:
        return f"{alone}; no segment's share has changed since {month_name(start)}"
    verb = "rose" if share[most] > then[most] else "fell"
    return f"{most} {verb} from {was} of the customers in {month_name(start)} to {is_now}"
