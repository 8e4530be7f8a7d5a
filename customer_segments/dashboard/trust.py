"""The page *Trust*: what became of every row, what checks say, and how good the models are.

Belongs here: the evidence, as tables that say what each column is. Does not: making it
(``quality``, ``evaluation``).
"""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import streamlit as st

from customer_segments import tables
from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.showing import days, grid, table
from customer_segments.evaluation.findings import findings, means
from customer_segments.outputs import figures
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.queries import findings_of
from customer_segments.outputs.words import amount, counted, month_name
from customer_segments.storage import Contract
from customer_segments.value.backtest import means as value_means

ROWS = columns_of(
    "reason rows share revenue rows_so_far share_so_far revenue_so_far",
    reason="Row",
    revenue="Money",
)
DECISIONS = ("decision", "decided_at", "version", "verdict", "reason")
SELECTION = ("n_clusters", "stability", "worst_jaccard", "smallest_share", "passes", "reason")
# Where the column's own name is none of people's words.
HEADINGS = {"n_clusters": "Segments", "said": "Found", "table_name": "Table", "check_name": "Check"}
HEADINGS |= {"worst_jaccard": "Worst Jaccard", "adjusted_rand_index": "Adjusted Rand index"}
HEADINGS |= {"mae": "Mean error", "spearman": "Rank correlation", "ndcg": "Order of offers (NDCG)"}
HEADINGS |= {"repurchase_auc": "Who comes back (AUC)", "davies_bouldin": "Davies-Bouldin"}
HEADINGS |= {"calinski_harabasz": "Calinski-Harabasz"}
VERSIONS = ["version", "segment", "customers", "description", "training_month", "silhouette"]


def page(seen: Seen) -> None:
    """Show the evidence for the month that was chosen."""
    view = seen.view
    st.title("Trust")
    st.header("Every row is accounted for")
    reasons = figures.by_reason(view)
    rows, money = (sum(row[f"{name}_so_far"] for row in reasons) for name in ("rows", "revenue"))
    st.write(
        f"By the end of {month_name(view.month)}, {counted(rows, 'row')} had been read, with "
        f"{amount(money)} of revenue. Each row is kept, or rejected for one reason:"
    )
    table(reasons, ROWS)
    st.header("Checks")
    _checks(seen)
    st.header("Models")
    st.subheader("The model that labels")
    _shown(view.clusters, tables.KMEANS_MODEL, VERSIONS)
    st.subheader("Decisions")
    _shown(seen.table(tables.CHAMPION_MODEL)[::-1], tables.CHAMPION_MODEL, DECISIONS)
    st.subheader("How many segments: the gates")
    _shown(seen.table(tables.MODEL_SELECTION), tables.MODEL_SELECTION, SELECTION)
    st.header("What came after")
    _foretold(seen)


def _checks(seen: Seen) -> None:
    if tables.CHECK_HISTORY.table not in seen.state.tables:
        st.info("No check was run yet.")
        return
    found = seen.ask(findings_of(seen.month))
    if found.empty:
        st.success("No check found anything out of the ordinary.")
        return
    st.write(f"{counted(len(found), 'check')} found something out of the ordinary:")
    _shown(found, tables.CHECK_HISTORY, ("level", "table_name", "check_name", "month", "said"))


def _foretold(seen: Seen) -> None:
    view = seen.view
    value, offers = seen.table(tables.VALUE_BACKTEST), seen.table(tables.RECOMMENDATION_BACKTEST)
    agreement, spent = seen.table(tables.REFIT_AGREEMENT), _mean(means, view.backtest)
    evidence = (
        ("Segments, by what their customers spent later", spent, tables.SEGMENT_BACKTEST),
        ("What customers were expected to spend", _mean(value_means, value), tables.VALUE_BACKTEST),
        ("Offers, by what was bought later", offers, tables.RECOMMENDATION_BACKTEST),
        ("Fitted now and months before", agreement, tables.REFIT_AGREEMENT),
        ("Other algorithms", view.comparison, tables.ALGORITHM_COMPARISON),
    )
    there = [(said, frame, contract) for said, frame, contract in evidence if not frame.empty]
    for said, frame, contract in there:
        st.subheader(said)
        _shown(frame, contract, [name for name in contract.columns if name in frame])
    if not there:
        st.info("Nothing was held against what came after yet:")
        st.code("customer-segments evaluate", language="sh")
    for sentence in findings(view.backtest):
        st.markdown(f"- {sentence}")


def _mean(of: Callable[[pd.DataFrame], pd.DataFrame], backtest: pd.DataFrame):
    return backtest if backtest.empty else of(backtest)


def _shown(frame: pd.DataFrame, contract: Contract, names: Iterable[str]) -> None:
    """Show columns of a table; each heading says, when asked, what its contract says of it."""
    config = {name: _column(name, contract) for name in names}
    grid(frame[[*names]], config)


def _column(name: str, contract: Contract) -> Any:
    dtype, (_, said) = contract.schema[name], contract.columns[name]
    heading = HEADINGS.get(name, name.replace("_", " ").capitalize())
    if dtype.is_date():
        return st.column_config.DateColumn(heading, help=said, format=days(name))
    if dtype.is_timestamp():
        return st.column_config.DatetimeColumn(heading, help=said, format="YYYY-MM-DD HH:mm")
    if dtype.is_floating():
        return st.column_config.NumberColumn(heading, help=said, format="%.3f")
    return st.column_config.Column(heading, help=said)
