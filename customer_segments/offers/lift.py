"""What customers of a segment bought more than others: an explanation, and no recommendation.

Belongs here: the lift of products by segment, as pure Ibis. Does not: what a customer is offered
(``lists``), which does not get better by the segment: docs/model.md, Offers.
"""

from datetime import date, timedelta

import ibis
from ibis.expr.types import FloatingValue, Table

from customer_segments.offers.history import WINDOW, descriptions, sales
from customer_segments.tables import SEGMENT_PRODUCTS

# Customers that are added to those of a product and to those expected, so that few say little.
SHRINKAGE = 20
# Lift that counts as more than others, and products per segment.
LEAST, MOST = 1.2, 20


def segment_products(cleaned: Table, segments: Table, as_of: date) -> Table:
    """Return the products that a segment's customers bought more than others, the most so first.

    Of the newest labels, and of sales in the year before ``as_of``. How many customers of the
    segment are expected with a product: as many as there would be if it had the share of all that
    they bought which it has of what all others bought; so segments that buy more of everything do
    not have every product. The lift is (customers + 20) / (expected + 20), in the half of all
    customers (by hash of their ids) in which it is less.
    """
    newest = segments.filter(segments.snapshot_month == segments.snapshot_month.max())
    labels = newest.select("customer_id", "segment", "snapshot_month", "model_version")
    sold = sales(cleaned)
    sold = sold.filter(sold.day >= ibis.date(as_of - timedelta(days=WINDOW)))
    pairs = sold.select("customer_id", "stock_code").distinct().inner_join(labels, "customer_id")
    is_first = pairs.customer_id.hexdigest("md5").substr(0, 1) < "8"
    counted = pairs.group_by("segment", "stock_code").agg(
        customers=pairs.count(),
        first=is_first.sum(),
        second=(~is_first).sum(),
        snapshot_month=pairs.snapshot_month.max(),
        model_version=pairs.model_version.max(),
    )
    lifts = (
        (counted[half] + SHRINKAGE) / (_expected(counted, half) + SHRINKAGE)
        for half in ("first", "second")
    )
    lifted = counted.mutate(expected=_expected(counted, "customers"), lift=ibis.least(*lifts))
    lifted = lifted.filter(lifted.lift >= LEAST)
    best_first = [lifted.lift.desc(), lifted.stock_code]
    rank = ibis.row_number().over(group_by="segment", order_by=best_first) + 1
    lifted = lifted.mutate(rank=rank)
    lifted = lifted.filter(lifted["rank"] <= MOST)
    described = lifted.left_join(descriptions(cleaned), "stock_code")
    return described.select(*SEGMENT_PRODUCTS.schema.names)


def _expected(counted: Table, column: str) -> FloatingValue:
    """Return how many customers of the segment would have the product if it were like others."""
    customers = counted[column].cast("float64")
    of_segment = customers.sum().over(group_by="segment")
    of_product = customers.sum().over(group_by="stock_code")
    others = customers.sum().over(ibis.window()) - of_segment
    return of_segment * (of_product - customers) / others.nullif(0)
