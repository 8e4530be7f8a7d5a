"""The page *Moves*: who went from which segment to which between any two months.

Belongs here: pairing two months under one model, and naming who is behind a figure. Does not: the
moves since last month that report and workbook tell (``segments.migration``).
"""

from collections.abc import Iterable
from datetime import date

import altair as alt
import ibis
import pandas as pd
import streamlit as st

from customer_segments.campaigns.groups import campaign_group
from customer_segments.dashboard.asking import choice
from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.showing import abreast, note, people, table
from customer_segments.model.names import in_order
from customer_segments.months import shift
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.words import counted, month_name
from customer_segments.segments.scoring import label
from customer_segments.tables import CUSTOMER_RFM, GONE, KMEANS_MODEL, NEW

EVERYBODY = "All"


def page(seen: Seen) -> None:
    """Show the moves from a month that is chosen here to the one that was chosen."""
    st.title("Moves")
    earlier = [month for month in seen.months if month < seen.month]
    if not earlier:
        st.info("This is the first month: nobody can have moved yet.")
        return
    names = {f"{month:%Y-%m}": month for month in reversed(earlier)}
    before = shift(seen.month, -1)
    asked, place = f"To {month_name(seen.month)} from", 0
    if before in earlier:
        place = [*names.values()].index(before)
    since = names[choice(st, asked, list(names), place, "since")]
    version, model = seen.view.clusters["version"].iloc[0], seen.view.clusters["segment"]
    moves = moves_between(since, seen.month, version, len(model))
    share = seen.installed.policy.campaigns.control_share
    group = campaign_group(moves.customer_id, seen.month, share)
    moved = seen.ask(moves.mutate(campaign_group=group))
    note(f"Both months by model {version}: customers moved, not the model.")
    cell = show_totals(moved, "moves", model)
    st.header("Who they are")
    ends = _ends(moved, cell, model)
    for name, end in ends.items():
        if end != EVERYBODY:
            moved = moved[moved[name] == end]
    money = moved["before"].sum()
    note(f"{counted(len(moved), 'customer')}, who had brought {money:,.0f}.")
    listed = "customer_id campaign_group from_segment to_segment before brought recency_days"
    # What left a window of months is taken off.
    since_then = "More or less" if seen.view.window_months else "Brought since"
    people(
        moved,
        columns_of(listed, brought=since_then),
        "before",
        f"moves_{since:%Y-%m}_to_{seen.month:%Y-%m}",
    )


def moves_between(first: date, last: date, version: str, most: int) -> ibis.Table:
    """Return each customer's segments at two months' ends, by one version of ``most`` clusters.

    ``before`` is the net revenue by the first month's end, ``brought`` what came since.
    """
    rfm, model = CUSTOMER_RFM.relation, KMEANS_MODEL.relation
    clusters = model.filter(model.version == version)
    then, now = (
        label(rfm.filter(rfm.snapshot_month == ibis.date(month)), clusters, most).select(
            "customer_id", "segment", "monetary", "recency_days"
        )
        for month in (first, last)
    )
    both = now.outer_join(then, "customer_id")
    before = both.monetary_right.fill_null(0)
    return both.select(
        customer_id=ibis.coalesce(both.customer_id, both.customer_id_right),
        from_segment=both.segment_right.fill_null(NEW),
        to_segment=both.segment.fill_null(GONE),
        before=before,
        brought=both.monetary.fill_null(0) - before,
        recency_days=both.recency_days,
    ).order_by("customer_id")


def totals_of(moved: pd.DataFrame, model: Iterable[str] = ()) -> pd.DataFrame:
    """Return customers and money of each move, in order of segments."""
    of = moved.groupby(["from_segment", "to_segment"])
    totals = of.agg(
        customers=("customer_id", "size"), before=("before", "sum"), brought=("brought", "sum")
    ).reset_index()
    names = in_order([*totals["from_segment"], *totals["to_segment"]], model)
    places = {name: place for place, name in enumerate(names)}
    return totals.sort_values(["from_segment", "to_segment"], key=lambda of: of.map(places))


def show_totals(moved: pd.DataFrame, key: str, model: Iterable[str] = ()) -> dict[str, str]:
    """Show how many went from where to where, drawn and as a table; return the cell chosen."""
    totals = totals_of(moved, model)
    chart, beside = st.columns([3, 2])
    with beside:
        table(totals, columns_of("from_segment to_segment customers before"), height=420)
    with chart:
        return matrix(totals, key, model)


def matrix(totals: pd.DataFrame, key: str, model: Iterable[str] = ()) -> dict[str, str]:
    """Draw how many went from where to where; return the cell that was chosen."""
    pick = alt.selection_point(name="cell", fields=["from_segment", "to_segment"])
    base = alt.Chart(totals).encode(
        y=alt.Y("from_segment:N", sort=in_order(totals["from_segment"], model), title="From"),
        x=alt.X(
            "to_segment:N",
            sort=in_order(totals["to_segment"], model),
            title="To",
            axis=alt.Axis(orient="top", labelAngle=-30, labelOverlap=False),
        ),
    )
    most = int(totals["customers"].max())
    cells = base.mark_rect(cursor="pointer").encode(
        color=alt.Color(
            "customers:Q",
            scale=alt.Scale(type="sqrt", scheme="blues", domain=[0, most]),
            legend=None,
        ),
        opacity=alt.condition(pick, alt.value(1), alt.value(0.4)),
        tooltip=["from_segment", "to_segment", "customers", "before", "brought"],
    )
    dark = alt.datum.customers > 0.3 * most
    words = base.mark_text().encode(
        text=alt.Text("customers:Q", format=","),
        color=alt.condition(dark, alt.value("white"), alt.value("#222222")),
    )
    event = st.altair_chart(
        (cells.add_params(pick) + words).properties(height=420),
        width="stretch",
        key=f"matrix {key}",
        on_select="rerun",
        selection_mode="cell",
        alt="How many customers went from each segment to each, as in the table.",
    )
    found = event.selection.get("cell") if event else None
    return found[0] if found else {}


def _ends(moved: pd.DataFrame, cell: dict[str, str], model: Iterable[str]) -> dict[str, str]:
    """Return the segments that a move that is asked for begins and ends with."""
    ends = {}
    for column, (name, heading) in abreast([("from_segment", "From"), ("to_segment", "To")]):
        options = [EVERYBODY, *in_order(moved[name], model)]
        picked = cell.get(name)
        ends[name] = column.selectbox(
            heading, options, index=options.index(picked) if picked in options else 0
        )
    return ends
