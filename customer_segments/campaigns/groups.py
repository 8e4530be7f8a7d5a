"""Who is turned to and who is left alone, by lot.

Belongs here: the draw, as an Ibis expression. Does not: how large the groups have to be
(``power``), comparing them (``result``).
"""

from datetime import date

import ibis
from ibis.expr.types import StringValue

TEST, CONTROL = "test", "control"


def campaign_group(customer_id: StringValue, month: date, control_share: float) -> StringValue:
    """Return the group of customers on the lists of a month, ``test`` or ``control``.

    In control is whose MD5 of ``2011-11 13085``, as hexadecimal digits, comes before the share of
    all digests: the same on any engine and for ever, whoever else is on the list, drawn anew each
    month. Of a larger share, those of a smaller one are a part.
    """
    digest = (ibis.literal(f"{month:%Y-%m} ") + customer_id).hexdigest("md5")
    return (digest < f"{round(control_share * 16**8):08x}").ifelse(CONTROL, TEST)
