"""What the backtest comes to, in sentences that say it also where it does not flatter KMeans.

Belongs here: means over the dates, and words. Does not: the figures themselves (``backtest``).
"""

from typing import TYPE_CHECKING

from customer_segments.evaluation.backtest import BOUND, QUINTILE_SUM

if TYPE_CHECKING:
    import pandas as pd

FIGURES = ("explained_variance", "repurchase_auc", "top_tenth_share")
GRID = "RFM grid"
# Differences below are not worth a word: another choice of the folds moves means by up to .003 on
# the UCI data.
MARGIN = 0.005


def means(backtest: "pd.DataFrame") -> "pd.DataFrame":
    """Return the mean of each figure over the dates, by horizon and labelling.

    Parameters
    ----------
    backtest
        As ``SEGMENT_BACKTEST`` has it.

    Returns
    -------
    DataFrame
        Columns ``horizon_months``, ``kind``, ``labelling`` and the figures; most variance
        explained first within a horizon.
    """
    figures = backtest.groupby(["horizon_months", "kind", "labelling"], as_index=False)[
        [*FIGURES, "repurchase_share"]
    ].mean()
    order = ["horizon_months", "explained_variance", "labelling"]
    return figures.sort_values(order, ascending=[True, False, True], ignore_index=True)


def findings(backtest: "pd.DataFrame") -> list[str]:
    """Return a sentence per horizon and KMeans: where it beats sum and grid, where it does not.

    Parameters
    ----------
    backtest
        As ``SEGMENT_BACKTEST`` has it; empty gives no sentence, as does a horizon in which nobody
        spent.
    """
    sentences = []
    judged = means(backtest).dropna(subset=FIGURES)
    for horizon, figures in judged.groupby("horizon_months"):
        of = figures.set_index("labelling")
        explained = of["explained_variance"]
        for name in sorted(name for name in of.index if name.startswith("KMeans")):
            against = ", and it ".join(
                f"{_compared(explained[name], explained[rival])} {said} ({explained[rival]:.1%})"
                for rival, said in (
                    (QUINTILE_SUM, "the plain sum of quintile scores"),
                    (GRID, "the classic RFM grid"),
                )
            )
            sentences.append(
                f"Over {horizon} months {_spoken(name)} explains {explained[name]:.1%} of the "
                f"variance of log revenue: it {against}. Gradient boosting gets "
                f"{explained[BOUND]:.1%} out of these features."
            )
        sentences.append(_targeting(horizon, of))
    return sentences


def _targeting(horizon: int, of: "pd.DataFrame") -> str:
    """Say who finds the customers who will spend most."""
    share = of["top_tenth_share"]
    best = max(
        (name for name in of.index if name.startswith("KMeans")), key=lambda name: share[name]
    )
    return (
        f"Over {horizon} months the tenth of customers foretold to spend most has "
        f"{share[best]:.1%} of the revenue by {_spoken(best)}, {share[QUINTILE_SUM]:.1%} by the "
        f"plain sum, {share[GRID]:.1%} by the grid and {share[BOUND]:.1%} by gradient boosting."
    )


def _spoken(name: str) -> str:
    return name.replace(", ", " with ")


def _compared(ours: float, theirs: float) -> str:
    if abs(ours - theirs) < MARGIN:
        return "equals"
    return "beats" if ours > theirs else "does not beat"


def as_markdown(backtest: "pd.DataFrame") -> str:
    """Return the means over the dates as a table."""
    lines = [
        "| months | labelling | variance explained | repurchase AUC | top tenth's revenue |",
        "|--:|---|--:|--:|--:|",
    ]
    for row in means(backtest).itertuples():
        lines.append(
            f"| {row.horizon_months} | {row.labelling} | {row.explained_variance:.3f} "
            f"| {row.repurchase_auc:.3f} | {row.top_tenth_share:.1%} |"
        )
    return "\n".join(lines)
