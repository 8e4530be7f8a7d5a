"""All that the pictures and the report of a month are made from.

Belongs here: reading it, from one state of the warehouse. Does not: drawing (``pictures``) or
wording it.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments.months import shift
from customer_segments.reports.background import Background, read_background
from customer_segments.storage import Contract, Warehouse
from customer_segments.tables import (
    ALGORITHM_COMPARISON,
    CHAMPION_MODEL,
    CUSTOMER_RFM,
    CUSTOMER_SEGMENTS,
    KMEANS_MODEL,
    MODEL_SELECTION,
    SEGMENT_BACKTEST,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)

if TYPE_CHECKING:
    import pandas as pd
    from ibis.backends.duckdb import Backend

# Months after a snapshot in which customers may come back, for retention.
MONTHS_AFTER = 12
# What a customer is known by beyond the segment.
FROM_RFM = (
    "snapshot_date",
    "first_purchase_date",
    "last_purchase_date",
    "average_order_value",
    "products",
    "months_active",
    "country",
)


@dataclass(frozen=True)
class Evidence:
    """What a month's pictures and report say, read from one state of the warehouse.

    Money is float64, in the currency of the workbooks; months and dates are datetime64.

    Parameters
    ----------
    month
        Snapshot month, first day.
    customers
        ``customer_segments`` of the month, with the columns ``FROM_RFM`` of ``customer_rfm``.
    profiles, migration
        ``segment_profiles`` and ``segment_migration`` of all months up to this one.
    clusters
        ``kmeans_model`` of the version that labelled the month, in the order of its clusters.
    decision
        Row of ``champion_model`` that last put this version in force; ``None`` if none did.
    selection
        ``model_selection``; empty if it was never made.
    comparison, backtest
        ``algorithm_comparison`` and ``segment_backtest``; empty until an evaluation was run.
    retention
        As ``retention`` returns it, up to the last month that is complete.
    background
        Rows kept and rejected, checks, files: what the report says and no picture shows.
    """

    month: date
    customers: "pd.DataFrame"
    profiles: "pd.DataFrame"
    migration: "pd.DataFrame"
    clusters: "pd.DataFrame"
    decision: "pd.Series | None"
    selection: "pd.DataFrame"
    comparison: "pd.DataFrame"
    backtest: "pd.DataFrame"
    retention: "pd.DataFrame"
    background: Background


def read_evidence(warehouse: Warehouse, month: date) -> Evidence:
    """Read the evidence of a month.

    Raises
    ------
    UserError
        If nobody is labelled in the month, or a table is missing that scoring makes.
    """
    with warehouse.reading() as con:
        customers = _read(con, _customers(month))
        versions = customers["model_version"].drop_duplicates().to_list()
        clusters = _read(
            con,
            KMEANS_MODEL.relation.filter(lambda t: t.version.isin(versions)).order_by("cluster"),
        )
        in_force = _read(
            con,
            CHAMPION_MODEL.relation.filter(
                lambda t: t.version.isin(versions) & (t.verdict != "kept")
            ).order_by("decision"),
        )
        background = read_background(con, month)
        # Who is not back by the 9th of a month that goes on is not known to stay away.
        known_until = month if background.is_complete(month) else shift(month, -1)
        return Evidence(
            month=month,
            customers=customers,
            profiles=_read(con, _up_to(month, SEGMENT_PROFILES)),
            migration=_read(con, _up_to(month, SEGMENT_MIGRATION)),
            clusters=clusters,
            decision=None if in_force.empty else in_force.iloc[-1],
            selection=_read_if_there(con, MODEL_SELECTION),
            comparison=_read_if_there(con, ALGORITHM_COMPARISON),
            backtest=_read_if_there(con, SEGMENT_BACKTEST),
            retention=_read(
                con, retention(CUSTOMER_SEGMENTS.relation, CUSTOMER_RFM.relation, known_until)
            ),
            background=background,
        )


def retention(segments: Table, rfm: Table, month: date) -> Table:
    """Count how many customers of each segment bought again within so many months.

    Every past month's end is a cohort. So many months after it count if each of them has its
    snapshot by ``month``: a customer bought in a month if the last sale by its end is of that
    month. All cohorts are added up.

    Parameters
    ----------
    segments
        As ``CUSTOMER_SEGMENTS`` has it.
    rfm
        As ``CUSTOMER_RFM`` has it.
    month
        Snapshot month up to which is known who came back.

    Returns
    -------
    Table
        ``segment``, ``months_after`` (1 to 12), ``customers`` of the cohorts, and ``returned``:
        those of them with a sale in the ``months_after`` months that follow their cohort's.
    """
    known = rfm.filter(rfm.snapshot_month <= ibis.date(month))
    bought = ibis.ifelse(
        known.last_purchase_date >= known.snapshot_month, known.snapshot_month, ibis.null("date")
    )
    following = ibis.window(
        group_by=known.customer_id, order_by=known.snapshot_month, rows=(1, None)
    )
    back = known.select("customer_id", "snapshot_month", back=bought.min().over(following))
    labelled = segments.select("segment", "customer_id", "snapshot_month")
    cohorts = (
        labelled.inner_join(back, ["customer_id", "snapshot_month"])
        .group_by("segment", "snapshot_month", "back")
        .agg(customers=ibis._.count())
    )
    followed = cohorts.inner_join(_followed(known), "snapshot_month")
    months_until = followed.back.delta(followed.snapshot_month, unit="month")
    is_back = (months_until <= followed.months_after).fill_null(False)
    return (
        followed.group_by("segment", "months_after")
        .agg(
            customers=followed.customers.sum().cast("int64"),
            returned=followed.customers.sum(where=is_back).fill_null(0).cast("int64"),
        )
        .order_by("segment", "months_after")
    )


def _followed(known: Table) -> Table:
    """Return each snapshot month with each number of months that all have a snapshot after it."""
    months = known.select("snapshot_month").distinct()
    later = months.select(later="snapshot_month")
    pairs = months.cross_join(later).filter(lambda pair: pair.later > pair.snapshot_month)
    pairs = pairs.mutate(
        months_after=pairs.later.delta(pairs.snapshot_month, unit="month"),
        nth=ibis.row_number().over(group_by="snapshot_month", order_by="later") + 1,
    )
    return pairs.filter(
        (pairs.months_after == pairs.nth) & (pairs.months_after <= MONTHS_AFTER)
    ).select("snapshot_month", "months_after")


def _customers(month: date) -> Table:
    labelled, rfm = CUSTOMER_SEGMENTS.relation, CUSTOMER_RFM.relation
    labelled = labelled.filter(labelled.snapshot_month == ibis.date(month))
    rfm = rfm.filter(rfm.snapshot_month == ibis.date(month)).select("customer_id", *FROM_RFM)
    joined = labelled.left_join(rfm, "customer_id")
    return joined.drop("customer_id_right").order_by("customer_id")


def _up_to(month: date, contract: Contract) -> Table:
    months = contract.relation.filter(lambda table: table.snapshot_month <= ibis.date(month))
    return months.order_by(list(contract.key))


def _read_if_there(con: "Backend", contract: Contract) -> "pd.DataFrame":
    from customer_segments.storage.ledger import is_there

    if not is_there(con, contract.table):
        return contract.schema.to_pyarrow().empty_table().to_pandas()
    return _read(con, contract.relation.order_by(list(contract.key)))


def _read(con: "Backend", expression: Table) -> "pd.DataFrame":
    from customer_segments.storage.requirements import require_sources

    require_sources(con, "The report", expression)
    money = {
        name: expression[name].cast("float64")
        for name, dtype in expression.schema().items()
        if dtype.is_decimal()
    }
    return con.execute(expression.mutate(**money) if money else expression)
