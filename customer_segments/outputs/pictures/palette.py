"""Which colour, mark and place a segment has, in every picture.

Belongs here: all colours that pictures use, and the order of segments. Does not: drawing, which
name has which colour on a light and on a dark page (``palette.toml``).
"""

from collections.abc import Iterable

from customer_segments.model.names import SEGMENTS
from customer_segments.tables import GONE, NEW
from customer_segments.texts import read_toml

_FILE = read_toml(__package__, "palette.toml")
_COLOURS, _MARKS = _FILE["colours"], _FILE["marks"]
# On a light page and on a dark one, by the name of its variable in the page's style.
STYLE: dict[str, list[str]] = {
    name.lower().replace(" ", "-"): both for name, both in (_FILE["roles"] | _COLOURS).items()
}
# Pictures are drawn in light colours, which are told apart by these.
VARIABLES = {light: name for name, (light, _) in STYLE.items()}
# Of text, of axes, of figures that belong to no segment, of those that matter, of the page.
INK, FAINT, NEUTRAL, ACCENT, PAPER = (light for light, _ in _FILE["roles"].values())


def colour(segment: str, *, is_dark: bool = False) -> str:
    """Return the colour of a segment's name on a light page, or on a dark one."""
    return _COLOURS.get(_name(segment), _FILE["roles"]["neutral"])[is_dark]


def variable(segment: str) -> str:
    """Return what the colour of a segment's name is called in the page's style."""
    return VARIABLES[colour(segment)]


def mark(segment: str) -> str:
    """Return the marker of a segment's name."""
    return _MARKS.get(_name(segment), "o")


def shape(segment: str) -> str:
    """Return that marker as Vega has it, by name or drawn."""
    return _FILE["shapes"][mark(segment)]


def in_order(segments: Iterable[str], model: Iterable[str] = ()) -> list[str]:
    """Return segments once each, best first: in their model's order, or that of all names.

    New customers come first, who is gone comes last.
    """
    places = {name: place for place, name in enumerate((NEW, *model))}
    if len(places) == 1:
        places |= {name: place for place, name in enumerate(SEGMENTS, 1)}
    # Behind them names that another model brought along.
    places[GONE] = len(places) + 1
    last = len(places) - 1
    return sorted(
        set(segments), key=lambda name: (places.get(name, places.get(_name(name), last)), name)
    )


def _name(segment: str) -> str:
    """Return the name of the vocabulary, without which of the segments so called it is."""
    return segment.rstrip("0123456789 ")
