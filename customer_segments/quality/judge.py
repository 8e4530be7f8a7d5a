"""Judges: what is looked at in a table, from where on it stands out, what to do then; as data.

Belongs here: what a judge is, and its evaluations of rows of figures. Does not: the judges (each
stage's ``judges``), running them (``runner``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ibis.expr.types import Table

from customer_segments.quality.evaluation import Evaluation, Level, Result, level, worst
from customer_segments.quality.scope import Scope
from customer_segments.storage import Contract, WriteMode

# Figures by name. Beside them ``month``, unless they are of the whole table, and ``why``: why
# nothing can be said of them, if so.
Row = dict[str, Any]
Said = Iterable[tuple[Level, str]]


@dataclass(frozen=True)
class Judge:
    """A check of what is usual: one figure against its limits, or ``says`` for anything else.

    Parameters
    ----------
    figures
        The figures to look at, as a query: a row per month, or one.
    limits
        Names of the thresholds in the policy's ``checks``; the figure is held against the first.
    sentence
        What is wrong beyond them; figures stand in braces.
    advice
        What to do where something stands out.
    rows
        Makes rows to be judged of those of the query, where months are compared.
    says
        What is wrong with a row, and how bad it is.
    well
        What to say of a table where nothing stands out; figures stand in braces.
    reads
        Tables to wait for, beside the judged one.
    """

    table: Contract
    check: str
    description: str
    figures: Callable[[Scope], Table]
    limits: tuple[str, ...] = ()
    figure: str = ""
    sentence: str = ""
    advice: str = ""
    rows: Callable[[list[Row], Scope], Iterable[Row]] | None = None
    says: Callable[[Row, Scope], Said] | None = None
    well: str = ""
    reads: tuple[Contract, ...] = ()

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
        thresholds = scope.checks.model_dump(include=set(self.limits))
        return Result(
            self.table.table,
            self.check,
            evaluations,
            self.advice,
            self.well.format(**evaluations[-1].figures) if evaluations else "",
            {"thresholds": thresholds} if thresholds else {},
            is_monthly=self.is_monthly,
        )

    def _evaluated(self, row: Row, scope: Scope) -> Evaluation:
        month, why = row.pop("month", None), row.pop("why", None)
        if why:
            return Evaluation(month, Level.OK, why, row)
        found = self.says(row, scope) if self.says else self._held_against_limits(row, scope)
        bad = [(level, said) for level, said in found if level is not Level.OK]
        said = ", ".join(said for _, said in bad)
        return Evaluation(month, worst(level for level, _ in bad), said, row)

    def _held_against_limits(self, row: Row, scope: Scope) -> Said:
        bad = level(row[self.figure], getattr(scope.checks, self.limits[0]))
        return [] if bad is Level.OK else [(bad, self.sentence.format(**row))]
