"""The page *What if*: other numbers of segments, and the RFM grid, beside today's labels.

Belongs here: fitting on the month that is looked at, for the eye alone. Does not: deciding; a
command does that, and the page names it.
"""

from datetime import date

import numpy as np
import pandas as pd
import streamlit as st

from customer_segments.dashboard.asking import choice
from customer_segments.dashboard.moves import show_totals
from customer_segments.dashboard.reading import Seen, stamp
from customer_segments.dashboard.segments import summed
from customer_segments.dashboard.showing import metrics, note, table
from customer_segments.evaluation.rfm_grid import GRID_NAMES, grid_of
from customer_segments.evaluation.ways import GRID
from customer_segments.model.comparison import nearest_clusters, segment_names
from customer_segments.model.features import values_of
from customer_segments.model.fit import fit_version
from customer_segments.model.training import training_pool
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.words import month_name, percent
from customer_segments.tables import ALGORITHM_COMPARISON, MODEL_SELECTION

NUMBERS = [str(number) for number in range(2, 11)]


def page(seen: Seen) -> None:
    """Show how the customers of the month would be labelled otherwise."""
    view = seen.view
    st.title("What if")
    st.write("Nothing here is written: look, and decide by the command below.")
    way = choice(
        st,
        "Segments",
        [*NUMBERS, GRID],
        NUMBERS.index(str(min(len(view.clusters), 10))),
        "way",
        format_func=lambda way: f"KMeans, {way} segments" if way != GRID else way,
    )
    frame = view.people
    if way == GRID:
        values = values_of(frame)
        names, order = np.array(GRID_NAMES, object)[grid_of(values)(values)], []
    else:
        seed = seen.installed.policy.model.seed
        version = _version(stamp(seen.installed), view.month, int(way), seed, seen)
        order = [*segment_names(version)]
        names = segment_names(version)[nearest_clusters(values_of(frame), version)]
    other = frame.assign(segment=names)
    _evidence(seen, way)
    left, right = st.columns(2)
    shown = columns_of("segment customers share revenue median_recency_days", revenue="Money")
    model = view.clusters["segment"]
    for column, said, sizes in (
        (left, "Today", summed(frame, model)),
        (right, "What if", summed(other, order)),
    ):
        with column:
            st.header(said)
            table(sizes, shown)
    st.header("From today's to these")
    moved = frame[["customer_id", "monetary"]].assign(
        from_segment=frame["segment"], to_segment=names, before=frame["monetary"], brought=0
    )
    show_totals(moved, "what_if")
    same = percent(float((frame["segment"].to_numpy() == names).mean()))
    note(f"{same} of the customers have a segment of the same name.")
    if way != GRID:
        st.write("To fit it for all months, and have it label if the gate lets it:")
        fitted = f"--clusters {way} --training-month {view.month:%Y-%m}"
        st.code(f"customer-segments refit {fitted}", language="sh", wrap_lines=True)


@st.cache_data(max_entries=24, show_spinner="Fitting ...")
def _version(stamp: tuple, month: date, n_clusters: int, seed: int, _seen: Seen) -> pd.DataFrame:
    pool = training_pool(_seen.ask, month)
    return pd.DataFrame(fit_version(pool, n_clusters=n_clusters, seed=seed))


def _evidence(seen: Seen, way: str) -> None:
    """Say how stable it was found to be, if that was looked at."""
    if way == GRID:
        tried = seen.table(ALGORITHM_COMPARISON)
        found, remedy = tried[tried["labelling"] == GRID], "customer-segments evaluate"
    else:
        tried = seen.table(MODEL_SELECTION)
        found, remedy = tried[tried["n_clusters"] == int(way)], "customer-segments refit"
    if found.empty:
        note(f"How stable it is was not looked at yet: `{remedy}`.")
        return
    row = found.iloc[0]
    figures = {"Stability (ARI)": "stability", "Worst segment (Jaccard)": "worst_jaccard"}
    said = (
        f"{row[name]:.2f}" if row[name] == row[name] else "not measured"
        for name in figures.values()
    )
    metrics(*zip(figures, said, strict=True))
    verdict = "Passes the gates" if row["passes"] else "Does not pass the gates"
    st.write(f"{verdict}, on customers of {month_name(row['training_month'])}: {row['reason']}")
