"""What is not a product: how a stock code is compared with the policy's table of such codes."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from customer_segments.policy.rules import Cleaning


def is_product(stock_code: StringValue, rules: Cleaning) -> BooleanValue:
    """Tell whether a trimmed, upper-case stock code is a product.

    It is if it matches ``product_pattern``, where there is one, else if the table of
    ``non_products`` does not name it.
    """
    if rules.product_pattern is not None:
        return stock_code.re_search(rules.product_pattern)
    codes = [code.upper() for code, what in rules.non_products.items() if what]
    starts = [stock_code.startswith(code[:-1]) for code in codes if code.endswith("*")]
    return ~ibis.or_(stock_code.isin(codes), *starts)
