"""Features of a customer: log1p of recency, frequency and monetary value, standardized.

Belongs here: the transformation, once for pandas (to fit) and once for Ibis (to score), side
by side so that they cannot drift apart; and choosing the snapshot to train on.
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.months import is_end, month_of, parse_month
from customer_segments.tables import CUSTOMER_RFM

if TYPE_CHECKING:
    import pandas as pd

# Runs a small query over published tables: ``Warehouse.query``, or within a transaction.
Query = Callable[[Table], "pd.DataFrame"]

# Customers; one alone cannot be told apart from anybody.
LEAST = 2
COLUMNS = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}
FEATURES = tuple(COLUMNS)


def log_features(customers: "pd.DataFrame") -> "pd.DataFrame":
    """Return log1p of each feature, shape (customers, 3); monetary is cut at 0 below."""
    import numpy as np

    values = customers[list(COLUMNS.values())].astype("float64").clip(lower=0)
    return np.log1p(values).set_axis(list(FEATURES), axis=1)


def with_logs(customers: Table) -> Table:
    """Add what ``log_features`` returns, as ``recency_log`` and so on."""
    values = {name: customers[column].cast("float64") for name, column in COLUMNS.items()}
    logs = {f"{name}_log": (ibis.greatest(at, 0.0) + 1.0).ln() for name, at in values.items()}
    return customers.mutate(**logs)


def training_month(query: Query, wanted: str | None, today: date) -> date:
    """Return the snapshot month to train on: the one wanted, or the newest complete one.

    A UserError says that there is no such snapshot.
    """
    rfm = CUSTOMER_RFM.relation
    snapshots = query(rfm.group_by("snapshot_month").agg(date=rfm.snapshot_date.max()))
    dates = {month_of(row.snapshot_month): row.date.date() for row in snapshots.itertuples()}
    known = f"{min(dates):%Y-%m} to {max(dates):%Y-%m}" if dates else "none at all"
    if wanted:
        if (month := parse_month(wanted)) in dates:
            return month
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


def training_customers(
    query: Query,
    month: date,
    *,
    min_months: int = 0,
    min_customers: int = 0,
    section: str = "model",
) -> "pd.DataFrame":
    """Load the customers of one snapshot, sorted: their order moves centroids by up to .008.

    ``section`` is that of the policy which has the two numbers. A UserError says that there is too
    little history for what is to be made of it, and what takes less.
    """
    rfm = CUSTOMER_RFM.relation
    columns = ("customer_id", "first_purchase_date", *COLUMNS.values())
    of_month = rfm.filter(rfm.snapshot_month == ibis.date(month)).select(*columns)
    customers = query(of_month.order_by("customer_id"))
    first = month_of(customers["first_purchase_date"].min()) if len(customers) else month
    months = (month.year - first.year) * 12 + month.month - first.month + 1
    found = {"min_customers": len(customers), "min_months": months}
    least = {"min_customers": min_customers, "min_months": min_months}
    if lower := [f"{name} = {found[name]}" for name in found if found[name] < least[name]]:
        problem = (
            f"Snapshot {month:%Y-%m} has {_counted(len(customers), 'customer')} over "
            f"{_counted(months, 'month')}, and by [{section}] it takes {min_customers:,} and "
            f"{min_months}."
        )
        if len(customers) < LEAST:
            more = "Segments tell customers apart: add files with more of them."
            raise UserError(problem, more)
        raise UserError(
            problem,
            "Add history. Or take less, which makes segments that may be chance, and write into "
            f"customer_segments.toml:\n\n[{section}]\n" + "\n".join(lower),
        )
    return customers


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
