"""What is looked at in ``customer_value``: that what was expected is about what came.

Belongs here: figures per snapshot as Ibis; that customers and revenue are those of snapshots and
lines. Does not: how good the forecast was customer by customer (``backtest``).
"""

from collections.abc import Iterable

from ibis.expr.types import Table

from customer_segments.quality.judge import Judge, Row
from customer_segments.quality.scope import Scope
from customer_segments.quality.spine import Spine
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM, CUSTOMER_VALUE
from customer_segments.tables.money import SUM
from customer_segments.value.spent import YEAR, later

# Of the horizons the one that is over first.
MONTHS = 3


def in_lines(cleaned: Table, rfm: Table) -> Table:
    """Return customers, and revenue of the twelve months before, per snapshot."""
    snapshots = rfm.group_by("snapshot_month", "snapshot_date").agg(customers=rfm.count())
    snapshots = snapshots.mutate(since=later(snapshots.snapshot_date, -YEAR))
    days = cleaned.group_by("customer_id", day=cleaned.invoice_date.date())
    days = days.agg(revenue=cleaned.revenue.sum().cast(SUM))
    year = days.join(snapshots, [days.day >= snapshots.since, days.day < snapshots.snapshot_date])
    year = year.semi_join(rfm, ["snapshot_month", "customer_id"])
    revenue = year.group_by("snapshot_month").agg(revenue=year.revenue.sum().cast(SUM))
    joined = snapshots.left_join(revenue, "snapshot_month")
    return joined.select("snapshot_month", "customers", revenue=joined.revenue.fill_null(0))


def in_value(value: Table) -> Table:
    """Return the same from the table itself."""
    return value.group_by("snapshot_month").agg(
        customers=value.count(), revenue=value.revenue_12m.sum().cast(SUM)
    )


def expected_and_actual(scope: Scope) -> Table:
    """Return what was expected at the snapshot three months before, and the revenue since."""
    value, lines = CUSTOMER_VALUE.relation, CLEANED_TRANSACTIONS.relation
    value = value.filter(
        value.expected_3m.notnull(), scope.covers(value.snapshot_month, back=MONTHS)
    )
    value = value.select("customer_id", "expected_3m", month=later(value.snapshot_month, MONTHS))
    expected = value.group_by("month").agg(expected=value.expected_3m.sum().cast("float64"))
    lines = lines.filter(scope.covers(lines.month, back=MONTHS))
    spent = lines.group_by("customer_id", line_month="month").agg(revenue=lines.revenue.sum())
    since = value.inner_join(spent, "customer_id")
    is_since = since.line_month.between(later(since.month, 1 - MONTHS), since.month)
    since = since.filter(is_since).group_by("month")
    actual = since.agg(actual=lambda rows: rows.revenue.sum().cast("float64"))
    return expected.left_join(actual, "month").select("month", "expected", "actual")


def _off(rows: list[Row], scope: Scope) -> Iterable[Row]:
    for row in rows:
        if not scope.is_complete(row["month"]):
            yield row | {"why": "the month is not complete"}
        elif row["actual"] and row["actual"] > 0:
            yield row | {"off": abs(row["expected"] / row["actual"] - 1)}


JUDGES = (
    Judge(
        *(CUSTOMER_VALUE, "expectation", expected_and_actual, _off), reads=(CLEANED_TRANSACTIONS,)
    ),
)
SPINE = Spine(
    (CUSTOMER_VALUE,),
    in_lines(CLEANED_TRANSACTIONS.relation, CUSTOMER_RFM.relation),
    in_value(CUSTOMER_VALUE.relation),
    # Lines changed that are in no snapshot yet, where only some months were asked for.
    also_waiting=lambda state: state.pending(CUSTOMER_RFM),
)
CHECKED = ((JUDGES, SPINE),)
