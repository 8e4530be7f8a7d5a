"""How all pictures look: size, type, axes, labels, and the way to bytes.

Belongs here: what is the same in every picture. Does not: colours (``palette``) or data. There is
no pyplot and no rcParams: figures are drawn in several threads without state that they share.
"""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from customer_segments.outputs.pictures.palette import FAINT, INK, PAPER, colour, mark
from customer_segments.outputs.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

# Inches; a hundred CSS pixels each in the report, so drawn at one and a half times its size.
WIDTH = 9.0
DPI = 150
# Points: a hundredth of an inch is .72 of them, so 14 and 12 CSS pixels.
TEXT, SMALL = 10, 8.7
# Room for the longest name of a segment.
NAMES = 1.75
# Names of segments in a line of the legend, and the height of a line in inches.
ACROSS, LINE = 4, 0.28
# Colours of a PNG file; a palette makes it a third as large.
COLOURS = 128


def figure(height: float) -> "Figure":
    """Return an empty figure of the report's width, so many inches high."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER)


def panel(
    drawn: "Figure",
    left: float,
    bottom: float,
    right: float,
    top: float,
    *,
    spines: Iterable[str] = ("left", "bottom"),
    x: str = "",
    y: str = "",
    title: str = "",
    **options,
) -> "Axes":
    """Return axes within margins, in inches, with these axis lines, labels (with units), title."""
    width, height = drawn.get_size_inches()
    size = ((width - left - right) / width, (height - bottom - top) / height)
    axes = drawn.add_axes((left / width, bottom / height, *size), **options)
    axes.set_facecolor("none")
    axes.tick_params(labelsize=SMALL, labelcolor=INK, color=FAINT, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in spines)
        spine.set_color(FAINT)
    axes.set_xlabel(x, fontsize=SMALL, color=INK)
    axes.set_ylabel(y, fontsize=SMALL, color=INK)
    axes.set_title(title, fontsize=TEXT, color=INK, loc="left", weight="bold", pad=8)
    return axes


def write(axes: "Axes", x: float, y: float, text: str, *, ha="left", va="center", **more) -> None:
    """Write text at a point of the data, at the size of small text unless told otherwise."""
    axes.text(x, y, text, **{"ha": ha, "va": va, "fontsize": SMALL, "color": INK, **more})


def name_rows(axes: "Axes", segments: Sequence[str]) -> None:
    """Name horizontal rows, the first on top."""
    axes.set_yticks(-np.arange(len(segments)), segments, fontsize=TEXT)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(segments) + 0.4, 0.6)


def name_ends(
    axes: "Axes",
    ends: "ArrayLike",
    names: Sequence[str],
    gap: float,
    x: tuple["ArrayLike", float, float],
) -> np.ndarray:
    """Name lines at their right ends, set apart where names would meet, each tied to its line.

    ``ends`` are the lines' heights there and ``gap`` the least distance of names, whose heights
    are returned; ``x`` is where lines end, where their ties end, and where names begin.
    """
    starts, tied, begin = x
    places = spread(ends, gap)
    lines = np.broadcast_arrays(starts, ends, places)
    for start, end, place, name in zip(*lines, names, strict=True):
        axes.plot([start, tied], [end, place], c=FAINT, lw=0.8, clip_on=False)
        write(axes, begin, place, name, fontsize=TEXT, clip_on=False)
    return places


def keyed(height: float, segments: Sequence[str]) -> tuple["Figure", float]:
    """Return a figure with names and marks of segments above, and how many inches they take."""
    lines = -(-len(segments) // ACROSS)
    drawn = figure(height + LINE * lines)
    axes = panel(drawn, 0.2, height - 0.05, 0.1, 0.05, spines=())
    axes.set(xticks=[], yticks=[], xlim=(0, ACROSS), ylim=(-lines + 0.5, 0.5))
    for index, segment in enumerate(segments):
        line, column = divmod(index, ACROSS)
        axes.plot(column + 0.04, -line, marker=mark(segment), ms=8, mew=0, c=colour(segment))
        write(axes, column + 0.09, -line, segment, fontsize=TEXT)
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


def spread(positions: "ArrayLike", gap: float) -> np.ndarray:
    """Return positions moved as little as need be to stand ``gap`` apart, in the same order.

    Labels that would stand on each other are set apart around their common middle.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(positions, kind="stable")
    steps, placed = gap * np.arange(len(order)), np.empty(len(order))
    placed[order] = steps + isotonic_regression(np.asarray(positions, float)[order] - steps).x
    return placed


def png(drawn: "Figure") -> bytes:
    """Draw a figure and return it as a PNG file; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # The octree makes white one shade darker, which shows on a white page.
    hues = np.array(image.getpalette(), dtype=np.uint8).reshape(-1, 3)
    hues[(hues >= 253).all(axis=1)] = 255
    image.putpalette(hues.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
