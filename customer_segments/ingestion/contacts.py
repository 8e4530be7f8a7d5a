"""What files say of customers that people's lists pass on: name, e-mail, phone.

Belongs here: which line says it last. Does not: which columns they are (``layout``), the lists
(``outputs.workbook``). No log, message, check or metadata may quote a value.
"""

import ibis
import pandas as pd
from ibis.expr.types import Table

from customer_segments.ingestion.columns.layout import CONTACT
from customer_segments.ingestion.orders.keys import SHEET
from customer_segments.tables import CUSTOMER_CONTACTS

PLACE = [*SHEET, "customer_id", "field"]
SAID = [*PLACE, "value", "invoice_date", "row_number"]


def contacts(fresh: Table, reused: pd.DataFrame, surveyed: pd.DataFrame) -> Table:
    """Return the newest value of each sheet and of all, as ``CUSTOMER_CONTACTS`` has them.

    Of ``fresh``, typed rows of the sheets that were read, undated ones and those of nobody say
    nothing; of the sheets ``reused``, as ``SOURCE_SHEETS`` has them, the table has the contacts.
    All are ``surveyed``, in the order in which they count: of lines of one time, the last sheet's.
    """
    rows = fresh.filter(fresh.customer_id.notnull(), fresh.invoice_date.notnull())
    said = ibis.union(
        *(
            rows.filter(rows[field].notnull())
            .mutate(field=ibis.literal(field), value=rows[field])
            .select(*SAID)
            for field in CONTACT
        )
    )
    said = said.filter(_is_newest(PLACE, "row_number"))
    if not reused.empty:
        before = CUSTOMER_CONTACTS.relation
        known = before.filter(before.workbook.isin(sorted(set(reused["workbook"]))))
        said = said.union(known.select(*SAID))
    sheets = ibis.memtable(surveyed[[*SHEET, "source_order"]])
    said = said.inner_join(sheets, SHEET)
    is_newest = _is_newest(PLACE[2:], "source_order", *SHEET, "row_number")
    return said.mutate(is_newest=is_newest).select(*CUSTOMER_CONTACTS.columns)


def _is_newest(of: list[str], *ties: str) -> ibis.expr.types.BooleanValue:
    latest = [ibis.desc(name) for name in ("invoice_date", *ties)]
    return ibis.row_number().over(group_by=of, order_by=latest) == 0
