"""What is no product by what it is called: postage, fees, vouchers, discounts.

Belongs here: the words, in the languages of the headings. Does not: codes, of which each shop has
its own (``policy``).
"""

import re

from ibis.expr.types import Table

# At the end of a name of a few words: NEXT DAY CARRIAGE, but no CARRIAGE CLOCK.
ENDINGS = """
postage; shipping; carriage; freight; delivery; handling; surcharge; commission; discount; coupon;
fee; fees; charge; charges; shipping cost; shipping costs; voucher; gift card; gift certificate;
versand; versandkosten; versandpauschale; gebühr; gebühren; gutschein; geschenkgutschein; rabatt;
frais de port; frais de livraison; livraison; remise; chèque cadeau; carte cadeau; bon d'achat;
gastos de envío; gastos de envio; envío; descuento; tarjeta regalo; comisión;
spese di spedizione; spedizione; sconto; buono regalo; carta regalo; commissione;
frete; portes de envio; desconto; vale presente; cartão presente;
verzendkosten; verzending; korting; cadeaubon; cadeaukaart
"""
# Alone: there are user manuals, and bottles of porto.
NAMES = """
manual; manual entry; adjustment; adjust bad debt; tip; tips; donation; rounding; porto; portes;
frais; nachlass; p&p; postage & packing; postage and packing; test product; this is a test product
"""
# Behind it: 40.00, (DHL), - express, by john, abroad.
REST = (
    r"[\s.]*([£$€]?\s*[0-9][0-9.,]*\s*([£$€%]|eur|usd|gbp)?|[-(:].*|by .*|express|standard|"
    r"domestic|international|inland|ausland|eu)?"
)


def _any(words: str) -> str:
    return "|".join(re.escape(word.strip()) for word in words.split(";"))


SERVICE = rf"^(((\S+\s){{0,3}})({_any(ENDINGS)})|({_any(NAMES)}))({REST})$"


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
