"""Typed rows as ``casting`` hands them on, made here and settled.

Belongs here: rows by hand or from a plain CSV. Does not: reading files as the product does.
"""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend
from natsort import natsorted

from customer_segments.ingestion.cells.casting import TYPED
from customer_segments.ingestion.orders.settling import settle
from customer_segments.tables import RAW_TRANSACTIONS

Row = dict[str, Any]
TYPES = {
    name: str(RAW_TRANSACTIONS.schema[name].copy(nullable=True))
    for name in ("workbook", "sheet", *TYPED)
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


def settled(*files: Iterable[Row]) -> Settled:
    """Settle rows, of which ``USUAL`` says what is not given; a list for each file."""
    names = [f"{number}.csv" for number, _ in enumerate(files)]
    rows = [
        {"workbook": name, "row_number": row_number} | row
        for name, of_file in zip(names, files, strict=True)
        for row_number, row in enumerate(of_file, 2)
    ]
    return settled_rows(rows, _order(names))


def settled_rows(rows: list[Row], order: list[Row], *months: date) -> Settled:
    """Settle rows of sheets in an order, clipped to a first and a last month."""
    con = ibis.duckdb.connect()
    whole = [USUAL | row for row in rows]
    table = pa.table({name: pa.array([row[name] for row in whole]) for name in TYPES})
    con.create_table("typed", ibis.memtable(table).cast(TYPES))
    return _settled(con, order, *months)


def settled_case(folder: Path) -> Settled:
    """Settle the files of a case with UCI's headings, read as they are."""
    files = natsorted((folder / "in").glob("*.csv"), key=lambda file: file.stem)
    con = ibis.duckdb.connect()
    con.create_table("typed", schema=ibis.schema(TYPES))
    for file in files:
        con.con.execute(
            "INSERT INTO typed BY NAME SELECT ? AS workbook, 's' AS sheet, "
            "1 + row_number() OVER () AS row_number, Invoice AS invoice, "
            "StockCode AS stock_code, Description AS description, Quantity AS quantity, "
            "InvoiceDate AS invoice_date, Price AS price, "
            '"Customer ID" AS customer_id, Country AS country FROM read_csv(?, all_varchar=true)',
            [file.name, str(file)],
        )
    return _settled(con, _order([file.name for file in files]))


def _order(names: list[str]) -> list[Row]:
    return [
        {"workbook": name, "sheet": "s", "source_order": place} for place, name in enumerate(names)
    ]


def _settled(
    con: Backend,
    order: list[Row],
    first: date = date(2000, 1, 1),
    last: date = date(2030, 1, 1),
) -> Settled:
    said: list[str] = []
    found = settle(con, ibis.table(TYPES, "typed"), pd.DataFrame(order), first, last, said.append)
    places = {(sheet["workbook"], sheet["sheet"]): sheet["source_order"] for sheet in order}
    rows = con.to_pyarrow(found).to_pylist()
    rows.sort(key=lambda row: (places[row["workbook"], row["sheet"]], row["row_number"]))
    return Settled(rows, said)
