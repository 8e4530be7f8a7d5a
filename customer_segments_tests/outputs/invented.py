"""Views of invented months, as ``read_month`` returns them, made without a warehouse."""

from dataclasses import fields
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa

from customer_segments.months import shift
from customer_segments.outputs.view import MonthView
from customer_segments.tables import (
    MODEL_SELECTION,
    SEGMENT_BACKTEST,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)

MONTH = date(2024, 3, 1)
FOUR = ("Champions", "Potential Loyalists", "Need Attention", "Hibernating")
KINDS = ("spread", "equal", "alone", "in the red")


def invented(
    segments=FOUR,
    *,
    months: int = 3,
    kind: str = "spread",
    empty: tuple[str, ...] = (),
    **other,
) -> MonthView:
    """Return the view of a month.

    Parameters
    ----------
    months
        Months of history, this one included.
    kind
        ``spread``, ``equal`` (all customers alike), ``alone`` (one customer each), or ``in the
        red`` (more taken back than bought).
    empty
        Segments of the model that have no customers.
    other
        Fields to put in place of those made here.
    """
    present = [name for name in segments if name not in empty]
    customers = customers_of(present, kind)
    months_of = [shift(MONTH, back) for back in range(1 - months, 1)]
    # What pictures do not look at is not made up.
    made = dict.fromkeys(field.name for field in fields(MonthView)) | {
        "month": MONTH,
        "customers": customers,
        "profiles": pd.concat([profiles_of(customers, month) for month in months_of]),
        "migration": moves_of(customers, months),
        "clusters": pd.DataFrame(
            {"segment": list(segments), "training_month": pd.Timestamp(MONTH)}
        ),
        "decision": None,
        "selection": selection(),
        "comparison": pd.DataFrame(),
        "backtest": backtest(),
        "retention": retention_of(present, months - 1),
    }
    made |= other
    people = made["customers"]
    if "customer_id" not in people:
        people = people.assign(customer_id=[f"{number:04}" for number in range(len(people))])
    people = people.assign(window_months=pd.NA).astype({"window_months": "Int64"})
    made["customers"] = pa.Table.from_pandas(people, preserve_index=False)
    return MonthView(**made)


def customers_of(segments, kind: str) -> pd.DataFrame:
    random = np.random.default_rng(1)
    frames = []
    for index, segment in enumerate(segments):
        size = 1 if kind == "alone" else 20 + 10 * index
        spread = kind == "spread"
        frequency = random.geometric(1 / (len(segments) - index + 1), size) if spread else 3
        recency = random.integers(1, 60 * (index + 1), size) if spread else 1
        money = random.lognormal(7 - index / 2, 1.5, size) if spread else 250.0
        frame = pd.DataFrame({"segment": [segment] * size})
        frame["recency_days"] = recency
        frame["frequency"] = frequency
        frame["monetary"] = -40.0 if kind == "in the red" else money
        frames.append(frame)
    columns = ["segment", "recency_days", "frequency", "monetary"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def profiles_of(customers: pd.DataFrame, month: date) -> pd.DataFrame:
    of = customers.groupby("segment")["monetary"].agg(customers="size", revenue="sum")
    total = of["revenue"].sum()
    made = of.assign(
        share=of["customers"] / of["customers"].sum(),
        revenue_share=of["revenue"] / total if total > 0 else np.nan,
        snapshot_month=pd.Timestamp(month),
        model_version="a",
    ).reset_index()
    return made.reindex(columns=list(SEGMENT_PROFILES.schema.names))


def moves_of(customers: pd.DataFrame, months: int) -> pd.DataFrame:
    """All stay, but for one of each segment who goes on to the next, one new and one gone."""
    if months < 2 or customers.empty:
        return moves([])
    sizes = customers.groupby("segment").size()
    names = list(sizes.index)
    rows = [(name, name, int(sizes[name])) for name in names]
    rows += [(one, other, 1) for one, other in pairwise(names)]
    return moves([*rows, ("New", names[0], 2), (names[-1], "Gone", 1)])


def moves(rows: list[tuple[str, str, int]], month: date = MONTH) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["from_segment", "to_segment", "customers"])
    frame["snapshot_month"] = pd.Timestamp(month)
    return frame.reindex(columns=list(SEGMENT_MIGRATION.schema.names))


def retention_of(segments, months: int) -> pd.DataFrame:
    rows = [
        (name, after, 100, 100 * after // (after + 1 + index))
        for index, name in enumerate(segments)
        for after in range(1, min(months, 12) + 1)
    ]
    return pd.DataFrame(rows, columns=["segment", "months_after", "customers", "returned"])


def selection(silhouette: float = 0.37, null: float = 0.30, best: int | None = 4) -> pd.DataFrame:
    rows = [
        {
            "n_clusters": k,
            "training_month": pd.Timestamp(MONTH),
            "training_customers": 1_000,
            "inertia": 9_000 / k,
            "silhouette": silhouette,
            "null_silhouette": null,
            "stability": 0.99 - 0.03 * k,
            "cluster_jaccard": [0.99 - 0.03 * k] * k,
            "worst_jaccard": 0.98 - 0.03 * k,
            "resamples": 50,
            "passes": best is not None and k <= best,
            "is_recommended": k == best,
            "reason": "",
        }
        for k in range(2, 11)
    ]
    return pd.DataFrame(rows).reindex(columns=list(MODEL_SELECTION.schema.names))


def backtest() -> pd.DataFrame:
    explained = {
        "KMeans, 4 clusters": (0.28, "segments"),
        "KMeans, 8 clusters": (0.32, "segments"),
        "RFM grid": (0.29, "segments"),
        "Quintile sum": (0.33, "score"),
        "Gradient boosting": (0.36, "bound"),
    }
    rows = [
        {
            "labelling": labelling,
            "as_of": pd.Timestamp(2023, index * 3 + 1, 1),
            "horizon_months": horizon,
            "explained_variance": share + (index - 1) / 100 - (horizon == 3) / 10,
            "top_tenth_share": share + 0.2,
            "repurchase_auc": 0.7,
            "repurchase_share": 0.4,
            "customers": 500,
            "kind": kind,
        }
        for labelling, (share, kind) in explained.items()
        for index in range(3)
        for horizon in (3, 6)
    ]
    return pd.DataFrame(rows).reindex(columns=list(SEGMENT_BACKTEST.schema.names))
