"""The gates: thresholds that a challenger, and a number of clusters, have to pass, in words.

Belongs here: judging figures by the policy's thresholds. Does not: the figures (``comparison``,
``selection``), or recording what follows (``champion``). A figure at its threshold passes.
"""

from dataclasses import asdict
from typing import Any

from customer_segments.model.comparison import Comparison
from customer_segments.policy.model import Gate, Selection

# What is said of who misses a threshold: ``min_`` or ``max_``, and the name of the figure.
# A refit must find segments that are there and not this sample's, must not move customers who did
# not move, and must not tell them apart worse.
OF_CHALLENGERS = {
    "min_stability": "stability {stability:.3f} is below min_stability {min_stability:g}",
    "max_moved_share": "moved_share {moved_share:.1%} is above max_moved_share "
    "{max_moved_share:.1%}",
    "max_silhouette_loss": "silhouette {silhouette:.3f} is {silhouette_loss:.3f} below the "
    "champion's, more than max_silhouette_loss {max_silhouette_loss:g}",
}
OF_CLUSTERS = {
    "min_stability": "ARI {stability:.3f} under resampling is below min_stability "
    "{min_stability:g}",
    "min_jaccard": "the worst cluster's Jaccard {jaccard:.3f} is below min_jaccard {min_jaccard:g}",
    "min_share": "the smallest has {share:.1%} of the customers, below min_share {min_share:.1%}",
}


def missed_by_challenger(figures: Comparison, gate: Gate) -> list[str]:
    """Return a clause for each threshold that the challenger misses; none if it passes."""
    loss = figures.champion_silhouette - figures.silhouette
    return _missed(OF_CHALLENGERS, asdict(figures) | {"silhouette_loss": loss}, gate)


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

    ``row`` has ``stability``, ``worst_jaccard`` and ``smallest_share``.
    """
    if row["stability"] is None:
        return ["not measured under resampling (resamples is 0)"]
    aliases = {"jaccard": row["worst_jaccard"], "share": row["smallest_share"]}
    return _missed(OF_CLUSTERS, row | aliases, config)


def recommend(rows: list[dict], config: Selection) -> list[dict]:
    """Add the columns ``passes``, ``is_recommended`` and ``reason`` to what was measured.

    Recommended is the largest number that passes all gates: as many segments as customers can be
    told apart by without the labels being an accident of who was in the data. ``rows`` are as
    ``compare_n_clusters`` returns them.
    """
    missed = {row["n_clusters"]: missed_by_clusters(row, config) for row in rows}
    most = max((number for number, clauses in missed.items() if not clauses), default=None)

    def reason(row: dict) -> str:
        if clauses := missed[row["n_clusters"]]:
            return f"{'; '.join(clauses)}."
        if row["n_clusters"] != most:
            return f"pass every gate, but so do {most}."
        return (
            f"the most that stay the same under resampling (ARI {row['stability']:.3f}, worst "
            f"cluster's Jaccard {row['worst_jaccard']:.3f}) with none below "
            f"{config.min_share:.1%} of the customers (smallest {row['smallest_share']:.1%})."
        )

    return [
        row
        | {"passes": not missed[row["n_clusters"]], "is_recommended": row["n_clusters"] == most}
        | {"reason": f"{row['n_clusters']} segments: {reason(row)}"}
        for row in rows
    ]


def conclusion(rows: list[dict]) -> str:
    """Return what all rows of ``recommend`` together recommend, in a sentence."""
    for row in rows:
        if row["is_recommended"]:
            return row["reason"]
    if any(row["resamples"] for row in rows):
        return "No number of segments is recommended: none passes every gate."
    return "No number of segments is recommended: nothing was measured under resampling."


def _missed(gates: dict[str, str], figures: dict[str, Any], config: Gate | Selection) -> list[str]:
    known = figures | config.model_dump()

    def is_missed(gate: str) -> bool:
        side, figure = gate.split("_", 1)
        return known[figure] < known[gate] if side == "min" else known[figure] > known[gate]

    return [clause.format_map(known) for gate, clause in gates.items() if is_missed(gate)]
