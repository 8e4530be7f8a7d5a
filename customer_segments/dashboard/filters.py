"""Filters of customers: by segment, country, account, money and recency.

Belongs here: what is asked, kept from page to page and in the address, and who is left. Does not:
what is shown of them (the pages).
"""

from functools import reduce
from operator import and_
from typing import Any

import pandas as pd
import streamlit as st

from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.showing import abreast
from customer_segments.outputs.pictures.palette import in_order

CHOICES = {"segment": "Segments", "country": "Countries", "account_tier": "Accounts"}
# By its key in the address: what is asked, of which column, and whether it is the least or most.
ENDS = {
    "spent_from": ("Spent at least", "monetary", True),
    "spent_to": ("Spent at most", "monetary", False),
    "days_from": ("Days since last order, from", "recency_days", True),
    "days_to": ("Days since last order, to", "recency_days", False),
}
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def filtered(seen: Seen) -> pd.DataFrame:
    """Ask for filters, and return the customers of the month that they leave; say if none is."""
    frame, model, keeps = seen.listed, seen.view.clusters["segment"], []
    for column, (name, label) in abreast(CHOICES.items()):
        found = frame[name].dropna().unique()
        options = in_order(found, model) if name == "segment" else sorted(found)
        if chosen := column.multiselect(label, options, key=name, placeholder="All", **KEPT):
            keeps.append(frame[name].isin(chosen))
    for column, (key, (label, name, is_least)) in abreast(ENDS.items()):
        end = column.number_input(label, value=None, key=key, min_value=0, **KEPT)
        if end is not None:
            keeps.append((frame[name] >= end) if is_least else (frame[name] <= end))
    left = frame[reduce(and_, keeps)] if keeps else frame
    if left.empty:
        st.info("No customer is left: take a filter away.")
    return left
