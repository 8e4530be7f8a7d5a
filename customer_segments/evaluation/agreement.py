"""How alike a model labels that was fitted months before: how often to refit.

Belongs here: the figure, as a pure function. Does not: resampling (``model.clustering``), which
asks how much depends on who happened to be a customer and not on when.
"""

from collections.abc import Sequence

from customer_segments.evaluation.ways import ways
from customer_segments.model.measures import rounded
from customer_segments.model.training import Pool

MONTHS_BEFORE = (1, 3, 6, 12)


def agreements(pools: Sequence[tuple[int, Pool]], numbers: list[int], *, seed: int) -> list[dict]:
    """Compare the labels of each fit with those of the fits before, as ``REFIT_AGREEMENT`` has it.

    ``pools`` are by months before the first one, whose newest customers are labelled; one without
    customers is left out.
    """
    from sklearn.metrics import adjusted_rand_score

    (_, now), *before = pools
    values, rows = now.values[now.is_newest], []
    for name, kind, learn in ways(numbers, seed):
        if kind != "segments":
            continue
        labels = learn(now)(values)
        for months, pool in before:
            if len(pool.values):
                index = adjusted_rand_score(labels, learn(pool)(values))
                rows.append(
                    {
                        "labelling": name,
                        "months_before": months,
                        "training_month": now.training_month,
                        "customers": len(values),
                        "adjusted_rand_index": rounded(index),
                    }
                )
    return rows
