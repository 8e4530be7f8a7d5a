"""What is no product by what it is called: postage, fees, vouchers, discounts.

Belongs here: finding them, by the words of ``services.toml``. Does not: codes, of which each shop
has its own (``policy``).
"""

import re

from ibis.expr.types import Table

from customer_segments.texts import read_toml

# Behind it: 40.00, (DHL), - express, by john, abroad.
REST = (
    r"[\s.]*([£$€]?\s*[0-9][0-9.,]*\s*([£$€%]|eur|usd|gbp)?|[-(:].*|by .*|express|standard|"
    r"domestic|international|inland|ausland|eu)?"
)


_endings, _names = (
    "|".join(re.escape(word.strip()) for word in words.split(";"))
    for words in read_toml(__package__, "services.toml").values()
)
SERVICE = rf"^(((\S+\s){{0,3}})({_endings})|({_names}))({REST})$"


def services(kept: Table) -> Table:
    """Return the codes of lines that are called like a service, with what they are called most.

    ``stock_code``, ``description`` and ``lines``, those with the most lines first.
    """
    coded = kept.filter(kept.stock_code.notnull())
    called = coded.group_by("stock_code").agg(
        description=coded.description.mode(), lines=coded.count()
    )
    is_service = called.description.lower().strip().re_search(SERVICE)
    return called.filter(is_service).order_by(called.lines.desc(), "stock_code")
