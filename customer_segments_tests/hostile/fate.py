"""What has to become of any file: refused with a clear error, or all its rows accounted for.

Belongs here: reading and cleaning by the code under test, and judging the outcome. Does not:
making the files (``inputs``).
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import ibis
import pyarrow as pa

from customer_segments.cleaning.judges import raw_months, settled_months
from customer_segments.cleaning.rules import REASONS, cleaned, rejected
from customer_segments.covering import months_of_data
from customer_segments.errors import UserError
from customer_segments.ingestion import contained, reader_process, reading
from customer_segments.ingestion.casting import typed_rows
from customer_segments.ingestion.reading import Sheet, read_sheets
from customer_segments.ingestion.settling import settle
from customer_segments.ingestion.sources import fingerprinted
from customer_segments.ingestion.survey import (
    cells_of,
    computed,
    in_order,
    likely_dates,
    source_order,
    survey,
)
from customer_segments.months import Months, month_of
from customer_segments.policy.rules import Cleaning
from customer_segments.settings import Settings
from customer_segments.source_files import natural_order
from customer_segments.storage import Warehouse
from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments_tests.hostile.inputs import Made

SETTINGS = Settings(_env_file=None, source_dir="nowhere", warehouse="nowhere.duckdb")


def require_clear(error: UserError, name: str) -> None:
    """An error names the file and a remedy, on one line that a person can read."""
    assert name in str(error) or repr(name)[1:-1] in str(error), error
    assert error.remedy.endswith("."), error
    assert "\n" not in str(error), error
    assert len(str(error)) < 4000, len(str(error))


def fates(made: list[Made], warehouse: Path) -> Counter[str]:
    """Read files one by one, then settle, publish and clean the readable ones together.

    Raises
    ------
    AssertionError
        If a row is lost, money does not add up, or an error is not clear.
    """
    outcomes: Counter[str] = Counter()
    sheets: dict[str, list[Sheet]] = {}
    for one in made:
        try:
            found = read_sheets(fingerprinted([one.file]))
        except UserError as error:
            require_clear(error, one.file.name)
            outcomes[f"{one.kind}: refused"] += 1
            continue
        if one.rows is not None:
            counted = sum(sheet.cells.num_rows for sheet in found)
            assert counted == one.rows, f"{one}: {counted} rows"
        sheets[one.file.name] = found
    kinds = {one.file.name: one.kind for one in made}
    while True:
        try:
            account_for(sheets, warehouse)
            break
        except UserError as error:
            # A sheet without one date stops all of them, and names itself.
            (name,) = [name for name in sheets if str(error).startswith(f"{name}, sheet ")]
            require_clear(error, name)
            del sheets[name]
            outcomes[f"{kinds[name]}: refused"] += 1
    outcomes.update(f"{kinds[name]}: accounted for" for name in sheets)
    return outcomes


@contextmanager
def unpacked_here() -> Iterator[None]:
    """Unpack files in this process, which is ten times as fast, and may end it."""

    def sheets_of(file: Path) -> Iterator[tuple[str, pa.Table]]:
        kinds = {".xlsx": reader_process.xlsx_sheets, ".parquet": reader_process.parquet_sheets}
        try:
            for name, table in kinds[file.suffix](file):
                yield name or file.stem, table
        except reader_process.Refused as refused:
            raise contained._error(file, 1, json.dumps(refused.told), 0) from refused

    before, reading.sheets_of = reading.sheets_of, sheets_of
    try:
        yield
    finally:
        reading.sheets_of = before


def account_for(sheets: dict[str, list[Sheet]], warehouse: Path) -> None:
    """Publish and clean all sheets; kept and rejected rows have to be all, money to the penny."""
    total = sum(sheet.cells.num_rows for found in sheets.values() for sheet in found)
    if not total:
        return
    names = [file.name for file in natural_order([Path(name) for name in sheets])]
    ordered = [sheet for name in names for sheet in sheets[name]]
    rows = computed(typed_rows(cells_of(ordered)))
    today = date.today()
    surveyed = in_order(survey(ordered, rows, today), names)
    known = Months(month_of(today), month_of(today), False, today)
    covered = months_of_data(known, SETTINGS, *likely_dates(surveyed, names, today))
    settled = settle(rows, source_order(surveyed), covered.first, covered.newest)
    con = ibis.duckdb.connect()
    raw = con.create_table(RAW_TRANSACTIONS.table, settled)
    months = covered.first, covered.newest
    sides = [side(raw, Cleaning(), *months) for side in (cleaned, rejected)]
    kept, dropped = (con.create_table(f"side_{n}", side) for n, side in enumerate(sides))
    assert con.execute(raw.count()) == total
    assert con.execute(kept.count()) + con.execute(dropped.count()) == total
    assert con.execute(raw_months(raw).difference(settled_months(kept, dropped)).count()) == 0
    assert set(con.execute(dropped.reason)) <= set(REASONS)
    # Published for real: the contracts' types, rules and keys hold for whatever came in.
    store = Warehouse(warehouse)
    for contract, table in (
        (RAW_TRANSACTIONS, raw),
        (CLEANED_TRANSACTIONS, kept),
        (REJECTED_TRANSACTIONS, dropped),
    ):
        spans = months if contract.table != RAW_TRANSACTIONS.table else None
        store.publish(contract, con.to_pyarrow(table), months=spans)
    con.disconnect()
