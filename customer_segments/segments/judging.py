"""Verdicts on segments: which months stand out, by which thresholds.

Belongs here: verdicts over the figures of ``monitoring``. Does not: the figures themselves.
"""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from math import log

from customer_segments.monitoring.months import Span, has_a_year
from customer_segments.monitoring.verdicts import Judged, Level, Verdict, level, worst
from customer_segments.months import shift
from customer_segments.segments.thresholds import (
    MigrationThresholds,
    ProfileThresholds,
    SegmentThresholds,
)
from customer_segments.tables import (
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)

NOT_COMPLETE = "the month is not complete"
TOO_EARLY = "a first year of snapshots shifts by itself"


def judge_smallest(
    rows: list[dict], snapshots: list[date], span: Span, thresholds: SegmentThresholds
) -> Judged:
    """Judge the share of the smallest segment.

    Parameters
    ----------
    rows
        As ``smallest_segments`` returns them.
    snapshots
        Months of all snapshots: with less than a year behind them they are not judged.
    """
    verdicts = []
    for row in _in(rows, span):
        month, share = row.pop("snapshot_month"), row["smallest_share"]
        if not has_a_year(month, snapshots):
            verdicts.append(Verdict.not_judged(month, TOO_EARLY, row))
            continue
        judged = level(-share, warn=-thresholds.smallest_warn, fail=-thresholds.smallest_fail)
        said = f"{row['smallest']} has {share:.1%} of the customers"
        verdicts.append(Verdict.of(month, judged, said, row))
    return Judged(
        CUSTOMER_SEGMENTS.table,
        "smallest_segment",
        tuple(verdicts),
        "A segment that hardly anybody is in carries no campaign: refit, or fit fewer clusters.",
        thresholds.model_dump(include={"smallest_warn", "smallest_fail"}),
    )


def judge_separation(rows: list[dict], span: Span, thresholds: SegmentThresholds) -> Judged:
    """Compare each month since the model was trained with its training month.

    Months before it are labelled for comparison; that they fit less well asks for nothing.

    Parameters
    ----------
    rows
        As ``separation`` returns them.
    """
    by_month = {(row["model_version"], row["snapshot_month"]): row["separation"] for row in rows}
    verdicts = []
    for row in _in(rows, span):
        month = row["snapshot_month"]
        trained = by_month.get((row["model_version"], row["training_month"]))
        figures = {"separation": row["separation"], "separation_in_training": trained}
        if trained is None or row["separation"] is None:
            verdicts.append(
                Verdict.not_judged(month, "its training month is not labelled", figures)
            )
            continue
        if month < row["training_month"]:
            verdicts.append(Verdict.not_judged(month, "before the model's training month", figures))
            continue
        judged = level(
            trained - row["separation"],
            warn=thresholds.separation_loss_warn,
            fail=thresholds.separation_loss_fail,
        )
        said = f"separation {row['separation']:.2f}, {trained:.2f} where the model was trained"
        verdicts.append(Verdict.of(month, judged, said, figures))
    return Judged(
        CUSTOMER_SEGMENTS.table,
        "separation",
        tuple(verdicts),
        "Customers no longer fall into the model's segments: refit on a newer month.",
        thresholds.model_dump(include={"separation_loss_warn", "separation_loss_fail"}),
    )


def judge_movement(rows: list[dict], span: Span, thresholds: MigrationThresholds) -> Judged:
    """Judge the share of customers who moved or went; rows as ``movements`` returns them."""
    verdicts = []
    for row in _in(rows, span):
        month = row.pop("snapshot_month")
        if row["moved_share"] is None:
            verdicts.append(Verdict.not_judged(month, "no customers a month before", row))
            continue
        moved = row["moved_share"] + row["gone_share"]
        judged = level(moved, warn=thresholds.moved_warn, fail=thresholds.moved_fail)
        said = f"{moved:.1%} of last month's customers are in another segment, or gone"
        verdicts.append(Verdict.of(month, judged, said, row))
    return Judged(
        SEGMENT_MIGRATION.table,
        "movement",
        tuple(verdicts),
        "Look at the moves of that month before a campaign follows them: the data of one of the "
        "two months may not be whole.",
        thresholds.model_dump(),
    )


