"""What a check says of a month, or of a whole table, and how bad that is.

Belongs here: evaluations, levels, comparing a figure with its limits. Does not: figures (each
stage's ``judges``), telling Dagster and remembering (``runner``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from customer_segments.policy.checks import Limits

# Months that a sentence names; the history has them all.
NAMED_MONTHS = 3


class Level(StrEnum):
    """How bad it is: nothing, worth a look, or not to be built on."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


ORDER = list(Level)


def level(value: float | None, limits: Limits) -> Level:
    """Return how bad a figure is; nothing is wrong with one that is not known.

    A figure at its limit is beyond it. Where ``warn`` lies above ``fail``, less is worse.
    """
    sign = -1 if limits.warn > limits.fail else 1
    if value is None or sign * value < sign * limits.warn:
        return Level.OK
    return Level.WARN if sign * value < sign * limits.fail else Level.ERROR


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst level."""
    return max(levels, key=ORDER.index, default=Level.OK)


@dataclass(frozen=True)
class Evaluation:
    """What a check says of one month, or of the whole table if ``month`` is ``None``.

    ``said`` is what is wrong, without the month; at level OK why it was not judged, or nothing.
    """

    month: date | None
    level: Level
    said: str
    figures: Mapping[str, Any]

    def sentence(self, advice: str = "") -> str:
        """Say what is wrong and what to do, that nothing is, or why it was not judged."""
        if self.level is Level.OK:
            return f"Not judged: {self.said}." if self.said else "Nothing stands out."
        return f"{self.named.removesuffix('.')}. {advice}".strip()

    @property
    def named(self) -> str:
        """What is said, after the month that it is said of."""
        return f"{self.month:%Y-%m}: {self.said}" if self.month else self.said


@dataclass(frozen=True)
class Result:
    """What a check says of all that it judged, in order of months.

    ``advice`` is what to do where something stands out, ``well`` what to say where nothing does.
    The UI shows ``metadata`` beside the figures; Dagster has a partition for each month of a table
    that ``is_monthly``.
    """

    table: str
    check: str
    evaluations: tuple[Evaluation, ...]
    advice: str = ""
    well: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    blocking: bool = False
    is_monthly: bool = False

    @property
    def level(self) -> Level:
        """The worst evaluation's."""
        return worst(each.level for each in self.evaluations)

    def whole(self) -> Evaluation:
        """Return all evaluations as one: the worst months by name, newest first."""
        newest = self.evaluations[-1].figures if self.evaluations else {}
        bad = [each for each in self.evaluations if each.level is not Level.OK]
        if not bad:
            return Evaluation(None, Level.OK, self._not_judged(), newest)
        bad.sort(key=lambda e: (ORDER.index(e.level), e.month or date.min), reverse=True)
        said = "; ".join(each.named for each in bad[:NAMED_MONTHS])
        more = f"; and as much of {len(bad) - NAMED_MONTHS} more" if len(bad) > NAMED_MONTHS else ""
        return Evaluation(None, self.level, f"{said.removesuffix('.')}{more}", newest)

    def _not_judged(self) -> str:
        """Return why nothing was judged at all; empty where anything was."""
        if any(not each.said for each in self.evaluations):
            return ""
        return self.evaluations[-1].said if self.evaluations else "nothing is there"
