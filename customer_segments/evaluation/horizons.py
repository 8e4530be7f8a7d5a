"""What customers did in the months after a date, and which dates can be looked back to.

Belongs here: the outcomes of a snapshot, and the choice of dates. Does not: predicting
(``backtest``).
"""

from datetime import date

import ibis
import pandas as pd
from ibis.expr.types import Table

from customer_segments.errors import UserError
from customer_segments.model.training import Query
from customer_segments.months import followed_by, is_complete, month_of, shift
from customer_segments.outcomes import outcomes
from customer_segments.policy.model import Backtest
from customer_segments.tables import CUSTOMER_RFM

# Of a default, before the newest date that the longest horizon follows.
MONTHS_BACK = (6, 3, 0)


def followed(query: Query, cleaned: Table, as_of: date, months: int) -> pd.DataFrame:
    """Return what each customer of the snapshot before ``as_of`` did, in order of their ids.

    ``revenue``, at least 0, and ``is_back``, whether they came back.
    """
    rfm = CUSTOMER_RFM.relation
    snapshot = rfm.filter(rfm.snapshot_month == ibis.date(shift(as_of, -1)))
    did = snapshot.left_join(outcomes(cleaned, as_of, months), "customer_id")
    return query(
        did.order_by("customer_id").select(
            revenue=did.revenue.fill_null(0.0), is_back=did.is_back.fill_null(False)
        )
    )


def choose_dates(query: Query, config: Backtest, today: date) -> list[date]:
    """Return the dates that the config names, or else those that the history allows.

    A UserError says which of those named cannot be looked back to.
    """
    rfm = CUSTOMER_RFM.relation
    dates = {"first": rfm.first_purchase_date.min(), "last": rfm.last_purchase_date.max()}
    known = query(rfm.group_by("snapshot_month").agg(customers=rfm.count(), **dates))
    if known.empty:
        return []
    month, months = known["snapshot_month"].map(month_of), max(config.horizons)
    last_sale = known["last"].max().date()
    if config.as_of:
        return named_dates(config.as_of, set(month), last_sale, months, today)
    is_long = known["first"].map(lambda day: shift(month_of(day), config.min_months - 1)) <= month
    is_enough = is_long & (known["customers"] >= config.min_customers)
    return default_dates(set(month[is_enough]), last_sale, months, today)


def default_dates(snapshots: set[date], last_sale: date, months: int, today: date) -> list[date]:
    """Return up to three dates, three months apart, each with a snapshot and a whole horizon.

    ``snapshots`` are the months of those that there are, ``last_sale`` is the day of the newest
    sale in the data, ``months`` the longest horizon.
    """
    return [
        shift(newest, 1 - back)
        for newest in followed_by(months, snapshots, last_sale, today)[-1:]
        for back in MONTHS_BACK
        if shift(newest, -back) in snapshots
    ]


def named_dates(
    wanted: list[str], snapshots: set[date], last_sale: date, months: int, today: date
) -> list[date]:
    """Return the dates that the config names, parameters as ``default_dates`` has them.

    A UserError names one that is no first day of a month, has no snapshot, or no whole horizon.
    """
    dates = set()
    for text in wanted:
        try:
            as_of = date.fromisoformat(text)
        except ValueError:
            as_of = date.max
        if as_of.day != 1:
            problem, remedy = "is not the first day of a month", "Write it as 2011-06-01."
        elif shift(as_of, -1) not in snapshots:
            problem = f"has no snapshot: customer_rfm lacks {shift(as_of, -1):%Y-%m}"
            remedy = "Materialize customer_rfm over that month, or name another date."
        elif not is_complete(shift(as_of, months - 1), last_sale, today):
            problem = f"is not followed by {months} complete months: "
            problem += f"the newest sale is of {last_sale}"
            remedy = "Name an earlier date, or fewer months in horizons."
        else:
            dates.add(as_of)
            continue
        raise UserError(f"as_of {text} {problem}.", remedy)
    return sorted(dates)
