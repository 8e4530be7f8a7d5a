"""What a doctor's look at one thing comes to."""

from enum import Enum
from functools import partial
from typing import NamedTuple


class Level(Enum):
    """How bad it is."""

    WELL = "✓"
    ODD = "!"
    WRONG = "✗"


class Finding(NamedTuple):
    """What was looked at, in a word; what was found, in a sentence; and what to do, if anything."""

    level: Level
    topic: str
    said: str
    remedy: str = ""


well, odd, wrong = (partial(Finding, level) for level in Level)
