"""What is exported of a month, read from one state of the warehouse.

Belongs here: the customers of a month with all that is known of them, as Ibis, and reading them.
Does not: files.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
from ibis.expr.types import Table

from customer_segments.months import shift
from customer_segments.segments.migration import KEY, customer_moves
from customer_segments.storage import Warehouse
from customer_segments.storage.requirements import require_sources
from customer_segments.tables import GONE

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Month:
    """A month as it is exported.

    Parameters
    ----------
    month
        Snapshot month, first day.
    customers
        As ``customers_of`` returns them, those who spent most first.
    gone
        Customers who were in last month's snapshot and are in this one no more: ``customer_id``,
        ``from_segment``, ``country``.
    segments
        Rows of ``kmeans_model`` of the version that labelled the month, in the order of clusters.
    profiles
        Rows of ``segment_profiles``, by segment.
    newest_sale
        Day of the newest sale in any snapshot.
    """

    month: date
    customers: "pa.Table"
    gone: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    profiles: dict[str, dict[str, Any]]
    newest_sale: date


def customers_of(segments: Table, rfm: Table, kmeans_model: Table) -> Table:
    """Return all that is known of each customer at each month's end.

    Parameters
    ----------
    segments, rfm, kmeans_model
        As ``migration.segment_migration`` takes them.

    Returns
    -------
    Table
        Columns of ``CUSTOMER_SEGMENTS``, with ``from_segment`` behind the segment, and the other
        columns of ``CUSTOMER_RFM``. ``from_segment`` is last month's as ``segment_migration``
        judges it: by this month's model, "New" for who was not there, null where there is no
        month to compare with.
    """
    came_from = customer_moves(segments, rfm, kmeans_model).select(*KEY, "from_segment")
    more = [name for name in rfm.columns if name not in segments.columns]
    known = segments.inner_join(rfm.select(*KEY, *more), KEY).left_join(came_from, KEY)
    before, after = segments.columns[:3], segments.columns[3:]
    return known.select(*before, "from_segment", *after, *more)


def read_month(
    warehouse: Warehouse,
    month: date,
    *,
    customer_segments: Table,
    segment_profiles: Table,
    customer_rfm: Table,
    kmeans_model: Table,
) -> Month:
    """Read what is exported of a month.

    Raises
    ------
    UserError
        If a table is missing that scoring makes.
    """

    def of(table: Table, *months: date) -> Table:
        return table.filter(table.snapshot_month.isin([ibis.date(each) for each in months]))

    before = shift(month, -1)
    segments, rfm = of(customer_segments, month), of(customer_rfm, before, month)
    customers = customers_of(segments, rfm, kmeans_model)
    moves = customer_moves(segments, rfm, kmeans_model)
    gone = (
        moves.filter(moves.to_segment == GONE)
        .inner_join(of(customer_rfm, before).select("customer_id", "country"), "customer_id")
        .select("customer_id", "from_segment", "country")
    )
    versions = kmeans_model.semi_join(segments, kmeans_model.version == segments.model_version)
    with warehouse.reading() as con:
        for expression in (customers, segment_profiles):
            require_sources(con, "segment_workbook", expression)

        def rows(expression: Table) -> list[dict[str, Any]]:
            return con.to_pyarrow(expression).to_pylist()

        return Month(
            month=month,
            customers=con.to_pyarrow(
                customers.order_by(customers.monetary.desc(), customers.customer_id)
            ),
            gone=rows(gone.order_by("customer_id")),
            segments=rows(versions.order_by("cluster")),
            profiles={row["segment"]: row for row in rows(of(segment_profiles, month))},
            newest_sale=con.to_pyarrow(customer_rfm.last_purchase_date.max()).as_py(),
        )
