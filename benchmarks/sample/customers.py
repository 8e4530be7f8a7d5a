"""Draws the sample's customers: who they are, when they bought first and last, how often.

Belongs here: one row per customer, and the calendar they live in. Does not: what they bought
(``transactions``), nor the numbers that set the archetypes apart (``archetypes``).
"""

from collections.abc import Iterator
from datetime import date
from zlib import crc32

import numpy as np
import pandas as pd

from benchmarks.sample.archetypes import ARCHETYPES
from customer_segments.errors import UserError

START = date(2023, 1, 1)
END = date(2025, 1, 1)
DAYS = (END - START).days

# Bounds the memory that a sample of any size needs. Part of what a seed means: another number
# draws other customers.
CUSTOMERS_PER_CHUNK = 5_000
FIRST_CUSTOMER_ID = 12_346

COUNTRIES = {
    "United Kingdom": 0.91,
    "EIRE": 0.02,
    "Germany": 0.02,
    "France": 0.02,
    "Netherlands": 0.01,
    "Spain": 0.01,
    "Switzerland": 0.01,
}

# Customers of one archetype differ in how often they order (shape of the gamma around the mean)
# and in what they spend (standard deviation of the logarithm around the median).
_ORDERS_SHAPE = 8.0
_ORDER_VALUE_SPREAD = 0.45


def random_stream(seed: int, chunk: int, purpose: str) -> np.random.Generator:
    """Return the random numbers of one purpose in one chunk.

    A stream of its own for each purpose: a change to one kind of dirt moves no other.

    Parameters
    ----------
    seed
        The sample's seed, 0 or more.
    chunk
        Number of the chunk of customers, from 0.
    purpose
        What the numbers are for.
    """
    return np.random.default_rng([seed, chunk, crc32(purpose.encode())])


def customer_chunks(*, customers: int, seed: int) -> Iterator[pd.DataFrame]:
    """Yield the customers of a sample, chunk by chunk.

    Parameters
    ----------
    customers
        How many, 1 or more.
    seed
        The sample's seed, 0 or more.

    Yields
    ------
    DataFrame of shape (up to CUSTOMERS_PER_CHUNK, 7)
        ``customer_id`` (int), ``archetype``, ``country``, ``first_day`` and ``last_day`` (day of
        the first and the last order, 0 is the first day of the sample), ``orders`` (1 or more),
        ``order_value`` (this customer's median, in pounds).

    Raises
    ------
    UserError
        If there are no customers to make, or the seed is negative.
    """
    if customers < 1:
        raise UserError(f"A sample of {customers} customers cannot be made.", "Ask for 1 or more.")
    if seed < 0:
        raise UserError(f"The seed {seed} is negative.", "Give 0 or a positive number.")
    for chunk, first in enumerate(range(0, customers, CUSTOMERS_PER_CHUNK)):
        size = min(CUSTOMERS_PER_CHUNK, customers - first)
        yield _draw(random_stream(seed, chunk, "customers"), FIRST_CUSTOMER_ID + first, size)


def planted_archetypes(*, customers: int, seed: int = 7) -> pd.DataFrame:
    """Return which archetype each customer of a sample was drawn from.

    Parameters
    ----------
    customers
        How many customers the sample has, 1 or more.
    seed
        The sample's seed, 0 or more.

    Returns
    -------
    DataFrame of shape (customers, 2)
        ``customer_id`` as text and ``archetype``, in the order of the ids. Every one of them has
        at least one sale in the files written with the same two numbers.

    Raises
    ------
    UserError
        If there are no customers to make, or the seed is negative.
    """
    planted = pd.concat(
        [
            chunk[["customer_id", "archetype"]]
            for chunk in customer_chunks(customers=customers, seed=seed)
        ],
        ignore_index=True,
    )
    return planted.assign(customer_id=planted["customer_id"].astype("str"))


def _draw(rng: np.random.Generator, first_id: int, size: int) -> pd.DataFrame:
    kind = rng.choice(len(ARCHETYPES), size, p=[archetype.share for archetype in ARCHETYPES])

    def of_kind(parameter: str) -> np.ndarray:
        return np.array([getattr(archetype, parameter) for archetype in ARCHETYPES])[kind]

    recency = rng.lognormal(np.log(of_kind("recency_median")), of_kind("recency_spread"))
    last_day = DAYS - np.clip(np.ceil(recency), 1, DAYS).astype(int)
    history = rng.uniform(*of_kind("history").T)
    loyalty = rng.gamma(_ORDERS_SHAPE, 1 / _ORDERS_SHAPE, size)
    return pd.DataFrame(
        {
            "customer_id": np.arange(first_id, first_id + size),
            "archetype": of_kind("name"),
            "country": rng.choice(list(COUNTRIES), size, p=list(COUNTRIES.values())),
            "first_day": np.floor(last_day * (1 - history)).astype(int),
            "last_day": last_day,
            "orders": 1 + rng.poisson(of_kind("further_orders") * loyalty),
            "order_value": rng.lognormal(np.log(of_kind("order_value")), _ORDER_VALUE_SPREAD),
        }
    )
