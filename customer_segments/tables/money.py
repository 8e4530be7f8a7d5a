"""Types of money, in the currency of the files, and of quantities; what a line comes to.

Belongs here: the one way to round, for whoever adds lines up. Does not: which lines count.
"""

from typing import Any, cast

import ibis
from ibis.expr.types import DecimalColumn, IntegerColumn, Table

# Of a line: quantity times price, rounded half up; ingestion takes nothing for
# a line that would not fit.
LINE = "decimal(18, 4)"
PRICE = "decimal(18, 6)"
QUANTITY = "decimal(18, 4)"
# DuckDB multiplies decimals of 18 digits within 18. With one more it takes 38, and these are as
# many as Spark gives the product: no digit is lost before rounding.
WIDE_PRICE = "decimal(19, 6)"
# Of units, and of a price: below it, the product fits 18 digits, ten of them behind the point. That
# takes a fortieth of the time of 38.
MOST_NARROW = 10_000
# Sums of lines, of money and of units: all of an Indonesian wholesaler's years in rupiah are far
# beyond 1e14.
SUM = "decimal(38, 4)"


def line_revenue(rows: Table) -> DecimalColumn:
    """Return quantity times price of each row, exact to ten decimals, rounded half up to four."""
    quantity, price = cast(Any, rows.quantity), cast(Any, rows.price)
    is_narrow = (quantity.abs() < MOST_NARROW) & (price.abs() < MOST_NARROW)
    narrow, wide = quantity * price, quantity * price.cast(WIDE_PRICE)
    return cast(DecimalColumn, ibis.ifelse(is_narrow, narrow.cast(LINE), wide.cast(LINE)))


def as_floats(rows: Table) -> Table:
    """Return rows with decimals as float64, for pages and pictures."""
    exact = [name for name, dtype in rows.schema().items() if dtype.is_decimal()]
    return rows.cast(dict.fromkeys(exact, "float64"))


def total_revenue(rows: Table) -> DecimalColumn:
    """Return the sum of ``line_revenue``, of a table or of each of its groups; null for no row."""
    return cast(DecimalColumn, line_revenue(rows).cast(SUM).sum())


def average(total: DecimalColumn, count: IntegerColumn) -> DecimalColumn:
    """Return what each of ``count`` comes to, rounded half up to four decimals.

    In whole ten-thousandths: engines divide decimals each in its own way, some as floats. So are
    totals beyond 4e14 here, which do not fit.
    """
    units: Any = (total * 20_000).try_cast("int64")
    exact = ((units + count) // (count * 2)) / 10_000
    floats = (total.cast("float64") / count).round(4)
    return cast(DecimalColumn, exact.fill_null(floats).cast(SUM))
