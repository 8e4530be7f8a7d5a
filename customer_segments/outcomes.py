"""What customers did in the months after a date: what forecasts and campaigns are judged by.

Belongs here: outcomes as pure Ibis. Does not: which dates can be looked back to, judging.
"""

from datetime import date

import ibis
from ibis.expr.types import Table

from customer_segments.months import shift


def outcomes(cleaned: Table, as_of: date, months: int) -> Table:
    """Return what each customer with a line in the ``months`` from ``as_of`` on did in them.

    ``customer_id``, ``revenue`` (sales minus credit notes, cut at 0 below: who returned more than
    they bought in these months did not spend) and ``is_back`` (whether with a sale). ``as_of`` is
    the first day of a month, the ``snapshot_date`` of what is known by then.
    """
    lines = cleaned.filter(
        cleaned.customer_id.notnull()
        & (cleaned.month >= ibis.date(as_of))
        & (cleaned.month < ibis.date(shift(as_of, months)))
    )
    return lines.group_by("customer_id").agg(
        revenue=ibis.greatest(lines.revenue.sum().cast("float64"), 0.0),
        is_back=(~lines.is_credit).any(),
    )
