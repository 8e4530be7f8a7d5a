"""The page *Campaign*: an audience, what it costs, what has to come of it, and whether that shows.

Belongs here: planning with rates that were measured, and what came of past months' groups. Does
not: a promise of what a campaign brings, which no page can make.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import altair as alt
import ibis
import pandas as pd
import streamlit as st

from customer_segments.campaigns import groups
from customer_segments.campaigns.result import CAVEAT, compared, followed, months_followed
from customer_segments.dashboard.asking import KEPT, choice, filtered
from customer_segments.dashboard.reading import Seen, stamp
from customer_segments.dashboard.showing import by_segment, metrics, note, people, ranked, table
from customer_segments.months import parse_month
from customer_segments.outputs.campaigns import OUTCOMES
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.serving import ORDERS, orders_of
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import UNKNOWN, counted, percent, plain
from customer_segments.tables import CLEANED_TRANSACTIONS

# The channel of those whom a campaign had better not reach.
NOBODY = "none"


def page(seen: Seen) -> None:
    """Plan a campaign to customers of the month, and look at those of months before."""
    view = seen.view
    st.title("Campaign")
    st.header("Whom to turn to")
    chosen = filtered(seen)
    audience = reached(chosen)
    if out := len(chosen) - len(audience):
        note(f"{counted(out, 'customer')} of these are left out: their channel is {NOBODY}.")
    if audience.empty:
        return
    st.header("What has to come of it")
    first, second = st.columns(2)
    cost = first.number_input("Cost of turning to one customer", 0.0, value=1.0, key="cost", **KEPT)
    margin = second.number_input(
        "Margin, as per cent of an order", 1, 100, value=30, key="margin", **KEPT
    )
    plan = planned(view, audience, cost, margin / 100)
    _say(plan, view.control_share)
    rates = view.retention[view.retention["segment"].isin(audience["segment"].unique())]
    rates = rates.assign(rate=rates["returned"] / rates["customers"])
    _curves(rates, view.clusters["segment"])
    st.header("The list")
    shown = columns_of(
        "customer_id campaign_group segment monetary recency_days channel suggested_action"
    )
    people(audience, shown, "monetary", f"campaign_{view.month:%Y-%m}")
    st.header("What came of past lists")
    _results(seen)


def reached(people: pd.DataFrame) -> pd.DataFrame:
    """Return whom a campaign may turn to: not those whose action says to leave them out."""
    return people[people["channel"] != NOBODY]


def planned(view: MonthView, audience: pd.DataFrame, cost: float, margin: float) -> dict[str, Any]:
    """Return what a campaign to an audience costs, has to bring, and can show.

    ``base_rate`` is the share that comes back by itself, of each segment's newest cohort that is
    followed, as the audience is made up; ``None`` if one is not known. ``break_even`` is by how
    much it has to rise for the cost, one average order from each who comes back.
    """
    cohort = view.newest_cohort[view.newest_cohort["months_after"] == groups.FOLLOWED_MONTHS]
    rates = cohort.set_index("segment")["returned"] / cohort.set_index("segment")["customers"]
    own = audience["segment"].map(rates).astype(float)
    base_rate = float(own.mean()) if own.notna().all() else None
    control = int((audience["campaign_group"] == groups.CONTROL).sum())
    order = float(audience["average_order_value"].mean())
    share = view.control_share
    return {
        "customers": len(audience),
        "turned_to": len(audience) - control,
        "control": control,
        "total_cost": cost * (len(audience) - control),
        "order": order,
        "base_rate": base_rate,
        "break_even": cost / (margin * order) if order > 0 else None,
        "smallest": base_rate and groups.smallest_difference(base_rate, len(audience), share),
        "needed": base_rate and groups.customers_needed(base_rate, share),
    }


def _say(plan: dict[str, Any], control_share: float) -> None:
    def points(share: float | None) -> str:
        return UNKNOWN if share is None else f"{100 * share:,.1f}"

    base = plan["base_rate"]
    metrics(
        ("Turned to", f"{plan['turned_to']:,}", f"{plan['control']:,} are left alone, by lot"),
        ("Cost", plain(plan["total_cost"]), "Of those who are turned to"),
        (
            f"Back within {groups.FOLLOWED_MONTHS} months",
            UNKNOWN if base is None else f"{base:.1%}",
            "Without a campaign: the rates of segments in the newest month that so many complete "
            "months follow, as this audience is made up; the report has that month's own make-up",
        ),
        (
            "Pays from, points",
            f"+{points(plan['break_even'])}",
            "So many percentage points more have to come back, if each brings one order of "
            f"{plain(plan['order'])}, as these customers' are on average",
        ),
        (
            "Shows from, points",
            f"\N{PLUS-MINUS SIGN}{points(plan['smallest'])}",
            "Smallest difference of the groups that a test notices in four of five cases",
        ),
    )
    # Of too few customers no difference shows at all.
    shows_from = plan["smallest"] or 1.0
    if plan["needed"] and plan["break_even"] and shows_from > plan["break_even"]:
        st.warning(
            "The campaign may pay without that the test shows it: for five points it takes "
            f"{counted(plan['needed'], 'customer')} in all, or a larger share of control than "
            f"{control_share:.0%} (control_share of [campaigns])."
        )


def _curves(rates: pd.DataFrame, model: Iterable[str]) -> None:
    chart = alt.Chart(rates).mark_line(point={"filled": True, "size": 60})
    encoded = chart.encode(
        x=alt.X("months_after:Q", title="Months after", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("rate:Q", title="Came back", axis=alt.Axis(format="%"), scale=alt.Scale(zero=True)),
        tooltip=["segment", "months_after", alt.Tooltip("rate:Q", format=".1%")],
        **by_segment(rates["segment"], model),
    )
    left, right = st.columns([3, 2])
    with left:
        st.altair_chart(
            encoded, width="stretch", alt="Share of past customers of each segment who came back."
        )
    with right:
        shown = columns_of("segment months_after customers returned rate")
        table(ranked(rates, model), shown, height=350)


def _results(seen: Seen) -> None:
    today = seen.installed.months.today
    months = months_followed(seen.ask, today)
    if not months:
        st.info(f"No month is followed by {groups.FOLLOWED_MONTHS} complete months yet.")
        return
    names = {f"{month:%Y-%m}": month for month in months}
    chosen = choice(st, "Lists of", list(names), 0, "lists")
    share = seen.installed.policy.campaigns.control_share
    rows = _compared(stamp(seen.installed), chosen, share, seen)
    rows = ranked(rows, seen.view.clusters["segment"])
    for outcome, (said, form) in OUTCOMES.items():
        st.subheader(f"{said}, within {groups.FOLLOWED_MONTHS} months")
        first, *others = columns_of("segment test_mean control_mean difference low high")
        columns = [first, *(replace(column, format=form) for column in others)]
        table(rows[rows["outcome"] == outcome], columns)
    note(f"The groups are drawn anew with {percent(share)} in control, as the rules say. {CAVEAT}")


@st.cache_data(max_entries=12, show_spinner="Comparing the groups ...")
def _compared(stamp: tuple, month: str, share: float, _seen: Seen) -> pd.DataFrame:
    orders = ibis.table(orders_of(CLEANED_TRANSACTIONS.relation).schema(), name=ORDERS)
    return pd.DataFrame(compared(_seen.ask(followed(parse_month(month), share, orders))))
