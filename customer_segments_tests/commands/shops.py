"""Source folders of small shops, for commands that say what would become of them."""

import csv
from collections.abc import Iterator
from pathlib import Path

HEADER = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID"]
# Of the three lines that each of the orders has; the customers come back twice.
ORDERS, CUSTOMERS = 60, 20
LINES = [("A1", "RED MUG", 2, 5), ("B2", "BLUE LAMP", 1, 10), ("C3", "WOOD BOX", 4, 2.5)]


def orders() -> Iterator[list]:
    """Yield lines, 30.00 in money an order."""
    for number in range(ORDERS):
        day = f"2024-{1 + number // 20:02}-{1 + number % 20:02} 10:00"
        for code, name, units, price in LINES:
            yield [1000 + number, code, name, units, day, price, f"k{number % CUSTOMERS:03}"]


def shop(
    folder: Path, *more: list, rows: list[list] | None = None, name: str = "orders.csv"
) -> Path:
    """Write a file of orders into a source folder, with lines more."""
    folder.mkdir(exist_ok=True)
    with (folder / "orders.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *(rows or orders()), *more])
    return folder


def returns(count: int = 12) -> list[list]:
    """Return lines with a negative quantity, 5.00 in money each."""
    return [
        [2000 + n, "A1", "RED MUG", -1, "2024-03-25 11:00", 5, f"k{n:03}"] for n in range(count)
    ]
