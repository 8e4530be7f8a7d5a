"""How pages show: tables, lists to take along, marks and colours of segments.

Belongs here: what more than one page needs. Does not: figures, or what a page says or asks.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import altair as alt
import pandas as pd
import pyarrow as pa
import streamlit as st

from customer_segments.model.names import in_order
from customer_segments.outputs.columns import DATE, MONEY, SHARE, TENTHS, WHOLE, Column
from customer_segments.outputs.pictures.palette import STYLE, colour, shape
from customer_segments.outputs.words import UNKNOWN
from customer_segments.outputs.workbook.tables import write_csv

Item = TypeVar("Item")

# Formats of numbers in the browser; a share of 0.1 is 10 there.
NUMBERS = {WHOLE.excel: "%,.0f", TENTHS.excel: "%,.1f", MONEY.excel: "%,.0f", SHARE.excel: "%.1f%%"}
# Rows of a list in the browser; a download has all.
MOST_ROWS = 10_000


def table(rows: pd.DataFrame | Iterable[dict[str, Any]], columns: Sequence[Column], **more: Any):
    """Show figures under the headings of the vocabulary; returns what Streamlit does."""
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    for column in columns:
        if column.format is SHARE:
            frame[column.name] = 100 * frame[column.name].astype(float)
    return grid(frame, {column.name: _configured(column) for column in columns}, **more)


def grid(frame: pd.DataFrame, config: dict[str, Any], **more: Any):
    """Show a table whose columns are configured; returns what Streamlit does."""
    more |= {"hide_index": True, "column_config": config, "placeholder": UNKNOWN}
    return st.dataframe(frame, width="stretch", **more)


def people(frame: pd.DataFrame, columns: Sequence[Column], by: str, file: str, **more: Any) -> Any:
    """Show a list of customers, most money first, and a button to take it along.

    ``by`` says which money; of as much, they stay in their order. Nobody in it is a sentence.
    """
    if frame.empty:
        st.info("Nobody is in this list.")
        return None
    # To put a million in order takes as long as the rest of a page: the download does.
    first = frame.nlargest(MOST_ROWS, by) if len(frame) > MOST_ROWS else in_turn(frame, by)
    shown = table(first, columns, **more)
    if len(frame) > MOST_ROWS:
        note(f"The first {MOST_ROWS:,} of {len(frame):,}; the download has all.")
    names = [column.name for column in columns]
    st.download_button(
        f"Download {len(frame):,} rows as CSV",
        lambda: as_csv(in_turn(frame, by)[names]),
        file_name=f"{file}.csv",
        mime="text/csv",
        key=f"download {file}",
        on_click="ignore",
    )
    return shown


def abreast(items: Collection[Item]) -> Iterator[tuple[Any, Item]]:
    """Return items, each with a column of the page."""
    return zip(st.columns(len(items)), items, strict=True)


def metrics(*figures: tuple[str, ...]) -> None:
    """Show figures beside each other: what each is, its value, and perhaps what explains it."""
    for column, (label, value, *said) in abreast(figures):
        column.metric(label, value, help=" ".join(said) or None)


def ranked(rows: pd.DataFrame, model: Iterable[str]) -> pd.DataFrame:
    """Return rows in their segments' order, and those of a segment as they were."""
    places = {name: place for place, name in enumerate(in_order(rows["segment"], model))}
    return rows.sort_values("segment", key=lambda names: names.map(places), kind="stable")


def in_turn(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return customers with most money first; of as much, as they were."""
    return frame.sort_values(by, ascending=False, kind="stable")


def as_csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV, as the file beside the workbook has it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        write_csv([pa.Table.from_pandas(frame, preserve_index=False)], path)
        return path.read_bytes()


def by_segment(segments: Iterable[str], model: Iterable[str]) -> dict[str, alt.Color | alt.Shape]:
    """Return how a chart tells segments apart: by colour and mark, in their model's order."""
    names = in_order(segments, model)
    colours = alt.Scale(domain=names, range=[hue(name) for name in names])
    marks = alt.Scale(domain=names, range=[shape(name) for name in names])
    # Two beside each other fit a phone, and half of a laptop.
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolOpacity=1)
    return {
        "color": alt.Color("segment:N", scale=colours, legend=legend),
        "shape": alt.Shape("segment:N", scale=marks, legend=legend),
    }


def hue(segment: str) -> str:
    """Return the colour of a segment on the page as it is now, light or dark."""
    return colour(segment, is_dark=st.context.theme.type == "dark")


def ink() -> str:
    """Return the colour of text in charts, which Vega does not take from the page."""
    return STYLE["ink"][st.context.theme.type == "dark"]


def spans(segment: str) -> str:
    """Return a segment's name with its colour beside it, as HTML of this program's own words."""
    box = f"background:{hue(segment)};width:.7em;height:.7em;display:inline-block"
    swatch = f'<span style="{box};margin-right:.4em" aria-hidden="true"></span>'
    return f"{swatch}<strong>{escape(segment)}</strong>"


def note(said: str) -> None:
    """Say something small, in the colour of text: Streamlit's captions are too faint to read."""
    st.markdown(f":small[{said}]")


def days(column: str) -> str:
    """Return how a column of dates is written: one of months without their first day."""
    return "YYYY-MM" if column.endswith("month") else "YYYY-MM-DD"


def text(value: str) -> str:
    """Return what somebody else wrote, for a place that takes Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:])", r"\\\1", value)


def _configured(column: Column) -> Any:
    heading, written = column.short or column.heading, column.format
    if written is DATE:
        return st.column_config.DateColumn(heading, format=days(column.name))
    if written.is_number:
        return st.column_config.NumberColumn(heading, format=NUMBERS.get(written.excel, "%+,.0f"))
    return st.column_config.TextColumn(heading)
