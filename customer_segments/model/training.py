"""Whom a model is fitted on: a snapshot, and those of the year before it.

Belongs here: choosing the month, loading the pool of snapshots, and what is too little. Does not:
what becomes of their values (``features``), fitting.
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.model.features import COLUMNS, values_of
from customer_segments.model.sampling import parts_of, takes_part
from customer_segments.months import is_end, month_of, months_from, shift
from customer_segments.tables import CUSTOMER_RFM
from customer_segments.texts import counted

if TYPE_CHECKING:
    import pandas as pd

# Runs a small query over published tables: ``Warehouse.query``, or within a transaction.
Query = Callable[[Table], "pd.DataFrame"]

# Customers; one alone cannot be told apart from anybody.
LEAST = 2
# Snapshots of a year, so that no season is taken for a kind of customer.
POOLED_MONTHS = 12
# Before that nobody can have bought long ago; and no segment has its size yet before a year.
LEAST_HISTORY, A_YEAR = 6, 12
# Of more rows every third month: the same labels for 97 % of UCI's customers.
MOST_ROWS, EVERY = 1_000_000, 3


class Pool(NamedTuple):
    """Snapshots to fit on, a row per customer and month, sorted by customer.

    ``values`` are as ``features.values_of`` returns them, shape (rows, 3); ``customer`` counts
    customers from 0 and ``month`` months back from the training month, shape (rows,);
    ``first_month`` is the first one with data.
    """

    values: np.ndarray
    customer: np.ndarray
    month: np.ndarray
    first_month: date
    training_month: date

    @classmethod
    def of(cls, snapshots: "pd.DataFrame", month: date) -> "Pool":
        """Return the pool of rows of ``customer_rfm``, of months up to ``month``."""
        ids = snapshots["customer_id"].to_numpy()
        of = snapshots["snapshot_month"].dt
        back = ((month.year - of.year) * 12 + month.month - of.month).to_numpy()
        first = snapshots["first_purchase_date"].min() if len(ids) else month
        order = np.lexsort((-back, ids))
        customer = np.unique(ids[order], return_inverse=True)[1]
        return cls(values_of(snapshots)[order], customer, back[order], month_of(first), month)

    @property
    def is_newest(self) -> np.ndarray:
        """Which rows are of the training month, whose customers are those to tell apart."""
        return self.month == 0

    @property
    def fitted(self) -> "Pool":
        """The rows to fit on: the training month, and those of a year before with enough past."""
        return self._where(LEAST_HISTORY, POOLED_MONTHS - 1)

    @property
    def sized(self) -> "Pool":
        """The rows by which sizes are judged: of months with a year behind them, and this one."""
        return self._where(A_YEAR, POOLED_MONTHS)

    def of_customers(self, chosen: np.ndarray) -> "Pool":
        """Return the rows of customers, given as a boolean for each, numbered anew."""
        rows = chosen[self.customer]
        return self._only(rows, np.unique(self.customer[rows], return_inverse=True)[1])

    def _where(self, history: int, most_back: int) -> "Pool":
        months = months_from(self.first_month, self.training_month)
        rows = self.month <= max(min(most_back, months - history), 0)
        return self._only(rows, self.customer[rows])

    def _only(self, rows: np.ndarray, customer: np.ndarray) -> "Pool":
        return self._replace(values=self.values[rows], customer=customer, month=self.month[rows])


def training_month(query: Query, wanted: str | None, today: date) -> date:
    """Return the snapshot month to train on: the one wanted, or the newest complete one.

    A UserError says that there is no such snapshot.
    """
    rfm = CUSTOMER_RFM.relation
    snapshots = query(rfm.group_by("snapshot_month").agg(date=rfm.snapshot_date.max()))
    dates = {month_of(row.snapshot_month): row.date.date() for row in snapshots.itertuples()}
    known = f"{min(dates):%Y-%m} to {max(dates):%Y-%m}" if dates else "none at all"
    if wanted:
        named = {f"{month:%Y-%m}": month for month in dates}
        if wanted in named:
            return named[wanted]
        raise UserError(
            f"training_month {wanted} has no snapshot in customer_rfm.",
            f"Choose one of {known}, or materialize it first.",
        )
    complete = [month for month, day in dates.items() if is_end(month, day, today)]
    if not complete:
        raise UserError(
            f"customer_rfm has no complete month to train on ({known}).",
            "Materialize customer_rfm over more months, or name a training_month.",
        )
    return max(complete)


def training_pool(
    query: Query,
    month: date,
    *,
    min_months: int = 0,
    min_customers: int = 0,
    section: str = "model",
) -> Pool:
    """Load the snapshots of a month and of the year before it; of many customers, a part.

    ``section`` is that of the policy which has the two numbers, of customers in the month and of
    months up to it. A UserError says that there is too little history for what is to be made of it,
    and what takes less.
    """
    rfm = CUSTOMER_RFM.relation
    snapshot = rfm.filter(rfm.snapshot_month == ibis.date(month))
    (there,) = query(
        snapshot.agg(customers=snapshot.count(), first=snapshot.first_purchase_date.min())
    ).itertuples()
    customers, first = int(there.customers), month_of(there.first) if there.customers else month
    found = {"min_customers": customers, "min_months": months_from(first, month)}
    least = {"min_customers": min_customers, "min_months": min_months}
    if lower := [f"{name} = {found[name]}" for name in found if found[name] < least[name]]:
        problem = (
            f"Snapshot {month:%Y-%m} has {counted(customers, 'customer')} over "
            f"{counted(found['min_months'], 'month')}, and by [{section}] it takes "
            f"{min_customers:,} and {min_months}."
        )
        if customers < LEAST:
            more = "Segments tell customers apart: add files with more of them."
            raise UserError(problem, more)
        raise UserError(
            problem,
            "Add history. Or take less, which makes segments that may be chance, and write into "
            f"customer_segments.toml:\n\n[{section}]\n" + "\n".join(lower),
        )
    parts = parts_of(customers)
    is_large = customers // parts * POOLED_MONTHS > MOST_ROWS
    months_back = range(0, POOLED_MONTHS + 1, EVERY if is_large else 1)
    return Pool.of(query(_snapshots(month, months_back, parts)), month)


def _snapshots(month: date, months_back: range, parts: int) -> Table:
    """Return the snapshots of so many months before a month, customers as numbers.

    Ids of many customers would take more memory than all else. Of several ``parts`` one, whose
    customers are in it with all their months.
    """
    rfm = CUSTOMER_RFM.relation
    months = [ibis.date(shift(month, -back)) for back in months_back]
    rows = rfm.filter(rfm.snapshot_month.isin(months))
    if parts > 1:
        rows = rows.filter(takes_part(rows.customer_id, parts))
    number = ibis.dense_rank().over(order_by=rows.customer_id)
    values = {column: rows[column].cast("float64") for column in COLUMNS.values()}
    return rows.select("snapshot_month", "first_purchase_date", **values, customer_id=number)
