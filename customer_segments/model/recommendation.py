"""Which number of clusters the evidence speaks for, and why, in a sentence.

Belongs here: the gates, and words. Does not: the figures (``selection``), or the number that the
model has: that stays what the config of ``kmeans_model`` says.
"""

from customer_segments.policy.model import Selection


def recommend(rows: list[dict], config: Selection) -> list[dict]:
    """Add the columns ``passes``, ``is_recommended`` and ``reason`` to what was measured.

    Recommended is the largest number that passes all gates: as many segments as customers can be
    told apart by without the labels being an accident of who was in the data.

    Parameters
    ----------
    rows
        As ``compare_n_clusters`` returns them.
    """
    passing = [row["n_clusters"] for row in rows if not failures(row, config)]
    most = max(passing, default=None)
    judged = []
    for row in rows:
        missed = failures(row, config)
        if missed:
            reason = f"{row['n_clusters']} segments: {'; '.join(missed)}."
        elif row["n_clusters"] == most:
            reason = (
                f"{most} segments: the most that stay the same under resampling (ARI "
                f"{row['stability']:.3f}, worst cluster's Jaccard {row['worst_jaccard']:.3f}) with "
                f"none below {config.min_share:.1%} of the customers (smallest "
                f"{row['smallest_share']:.1%})."
            )
        else:
            reason = f"{row['n_clusters']} segments: pass every gate, but so do {most}."
        verdict = {"passes": not missed, "is_recommended": row["n_clusters"] == most}
        judged.append(row | verdict | {"reason": reason})
    return judged


def failures(row: dict, config: Selection) -> list[str]:
    """Return a clause for each gate that a number of clusters misses; a figure at it passes."""
    if row["stability"] is None:
        return ["not measured under resampling (resamples is 0)"]
    missed = {
        f"ARI {row['stability']:.3f} under resampling is below min_stability "
        f"{config.min_stability:g}": row["stability"] < config.min_stability,
        f"the worst cluster's Jaccard {row['worst_jaccard']:.3f} is below min_jaccard "
        f"{config.min_jaccard:g}": row["worst_jaccard"] < config.min_jaccard,
        f"the smallest has {row['smallest_share']:.1%} of the customers, below min_share "
        f"{config.min_share:.1%}": row["smallest_share"] < config.min_share,
    }
    return [clause for clause, is_missed in missed.items() if is_missed]


def conclusion(rows: list[dict]) -> str:
    """Return what all rows together recommend, in a sentence.

    Parameters
    ----------
    rows
        As ``recommend`` returns them, or as ``MODEL_SELECTION`` holds them.
    """
    for row in rows:
        if row["is_recommended"]:
            return row["reason"]
    if any(row["resamples"] for row in rows):
        return "No number of segments is recommended: none passes every gate."
    return "No number of segments is recommended: nothing was measured under resampling."


def as_markdown(rows: list[dict]) -> str:
    """Return a table of the figures of every number of clusters, as ``recommend`` returns them."""
    lines = [
        "| k | silhouette | of a normal cloud | Davies-Bouldin | Calinski-Harabasz | ARI "
        "| worst Jaccard | smallest | inertia | passes |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        measured = [
            "" if row[name] is None else f"{row[name]:.3f}"
            for name in ("stability", "worst_jaccard")
        ]
        said = "recommended" if row["is_recommended"] else "yes" if row["passes"] else "no"
        lines.append(
            f"| {row['n_clusters']} | {row['silhouette']:.3f} | {row['null_silhouette']:.3f} "
            f"| {row['davies_bouldin']:.3f} | {row['calinski_harabasz']:,.0f} "
            f"| {' | '.join(measured)} | {row['smallest_share']:.1%} | {row['inertia']:,.0f} "
            f"| {said} |"
        )
    return "\n".join(lines)
