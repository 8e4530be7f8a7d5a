"""The gate: which figures a challenger must show to label customers in the champion's place.

Belongs here: judging a comparison by thresholds, in words. Does not: the figures
(``comparison``), or recording what follows (``champion``).
"""

from customer_segments.model.comparison import Comparison
from customer_segments.policy.model import Gate


def failures(comparison: Comparison, gate: Gate) -> list[str]:
    """Return a clause for each threshold that the challenger misses; none if it passes.

    A refit must not move customers who did not move (``max_moved_share``), must find segments
    that are there and not this sample's (``min_stability``), and must not tell them apart worse
    (``max_silhouette_loss``). A figure at its threshold passes.
    """
    loss = comparison.champion_silhouette - comparison.silhouette
    missed = {
        f"stability {comparison.stability:.3f} is below min_stability {gate.min_stability:g}": (
            comparison.stability < gate.min_stability
        ),
        f"moved_share {comparison.moved_share:.1%} is above max_moved_share "
        f"{gate.max_moved_share:.1%}": comparison.moved_share > gate.max_moved_share,
        f"silhouette {comparison.silhouette:.3f} is {loss:.3f} below the champion's, more than "
        f"max_silhouette_loss {gate.max_silhouette_loss:g}": loss > gate.max_silhouette_loss,
    }
    return [clause for clause, is_missed in missed.items() if is_missed]


def verdict(challenger: str, comparison: Comparison, gate: Gate) -> tuple[str, str]:
    """Return ``promoted`` or ``kept``, and why, in a sentence."""
    if missed := failures(comparison, gate):
        return "kept", f"{challenger} did not pass the gate: {'; '.join(missed)}."
    return "promoted", (
        f"{challenger} passed the gate: stability {comparison.stability:.3f}, moved_share "
        f"{comparison.moved_share:.1%}, silhouette {comparison.silhouette:.3f} against the "
        f"champion's {comparison.champion_silhouette:.3f}."
    )
