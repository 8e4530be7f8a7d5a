"""What pages are made from: the serving copy, read once for as long as it stays as it is.

Belongs here: finding and reading the copy, for all sessions of the server. Does not: how it is
shown. The warehouse is never opened.
"""

from dataclasses import dataclass
from datetime import date
from sys import maxsize
from typing import TYPE_CHECKING, Any

import ibis
import streamlit as st

from customer_segments.installation import Installation
from customer_segments.outputs import figures
from customer_segments.outputs.reading import read_month
from customer_segments.outputs.view import MonthView
from customer_segments.shown import labelled_months, shown_month
from customer_segments.storage.contracts import Contract
from customer_segments.storage.state import State

if TYPE_CHECKING:
    import pandas as pd

# Of thirty columns, what lists show of customers: to copy all of a million takes its time.
LISTED = [
    *("customer_id", "segment", "country", "account_tier", "monetary", "frequency"),
    *("recency_days", "revenue_12m", "average_order_value", "campaign_group", "channel"),
    "suggested_action",
]
# Months, and answers to questions, that are kept in memory.
KEPT_MONTHS, KEPT_ANSWERS = 6, 64


@dataclass(frozen=True)
class Seen:
    """What a page is given: the installation, the state of its serving copy, the month chosen."""

    installed: Installation
    state: State
    month: date

    @property
    def months(self) -> list[date]:
        """The months that can be chosen, in order."""
        return labelled_months(self.installed, self.state)

    @property
    def view(self) -> MonthView:
        """All that is known of the month."""
        return self.view_of(self.month)

    def view_of(self, month: date) -> MonthView:
        """Return all that is known of another month."""
        policy = self.installed.policy
        share, today = policy.campaigns.control_share, self.installed.months.today
        return _view(stamp(self.installed), month, today, share, self.installed)

    @property
    def listed(self) -> "pd.DataFrame":
        """The customers of the month as lists show them; texts that come again are categories."""
        return _listed(stamp(self.installed), self.month, self.installed.months.today, self)

    @property
    def segments(self) -> list[dict[str, Any]]:
        """The segments of the month, as the report has them: ``figures.shown_segments``."""
        return _segments(stamp(self.installed), self.month, self.installed.months.today, self)

    def ask(self, question: ibis.Table) -> "pd.DataFrame":
        """Return what the copy answers; money is float64."""
        money = [name for name, dtype in question.schema().items() if dtype.is_decimal()]
        plain = question.cast(dict.fromkeys(money, "float64"))
        return _answer(stamp(self.installed), ibis.to_sql(plain, dialect="duckdb"), self.installed)

    def table(self, contract: Contract) -> "pd.DataFrame":
        """Return a whole small table, in order of its key; empty if it was never made."""
        if contract.table not in self.state.tables:
            return contract.arrow([]).to_pandas()
        return self.ask(contract.relation.order_by(list(contract.key)))


def look(installed: Installation, chosen: date | None = None) -> Seen | None:
    """Return what there is to see, of a month or of the one that is shown by default.

    None if there is no copy yet, or nobody in it.
    """
    copy = installed.copy
    state = State.load(copy.state_path) if copy.path.exists() else State()
    shown = shown_month(installed, state)
    if shown is None:
        return None
    is_there = chosen in labelled_months(installed, state)
    return Seen(installed, state, chosen if chosen and is_there else shown)


def stamp(installed: Installation) -> tuple[str, int, int]:
    """Return what tells one copy from the next that takes its place."""
    file = installed.copy.path.stat()
    return str(installed.copy.path), file.st_mtime_ns, file.st_size


@st.cache_resource(max_entries=KEPT_MONTHS, show_spinner="Reading the month ...")
def _view(
    stamp: tuple, month: date, today: date, control_share: float, _installed: Installation
) -> MonthView:
    return read_month(_installed.copy, month, today, control_share, most=maxsize)


@st.cache_resource(max_entries=KEPT_MONTHS, show_spinner=False)
def _listed(stamp: tuple, month: date, today: date, _seen: Seen) -> "pd.DataFrame":
    people = _seen.view.people
    listed = people[[name for name in LISTED if name in people]]
    texts = listed.select_dtypes("str").columns.drop("customer_id")
    # A filter copies a million of them in a tenth of the time.
    return listed.astype(dict.fromkeys(texts, "category"))


@st.cache_resource(max_entries=KEPT_MONTHS, show_spinner=False)
def _segments(stamp: tuple, month: date, today: date, _seen: Seen) -> list[dict[str, Any]]:
    return figures.shown_segments(_seen.view)


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner="Looking ...")
def _answer(stamp: tuple, sql: str, _installed: Installation) -> "pd.DataFrame":
    with _installed.copy.reading() as con:
        return con.con.execute(sql).df()
