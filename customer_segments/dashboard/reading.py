"""What pages are made from: the serving copy, read once for as long as it stays as it is.

Belongs here: finding and reading the copy, for all sessions of the server. Does not: how it is
shown. The warehouse is never opened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from sys import maxsize
from typing import Any

import ibis
import pandas as pd
import streamlit as st

from customer_segments.installation import Installation
from customer_segments.outputs import figures
from customer_segments.outputs.reading import read_month
from customer_segments.outputs.view import MonthView
from customer_segments.shown import labelled_months, shown_month
from customer_segments.storage.contracts import Contract
from customer_segments.storage.state import State
from customer_segments.tables.money import as_floats

# Of thirty columns, what lists show of customers: to copy all of a million takes its time.
LISTED = [
    *("customer_id", "segment", "country", "account_tier", "monetary", "frequency"),
    *("recency_days", "revenue_12m", "average_order_value", "campaign_group", "channel"),
    "suggested_action",
]
# What is made of months, three things of each of six, and answers, that are kept in memory.
KEPT, KEPT_ANSWERS = 3 * 6, 64


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
        policy, today = self.installed.policy, self.installed.months.today
        by = self.month, today, policy.campaigns.control_share
        return self._kept("view", lambda: read_month(self.installed.copy, *by, most=maxsize))

    @property
    def listed(self) -> pd.DataFrame:
        """The customers of the month as lists show them; texts that come again are categories."""
        return self._kept("listed", lambda: _listed(self.view.people))

    @property
    def segments(self) -> list[dict[str, Any]]:
        """The segments of the month, as the report has them: ``figures.shown_segments``."""
        return self._kept("segments", lambda: figures.shown_segments(self.view))

    def _kept(self, what: str, make: Callable[[], Any]) -> Any:
        share, today = self.installed.policy.campaigns.control_share, self.installed.months.today
        return _made(what, stamp(self.installed), self.month, today, share, make)

    def ask(self, question: ibis.Table) -> pd.DataFrame:
        """Return what the copy answers; money is float64."""
        sql = ibis.to_sql(as_floats(question), dialect="duckdb")
        return _answer(stamp(self.installed), sql, self.installed)

    def table(self, contract: Contract) -> pd.DataFrame:
        """Return a whole small table, in order of its key; empty if it was never made."""
        if contract.table not in self.state.tables:
            return contract.arrow([]).to_pandas()
        return self.ask(contract.relation.order_by(list(contract.key)))


def look(installed: Installation) -> Seen | None:
    """Return what there is to see of the month that is shown by default.

    None if there is no copy yet, or nobody in it.
    """
    state = installed.copy.last_state()
    shown = shown_month(installed, state)
    return Seen(installed, state, shown) if shown else None


def stamp(installed: Installation) -> tuple[str, int, int]:
    """Return what tells one copy from the next that takes its place."""
    file = installed.copy.path.stat()
    return str(installed.copy.path), file.st_mtime_ns, file.st_size


@st.cache_resource(max_entries=KEPT, show_spinner="Reading the month ...")
def _made(what: str, stamp: tuple, month: date, today: date, share: float, _make: Callable) -> Any:
    return _make()


def _listed(people: pd.DataFrame) -> pd.DataFrame:
    listed = people[[name for name in LISTED if name in people]]
    texts = listed.select_dtypes("str").columns.drop("customer_id")
    # A filter copies a million of them in a tenth of the time.
    return listed.astype(dict.fromkeys(texts, "category"))


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner="Looking ...")
def _answer(stamp: tuple, sql: str, _installed: Installation) -> pd.DataFrame:
    with _installed.copy.reading() as con:
        return con.con.execute(sql).df()
