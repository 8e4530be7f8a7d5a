"""What a doctor's look at one thing comes to."""

from dataclasses import dataclass
from enum import Enum
from functools import partial


class Level(Enum):
    """How bad it is."""

    WELL = "✓"
    ODD = "!"
    WRONG = "✗"

    @property
    def style(self) -> str:
        """Colour in a terminal."""
        return {"✓": "green", "!": "yellow", "✗": "red"}[self.value]


@dataclass(frozen=True)
class Finding:
    """What was found.

    Parameters
    ----------
    topic
        What was looked at, in a word.
    said
        What was found, in a sentence.
    remedy
        What to do about it; empty if nothing.
    """

    level: Level
    topic: str
    said: str
    remedy: str = ""


well, odd, wrong = (partial(Finding, level) for level in Level)
