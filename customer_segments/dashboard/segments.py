"""The page *Segments*: who is in which, by country, account, money and recency.

Belongs here: filters, and what they leave. Does not: fitting (``model``).
"""

from collections.abc import Iterable
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from customer_segments.dashboard.asking import filtered
from customer_segments.dashboard.month import money_column
from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.showing import by_segment, ink, note, people, table
from customer_segments.model.names import in_order
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.words import counted, number

# Points of a scatter that a browser draws at once; more of them hide each other.
MOST_POINTS = 2_000
# What most customers of a segment are like: all but a tenth at either end.
MOST = (0.1, 0.9)
SIZES = columns_of(
    "segment customers share revenue median_recency_days median_frequency median_monetary",
    revenue="Spent",
)
BORDERS = columns_of("segment description last_order orders_range spent_range")
LISTED = "customer_id campaign_group segment country account_tier monetary frequency recency_days"


def page(seen: Seen) -> None:
    """Show the segments of the month, of the customers that the filters leave."""
    view = seen.view
    st.title("Segments")
    model = view.clusters["segment"]
    left = filtered(seen)
    if left.empty:
        return
    note(f"{counted(len(left), 'customer')} of {len(view.people):,}.")
    sizes = summed(left, model)
    beside, chart = st.columns([2, 1])
    with beside:
        table(sizes, SIZES)
    with chart:
        _bars(sizes)
    st.header("Where one ends and the next begins")
    st.write(
        "A customer belongs to the segment whose middle is nearest in days since the last order, "
        "orders and money together; so these ranges overlap. Eight of ten customers are within:"
    )
    table(borders(left, view.clusters), BORDERS)
    st.header("Customers")
    chosen = _scatter(left, model)
    money = money_column(view)
    listed = LISTED if money == "monetary" else f"{LISTED} {money}"
    shown = columns_of(f"{listed} channel suggested_action", account_tier="Account")
    names = left if chosen is None else left[left["customer_id"].isin(chosen)]
    if chosen is not None:
        note(f"{counted(len(names), 'customer')} marked in the picture.")
    people(names, shown, money, f"customers_{view.month:%Y-%m}")


def summed(frame: pd.DataFrame, model: Iterable[str] = ()) -> pd.DataFrame:
    """Return customers, money and medians of each segment, in its model's order."""
    of = frame.groupby("segment", observed=True)
    sizes = of.agg(
        customers=("customer_id", "size"),
        revenue=("monetary", "sum"),
        median_recency_days=("recency_days", "median"),
        median_frequency=("frequency", "median"),
        median_monetary=("monetary", "median"),
    )
    sizes["share"] = sizes["customers"] / len(frame)
    return sizes.loc[in_order(sizes.index, model)].reset_index()


def borders(frame: pd.DataFrame, clusters: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the range of days, orders and money that most customers of each segment are in."""
    said = dict(zip(clusters["segment"], clusters["description"], strict=True))
    ranges = {"recency_days": "last_order", "frequency": "orders_range", "monetary": "spent_range"}
    rows = []
    within = frame.groupby("segment", observed=True)[[*ranges]].quantile(list(MOST))
    for name in in_order(within.index.unique("segment"), said):
        own = within.loc[name]
        ends = {to: [number(round(end)) for end in own[of]] for of, to in ranges.items()}
        words = {to: f"{low} to {high}" if low != high else low for to, (low, high) in ends.items()}
        rows.append({"segment": name, "description": said.get(name, "")} | words)
    return rows


def _bars(sizes: pd.DataFrame) -> None:
    names = [*sizes["segment"]]
    base = alt.Chart(sizes).encode(y=alt.Y("segment:N", sort=names, title=None))
    bars = base.mark_bar().encode(
        x=alt.X("customers:Q", title="Customers"),
        color=by_segment(names, names)["color"].legend(None),
        tooltip=["segment", "customers"],
    )
    words = base.mark_text(align="left", dx=4, color=ink()).encode(
        x="customers:Q", text=alt.Text("customers:Q", format=",")
    )
    st.altair_chart(
        bars + words, width="stretch", alt="Customers of each segment, as in the table."
    )


def _scatter(frame: pd.DataFrame, model: Iterable[str]) -> "list[str] | None":
    drawn = frame[frame["monetary"] > 0]
    drawn = drawn.sample(min(len(drawn), MOST_POINTS), random_state=0)
    marks = by_segment(drawn["segment"], model)
    box = alt.selection_interval(name="box")
    chart = (
        alt.Chart(drawn[["customer_id", "segment", "recency_days", "monetary", "frequency"]])
        .mark_point(filled=True, size=40, opacity=0.7)
        .encode(
            x=alt.X("recency_days:Q", title="Days since the last order"),
            y=alt.Y("monetary:Q", title="Spent", scale=alt.Scale(type="log")),
            tooltip=["customer_id", "segment", "recency_days", "frequency", "monetary"],
            **marks,
        )
        .add_params(box)
        # On a canvas: Vega gives the box that is dragged no words, and an SVG of so many marks is
        # slow. Streamlit gives the picture its own.
        .properties(height=420, usermeta={"embedOptions": {"renderer": "canvas"}})
    )
    note(
        f"{len(drawn):,} of {len(frame):,} customers are drawn. Drag a box to list those in it; "
        "by keyboard, the filters above do the same."
    )
    event = st.altair_chart(
        chart,
        width="stretch",
        key="scatter",
        on_select="rerun",
        selection_mode="box",
        alt="Days since the last order against money spent, by segment.",
    )
    found = event.selection.get("box") if event else None
    if not found:
        return None
    days, money = found["recency_days"], found["monetary"]
    inside = frame["recency_days"].between(*days) & frame["monetary"].between(*money)
    return frame.loc[inside, "customer_id"].tolist()
