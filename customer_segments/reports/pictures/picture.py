"""A picture of a report, and what it is drawn from.

Belongs here: what every picture has, and what several of them ask of the evidence.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_segments.reports.pictures import palette

if TYPE_CHECKING:
    import pandas as pd

    from customer_segments.reports.evidence import Evidence

# A silhouette that beats that of a cloud without segments by less finds slices, not groups.
CLOSE_TO_NULL = 0.1


@dataclass(frozen=True)
class Picture:
    """A finished picture.

    Parameters
    ----------
    name
        Safe in a file's name and an anchor.
    explains
        Key of the asset whose figures it shows.
    title
        The finding, with figures of the data; it stands above the picture, not in it.
    caption
        How to read it; also what is read to who cannot see it.
    png
        The file.
    """

    name: str
    explains: str
    title: str
    caption: str
    png: bytes


def segments_of(evidence: "Evidence") -> list[str]:
    """Return the segments of the month, in order: the model's, with or without customers."""
    return palette.in_order(
        [*evidence.clusters["segment"], *evidence.customers["segment"].unique()]
    )


def in_use(evidence: "Evidence") -> "pd.Series | None":
    """Return the row of ``model_selection`` with as many clusters as the model in use has."""
    rows = evidence.selection[evidence.selection["n_clusters"] == len(evidence.clusters)]
    return None if rows.empty else rows.iloc[0]


def is_continuum(row: "pd.Series") -> bool:
    """Tell whether the segments of a number of clusters are slices of one cloud."""
    return row["silhouette"] - row["null_silhouette"] < CLOSE_TO_NULL
