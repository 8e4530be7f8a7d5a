"""What the backtest comes to, in sentences that say it also where it does not flatter KMeans.

Belongs here: means over the dates, and words. Does not: the figures themselves (``backtest``).
"""

import pandas as pd

from customer_segments.evaluation.ways import BEFORE, BOUND, GRID, QUINTILE_SUM
from customer_segments.texts import read_toml

FIGURES = ("explained_variance", "repurchase_auc", "top_tenth_share")
RIVALS = {
    QUINTILE_SUM: "the plain sum of quintile scores",
    GRID: "the classic RFM grid",
    BEFORE: "four clusters of log1p",
}
# Differences below are not worth a word: another choice of the halves moves means by as much on
# the UCI data.
MARGIN = 0.005


def means(backtest: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each figure of ``SEGMENT_BACKTEST`` over the dates.

    By ``horizon_months``, ``kind`` and ``labelling``; within a horizon most variance explained
    first.
    """
    groups = backtest.groupby(["horizon_months", "kind", "labelling"], as_index=False)
    figures = groups[[*FIGURES, "repurchase_share"]].mean()
    order = ["horizon_months", "explained_variance", "labelling"]
    return figures.sort_values(order, ascending=[True, False, True], ignore_index=True)


def findings(backtest: pd.DataFrame) -> list[str]:
    """Return a sentence per horizon and KMeans: where it beats its rivals, where it does not.

    And one per horizon on who finds the customers who will spend most. None of a backtest that is
    empty, or of a horizon in which nobody spent.
    """
    sentences, words = [], read_toml(__package__, "findings.toml")
    judged = means(backtest).dropna(subset=FIGURES).set_index("labelling")
    for months, of in judged.groupby("horizon_months"):
        explained, share = of["explained_variance"], of["top_tenth_share"]
        ours = [name for name in of.index if name.startswith("KMeans")]
        for name in sorted(ours):
            against = ", ".join(
                f"{_compared(explained[name], explained[rival])} {said} ({explained[rival]:.1%})"
                for rival, said in RIVALS.items()
                # One made before the newest of them came lacks it.
                if rival in explained
            )
            said = {"explained": explained[name], "bound": explained[BOUND], "against": against}
            sentences.append(words["explains"].format(months=months, ours=spoken(name), **said))
        best = max(ours, key=share.get)
        said = {"best": share[best], "bound": share[BOUND], "ours": spoken(best)}
        said |= {"sum": share[QUINTILE_SUM], "grid": share[GRID], "months": months}
        sentences.append(words["finds"].format(**said))
    return sentences


def spoken(labelling: str) -> str:
    """Return the name of a way to group customers as a sentence has it."""
    return labelling.replace(", ", " with ")


def _compared(ours: float, theirs: float) -> str:
    if abs(ours - theirs) < MARGIN:
        return "equals"
    return "beats" if ours > theirs else "does not beat"
