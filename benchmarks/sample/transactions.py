"""Turns customers into order lines in UCI's layout, chunk by chunk, invoices numbered.

Belongs here: when orders fall, what is in them, walk-in sales without a customer, the columns
and the numbering. Does not: who the customers are (``customers``), what is wrong with the rows
(``dirt``), how they become a file (``writers``).

Within the package, lines have the columns of ``COLUMNS``, but instead of ``Invoice`` there are
``document`` (one number per invoice or credit note) and ``prefix`` (text before the number).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.sample.catalogue import products
from benchmarks.sample.customers import (
    DAYS,
    START,
    customer_chunks,
    random_stream,
)
from benchmarks.sample.dirt import DIRT

COLUMNS = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
]

# Six digits for the first 800,000 documents, then seven.
FIRST_INVOICE = 200_001

# A gift shop's year: orders of January to December, relative to each other.
_SEASON = (0.7, 0.7, 0.9, 0.8, 0.9, 0.9, 0.8, 0.8, 1.1, 1.4, 1.7, 1.1)

_LINES_PER_ORDER = 4.0
_LINES_PER_WALK_IN = 12.0
# Per line of a known customer; leaves about a fifth of all lines without one.
_WALK_IN_LINES = 0.25
# Walk-ins pay shop prices, orders pay wholesale prices, large quantities even less.
_WALK_IN_MARKUP = 1.68
_BULK_QUANTITY = 100
_BULK_DISCOUNT = 0.85
_SATURDAY = 5


def transaction_chunks(*, customers: int, seed: int) -> Iterator[pd.DataFrame]:
    """Yield a sample's transactions in UCI's layout, one frame per chunk of customers.

    Parameters
    ----------
    customers
        How many customers, 1 or more; each has at least one sale.
    seed
        The sample's seed, 0 or more.

    Yields
    ------
    DataFrame of shape (lines, 8)
        Columns as in ``COLUMNS``, sorted by time: ``Invoice``, ``StockCode``, ``Description``
        and ``Country`` as text, ``Quantity`` whole units, ``InvoiceDate`` naive local time to
        the minute, ``Price`` pounds per unit, ``Customer ID`` a whole number or missing.

    Raises
    ------
    UserError
        If there are no customers to make, or the seed is negative.
    """
    next_invoice = FIRST_INVOICE
    for chunk, people in enumerate(customer_chunks(customers=customers, seed=seed)):
        rng = random_stream(seed, chunk, "transactions")
        lines = _lines(_orders(people, rng), rng)
        walk_ins = _lines(_walk_ins(len(lines), rng), rng, markup=_WALK_IN_MARKUP)
        walk_ins["document"] += lines["document"].max() + 1
        lines = pd.concat([lines, walk_ins], ignore_index=True)
        for soil in DIRT:
            lines = soil(lines, random_stream(seed, chunk, soil.__name__))
        lines, next_invoice = _numbered(lines, next_invoice)
        yield lines


def _orders(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Place each customer's orders: one on the last day, one on the first, others by season."""
    orders = people["orders"].to_numpy()
    customer = np.repeat(np.arange(len(people)), orders)
    position = np.arange(len(customer)) - np.repeat(orders.cumsum() - orders, orders)
    first_day, last_day = people[["first_day", "last_day"]].to_numpy()[customer].T
    day = np.select(
        [position == 0, position == 1], [last_day, first_day], _days(first_day, last_day, rng)
    )
    each = people.iloc[customer]
    return pd.DataFrame(
        {
            "customer_id": each["customer_id"].to_numpy(),
            "country": each["country"].to_numpy(),
            "time": _opening_hours(day, rng),
            "value": each["order_value"].to_numpy() * rng.lognormal(0, 0.4, len(each)),
            "lines": 1 + rng.poisson(_LINES_PER_ORDER - 1, len(each)),
        }
    )


def _walk_ins(customer_lines: int, rng: np.random.Generator) -> pd.DataFrame:
    size = max(1, round(_WALK_IN_LINES * customer_lines / _LINES_PER_WALK_IN))
    lines = 1 + rng.poisson(_LINES_PER_WALK_IN - 1, size)
    day = _days(np.zeros(size, int), np.full(size, DAYS - 1), rng)
    return pd.DataFrame(
        {
            "customer_id": pd.array([pd.NA] * size, dtype="Int64"),
            "country": "United Kingdom",
            "time": _opening_hours(day, rng),
            "value": lines * rng.lognormal(np.log(3), 0.4, size),
            "lines": lines,
        }
    )


def _days(first: np.ndarray, last: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a day between two days (both included), more often in the busy months."""
    months = pd.date_range(START, periods=DAYS).month.to_numpy()
    passed = np.concatenate([[0.0], np.cumsum(np.array(_SEASON)[months - 1])])
    drawn = rng.uniform(passed[first], passed[last + 1])
    return np.searchsorted(passed, drawn, side="right") - 1


def _opening_hours(day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return times on these days, to the minute; Friday for Saturday, when the shop is closed."""
    day = day - ((START.weekday() + day) % 7 == _SATURDAY)
    minute = np.clip(rng.normal(12.7 * 60, 120, len(day)), 7.5 * 60, 19.5 * 60).astype(int)
    time = np.datetime64(START, "m") + day * 24 * 60 + minute
    return time.astype("datetime64[us]")


def _lines(orders: pd.DataFrame, rng: np.random.Generator, markup: float = 1.0) -> pd.DataFrame:
    """Fill orders with products until about their value is reached."""
    catalogue = products()
    document = np.repeat(np.arange(len(orders)), orders["lines"])
    each = orders.iloc[document]
    product = rng.choice(len(catalogue), len(each), p=catalogue["popularity"])
    price = catalogue["price"].to_numpy()[product] * markup
    units = (each["value"] / each["lines"]).to_numpy() / price * rng.lognormal(0, 0.5, len(each))
    quantity = np.maximum(1, units.round().astype(int))
    price = np.where(quantity >= _BULK_QUANTITY, price * _BULK_DISCOUNT, price)
    bought = catalogue.iloc[product]
    return pd.DataFrame(
        {
            "document": document,
            "prefix": pd.Series("", index=range(len(each)), dtype="str"),
            "StockCode": bought["code"].array,
            "Description": bought["description"].array,
            "Quantity": quantity,
            "InvoiceDate": each["time"].to_numpy(),
            "Price": price.round(2),
            "Customer ID": each["customer_id"].astype("Int64").array,
            "Country": each["country"].array,
        }
    )


def _numbered(lines: pd.DataFrame, first: int) -> tuple[pd.DataFrame, int]:
    """Give documents numbers in the order of their times; return the next free number too."""
    lines = lines.sort_values(["InvoiceDate", "document"], ignore_index=True)
    number = first - 1 + (lines["document"] != lines["document"].shift()).cumsum()
    lines["Invoice"] = lines["prefix"] + number.astype("str")
    return lines[COLUMNS], int(number.iloc[-1]) + 1
