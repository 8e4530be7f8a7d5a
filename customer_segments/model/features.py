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
from customer_segments.months import is_complete, month_of, parse_month
from customer_segments.tables import CUSTOMER_RFM

if TYPE_CHECKING:
    import pandas as pd

# Runs a small query over published tables: ``Warehouse.query``, or within a transaction.
Query = Callable[[Table], "pd.DataFrame"]

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
    snapshots = query(rfm.group_by("snapshot_month").agg(last=rfm.last_purchase_date.max()))
    last_sales = {month_of(row.snapshot_month): row.last.date() for row in snapshots.itertuples()}
    known = f"{min(last_sales):%Y-%m} to {max(last_sales):%Y-%m}" if last_sales else "none at all"
    if wanted:
        if (month := parse_month(wanted)) in last_sales:
            return month
        raise UserError(
            f"training_month {wanted} has no snapshot in customer_rfm.",
            f"Choose one of {known}, or materialize it first.",
        )
    last_sale = max(last_sales.values(), default=date.min)
    complete = [month for month in last_sales if is_complete(month, last_sale, today)]
    if not complete:
        raise UserError(
            f"customer_rfm has no complete month to train on ({known}).",
            "Materialize customer_rfm over more months, or name a training_month.",
        )
    return max(complete)


def training_customers(
    query: Query, month: date, min_months: int = 0, min_customers: int = 2
) -> "pd.DataFrame":
    """Load the customers of one snapshot, sorted: their order moves centroids by up to .008.

    A UserError says that there is too little history for a model that means anything.
    """
    rfm = CUSTOMER_RFM.relation
    columns = ("customer_id", "first_purchase_date", *COLUMNS.values())
    of_month = rfm.filter(rfm.snapshot_month == ibis.date(month)).select(*columns)
    customers = query(of_month.order_by("customer_id"))
    first = month_of(customers["first_purchase_date"].min()) if len(customers) else month
    months = (month.year - first.year) * 12 + month.month - first.month + 1
    if months < min_months or len(customers) < min_customers:
        raise UserError(
            f"Snapshot {month:%Y-%m} has {len(customers):,} customers over {months} months; a "
            f"model takes at least {min_customers:,} customers and {min_months} months.",
            "Add history, or lower min_customers and min_months in the config of kmeans_model.",
        )
    return customers
