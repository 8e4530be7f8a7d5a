"""The champion: which version labels customers, since when, and why.

Belongs here: the decision and its record. Does not: fitting, the figures of a comparison
(``comparison``), the thresholds they are judged by (``gates``). Whoever decides reads what was
decided and writes in one transaction: of two at once the second sees the first.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.model.comparison import Comparison, match_segments
from customer_segments.model.gates import verdict as judged
from customer_segments.policy.model import Deciding

if TYPE_CHECKING:
    import pandas as pd


def decide(
    versions: "pd.DataFrame",
    decisions: "pd.DataFrame",
    config: Deciding,
    fitted: str | None,
    compare: Callable[[str, str], Comparison],
    run_id: str,
) -> tuple[dict, bool]:
    """Return the decision that holds, as ``CHAMPION_MODEL`` has it, and whether it is new.

    The first fit promotes itself; after that the champion stays until the gate lets a
    challenger pass or somebody chooses another version. The gate judges a pair of versions
    once: who wants the other verdict chooses explicitly, and the gate does not undo that.

    ``versions`` and ``decisions`` are all of ``kmeans_model``, and of ``champion_model``, which may
    be empty; ``fitted`` is the version that the newest fit came to, if one is known: the
    challenger. ``compare`` is called where needed, with champion and challenger in this order. A
    UserError says that the version chosen does not exist, or that there is none at all.
    """
    champion, known = in_force(decisions)[0], set(versions["version"])
    figures: Comparison | None = None
    if config.version:
        candidate, verdict, reason = config.version, "chosen", config.reason or "chosen by hand"
        if candidate not in known:
            raise UserError(
                f"There is no model version {candidate!r}.",
                f"Choose one of {', '.join(sorted(known))}." if known else "Fit a model first.",
            )
        if candidate == champion:
            return decisions.iloc[-1].to_dict(), False
        if champion and champion in known:
            # An imported version may have been trained on customers that are not here: a choice
            # must not depend on them.
            with suppress(UserError):
                figures = compare(champion, candidate)
    elif champion is None:
        if not known:
            raise UserError("There is no model yet.", "Materialize kmeans_model first.")
        newest = versions.sort_values(["training_month", "version"])["version"].iloc[-1]
        candidate = fitted if fitted and fitted in known else newest
        verdict = reason = "first fit"
    else:
        if fitted is None or fitted == champion or fitted not in known:
            return decisions.iloc[-1].to_dict(), False
        is_pair = (decisions["challenger"] == fitted) & (decisions["previous_version"] == champion)
        if is_pair.any():
            return decisions[is_pair].iloc[-1].to_dict(), False
        candidate, figures = fitted, compare(champion, fitted)
        verdict, reason = judged(candidate, figures, config)
    return decision(versions, decisions, candidate, verdict, reason, run_id, figures), True


def decision(
    versions: "pd.DataFrame",
    decisions: "pd.DataFrame",
    candidate: str,
    verdict: str,
    reason: str,
    run_id: str = "",
    figures: Comparison | None = None,
) -> dict:
    """Return the row to append to ``champion_model``.

    The candidate is the version fitted, chosen or imported; in force from now on unless the
    verdict is that the champion is kept.
    """
    before, _ = in_force(decisions)
    return {
        "decision": len(decisions) + 1,
        "version": before if verdict == "kept" else candidate,
        "previous_version": before,
        "challenger": candidate if before else None,
        "verdict": verdict,
        "reason": reason,
        **(asdict(figures) if figures else {}),
        "matching": match_segments(versions, before, candidate) if before else "",
        "decided_at": datetime.now(UTC).replace(tzinfo=None),
        "run_id": run_id,
    }


def in_force(decisions: "pd.DataFrame") -> tuple[str | None, datetime | None]:
    """Return the champion and since when, UTC; a decision to keep it does not change since when."""
    if decisions.empty:
        return None, None
    champion = decisions["version"].iloc[-1]
    changes = decisions[decisions["version"] != decisions["version"].shift()]
    return champion, changes["decided_at"].iloc[-1].to_pydatetime()
