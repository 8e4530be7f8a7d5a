"""A tiny shop: files of a few dozen rows a month, with the dirt that rules differ on."""

from datetime import date
from pathlib import Path

import numpy as np

from customer_segments.model.exchange import to_json
from customer_segments.months import shift
from customer_segments_tests.automation.shop import put
from customer_segments_tests.ingestion.workbooks import HEADER
from customer_segments_tests.model.versions import made_up

START = date(2010, 1, 1)
CUSTOMERS = 24
# What no rule may count, and what rules differ on: code, quantity, price.
DIRT = [
    ("POST", 1, 5.0),
    ("GIFT", 1, 20.0),
    ("85048", 0, 2.0),
    ("85048", 3, 0.0),
    ("ZEBRA", 2, 3.0),
]


def month(index: int) -> date:
    """First day of the shop's months, by number."""
    return shift(START, index)


def rows(index: int, seed: int) -> list[list]:
    """Lines of a month: sales, credit notes, repeated lines, services, rows without customer."""
    first, rng = month(index), np.random.default_rng([index, seed])
    lines: list[list] = []
    for customer in np.flatnonzero(rng.random(CUSTOMERS) < np.linspace(0.25, 0.95, CUSTOMERS)):
        invoice = f"{index:02d}{customer:03d}"
        for _ in range(rng.integers(1, 3)):
            code, price = str(rng.choice(["85048", "22423"])), rng.integers(100, 3000) / 100
            lines.append(
                _line(invoice, code, int(rng.integers(1, 20)), first, rng, price, customer)
            )
        if rng.random() < 0.15:
            lines.append(_line(f"C{invoice}", "85048", -1, first, rng, 4.0, customer))
        if rng.random() < 0.2:
            lines.append(list(lines[-1]))
        if rng.random() < 0.3:
            code, quantity, price = DIRT[rng.integers(len(DIRT))]
            lines.append(_line(invoice, code, quantity, first, rng, price, customer))
    lines.append(_line(f"{index:02d}999", "85048", 2, first, rng, 1.5, ""))
    return lines


def deliver(folder: Path, index: int, seed: int = 0) -> Path:
    """Write the file of a month; another seed, another content."""
    return put(folder / f"{month(index):%Y-%m}.csv", rows(index, seed))


def correct(folder: Path, index: int, seed: int, to: int) -> Path:
    """Write a file that delivers some invoices of a month again, dated in another one."""
    again = [
        [*line[:4], f"{month(to):%Y-%m}-15 09:00", *line[5:]] for line in rows(index, seed)[:6]
    ]
    return put(folder / "z corrections.csv", again)


def misread(folder: Path, index: int) -> Path:
    """Write a file with dates that cannot be right, of before all months."""
    lines = [[*line[:4], "1969-05-05 10:00", *line[5:]] for line in rows(index, 9)[:3]]
    return put(folder / "old.csv", [*lines, *rows(index, 8)[:2]])


def model(clusters: int) -> str:
    """A made-up version, as ``models export`` writes it."""
    names = ["Champions", "Loyal Customers", "Lost"][-clusters:]
    centroids = [(2.0, 1.5, 5.0), (3.0, 1.0, 4.0), (4.5, 0.5, 3.0)][-clusters:]
    lines = made_up(centroids, names)
    return to_json(lines[0]["version"], lines)


def _line(invoice, code, quantity, first, rng, price, customer) -> list:
    when = f"{first:%Y-%m}-{rng.integers(1, 29):02d} 10:00"
    return [invoice, code, "LIGHTS", quantity, when, f"{price:.2f}", f"{customer}", "France"]


__all__ = ["HEADER", "correct", "deliver", "misread", "model", "month", "rows"]
