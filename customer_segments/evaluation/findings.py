"""What the backtest comes to, in sentences that say it also where it does not flatter KMeans.

Belongs here: means over the dates, and words. Does not: the figures themselves (``backtest``).
"""

import pandas as pd

from customer_segments.evaluation.backtest import BOUND, QUINTILE_SUM

FIGURES = ("explained_variance", "repurchase_auc", "top_tenth_share")
GRID = "RFM grid"
RIVALS = {QUINTILE_SUM: "the plain sum of quintile scores", GRID: "the classic RFM grid"}
# Differences below are not worth a word: another choice of the folds moves means by up to .003 on
# the UCI data.
MARGIN = 0.005


def means(backtest: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each figure of ``SEGMENT_BACKTEST`` over the dates.

    By ``horizon_months``, ``kind`` and ``labelling``; within a horizon most variance explained
    first.
    """
    figures = backtest.groupby(["horizon_months", "kind", "labelling"], as_index=False)[
        [*FIGURES, "repurchase_share"]
    ].mean()
    order = ["horizon_months", "explained_variance", "labelling"]
    return figures.sort_values(order, ascending=[True, False, True], ignore_index=True)


def findings(backtest: pd.DataFrame) -> list[str]:
    """Return a sentence per horizon and KMeans: where it beats sum and grid, where it does not.

    And one per horizon on who finds the customers who will spend most. None of a backtest that is
    empty, or of a horizon in which nobody spent.
    """
    sentences = []
    judged = means(backtest).dropna(subset=FIGURES).set_index("labelling")
    for horizon, of in judged.groupby("horizon_months"):
        explained, share = of["explained_variance"], of["top_tenth_share"]
        ours = [name for name in of.index if name.startswith("KMeans")]
        for name in sorted(ours):
            against = ", and it ".join(
                f"{_compared(explained[name], explained[rival])} {said} ({explained[rival]:.1%})"
                for rival, said in RIVALS.items()
            )
            sentences.append(
                f"Over {horizon} months {_spoken(name)} explains {explained[name]:.1%} of the "
                f"variance of log revenue: it {against}. Gradient boosting gets "
                f"{explained[BOUND]:.1%} out of these features."
            )
        best = max(ours, key=share.get)
        sentences.append(
            f"Over {horizon} months the tenth of customers foretold to spend most has "
            f"{share[best]:.1%} of the revenue by {_spoken(best)}, {share[QUINTILE_SUM]:.1%} by "
            f"the plain sum, {share[GRID]:.1%} by the grid and {share[BOUND]:.1%} by gradient "
            "boosting."
        )
    return sentences


def _spoken(name: str) -> str:
    return name.replace(", ", " with ")


def _compared(ours: float, theirs: float) -> str:
    if abs(ours - theirs) < MARGIN:
        return "equals"
    return "beats" if ours > theirs else "does not beat"
