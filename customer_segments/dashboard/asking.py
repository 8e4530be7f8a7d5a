"""How pages ask: filters and choices, which stand in the address and hold from page to page.

Belongs here: what more than one page asks, and that nothing asked for is dropped without a word.
Does not: how a page shows what is left (``showing``).
"""

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

import pandas as pd
import streamlit as st

from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.showing import abreast, text
from customer_segments.model.names import in_order

CHOICES = {"segment": "Segments", "country": "Countries", "account_tier": "Accounts"}
# By its key in the address: what is asked, of which column, and whether it is the least or most.
ENDS = {
    "spent_from": ("Spent at least", "monetary", True),
    "spent_to": ("Spent at most", "monetary", False),
    "days_from": ("Days since last order, from", "recency_days", True),
    "days_to": ("Days since last order, to", "recency_days", False),
}
# What of these is to be set once more.
HELD = "filters held"
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def _in_address(key: str) -> str:
    """Return what the address asks for when it is opened; what is chosen later comes before it."""
    return "" if key in st.session_state else st.query_params.get(key, "")


def choice(place: Any, label: str, names: Sequence[str], index: int, key: str, **more: Any) -> str:
    """Ask for one of these; say so if the address asks for another one."""
    written = _in_address(key)
    chosen = place.selectbox(label, names, index, key=key, **more, **KEPT)
    if written and written not in map(more.get("format_func", str), names):
        st.warning(f"{label}: there is no {text(written)}. This is {text(chosen)}.")
    return chosen


def filtered(seen: Seen) -> pd.DataFrame:
    """Ask for filters, and return the customers of the month that they leave; say if none is."""
    frame, model = seen.listed, seen.view.clusters["segment"]
    st.session_state.update(st.session_state.pop(HELD, {}))
    before = _in_force()
    keeps: list[pd.Series] = []
    nobodys: list[str] = []
    for column, (name, label) in abreast(CHOICES.items()):
        found = frame[name].dropna().unique()
        options = in_order(found, model) if name == "segment" else sorted(found)
        # Streamlit takes away what is no option, and the filter with it: nobody's is one as well.
        asked = {*st.query_params.get_all(name), *st.session_state.get(name, ())}
        options += sorted(asked - {*found})
        if chosen := column.multiselect(label, options, key=name, placeholder="All", **KEPT):
            keeps.append(frame[name].isin(chosen))
            nobodys += sorted({*chosen} - {*found})
    for column, (key, (label, name, is_least)) in abreast(ENDS.items()):
        written = _in_address(key)
        end = column.number_input(label, value=None, key=key, min_value=0, **KEPT)
        if end is not None:
            keeps.append((frame[name] >= end) if is_least else (frame[name] <= end))
        elif written:
            st.warning(f"{label}: {text(written)} is no number from 0 up, and leaves nobody out.")
    # To a page that is gone to from a bookmark, or back to, Streamlit does not take filters along.
    if before and not _in_force():
        st.session_state[HELD] = before
        st.rerun()
    if nobodys:
        st.warning(f"The filters ask for what nobody of this month is: {text(', '.join(nobodys))}.")
    left = frame[reduce(and_, keeps)] if keeps else frame
    if left.empty:
        st.info("No customer is left: take a filter away.")
    return left


def _in_force() -> dict[str, Any]:
    chosen = {key: st.session_state.get(key) for key in (*CHOICES, *ENDS)}
    return {key: value for key, value in chosen.items() if value not in (None, [])}
