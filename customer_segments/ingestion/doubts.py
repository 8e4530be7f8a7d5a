"""Doubts: what looks wrong with the input as a whole, before anybody is labelled.

Belongs here: what a doubt is, and the judging of rows as a whole. Does not: a row's own fate
(``cleaning``).
"""

from typing import Literal, NamedTuple


class Doubt(NamedTuple):
    """Something about the input that an analyst should look into.

    Parameters
    ----------
    level
        ``stops``: nothing is published; ``warns``: it is said, and the input is used.
    said
        What was found, with file, sheet, column and figures.
    advice
        What to do, with the setting that is the way out.
    accept
        The setting that says that all is well as it is.
    """

    name: str
    level: Literal["stops", "warns"]
    said: str
    advice: str
    accept: str
