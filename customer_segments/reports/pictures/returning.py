"""How many customers of each segment come back.

Belongs here: the picture of retention, which explains ``customer_segments``.
"""

from typing import TYPE_CHECKING

from customer_segments.reports.pictures import style
from customer_segments.reports.pictures.palette import FAINT, PAPER, colour, in_order, mark
from customer_segments.reports.pictures.picture import Picture
from customer_segments.reports.pictures.words import counted, percent

if TYPE_CHECKING:
    import pandas as pd

    from customer_segments.reports.evidence import Evidence

# Months after which the title says who came back, if so many have passed.
SAID_MONTHS = 6


def retention(evidence: "Evidence") -> Picture | None:
    """Draw which share of each segment bought again within so many months."""
    if evidence.retention.empty:
        return None
    counts = evidence.retention.pivot(index="months_after", columns="segment")
    shares = counts["returned"] / counts["customers"]
    shares = shares[in_order(shares.columns)]
    drawn = style.figure(max(4.0, 0.3 * len(shares.columns)))
    axes = style.panel(
        drawn, 0.75, 0.55, 2.3, 0.2, x="months after", y="customers who bought again, %"
    )
    last = shares.apply(lambda of: of.dropna().iloc[-1])
    places = style.spread((100 * last).to_list(), 5.8)
    end = int(shares.index.max())
    first, edge = (0.8 if end > 1 else 0.4), end + 0.1
    beside = 0.02 * (edge - first)
    for segment, place in zip(shares.columns, places, strict=True):
        line = 100 * shares[segment].dropna()
        axes.plot(line.index, line, c=colour(segment), marker=mark(segment), lw=2, ms=7, mec=PAPER)
        axes.plot(
            [max(line.index[-1] + beside, 1), edge + beside],
            [line.iloc[-1], place],
            c=FAINT,
            lw=0.8,
            clip_on=False,
        )
        text = f"{segment} {percent(last[segment])}"
        style.write(axes, edge + 1.4 * beside, place, text, fontsize=style.TEXT, clip_on=False)
    axes.set_ylim(0, 102)
    axes.set_xlim(first, edge)
    axes.set_xticks(range(1, end + 1))
    axes.grid(axis="y", color=FAINT, lw=0.5, alpha=0.6)
    return Picture(
        "retention",
        "customer_segments",
        _title(shares),
        "Customers who were in the segment at the end of any past month, and which share of them "
        "bought again within so many months after it. The longer ahead, the fewer months can be "
        "looked at yet.",
        style.png(drawn),
    )


def _title(shares: "pd.DataFrame") -> str:
    known = shares.dropna(how="all")
    months = min(SAID_MONTHS, int(known.index.max()))
    then = shares.loc[months].dropna()
    best, worst = then.idxmax(), then.idxmin()
    within = f"Within {counted(months, 'month')}, {percent(then[best])} of {best} bought again"
    return within if best == worst else f"{within}, of {worst} {percent(then[worst])}"
