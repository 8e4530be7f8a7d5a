"""What is not a product: postage, fees, vouchers, manual and test entries.

Belongs here: the table of such codes (``non_products.csv``, to be extended by whoever sells
other services) and how a code is compared with it.
"""

import csv
from functools import cache
from importlib.resources import files

import ibis
from ibis.expr.types import BooleanValue, StringValue


@cache
def non_products() -> tuple[dict[str, str], ...]:
    """Return the table of non-products: stock_code, match (exact or prefix), role, label."""
    text = files(__package__).joinpath("non_products.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def is_product(stock_code: StringValue, pattern: str | None) -> BooleanValue:
    """Tell whether a trimmed, upper-case stock code is a product.

    Parameters
    ----------
    pattern
        Regular expression that a product matches; ``None`` for the table of non-products.
    """
    if pattern is not None:
        return stock_code.re_search(pattern)
    exact = [row["stock_code"] for row in non_products() if row["match"] == "exact"]
    prefixes = [row["stock_code"] for row in non_products() if row["match"] == "prefix"]
    starts = [stock_code.startswith(prefix) for prefix in prefixes]
    return ~ibis.or_(stock_code.isin(exact), *starts)
