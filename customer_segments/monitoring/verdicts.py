"""Verdicts of monitoring checks: one per month, each with the figures that it rests on.

Belongs here: what a verdict is, and how Dagster is told of many at once. Does not: the figures
and thresholds (each stage's ``monitoring``), remembering verdicts (``history``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import dagster as dg

# Months that a sentence names, and that a table shows; the history has them all.
NAMED_MONTHS = 3
SHOWN_MONTHS = 60


class Level(StrEnum):
    """How bad it is: nothing, worth a look, or not to be built on."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


ORDER = list(Level)


@dataclass(frozen=True)
class Verdict:
    """What a check says of one month.

    Parameters
    ----------
    month
        First day of the month; ``None`` where the whole table is judged.
    level
        How bad it is.
    said
        What is wrong, without the month; at level OK why it was not judged, or nothing.
    figures
        What was judged, by name.
    """

    month: date | None
    level: Level
    said: str
    figures: Mapping[str, float | int | str | None]

    @property
    def word(self) -> str:
        """The level, or that it was not judged."""
        return "not judged" if self.level is Level.OK and self.said else self.level.value

    @classmethod
    def of(cls, month: date | None, level: Level, said: str, figures: Mapping) -> "Verdict":
        """Return the verdict on a month that was judged; ``said`` is for one that stands out."""
        return cls(month, level, "" if level is Level.OK else said, figures)

    @classmethod
    def not_judged(cls, month: date | None, why: str, figures: Mapping) -> "Verdict":
        """Return the verdict on a month that nothing can be said of."""
        return cls(month, Level.OK, why, figures)


@dataclass(frozen=True)
class Judged:
    """What a check says of all the months that it judged.

    Parameters
    ----------
    asset, check
        Whose check it is.
    verdicts
        In order of months.
    advice
        What to do where a month stands out.
    thresholds
        What the figures were compared with.
    all_is_well
        What to say where nothing stands out, in place of how many months were judged.
    metadata
        What else the UI shows.
    """

    asset: str
    check: str
    verdicts: tuple[Verdict, ...]
    advice: str = ""
    thresholds: dict[str, float | int] = field(default_factory=dict)
    all_is_well: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """The worst verdict's."""
        return worst(verdict.level for verdict in self.verdicts)

    @property
    def description(self) -> str:
        """One or two sentences: the worst months by name, newest first, and what to do."""
        bad = [v for v in self.verdicts if v.level is not Level.OK]
        if not bad:
            return self.all_is_well or self._nothing_found()
        bad.sort(key=lambda v: (ORDER.index(v.level), v.month or date.min), reverse=True)
        said = "; ".join(
            f"{v.month:%Y-%m}: {v.said}" if v.month else v.said for v in bad[:NAMED_MONTHS]
        )
        more = f"; and as much of {len(bad) - NAMED_MONTHS} more" if len(bad) > NAMED_MONTHS else ""
        return f"{said.removesuffix('.')}{more}. {self.advice}".strip()

    def result(self) -> dg.AssetCheckResult:
        """Return it as Dagster wants it: a check that does not pass is a warning or an error."""
        return dg.AssetCheckResult(
            asset_key=self.asset,
            check_name=self.check,
            passed=self.level is Level.OK,
            severity=(
                dg.AssetCheckSeverity.ERROR
                if self.level is Level.ERROR
                else dg.AssetCheckSeverity.WARN
            ),
            description=self.description,
            metadata=self._by_month() | self.metadata,
        )

    def _nothing_found(self) -> str:
        judged = [v for v in self.verdicts if not v.said]
        if not judged:
            why = self.verdicts[-1].said if self.verdicts else "no month is there"
            return f"Not judged: {why}."
        months = f"{len(judged)} months" if len(judged) > 1 else _month(judged[0])
        return f"{months or 'All'} judged, nothing stands out."

    def _by_month(self) -> dict[str, Any]:
        monthly = [v for v in self.verdicts if v.month]
        if not monthly:
            return {}
        names = {
            name: type(value)
            for v in monthly
            for name, value in v.figures.items()
            if value is not None
        }
        kinds = {int: "int", float: "float", str: "string"}
        columns = [dg.TableColumn("month"), dg.TableColumn("verdict")]
        columns += [dg.TableColumn(name, kinds[kind]) for name, kind in names.items()]
        records = [
            dg.TableRecord(
                {"month": _month(v), "verdict": v.word}
                | {name: _rounded(v.figures.get(name)) for name in names}
            )
            for v in monthly[: -SHOWN_MONTHS - 1 : -1]  # the newest first
        ]
        newest = {name: value for name, value in monthly[-1].figures.items() if value is not None}
        return newest | {
            "thresholds": self.thresholds,
            "months": dg.MetadataValue.table(records, schema=dg.TableSchema(columns)),
        }


def level(value: float | None, *, warn: float, fail: float) -> Level:
    """Return how bad a value is of which more is worse; nothing is wrong with one not known."""
    if value is None or value < warn:
        return Level.OK
    return Level.WARN if value < fail else Level.ERROR


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst level."""
    return max(levels, key=ORDER.index, default=Level.OK)


def _month(verdict: Verdict) -> str:
    return f"{verdict.month:%Y-%m}" if verdict.month else ""


def _rounded(value: float | int | str | None) -> float | int | str | None:
    return round(value, 4) if isinstance(value, float) else value
