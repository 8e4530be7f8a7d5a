"""What a report says of its data, its large accounts and its model, in sentences.

Belongs here: remarks beside the tables. Does not: the summary and what to do (``wording``), terms
(``glossary``).
"""

from customer_segments.evaluation.backtest import QUINTILE_SUM
from customer_segments.evaluation.findings import MARGIN, means
from customer_segments.evaluation.outliers import thrown_away
from customer_segments.reports.background import KEPT
from customer_segments.reports.evidence import Evidence
from customer_segments.reports.figures import LARGEST, largest_share, reasons_of
from customer_segments.reports.pictures.picture import in_use, is_continuum
from customer_segments.reports.pictures.words import counted, month_name, percent
from customer_segments.reports.writing import amount
from customer_segments.segments.tiers import WHOLESALE


def rows_said(evidence: Evidence) -> str:
    """Say how many rows of the month count."""
    reasons = reasons_of(evidence)
    rows = sum(reason.rows for reason in reasons)
    kept = next((reason for reason in reasons if reason.reason == KEPT), None)
    if kept is None or not rows:
        return f"There is no row of {month_name(evidence.month)}."
    return (
        f"Of {counted(rows, 'row')} of {month_name(evidence.month)}, {kept.rows:,} "
        f"({kept.rows / rows:.1%}) count."
    )


def missing_said(evidence: Evidence) -> str | None:
    """Say how much was sold to nobody known, who is in no segment."""
    of = {reason.reason: reason for reason in reasons_of(evidence)}
    if "missing_customer" not in of or KEPT not in of:
        return None
    missing, kept = of["missing_customer"], of[KEPT]
    total = missing.revenue_so_far + kept.revenue_so_far
    worth = f", {percent(missing.revenue_so_far / total)} of the money," if total > 0 else ""
    return (
        f"Who buys without giving a name is in no segment: {counted(missing.rows_so_far, 'row')} "
        f"with {amount(missing.revenue_so_far)}{worth} so far."
    )


def accounts(evidence: Evidence) -> list[str]:
    """Say how much large accounts are, and what would be lost without them."""
    customers = evidence.customers
    large = customers["account_tier"] == WHOLESALE
    revenue = customers["monetary"].sum()
    if not revenue > 0:
        return [f"{counted(int(large.sum()), 'customer')} are marked as wholesale accounts."]
    share = customers["monetary"][large].sum() / revenue
    lost = thrown_away(customers)
    return [
        f"{counted(int(large.sum()), 'customer')} of {len(customers):,} "
        f"{'is' if large.sum() == 1 else 'are'} marked as wholesale accounts, for spending far "
        f"more than most: they brought {percent(share)} of the money. The {LARGEST} largest alone "
        f"brought {percent(largest_share(evidence) or 0)}. They are in the segments like everybody "
        "else.",
        "Nobody is left out. The usual treatment of outliers, which deletes customers far from the "
        f"quartiles of money or orders, would throw away {counted(lost.customers, 'customer')} "
        f"({percent(lost.share)}) with {percent(lost.revenue_share)} of the money: the best ones.",
    ]


def is_slices(evidence: Evidence) -> bool:
    """Tell whether the segments in use are slices of a continuum, as far as that was measured."""
    row = in_use(evidence)
    return row is not None and is_continuum(row)


def verdict(evidence: Evidence) -> str | None:
    """Say in one sentence whether the model foretells more than a plain sum of scores does."""
    judged = means(evidence.backtest).dropna(subset=["explained_variance"])
    if judged.empty:
        return None
    months = int(judged["horizon_months"].max())
    explained = judged[judged["horizon_months"] == months].set_index("labelling")[
        "explained_variance"
    ]
    ours = f"KMeans, {len(evidence.clusters)} clusters"
    if ours not in explained.index or QUINTILE_SUM not in explained.index:
        return None
    here, there = explained[ours], explained[QUINTILE_SUM]
    figures = f"{here:.1%} against {there:.1%} of the variance of later spending"
    what = f"what customers spend in the next {counted(months, 'month')}"
    if here - there >= MARGIN:
        return f"These segments foretell {what} better than a plain sum of scores: {figures}."
    if there - here < MARGIN:
        return f"These segments foretell {what} as well as a plain sum of scores: {figures}."
    return (
        f"These segments do not foretell {what} better than a plain sum of scores: {figures}. They "
        "are for talking and acting; to rank customers only, rank them by the sum."
    )
