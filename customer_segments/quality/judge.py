"""Judges: what is looked at in a table, from where on it stands out, what to do then; as data.

Belongs here: what a judge is, and its evaluations of rows of figures. Does not: the judges (each
stage's ``judges``), running them (``runner``).

A judge in full::

    Judge(
        CUSTOMER_RFM,
        "negative_monetary",
        "Few customers have returned all that they bought.",
        figures=snapshots,  # Ibis: a row per month
        says=(
            Compare("negative_share", "negative", "{negative_share:.1%} have no money left"),
        ),
        limits=("negative",),
        advice="Look whether sales are missing.",
    )
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ibis.expr.types import Table
from pydantic import BaseModel

from customer_segments.quality.evaluation import Evaluation, Level, Result, level, worst
from customer_segments.quality.scope import Scope
from customer_segments.storage import Contract, WriteMode

# Figures by name. Beside them ``month``, unless they are of the whole table, and ``why``: why
# nothing can be said of them, if so.
Row = dict[str, Any]
Says = Callable[[Row, Scope], Iterable[tuple[Level, str]]]


@dataclass(frozen=True)
class Compare:
    """A figure that is held against its limits.

    Parameters
    ----------
    limits
        Their name in the policy's ``checks``.
    sentence
        What is wrong beyond them; figures stand in braces.
    """

    figure: str
    limits: str
    sentence: str

    def __call__(self, row: Row, scope: Scope) -> Iterable[tuple[Level, str]]:
        """Return how bad the figure is, with the sentence if it is."""
        bad = level(row[self.figure], getattr(scope.checks, self.limits))
        return [] if bad is Level.OK else [(bad, self.sentence.format(**row))]


def by_month(rows: list[Row], scope: Scope) -> Iterable[Row]:
    """Return rows that need no comparison with other months."""
    return rows


@dataclass(frozen=True)
class Judge:
    """A check of a table that is no matter of right or wrong.

    Parameters
    ----------
    figures
        The figures to look at, as a query: a row per month, or one.
    says
        What is wrong with a row of them, and how bad it is.
    limits
        Names of the thresholds in the policy's ``checks``.
    advice
        What to do where something stands out.
    rows
        Makes rows to be judged of those of the query, where months are compared.
    well
        What to say of a table where nothing stands out; figures stand in braces.
    reads
        Tables to wait for, beside the judged one.
    """

    table: Contract
    check: str
    description: str
    figures: Callable[[Scope], Table]
    says: tuple[Says, ...]
    limits: tuple[str, ...] = ()
    advice: str = ""
    rows: Callable[[list[Row], Scope], Iterable[Row]] = by_month
    well: str = ""
    reads: tuple[Contract, ...] = ()

    @property
    def is_monthly(self) -> bool:
        """Whether the table's months are Dagster's partitions."""
        return self.table.write_mode is WriteMode.REPLACE_MONTHS

    def judge(self, rows: list[Row], scope: Scope) -> Result:
        """Judge the rows of the query, those of months that are asked for."""
        wanted = [
            row
            for row in self.rows([dict(row) for row in rows], scope)
            if not self.is_monthly or row["month"] in scope
        ]
        if wanted and "month" in wanted[0]:
            wanted.sort(key=lambda row: row["month"])
        evaluations = tuple(self._evaluated(row, scope) for row in wanted)
        limits = {name: getattr(scope.checks, name) for name in self.limits}
        thresholds = {
            name: limit.model_dump() if isinstance(limit, BaseModel) else limit
            for name, limit in limits.items()
        }
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
        found = [finding for says in self.says for finding in says(row, scope)]
        bad = [(level, said) for level, said in found if level is not Level.OK]
        said = ", ".join(said for _, said in bad)
        return Evaluation(month, worst(level for level, _ in bad), said, row)
