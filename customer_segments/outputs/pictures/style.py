"""How all pictures look: size, type, axes, labels.

Belongs here: what is the same in every picture. Does not: colours (``palette``), data, the way to
a page (``svg``). There is no pyplot and no rcParams: figures are drawn in several threads without
state that they share.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from customer_segments.outputs.pictures.palette import FAINT, INK, colour, mark
from customer_segments.outputs.words import short

# Inches of a hundred CSS pixels: as wide as a phone, so that text stays what it is there. A wide
# page has pictures side by side.
WIDTH, DPI = 4.0, 100
# Points: 12.5 CSS pixels, which are 11 on a phone, and from line to line.
TEXT, LEADING = 9, 11
# Room for the longest name of a segment, for a heading, and the height of a line, in inches.
NAMES, HEADING, LINE = 1.42, 0.3, 0.22
# Names of segments in a line of the legend.
ACROSS = 2


def figure(height: float) -> Figure:
    """Return an empty figure of a phone's width, so many inches high."""
    return Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="none")


def panel(
    drawn: Figure,
    left: float,
    bottom: float,
    right: float,
    top: float,
    *,
    spines: Iterable[str] = ("left", "bottom"),
    x: str = "",
    heading: str = "",
    **options,
) -> Axes:
    """Return axes within margins, in inches, with these axis lines.

    ``x`` (with its unit) stands below; the heading, with the unit of what goes up, above the axes
    in ``HEADING`` inches of the top margin: text that stands on its side is hard to read.
    """
    width, height = drawn.get_size_inches()
    size = ((width - left - right) / width, (height - bottom - top) / height)
    axes = drawn.add_axes((left / width, bottom / height, *size), **options)
    axes.set_facecolor("none")
    axes.tick_params(labelsize=TEXT, labelcolor=INK, color=FAINT, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in spines)
        spine.set_color(FAINT)
    axes.set_xlabel(x, fontsize=TEXT, color=INK)
    above = (height - top + HEADING - 0.1) / height
    drawn.text(0.02 / width, above, heading, fontsize=TEXT, color=INK, va="center", weight="bold")
    return axes


def write(axes: Axes, x: float, y: float, text: str, *, ha="left", va="center", **more) -> None:
    """Write text at a point of the data; each line by itself, so that its alignment is kept."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        up = LEADING * ((len(lines) - 1) / 2 - place)
        how = {"ha": ha, "va": va, "fontsize": TEXT, "color": INK, "annotation_clip": False}
        axes.annotate(line, (x, y), (0, up), textcoords="offset points", **how, **more)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name horizontal rows, the first on top."""
    for row, name in enumerate(names):
        write(axes, -0.02, -row, name, ha="right", xycoords=("axes fraction", "data"))
    axes.set(yticks=[], ylim=(-len(names) + 0.4, 0.6))


def name_ends(
    axes: Axes, ends: ArrayLike, names: Sequence[str], x: tuple[ArrayLike, float, float]
) -> np.ndarray:
    """Name lines at their right ends, set apart where names would meet, each tied to its line.

    ``ends`` are the lines' heights there, within the limits of the axes as names are, whose
    heights are returned; ``x`` is where lines end, where their ties end, and where names begin.
    """
    starts, tied, begin = x
    low, high = axes.get_ylim()
    gap = (high - low) * LINE * DPI / axes.bbox.height
    places = spread(ends, gap, (low, high))
    lines = np.broadcast_arrays(starts, ends, places)
    for start, end, place, name in zip(*lines, names, strict=True):
        axes.plot([start, tied], [end, place], c=FAINT, lw=0.8)
        write(axes, begin, place, name)
    return places


def keyed(height: float, segments: Sequence[str]) -> tuple[Figure, float]:
    """Return a figure with names and marks of segments above, and how many inches they take."""
    lines = -(-len(segments) // ACROSS)
    drawn = figure(height + LINE * lines)
    axes = panel(drawn, 0.1, height, 0.1, 0, spines=())
    axes.set(xticks=[], yticks=[], xlim=(0, ACROSS), ylim=(-lines + 0.5, 0.5))
    for index, segment in enumerate(segments):
        line, column = divmod(index, ACROSS)
        axes.plot(column + 0.04, -line, marker=mark(segment), ms=7, mew=0, c=colour(segment))
        write(axes, column + 0.11, -line, segment)
    return drawn, LINE * lines


def log10(values) -> np.ndarray:
    """Return decimal logarithms; what is below 1 (such as money taken back) stands at 1."""
    return np.log10(np.maximum(np.asarray(values, dtype=float), 1.0))


def log_ticks(low: float, high: float, most: int = 7) -> tuple[list[float], list[str]]:
    """Return places and plain labels, at most so many, for an axis of decimal logarithms."""
    steps = (1,) if high - low > 3 else (1, 3) if high - low > 1 else (1, 2, 5)
    values = [step * 10.0**decade for decade in range(int(max(high, 0)) + 1) for step in steps]
    # A narrow axis between round numbers has its middle.
    for candidates in (values, [round(10 ** ((low + high) / 2))]):
        places = [float(np.log10(value)) for value in candidates]
        shown = [place for place in places if low - 1e-9 <= place <= high + 1e-9]
        if shown:
            break
    shown = shown[:: -(-len(shown) // most) or 1]
    return shown, [short(10**place) for place in shown]


def bounds(values: np.ndarray, margin: float = 0.05) -> tuple[float, float]:
    """Return limits for an axis around finite values, also where all are equal."""
    low, high = float(values.min()), float(values.max())
    room = margin * (high - low) or 0.5
    return low - room, high + room


def spread(
    positions: ArrayLike, gap: float, within: tuple[float, float] = (-np.inf, np.inf)
) -> np.ndarray:
    """Return positions moved as little as need be to stand ``gap`` apart, in the same order.

    Labels that would stand on each other are set apart around their common middle, or as near to
    it as they stay within limits.
    """
    order = np.argsort(positions, kind="stable")
    steps, placed = gap * np.arange(len(order)), np.empty(len(order))
    apart = _rising(np.asarray(positions, float)[order] - steps)
    placed[order] = steps + np.clip(apart, within[0], within[1] - gap * (len(order) - 1))
    return placed


def _rising(values: np.ndarray) -> np.ndarray:
    """Return what is nearest to values, by least squares, and never falls.

    Isotonic regression by its min-max formula (Barlow et al. 1972, 1.4): a value is the largest, by
    where a run begins, of the smallest means of runs that hold it. SciPy has it as well, and takes
    longer to be imported than a report to be drawn.
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first, last = np.indices((len(values), len(values)))
    means = (sums[last + 1] - sums[first]) / np.maximum(last + 1 - first, 1)
    means = np.where(first <= last, means, np.inf)
    least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
    return np.where(first <= last, least, -np.inf).max(axis=0, initial=-np.inf)
