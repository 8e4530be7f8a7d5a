"""The gates: thresholds that a challenger, and a number of clusters, have to pass, in words.

Belongs here: judging figures by the policy's thresholds. Does not: the figures (``comparison``,
``selection``), the words (``gates.toml``), or recording what follows (``champion``). A figure at
its threshold passes.
"""

from dataclasses import asdict
from typing import Any

from customer_segments.model.comparison import Comparison
from customer_segments.policy.model import Gate, Selection
from customer_segments.texts import read_toml

# Where no number passes every gate: that of the notebooks, and the most stable of UCI's.
FALLBACK = 4
_MISSED, _SAID = read_toml(__package__, "gates.toml").values()


def missed_by_challenger(figures: Comparison, gate: Gate) -> list[str]:
    """Return a clause for each threshold that the challenger misses; none if it passes."""
    loss = figures.champion_silhouette - figures.silhouette
    return _missed("challenger", asdict(figures) | {"silhouette_loss": loss}, gate)


def verdict(challenger: str, figures: Comparison, gate: Gate) -> tuple[str, str]:
    """Return ``promoted`` or ``kept``, and why, in a sentence."""
    missed = missed_by_challenger(figures, gate)
    said = asdict(figures) | {"challenger": challenger, "clauses": "; ".join(missed)}
    verdict = "kept" if missed else "promoted"
    return verdict, _SAID[verdict].format(**said)


def missed_by_clusters(row: dict, config: Selection) -> list[str]:
    """Return a clause for each gate that a clustering misses; none if it passes.

    ``row`` has ``stability``, ``worst_jaccard`` and ``smallest_share``.
    """
    aliases = {"jaccard": row["worst_jaccard"], "share": row["smallest_share"]}
    return _missed("clusters", row | aliases, config)


def recommend(rows: list[dict], config: Selection) -> list[dict]:
    """Add the columns ``passes``, ``is_recommended`` and ``reason`` to what was measured.

    Recommended is the largest number that passes all gates: as many segments as customers can be
    told apart by without the labels being an accident of who was in the data. ``rows`` are as
    ``compare_n_clusters`` returns them.
    """
    missed = {row["n_clusters"]: missed_by_clusters(row, config) for row in rows}
    most = max((number for number, clauses in missed.items() if not clauses), default=None)
    judged = []
    for row in rows:
        clauses, is_most = missed[row["n_clusters"]], row["n_clusters"] == most
        how = "missed" if clauses else "most" if is_most else "fewer"
        said = {"clauses": "; ".join(clauses), "most": most, "min_share": config.min_share}
        reason = _SAID[how].format(**row, **said)
        judged.append(row | {"passes": not clauses, "is_recommended": is_most, "reason": reason})
    return judged


def conclusion(rows: list[dict]) -> str:
    """Return what all rows of ``recommend`` together recommend, in a sentence."""
    for row in rows:
        if row["is_recommended"]:
            return row["reason"]
    if not rows:
        return _SAID["none_tried"]
    return _SAID["none_passes" if any(row["resamples"] for row in rows) else "none_measured"]


def chosen_number(rows: list[dict]) -> int:
    """Return the number of clusters that rows of ``recommend`` come to, where none is set."""
    return next((row["n_clusters"] for row in rows if row["is_recommended"]), FALLBACK)


def _missed(judged: str, figures: dict[str, Any], config: Gate | Selection) -> list[str]:
    known = figures | config.model_dump()

    def is_missed(gate: str) -> bool:
        side, name = gate.split("_", 1)
        if (figure := known[name]) is None:
            return False
        return figure < known[gate] if side == "min" else figure > known[gate]

    clauses = [said.format(**known) for gate, said in _MISSED[judged].items() if is_missed(gate)]
    # What misses another gate is not resampled: it cannot pass.
    return clauses if clauses or known["stability"] is not None else [_SAID["unmeasured"]]
