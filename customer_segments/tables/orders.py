"""What one order is, wherever orders are told apart or counted.

Belongs here: the columns that make rows one order. Does not: which of two files counts
(``ingestion``), which rows are sales (``cleaning``).
"""

from ibis.expr.types import Table

# The number alone says little: receipts restart each month, and tills count on their own. Where
# a file has no numbers, a customer's day is an order.
ORDER = ("invoice", "customer_id", "day")


def with_day(rows: Table) -> Table:
    """Add the ``day`` of ``invoice_date``, the last of the columns that make an order."""
    return rows.mutate(day=rows.invoice_date.date())
