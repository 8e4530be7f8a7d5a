"""How all pictures look: size, type, axes, and the way to bytes.

Belongs here: what is the same in every picture. Does not: colours (``palette``) or data. There is
no pyplot and no rcParams: figures are drawn in several threads without state that they share.
"""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from customer_segments.reports.pictures.palette import FAINT, INK, PAPER, colour, mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches; a hundred CSS pixels each in the report, so drawn at one and a half times its size.
WIDTH = 9.0
DPI = 150
# Points: a hundredth of an inch is .72 of them, so 14 and 12 CSS pixels.
TEXT, SMALL = 10, 8.7
# Room for the longest name of a segment.
NAMES = 1.75
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
    x: str = "",
    y: str = "",
    title: str = "",
    spines: Iterable[str] = ("left", "bottom"),
    **options,
) -> "Axes":
    """Return axes within margins.

    Parameters
    ----------
    left, bottom
        Of the axes' corner, in inches from the figure's left and bottom.
    right, top
        Of the opposite corner, in inches from the figure's right and top.
    x, y, title
        Labels of the axes, with units, and of the panel.
    spines
        Axis lines to draw.
    """
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
    if title:
        axes.set_title(title, fontsize=TEXT, color=INK, loc="left", weight="bold", pad=8)
    return axes


def write(
    axes: "Axes", x: float, y: float, text: str, *, ha="left", va="center", **options
) -> None:
    """Write text at a point of the data, at the size of small text unless told otherwise."""
    axes.text(x, y, text, **{"ha": ha, "va": va, "fontsize": SMALL, "color": INK, **options})


def name_rows(axes: "Axes", segments: Sequence[str]) -> None:
    """Name horizontal rows, the first on top, each with the colour of its segment."""
    rows = -np.arange(len(segments))
    axes.set_yticks(rows, segments, fontsize=TEXT)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(segments) + 0.4, 0.6)


def key(drawn: "Figure", segments: Sequence[str], top: float, left: float = 0.2) -> float:
    """Write the segments' names with their marks in lines from the top; return the lines' height.

    Parameters
    ----------
    top, left
        Where it starts, in inches.
    """
    across = 4
    lines = -(-len(segments) // across)
    axes = panel(drawn, left, drawn.get_size_inches()[1] - top - 0.28 * lines, 0.1, top, spines=())
    axes.set_xlim(0, across)
    axes.set_ylim(-lines + 0.5, 0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    for index, segment in enumerate(segments):
        line, column = divmod(index, across)
        axes.plot(column + 0.04, -line, marker=mark(segment), ms=8, mew=0, c=colour(segment))
        write(axes, column + 0.09, -line, segment, fontsize=TEXT)
    return 0.28 * lines


def log10(values) -> np.ndarray:
    """Return decimal logarithms; what is below 1 (such as money taken back) stands at 1."""
    return np.log10(np.maximum(np.asarray(values, dtype=float), 1.0))


def log_ticks(low: float, high: float, most: int = 7) -> tuple[list[float], list[str]]:
    """Return places and labels, plain numbers, for an axis of decimal logarithms.

    Parameters
    ----------
    most
        Labels that have room.
    """
    steps = (1,) if high - low > 3 else (1, 3) if high - low > 1 else (1, 2, 5)
    values = [step * 10**decade for decade in range(13) for step in steps]
    # A narrow axis between round numbers has its middle.
    middle = round(10 ** ((low + high) / 2))
    shown = _within(values, low, high) or _within([middle], low, high)
    shown = shown[:: -(-len(shown) // most) or 1]
    return [float(np.log10(value)) for value in shown], [f"{value:,}" for value in shown]


def _within(values: list[int], low: float, high: float) -> list[int]:
    return [value for value in values if low - 1e-9 <= np.log10(value) <= high + 1e-9]


def bounds(values: np.ndarray, margin: float = 0.05) -> tuple[float, float]:
    """Return limits for an axis around finite values, also where all are equal."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    room = margin * (high - low) or 0.5
    return low - room, high + room


def spread(positions: Sequence[float], gap: float) -> np.ndarray:
    """Return positions moved as little as need be to stand ``gap`` apart, in the same order.

    Labels that would stand on each other are set apart around their common middle.
    """
    order = np.argsort(positions, kind="stable")
    groups: list[list[float]] = []
    for value in np.asarray(positions, dtype=float)[order]:
        groups.append([value])
        while len(groups) > 1 and _middle(groups[-1], gap)[0] - _middle(groups[-2], gap)[1] < gap:
            last = groups.pop()
            groups[-1] += last
    placed = np.empty(len(order))
    placed[order] = [
        _middle(group, gap)[0] + index * gap for group in groups for index in range(len(group))
    ]
    return placed


def _middle(group: list[float], gap: float) -> tuple[float, float]:
    """Return first and last position of a group of labels around their mean."""
    half = gap * (len(group) - 1) / 2
    middle = sum(group) / len(group)
    return middle - half, middle + half


def png(drawn: "Figure") -> bytes:
    """Draw a figure and return it as a PNG file; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # The octree makes white one shade darker, which shows on a white page.
    hues = np.array(image.getpalette(), dtype=np.uint8).reshape(-1, 3)
    hues[(hues >= 253).all(axis=1)] = 255
    image.putpalette(hues.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
