"""A picture of a report, and what it is drawn from.

Belongs here: what every picture has, and what several of them ask of the view. Does not: how they
look (``style``), what is said of them (``pictures.toml``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from customer_segments.outputs.pictures.svg import svg
from customer_segments.outputs.templates import rendered
from customer_segments.outputs.view import MonthView
from customer_segments.texts import read_toml

# A silhouette that beats that of a cloud without segments by less finds slices, not groups.
CLOSE_TO_NULL = 0.1

# Figures that stand side by side where there is room, and the facts that their words are made of.
Drawn = tuple[list[Figure], dict[str, Any]]


@dataclass(frozen=True)
class Picture:
    """A finished picture: SVG elements, and what is said of them.

    ``name`` is safe in a file's name and an anchor, ``explains`` the key of the asset whose figures
    it shows, ``section`` where it stands in the report, ``title`` the finding, with figures of the
    data, and ``caption`` how to read it.
    """

    name: str
    explains: str
    section: str
    title: str
    caption: str
    svgs: tuple[str, ...]


def picture(table_of: Callable[[MonthView], pd.DataFrame | None]) -> Callable:
    """Make a picture of what is drawn of a table, with its words; ``None`` where that is empty."""

    def pictured(
        draw: Callable[[MonthView, pd.DataFrame], Drawn],
    ) -> Callable[[MonthView], Picture | None]:
        @wraps(draw)
        def finished(view: MonthView) -> Picture | None:
            table = table_of(view)
            if table is None or table.empty:
                return None
            figures, facts = draw(view, table)
            name = draw.__name__
            words = words_of(name, facts)
            parts = [svg(each, f"{name}-{at}", words["title"]) for at, each in enumerate(figures)]
            return Picture(name, svgs=tuple(parts), **words)

        return finished

    return pictured


def words_of(name: str, facts: dict[str, Any]) -> dict[str, str]:
    """Return what is said of a picture with these facts, and where it stands."""
    return {
        field: " ".join(rendered(text, facts, is_html=False).split())
        for field, text in read_toml(__package__, "pictures.toml")[name].items()
    }


def in_use(view: MonthView) -> pd.Series | None:
    """Return the row of ``model_selection`` about the model in use.

    ``None`` where it is of another training month: of a challenger that was kept out, say.
    """
    tried = view.selection.merge(view.clusters[["training_month"]].drop_duplicates())
    rows = tried[tried["n_clusters"] == len(view.clusters)]
    return None if rows.empty else rows.iloc[0]


def is_continuum(row: pd.Series) -> bool:
    """Tell whether the segments of a number of clusters are slices of one cloud."""
    return row["silhouette"] - row["null_silhouette"] < CLOSE_TO_NULL
