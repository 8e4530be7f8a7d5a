"""Which colour, mark and place a segment has, in every picture.

Belongs here: all colours that pictures use, and the order of segments. Does not: drawing, which
name has which colour (``palette.toml``).
"""

from collections.abc import Iterable

from customer_segments.model.names import SEGMENTS
from customer_segments.tables import GONE, NEW
from customer_segments.texts import read_toml

# Of text and axes, of what stands back, and of figures that belong to no segment.
INK, FAINT, NEUTRAL, ACCENT, PAPER = "#222222", "#BBBBBB", "#8A97A0", "#2F4858", "#FFFFFF"

_COLOURS, _MARKS = read_toml(__package__, "palette.toml").values()


def colour(segment: str) -> str:
    """Return the colour of a segment's name; a numbered one has a lighter shade of its name's."""
    name, turn = _parts(segment)
    return mixed(_COLOURS.get(name, NEUTRAL), 1 / turn)


def mark(segment: str) -> str:
    """Return the marker of a segment's name."""
    return _MARKS.get(_parts(segment)[0], "o")


def in_order(segments: Iterable[str]) -> list[str]:
    """Return segments once each in the fixed order from best to worst, new first, gone last."""
    places = {name: place for place, name in enumerate((NEW, *SEGMENTS))}
    # Behind them names that an imported model brought along.
    places[GONE] = len(places) + 1
    last = len(places) - 1
    return sorted(set(segments), key=lambda name: (places.get(_parts(name)[0], last), name))


def mixed(hue: str, strength: float) -> str:
    """Return a colour between white (strength 0) and ``hue`` (1)."""
    parts = (int(hue[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * strength):02X}" for part in parts)


def text_on(background: str) -> str:
    """Return the colour of text that is readable on a background: dark or white.

    By the relative luminance of WCAG 2.2, where dark text and white contrast alike with .213.
    """
    channels = (int(background[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return INK if luminance > 0.213 else PAPER


def _parts(segment: str) -> tuple[str, int]:
    """Return the name of the vocabulary, and which of the segments so called it is."""
    name = segment.rstrip("0123456789 ")
    number = segment[len(name) :].strip()
    return name, int(number) if number else 1
