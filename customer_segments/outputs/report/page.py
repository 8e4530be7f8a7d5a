"""A month's report as one HTML file that needs no other.

Belongs here: what the template is given, and how figures are written in it. Does not: the figures
(``figures``), sentences and layout (``report.html.j2``, ``report.css``), terms (``glossary.toml``).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from customer_segments.evaluation.findings import MARGIN, findings, means
from customer_segments.evaluation.ways import QUINTILE_SUM
from customer_segments.model.sampling import MOST_CUSTOMERS
from customer_segments.months import shift
from customer_segments.outputs import figures
from customer_segments.outputs.campaigns import measurable
from customer_segments.outputs.columns import Column, columns_of
from customer_segments.outputs.pictures.palette import STYLE, variable
from customer_segments.outputs.pictures.picture import Picture, in_use, is_continuum
from customer_segments.outputs.queries import YEAR
from customer_segments.outputs.templates import rendered
from customer_segments.outputs.view import MonthView
from customer_segments.segments.tiers import WHOLESALE, thrown_away
from customer_segments.shown import Link
from customer_segments.texts import read_text, read_toml

# Files named in the report; a live shop has one for each month.
NAMED_SHEETS = 12
LARGEST = 10
CAMPAIGN_COLUMNS = columns_of("customers control return_rate smallest needed")
SEGMENT_COLUMNS = columns_of(
    "customers share since_last_month since_last_year revenue revenue_share year expected "
    "median_recency_days median_frequency median_monetary"
)


def render(
    view: MonthView, pictures: Sequence[Picture], links: Sequence[Link], *, is_sample: bool
) -> str:
    """Return the report of a month as HTML, with pictures, and links to files that lie beside it.

    It says loudly that its customers are invented if it is of the bundled sample.
    """
    segments = figures.shown_segments(view)
    names = {segment["segment"] for segment in segments}
    chosen = in_use(view)
    recommended = view.selection[view.selection["is_recommended"].astype(bool)]
    order = {"passes": False, "silhouette": False, "labelling": True}
    comparison = view.comparison.sort_values([*order], ascending=[*order.values()])
    foretold = means(view.backtest)
    farthest = foretold["horizon_months"] == foretold["horizon_months"].max()
    first = view.rows["month"].min().date()
    known_ahead = {"year": view.year, "expected": view.expected}
    facts = {
        "view": view,
        "figures": figures,
        "is_sample": is_sample,
        "shift": shift,
        "begins": first if shift(first, YEAR - 1) > view.month else None,
        "segments": segments,
        "empty": [s for s in view.clusters["segment"] if s not in names],
        "variable": variable,
        "palette": STYLE,
        "headed": _headed,
        "columns": [c for c in SEGMENT_COLUMNS if known_ahead.get(c.name, True)],
        "campaigns": measurable(view),
        "campaign_columns": CAMPAIGN_COLUMNS,
        "changed": max(segments, key=lambda of: abs(of["since_last_month"] or 0)),
        "findings": None if view.findings is None else figures.known(view.findings),
        "accounts": _accounts(view),
        "model": _row(view.clusters.iloc[0]),
        "decision": _row(view.decision),
        "chosen": _row(chosen),
        "tried_on": None if view.selection.empty else view.selection["training_month"].iloc[0],
        "is_continuum": chosen is not None and is_continuum(chosen),
        "recommended": next(iter(figures.known(recommended)), None),
        "comparison": figures.known(comparison),
        "foretold": figures.known(foretold[farthest]),
        "against_sum": _against_sum(foretold, len(view.clusters)),
        "foretelling": findings(view.backtest),
        "sheets": figures.known(view.sheets),
        "named_sheets": NAMED_SHEETS,
        "most_whole": MOST_CUSTOMERS,
        "pictures": pictures,
        "links": links,
        "workbook": next((link for link in links if link.name.endswith(".xlsx")), None),
        "glossary": read_toml(__package__, "glossary.toml"),
        "style": read_text(__package__, "report.css"),
    }
    return rendered(read_text(__package__, "report.html.j2"), facts)


def _headed(columns: Iterable[Column]) -> list[tuple[str, str]]:
    """Return the heads of a table with a row for each segment, and the class of their cells."""
    return [("Segment", ""), *((column.short, "n") for column in columns)]


def _accounts(view: MonthView) -> dict[str, Any]:
    """Return how many wholesale accounts there are, and what would be lost without outliers."""
    people, largest = view.people, view.customers["monetary"].to_pandas().astype("float64")
    large, revenue = people["account_tier"] == WHOLESALE, people["monetary"].sum()
    customers, wholesale = view.scaled(len(people)), view.scaled(int(large.sum()))
    counts = {"wholesale": wholesale, "customers": customers, "revenue": revenue}
    if not revenue > 0:
        return counts
    lost = thrown_away(people)
    return counts | {
        "share": people["monetary"][large].sum() / revenue,
        "largest": LARGEST,
        "largest_share": largest.nlargest(LARGEST).sum() / (revenue * customers / len(people)),
        "lost": lost._replace(customers=view.scaled(lost.customers)),
    }


def _against_sum(foretold: pd.DataFrame, clusters: int) -> dict[str, Any] | None:
    """Return what the model explains of later spending beside the plain sum of scores."""
    judged = foretold.dropna(subset=["explained_variance"])
    months = judged["horizon_months"].max()
    explained = judged[judged["horizon_months"] == months].set_index("labelling")
    ways = [f"KMeans, {clusters} clusters", QUINTILE_SUM]
    if not {*ways} <= {*explained.index}:
        return None
    here, there = explained["explained_variance"][ways]
    return {"months": int(months), "here": here, "there": there, "margin": MARGIN}


def _row(row: pd.Series | None) -> dict[str, Any] | None:
    return None if row is None else figures.known(row.to_frame().T)[0]
