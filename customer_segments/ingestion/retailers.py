"""Files of another retailer in this warehouse: a workbook whose customers nobody else has.

Belongs here: which workbook that is, and the doubt. Does not: other doubts (``doubts``).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ibis import _
from ibis.expr.types import Table

from customer_segments.ingestion.doubts import Doubt
from customer_segments.ingestion.orders import fetched

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

NAME = "other_retailer"
# Fewer customers may be new ones all.
LEAST = 100
# Customers of other workbooks who should have come again, going by those who did.
EXPECTED = 20
# Between two workbooks, when they follow each other.
DAYS_APART = 92


def other_retailer(con: "Backend", rows: Table) -> Iterator[Doubt]:
    """Doubt a workbook that shares no customer with any other, of the same time or next to it.

    A shop that is new, or whose customers come once, brings new ones each month as well: so many
    customers have to come again within the workbooks that twenty should be shared at least.

    Parameters
    ----------
    rows
        As ``RAW_TRANSACTIONS`` has them.
    """
    workbooks = fetched(con, _workbooks(rows))
    for book in workbooks:
        others = [each for each in workbooks if each is not book]
        near = [each for each in others if _days_apart(book, each) <= DAYS_APART]
        known = sum(each["customers"] for each in near)
        if book["shared"] or min(book["customers"], known) < LEAST:
            continue
        again = sum(each["again"] for each in near) / known
        expected = min(book["again"] / book["customers"], again) * min(book["customers"], known)
        if expected >= EXPECTED:
            yield Doubt(
                NAME,
                "stops",
                f"{book['workbook']}: none of its {book['customers']:,} customers is in any other "
                f"file, though customers come again: it may be another retailer's.",
                "Give another retailer a folder with a customer_segments.toml, a warehouse and a "
                "DAGSTER_HOME of its own.",
                f'[source] accept = ["{NAME}"]',
            )


def _workbooks(rows: Table) -> Table:
    """Return each workbook's customers, how many came on several days, how many it shares."""
    rows = rows.filter(rows.customer_id.notnull(), rows.invoice_date.notnull())
    days = rows.select("workbook", "customer_id", day=rows.invoice_date.date()).distinct()
    customers = days.group_by("workbook", "customer_id").agg(
        days=_.count(), first=_.day.min(), last=_.day.max()
    )
    places = customers.group_by("customer_id").agg(places=_.count())
    customers = customers.inner_join(places, "customer_id")
    return (
        customers.group_by("workbook")
        .agg(
            customers=_.count(),
            again=(_.days > 1).sum(),
            shared=(_.places > 1).sum(),
            first=_.first.min(),
            last=_.last.max(),
        )
        .order_by("workbook")
    )


def _days_apart(one: dict, other: dict) -> int:
    first, second = sorted([one, other], key=lambda book: book["first"])
    return max((second["first"] - first["last"]).days, 0)
