"""The page *This month*: how things stand, segment by segment, and whom to turn to.

Belongs here: what the first look takes. Does not: the figures (``outputs.figures``).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.showing import abreast, note, people, spans
from customer_segments.months import shift
from customer_segments.outputs import figures
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.queries import YEAR
from customer_segments.outputs.view import MonthView
from customer_segments.outputs.words import (
    UNKNOWN,
    amount,
    counted,
    month_name,
    percent,
    plain,
    signed,
)
from customer_segments.tables import NEW

LISTS = {figures.SLIPPED: "Slipping", figures.ROSE: "Rising", figures.CAME: "New"}
SLIPPED = "Slipped"
CARDS_ABREAST = 4


def page(seen: Seen) -> None:
    """Show the month that was chosen."""
    view = seen.view
    st.title(month_name(view.month))
    rows = seen.segments
    for column, (label, value, change, said) in abreast([*headlines(view, rows)]):
        more_is: Literal["normal", "inverse"] = "inverse" if label == SLIPPED else "normal"
        column.metric(label, value, change, more_is, border=True, help=said)
    st.header("Segments")
    for start in range(0, len(rows), CARDS_ABREAST):
        cards = rows[start : start + CARDS_ABREAST]
        for column, row in zip(st.columns(CARDS_ABREAST), cards, strict=False):
            with column.container(border=True, height="stretch"):
                _card(row)
    st.header("Whom to turn to")
    if not view.is_complete:
        st.info("The month is not complete: nobody is named yet.")
        return
    for tab, (how, said) in zip(st.tabs([*LISTS.values()]), LISTS.items(), strict=True):
        with tab:
            _list(view, how, said)


def headlines(
    view: MonthView, segments: list[dict[str, Any]]
) -> Iterator[tuple[str, str, str | None, str]]:
    """Yield five figures: what each is, its value, how it changed, and since when.

    A part of a month is not compared with a whole one, nor a first month with none.
    """
    total, taken = figures.total_of(segments), figures.taken(view)
    before = replace(view, month=shift(view.month, -1))
    since, so_far = f"Since {month_name(before.month)}", "" if view.is_complete else " so far"
    now = taken["now"] or 0
    yield "Customers", f"{total['customers']:,}", _change(total["since_last_month"]), since
    sales = f"{view.net.capitalize()}: {plain(now)}. {since}"
    in_short = f"{now / 1e6:,.2f}M" if abs(now) >= 1e6 else plain(now)
    grown = {name: _grown(now, taken[name]) for name in ("last_month", "last_year")}
    grown = grown if view.is_complete else {}
    yield f"Sales{so_far}", in_short, grown.get("last_month"), sales
    year, then = taken["last_year"], month_name(shift(view.month, -YEAR))
    value = grown.get("last_year") or UNKNOWN
    yield "Year on year", value, None, f"Against {then}: {plain(year or 0)}"
    has_before = any(move["origin"] != NEW for move in figures.moves_of(view))
    is_known = any(move["origin"] != NEW for move in figures.moves_of(before))
    is_known = is_known and view.is_complete
    for how, label in ((figures.CAME, "New"), (figures.SLIPPED, SLIPPED)):
        if how == figures.SLIPPED and not view.is_complete:
            yield label, UNKNOWN, None, "Who has not ordered yet may still do so in this month"
            continue
        moved, were = (sum(each["customers"] for each in _moves(of, how)) for of in (view, before))
        value = f"{moved:,}" if has_before else UNKNOWN
        yield label, value, _change(moved - were) if is_known else None, since


def named(view: MonthView, how: str):
    """Return the customers who moved in one way since last month."""
    ways = [f"{move['origin']}\n{move['target']}" for move in _moves(view, how)]
    frame = view.people
    moved = frame["from_segment"] + "\n" + frame["segment"]
    return frame[moved.isin(ways)]


def money_column(view: MonthView) -> str:
    """Return by which money customers are put in order: that of twelve months, if it is known."""
    is_known = "revenue_12m" in view.people and view.people["revenue_12m"].notna().any()
    return "revenue_12m" if is_known else "monetary"


def _list(view: MonthView, how: str, said: str) -> None:
    found, money = named(view, how), money_column(view)
    when = "in the last twelve months" if money == "revenue_12m" else view.span
    note(f"{counted(len(found), 'customer')}, who spent {amount(found[money].sum())} {when}.")
    who, what = "customer_id campaign_group from_segment segment", "channel suggested_action why"
    shown = columns_of(f"{who} {money} recency_days {what}", segment="To")
    people(found, shown, money, f"{said.lower()}_{view.month:%Y-%m}", height=300)


def _card(row: dict) -> None:
    st.markdown(f"{spans(row['segment'])}", unsafe_allow_html=True)
    change = _change(row["since_last_month"])
    since = f", {signed(change)} since last month" if change else ""
    lines = [f"**{counted(row['customers'], 'customer')}**, {percent(row['share'])}{since}"]
    if row["revenue_share"] is not None:
        lines.append(f"{amount(row['revenue'])}, {percent(row['revenue_share'])} of the money")
    st.markdown("  \n".join(lines))
    st.markdown(row["suggested_action"])


def _moves(view: MonthView, how: str) -> list[dict]:
    return [move for move in figures.moves_of(view) if move["direction"] == how]


# Streamlit takes a figure with a hyphen in front for a fall.
def _change(count: float | None) -> str | None:
    return None if count is None else f"{count:+,.0f}"


def _grown(now: float, then: float | None) -> str | None:
    return f"{now / then - 1:+.1%}" if then and then > 0 else None
