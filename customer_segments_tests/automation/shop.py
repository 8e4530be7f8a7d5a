"""A shop whose workbooks arrive month by month, as CSV: enough customers to fit a model."""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np

from customer_segments.months import month_of, shift
from customer_segments_tests.ingestion.workbooks import HEADER, write_csv

CUSTOMERS = 520
LONG_AGO = 1_500_000_000


def month(ago: int) -> date:
    """First day of the month so many months ago."""
    return shift(month_of(date.today()), -ago)


def lines(ago: int, customers: int = CUSTOMERS) -> list[list]:
    """Sales of a month: everybody buys in the first, fewer and fewer often after that."""
    first, rng = month(ago), np.random.default_rng(ago)
    buyers = rng.random(customers) < (1 if ago == 14 else np.linspace(0.02, 0.9, customers))
    return [
        [
            f"{first:%y%m}{customer:05d}",
            "85048",
            "LIGHTS",
            int(rng.integers(1, 30)),
            f"{first:%Y-%m}-{rng.integers(1, 29):02d} 10:00",
            f"{rng.integers(100, 2000) / 100:.2f}",
            f"{customer}",
            "France",
        ]
        for customer in np.flatnonzero(buyers)
    ] + [
        [
            f"{first:%y%m}99999",
            "85048",
            "LIGHTS",
            1,
            f"{first:%Y-%m}-28 10:00",
            "1.5",
            "0",
            "France",
        ]
    ]


def deliver(folder: Path, months_ago: Iterable[int]) -> None:
    """Put the workbooks of months into the folder, not touched for long."""
    for ago in months_ago:
        put(folder / f"{month(ago):%Y-%m}.csv", lines(ago))


def put(path: Path, rows: list[list], *, is_quiet: bool = True) -> Path:
    """Write a workbook; one that is not quiet looks as if it were being copied just now."""
    write_csv(path, [HEADER, *rows])
    if is_quiet:
        os.utime(path, (LONG_AGO, LONG_AGO))
    return path
