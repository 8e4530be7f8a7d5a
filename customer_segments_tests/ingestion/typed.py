"""Typed rows as ``casting`` hands them on, made here and settled.

Belongs here: rows by hand or from a plain CSV. Does not: reading files as the product does.
"""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pyarrow as pa
from natsort import natsorted

from customer_segments.ingestion.settling import settle

Row = dict[str, Any]
TYPES = {
    "workbook": "VARCHAR",
    "sheet": "VARCHAR",
    "row_number": "BIGINT",
    "invoice": "VARCHAR",
    "stock_code": "VARCHAR",
    "description": "VARCHAR",
    "quantity": "DECIMAL(18, 4)",
    "invoice_date": "TIMESTAMP",
    "price": "DECIMAL(18, 6)",
    "customer_id": "VARCHAR",
    "country": "VARCHAR",
    "status": "VARCHAR",
    "unreadable_column": "VARCHAR",
    "unreadable_text": "VARCHAR",
}
USUAL: Row = dict.fromkeys(TYPES) | {
    "sheet": "s",
    "invoice": "1",
    "stock_code": "A",
    "quantity": 1,
    "invoice_date": datetime(2011, 3, 1, 7, 45),
    "price": 2,
    "customer_id": "13085",
}


class Settled(NamedTuple):
    """Rows in order of files and rows, and what was said of the files."""

    rows: list[Row]
    said: list[str]

    @property
    def standing(self) -> list[Row]:
        """Rows that no other supersedes."""
        return [row for row in self.rows if not row["is_superseded"]]


def settled(*files: Iterable[Row], names: list[str] | None = None) -> Settled:
    """Settle rows, of which ``USUAL`` says what is not given; a list for each file."""
    names = names or [f"{number}.csv" for number, _ in enumerate(files)]
    columns: dict[str, list[Any]] = {name: [] for name in TYPES}
    for name, rows in zip(names, files, strict=True):
        for row_number, row in enumerate(rows, 2):
            whole = USUAL | {"workbook": name, "row_number": row_number} | row
            for column, values in columns.items():
                values.append(whole[column])
    con = ibis.duckdb.connect()
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    con.con.register("given", table)
    casts = ", ".join(f"{name}::{kind} AS {name}" for name, kind in TYPES.items())
    con.raw_sql(f"CREATE TABLE typed AS SELECT {casts} FROM given")
    return _settled(con, names)


def settled_case(folder: Path) -> Settled:
    """Settle the files of a case with UCI's headings, read as they are."""
    files = natsorted((folder / "in").glob("*.csv"), key=lambda file: file.stem)
    con = ibis.duckdb.connect()
    con.raw_sql(f"CREATE TABLE typed ({', '.join(map(' '.join, TYPES.items()))})")
    for file in files:
        con.con.execute(
            "INSERT INTO typed BY NAME SELECT ? AS workbook, 's' AS sheet, "
            "1 + row_number() OVER () AS row_number, Invoice AS invoice, "
            "StockCode AS stock_code, Description AS description, Quantity AS quantity, "
            "InvoiceDate AS invoice_date, Price AS price, "
            '"Customer ID" AS customer_id, Country AS country FROM read_csv(?, all_varchar=true)',
            [file.name, str(file)],
        )
    return _settled(con, [file.name for file in files])


def _settled(con: "ibis.backends.duckdb.Backend", names: list[str]) -> Settled:
    said: list[str] = []
    sheets = [
        {"workbook": name, "sheet": "s", "source_order": place} for place, name in enumerate(names)
    ]
    found = settle(
        con.table("typed"), ibis.memtable(sheets), date(2000, 1, 1), date(2030, 1, 1), said.append
    )
    places = {name: place for place, name in enumerate(names)}
    rows = con.to_pyarrow(found).to_pylist()
    return Settled(sorted(rows, key=lambda row: (places[row["workbook"]], row["row_number"])), said)