def judge_drift(
    rows: list[dict], snapshots: list[date], span: Span, thresholds: ProfileThresholds
) -> Judged:
    """Compare segment sizes with those of a month and of a year before, by one model.

    By the population stability index, the sum of (now - then) * ln(now / then) over shares
    (Siddiqi 2006, who takes .10 and .25 for the limits).

    Parameters
    ----------
    rows
        As ``sizes_before`` returns them.
    snapshots
        Months of all snapshots: with less than a year behind them they are not compared with.
    """
    warn = {"last_month": thresholds.drift_month_warn, "last_year": thresholds.drift_year_warn}
    verdicts = []
    for month, group in groupby(_in(rows, span), key=lambda row: row["snapshot_month"]):
        sizes, levels, said = list(group), [], []
        figures = {
            f"psi_{name}": psi(
                [row["customers"] for row in sizes],
                [row[f"customers_{name}"] for row in sizes],
                sizes[0][f"all_{name}"],
            )
            for name, back in {"last_month": 1, "last_year": 12}.items()
            if sizes[0][f"customers_{name}"] is not None
            and has_a_year(shift(month, -back), snapshots)
        }
        if not figures or not span.is_complete(month):
            why = TOO_EARLY if not figures else NOT_COMPLETE
            verdicts.append(Verdict.not_judged(month, why, figures))
            continue
        for name, limit in warn.items():
            index = figures.get(f"psi_{name}")
            levels.append(level(index, warn=limit, fail=thresholds.drift_fail))
            if levels[-1] is not Level.OK:
                said.append(f"{index:.2f} against {name.replace('_', ' ')}")
        words = f"segment sizes drift (PSI {', '.join(said)})" if said else ""
        verdicts.append(Verdict.of(month, worst(levels), words, figures))
    return Judged(
        SEGMENT_PROFILES.table,
        "drift",
        tuple(verdicts),
        "A season, or another clientele: compare the sizes in segment_profiles before a campaign "
        "counts on them. If it stays, refit.",
        thresholds.model_dump(include={"drift_month_warn", "drift_year_warn", "drift_fail"}),
    )


def psi(now: list[int], then: list[int], all_then: int) -> float:
    """Return the population stability index of two sets of counts over the same segments.

    Parameters
    ----------
    now, then
        Customers of each segment.
    all_then
        All customers then; who is in none of the segments was in one that is empty now.
    """
    now, then = [*now, 0], [*then, all_then - sum(then)]
    pairs = [(a, b) for a, b in zip(now, then, strict=True) if a or b]
    # Half a customer where there is none: the logarithm of nothing is no number.
    shares = [(max(a, 0.5) / sum(now), max(b, 0.5) / sum(then)) for a, b in pairs]
    return sum((a - b) * log(a / b) for a, b in shares)


def judge_typical(
    rows: list[dict], snapshots: list[date], span: Span, thresholds: ProfileThresholds
) -> Judged:
    """Compare what a segment's customers are like with a month before, by one model.

    Parameters
    ----------
    rows
        As ``typical_customers`` returns them.
    snapshots
        Months of all snapshots: with less than a year behind them they are not compared with.
    """
    verdicts = []
    for month, group in groupby(_in(rows, span), key=lambda row: row["snapshot_month"]):
        if not has_a_year(shift(month, -1), snapshots):
            verdicts.append(Verdict.not_judged(month, TOO_EARLY, {}))
            continue
        figures, levels, said = {}, [], []
        for row in group:
            few = min(row["customers"], row["customers_before"] or 0) < thresholds.least_customers
            if few or row["month_before"] != shift(month, -1):
                continue
            for name in ("monetary", "frequency"):
                now, then = row[name], row[f"{name}_before"]
                if min(now, then) <= 0:
                    continue
                factor = figures[f"{row['segment']}, {name}"] = now / then
                bad = level(
                    max(factor, 1 / factor),
                    warn=thresholds.typical_warn_factor,
                    fail=thresholds.typical_fail_factor,
                )
                levels.append(bad)
                if bad is not Level.OK:
                    said.append(f"{name} of {row['segment']} is {factor:.2f} times last month's")
        verdicts.append(Verdict.of(month, worst(levels), ", ".join(said), figures))
    return Judged(
        SEGMENT_PROFILES.table,
        "typical_customer",
        tuple(verdicts),
        "The segment's name stayed, its customers did not: look at the month's data.",
        thresholds.model_dump(
            include={"typical_warn_factor", "typical_fail_factor", "least_customers"}
        ),
    )


def _in(rows: Iterable[dict], span: Span) -> list[dict]:
    """Return rows of the months to judge, in their order; copies, to be changed."""
    wanted = [dict(row) for row in rows if row["snapshot_month"] in span]
    return sorted(wanted, key=lambda row: row["snapshot_month"])
