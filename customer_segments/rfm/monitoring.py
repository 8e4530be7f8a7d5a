"""Whether snapshots grow as they should, and whether customers' money makes sense.

Belongs here: figures per snapshot as Ibis, and the thresholds. Does not: running it (``checks``),
taking snapshots (``rfm``).
"""

import dagster as dg
from ibis.expr.types import Table
from pydantic import Field

from customer_segments.monitoring.months import Span, has_a_year
from customer_segments.monitoring.verdicts import Judged, Level, Verdict, level
from customer_segments.months import shift
from customer_segments.tables import CUSTOMER_RFM


class RfmThresholds(dg.Config):
    """From where on a snapshot stands out."""

    growth_warn: float = Field(
        default=0.25,
        gt=0,
        description="Warn where a snapshot has this share more customers than the month before; "
        "in the first year of the data they may grow as they like.",
    )
    growth_fail: float = Field(default=1.0, gt=0, description="The same, as an error.")
    loss_warn: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Warn where a snapshot has this share fewer customers than the month before. "
        "Without a look-back window customers never leave.",
    )
    loss_fail: float = Field(default=0.20, gt=0, le=1, description="The same, as an error.")
    negative_warn: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Warn where this share of the customers has returned all that it bought, or "
        "more: sales may be missing, or be taken for credit notes.",
    )
    negative_fail: float = Field(default=0.20, gt=0, le=1, description="The same, as an error.")


def snapshots(rfm: Table) -> Table:
    """Return customers, and the share of them with no money left, per snapshot."""
    return rfm.group_by("snapshot_month").agg(
        customers=rfm.count(), negative_share=(rfm.monetary <= 0).cast("float64").mean()
    )


def judge_customers(rows: list[dict], span: Span, thresholds: RfmThresholds) -> Judged:
    """Compare the customers of each snapshot with those of the month before.

    Parameters
    ----------
    rows
        As ``snapshots`` returns them.
    """
    customers = {row["snapshot_month"]: row["customers"] for row in rows}
    verdicts = []
    for month in filter(span.__contains__, sorted(customers)):
        before = customers.get(shift(month, -1))
        figures = {"customers": customers[month], "customers_last_month": before}
        if before is None:
            verdicts.append(Verdict.not_judged(month, "no snapshot a month before", figures))
            continue
        growth = figures["growth"] = customers[month] / before - 1
        if growth <= 0:
            judged = level(-growth, warn=thresholds.loss_warn, fail=thresholds.loss_fail)
        elif has_a_year(shift(month, -1), customers):
            judged = level(growth, warn=thresholds.growth_warn, fail=thresholds.growth_fail)
        else:
            judged = Level.OK
        how = "more" if growth > 0 else "fewer"
        said = f"{customers[month]:,} customers, {abs(growth):.1%} {how} than a month before"
        verdicts.append(Verdict.of(month, judged, said, figures))
    return Judged(
        CUSTOMER_RFM.table,
        "customers",
        tuple(verdicts),
        "Look whether a workbook went away or is of another shop, or whether ids are written anew.",
        thresholds.model_dump(exclude={"negative_warn", "negative_fail"}),
    )


def judge_negative_monetary(rows: list[dict], span: Span, thresholds: RfmThresholds) -> Judged:
    """Judge the share of customers whose credit notes are as large as their sales.

    Parameters
    ----------
    rows
        As ``snapshots`` returns them.
    """
    verdicts = []
    for row in sorted(rows, key=lambda row: row["snapshot_month"]):
        if row["snapshot_month"] not in span:
            continue
        share = row["negative_share"]
        judged = level(share, warn=thresholds.negative_warn, fail=thresholds.negative_fail)
        said = f"{share:.1%} of the customers have no money left"
        verdicts.append(Verdict.of(row["snapshot_month"], judged, said, {"negative_share": share}))
    return Judged(
        CUSTOMER_RFM.table,
        "negative_monetary",
        tuple(verdicts),
        "Look whether sales are missing, or whether credit_prefix takes sales for credit notes.",
        thresholds.model_dump(include={"negative_warn", "negative_fail"}),
    )
