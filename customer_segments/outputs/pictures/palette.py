"""Which colour and mark a segment has, in every picture.

Belongs here: all colours that pictures use. Does not: drawing, which name has which colour on a
light and on a dark page (``palette.toml``), the order of segments (``model.names``).
"""

from customer_segments.model.names import name_of
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
    return _COLOURS.get(name_of(segment), _FILE["roles"]["neutral"])[is_dark]


def variable(segment: str) -> str:
    """Return what the colour of a segment's name is called in the page's style."""
    return VARIABLES[colour(segment)]


def mark(segment: str) -> str:
    """Return the marker of a segment's name."""
    return _MARKS.get(name_of(segment), "o")


def shape(segment: str) -> str:
    """Return that marker as Vega has it, by name or drawn."""
    return _FILE["shapes"][mark(segment)]
