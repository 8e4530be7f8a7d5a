"""The lists as people read them: names of customers and products, and why.

Belongs here: rows of ``product_recommendations`` from numbers. Does not: scores (``lists``).
"""

from collections.abc import Iterable

import ibis
import numpy as np
import pyarrow as pa
from ibis.expr.types import StringValue, Table

from customer_segments.offers.history import History
from customer_segments.tables import PRODUCT_RECOMMENDATIONS

AGAIN, NEW = "buy again", "new for you"


def recommendations(history: History, blocks: Iterable[np.ndarray]) -> Table:
    """Return rows of ``PRODUCT_RECOMMENDATIONS`` from arrays of ``lists.ROW``.

    A row takes 40 bytes: names stand in dictionaries, and the engine makes the texts.
    """
    products = history.products
    customers, codes, descriptions = (
        table[name].combine_chunks()
        for table, name in (
            (history.customers, "customer_id"),
            (products, "stock_code"),
            (products, "description"),
        )
    )

    def batch(rows: np.ndarray) -> pa.RecordBatch:
        known = {
            name: pa.array(rows[name], mask=rows[name] < 0)
            for name in ("rank", "score", "product", "orders", "bought_with")
        }
        day = np.datetime64(history.as_of) - rows["age"]
        named = {
            "customer_id": (rows["customer"], customers),
            "stock_code": (known["product"], codes),
            "description": (known["product"], descriptions),
            "bought_with": (known["bought_with"], codes),
            "companion": (known["bought_with"], descriptions),
            "list": (rows["is_new"].astype("int8"), [AGAIN, NEW]),
        }
        columns = {
            name: pa.DictionaryArray.from_arrays(at, names) for name, (at, names) in named.items()
        }
        columns |= {name: known[name] for name in ("rank", "score", "orders")}
        columns["last_purchase_date"] = pa.array(day, mask=rows["age"] < 0)
        columns["recent_orders"] = pa.array(history.recent_orders[rows["product"]])
        return pa.RecordBatch.from_pydict(columns)

    rows = ibis.memtable(pa.Table.from_batches(map(batch, blocks)))
    rows = rows.mutate(as_of=ibis.date(history.as_of), reason=_reason(rows))
    schema = PRODUCT_RECOMMENDATIONS.relation.schema()
    return rows.select(**{name: rows[name].cast(kind) for name, kind in schema.items()})


def _reason(rows: Table) -> StringValue:
    """Say why a product is offered."""
    times = (rows.orders == 1).ifelse("once", rows.orders.cast("string").concat(" times"))
    had = times.concat(", last on ", rows.last_purchase_date.cast("string"))
    companion = rows.companion.fill_null(rows.bought_with)
    popular = rows.recent_orders.cast("string").concat(" orders in the last 30 days")
    return ibis.cases(
        (rows.orders.notnull(), ibis.literal("bought ").concat(had)),
        (
            rows.bought_with.notnull(),
            ibis.literal("bought with ").concat(companion, " that they have"),
        ),
        else_=ibis.literal("popular: ").concat(popular),
    )
