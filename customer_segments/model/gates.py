"""The gates: thresholds that a challenger, and a number of clusters, have to pass, in words.

Belongs here: judging figures by the policy's thresholds. Does not: the figures (``comparison``,
``selection``), or recording what follows (``champion``). A figure at its threshold passes.
"""

from customer_segments.model.comparison import Comparison
from customer_segments.policy.model import Gate, Selection


def missed_by_challenger(figures: Comparison, gate: Gate) -> list[str]:
    """Return a clause for each threshold that the challenger misses; none if it passes.

    A refit must not move customers who did not move (``max_moved_share``), must find segments
    that are there and not this sample's (``min_stability``), and must not tell them apart worse
    (``max_silhouette_loss``).
    """
    loss = figures.champion_silhouette - figures.silhouette
    return _clauses(
        {
            f"stability {figures.stability:.3f} is below min_stability {gate.min_stability:g}": (
                figures.stability < gate.min_stability
            ),
            f"moved_share {figures.moved_share:.1%} is above max_moved_share "
            f"{gate.max_moved_share:.1%}": figures.moved_share > gate.max_moved_share,
            f"silhouette {figures.silhouette:.3f} is {loss:.3f} below the champion's, more than "
            f"max_silhouette_loss {gate.max_silhouette_loss:g}": loss > gate.max_silhouette_loss,
        }
    )


def verdict(challenger: str, figures: Comparison, gate: Gate) -> tuple[str, str]:
    """Return ``promoted`` or ``kept``, and why, in a sentence."""
    if missed := missed_by_challenger(figures, gate):
        return "kept", f"{challenger} did not pass the gate: {'; '.join(missed)}."
    return "promoted", (
        f"{challenger} passed the gate: stability {figures.stability:.3f}, moved_share "
        f"{figures.moved_share:.1%}, silhouette {figures.silhouette:.3f} against the "
        f"champion's {figures.champion_silhouette:.3f}."
    )


def missed_by_clusters(row: dict, config: Selection) -> list[str]:
    """Return a clause for each gate that a clustering misses; none if it passes.

    Parameters
    ----------
    row
        ``stability``, ``worst_jaccard`` and ``smallest_share``.
    """
    if row["stability"] is None:
        return ["not measured under resampling (resamples is 0)"]
    return _clauses(
        {
            f"ARI {row['stability']:.3f} under resampling is below min_stability "
            f"{config.min_stability:g}": row["stability"] < config.min_stability,
            f"the worst cluster's Jaccard {row['worst_jaccard']:.3f} is below min_jaccard "
            f"{config.min_jaccard:g}": row["worst_jaccard"] < config.min_jaccard,
            f"the smallest has {row['smallest_share']:.1%} of the customers, below min_share "
            f"{config.min_share:.1%}": row["smallest_share"] < config.min_share,
        }
    )


def recommend(rows: list[dict], config: Selection) -> list[dict]:
    """Add the columns ``passes``, ``is_recommended`` and ``reason`` to what was measured.

    Recommended is the largest number that passes all gates: as many segments as customers can be
    told apart by without the labels being an accident of who was in the data.

    Parameters
    ----------
    rows
        As ``compare_n_clusters`` returns them.
    """
    missed = {row["n_clusters"]: missed_by_clusters(row, config) for row in rows}
    most = max((number for number, clauses in missed.items() if not clauses), default=None)
    judged = []
    for row in rows:
        number = row["n_clusters"]
        if missed[number]:
            reason = f"{'; '.join(missed[number])}."
        elif number == most:
            reason = (
                f"the most that stay the same under resampling (ARI {row['stability']:.3f}, worst "
                f"cluster's Jaccard {row['worst_jaccard']:.3f}) with none below "
                f"{config.min_share:.1%} of the customers (smallest {row['smallest_share']:.1%})."
            )
        else:
            reason = f"pass every gate, but so do {most}."
        verdict = {"passes": not missed[number], "is_recommended": number == most}
        judged.append(row | verdict | {"reason": f"{number} segments: {reason}"})
    return judged


def conclusion(rows: list[dict]) -> str:
    """Return what all rows of ``recommend`` together recommend, in a sentence."""
    for row in rows:
        if row["is_recommended"]:
            return row["reason"]
    if any(row["resamples"] for row in rows):
        return "No number of segments is recommended: none passes every gate."
    return "No number of segments is recommended: nothing was measured under resampling."


def _clauses(missed: dict[str, bool]) -> list[str]:
    return [clause for clause, is_missed in missed.items() if is_missed]
