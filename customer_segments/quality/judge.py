"""Judges: what is looked at in a table, from where on it stands out, what to do then; as data.

Belongs here: what a judge is, and its evaluations of rows of figures. Does not: the judges (each
stage's ``judges``), what people read of them (``checks.toml``), running them (``runner``).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

from ibis.expr.types import Table

from customer_segments.policy.checks import Limits
from customer_segments.quality.evaluation import Evaluation, Level, Result, level, worst
from customer_segments.quality.scope import Scope
from customer_segments.storage import Contract, WriteMode
from customer_segments.texts import read_toml

# Figures by name. Beside them ``month``, unless they are of the whole table, and ``why``: why
# nothing can be said of them, if so.
Row = dict[str, Any]
Said = Iterable[tuple[Level, str]]
# Of figures without a threshold: one is worth a look, and any number is no error.
NONE = Limits(warn=1, fail=inf)
WORDS = read_toml(__package__, "checks.toml")


@dataclass(frozen=True)
class Words:
    """What people read of a check, and its thresholds; as ``checks.toml`` says at its head."""

    description: str
    figures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    unknown: str = ""
    advice: str = ""
    well: str = ""


@dataclass(frozen=True)
class Judge:
    """A check of what is usual: figures against their limits, or ``says`` for anything else.

    ``figures`` are looked at, as a query: a row per month, or one. Where months are compared,
    ``rows`` makes rows to be judged of those. Beside the judged table, ``reads`` are waited for.
    """

    table: Contract
    check: str
    figures: Callable[[Scope], Table]
    rows: Callable[[list[Row], Scope], Iterable[Row]] | None = None
    says: Callable[[Row, Scope], Said] | None = None
    reads: tuple[Contract, ...] = ()

    @cached_property
    def words(self) -> Words:
        """What people read of it."""
        return Words(**WORDS[self.table.table][self.check])

    @property
    def is_monthly(self) -> bool:
        """Whether the table's months are Dagster's partitions."""
        return self.table.write_mode is WriteMode.REPLACE_MONTHS

    def judge(self, rows: list[Row], scope: Scope) -> Result:
        """Judge the rows of the query, those of months that are asked for."""
        made = self.rows(rows, scope) if self.rows else rows
        wanted = [dict(row) for row in made if not self.is_monthly or row["month"] in scope]
        if wanted and "month" in wanted[0]:
            wanted.sort(key=lambda row: row["month"])
        evaluations = tuple(self._evaluated(row, scope) for row in wanted)
        held = self.words.figures.values()
        limits = {*self.words.limits, *(each["limits"] for each in held if "limits" in each)}
        thresholds = scope.checks.model_dump(include=limits)
        return Result(
            self.table.table,
            self.check,
            evaluations,
            self.words.advice,
            self.words.well.format(**evaluations[-1].figures) if evaluations else "",
            {"thresholds": thresholds} if thresholds else {},
            is_monthly=self.is_monthly,
        )

    def _evaluated(self, row: Row, scope: Scope) -> Evaluation:
        month, why = row.pop("month", None), row.pop("why", None)
        if all(row.get(figure) is None for figure in self.words.figures):
            why = why or self.words.unknown
        if why:
            return Evaluation(month, Level.OK, why, row)
        found = self.says(row, scope) if self.says else self._held_against_limits(row, scope)
        bad = [(how_bad, said) for how_bad, said in found if how_bad is not Level.OK]
        said = ", ".join(said for _, said in bad)
        return Evaluation(month, worst(how_bad for how_bad, _ in bad), said, row)

    def _held_against_limits(self, row: Row, scope: Scope) -> Said:
        for figure, held in self.words.figures.items():
            limits = getattr(scope.checks, held["limits"]) if "limits" in held else NONE
            how_bad = level(row.get(figure), limits)
            if how_bad is not Level.OK:
                yield how_bad, held["sentence"].format(**row)
