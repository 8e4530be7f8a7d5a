"""What is no product by what it is called: postage, fees, vouchers, discounts.

Belongs here: finding them, by the words of ``services.toml``. Does not: codes, of which each shop
has its own (``policy``).
"""

import re

from ibis.expr.types import Table

from customer_segments.cleaning.rules import code_of
from customer_segments.texts import read_toml

# Behind it: 40.00, (DHL), - express, by john, abroad.
REST = (
    r"[\s.]*([£$€]?\s*[0-9][0-9.,]*\s*([£$€%]|eur|usd|gbp)?|[-(:].*|by .*|express|standard|"
    r"dhl|dpd|ups|gls|hermes|fedex|usps|royal mail|domestic|international|inland|ausland|eu)?"
)


_endings, _names = (
    "|".join(re.escape(word.strip()) for word in words.split(";"))
    for words in read_toml(__package__, "services.toml").values()
)
SERVICE = rf"^(((\S+\s){{0,3}})({_endings})|({_names}))({REST})$"


def services(products: Table) -> Table:
    """Return the ``code`` of products called like a service, and the ``description`` of most lines.

    ``products`` have ``stock_code``, ``description``, ``rows`` and ``money``; those with the most
    rows come first.
    """
    named = products.filter(products.description.notnull())
    called = named.group_by(code=code_of(named)).agg(
        description=named.description.strip().argmax(named.rows),
        rows=named.rows.sum(),
        money=named.money.sum(),
    )
    is_service = called.description.lower().re_search(SERVICE)
    return called.filter(is_service).order_by(called.rows.desc(), "code")
