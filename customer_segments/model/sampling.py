"""Of whom is learned where customers are many: the same part of them, drawn inside the engine.

Belongs here: drawing it, and from how many customers on. Does not: what is learned.
"""

from ibis.expr.types import BooleanValue, IntegerValue, StringValue, Table

# Customers of a month up to which all of them take part. Of more, at least half as many do: a share
# of a tenth that these show is right to .002, a quantile to as much of the customers (two standard
# errors).
MOST_CUSTOMERS = 200_000


def parts_of(customers: int, most: int = MOST_CUSTOMERS) -> int:
    """Return of how many customers one takes part."""
    return max(customers - 1, 0) // most + 1


def takes_part(customer_id: StringValue, parts: int | IntegerValue) -> BooleanValue:
    """Tell whether a customer takes part: by a hash of the id, so that months draw the same."""
    return customer_id.hash() % parts == 0


def some_customers(rows: Table, *group: str, most: int = MOST_CUSTOMERS) -> Table:
    """Return all rows of a group, or those who take part where customers are more than ``most``.

    ``rows`` have one for each ``customer_id`` in a group, such as a month's snapshot. Who takes
    part in one does not depend on the others.
    """
    sizes = rows.group_by(group).agg(parts=(rows.count() - 1) // most + 1)
    joined = rows.inner_join(sizes, group)
    return joined.filter(takes_part(joined.customer_id, joined.parts)).select(*rows.columns)
