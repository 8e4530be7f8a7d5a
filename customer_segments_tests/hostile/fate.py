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
from customer_segments.ingestion.files import contained, reader_process, reading
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments.ingestion.intake import taken_in
from customer_segments.ingestion.orders.settling import settle
from customer_segments.ingestion.survey import likely_dates, survey
from customer_segments.months import Months, month_of
from customer_segments.policy import Policy
from customer_segments.settings import Settings
from customer_segments.source_files import natural_order
from customer_segments.storage import Warehouse
from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS, REJECTED_TRANSACTIONS
from customer_segments_tests.hostile.inputs import Made

TODAY = date.today()
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
    readable: list[Path] = []
    for one in made:
        try:
            counted = rows_of(one.file)
        except UserError as error:
            require_clear(error, one.file.name)
            outcomes[f"{one.kind}: refused"] += 1
            continue
        assert one.rows in (None, counted), f"{one}: {counted} rows"
        readable.append(one.file)
        outcomes[f"{one.kind}: accounted for"] += 1
    account_for(natural_order(readable), warehouse)
    return outcomes


def rows_of(file: Path) -> int:
    """Read a file, and return how many rows there are."""
    con = ibis.duckdb.connect()
    with taken_in(fingerprinted([file]), Policy()) as intake:
        rows = intake.load(con)
        # A sheet without one date is refused here.
        survey(con, intake, rows, [file.name], TODAY)
        # Whole: what is broken in a column that nobody asks for is not seen.
        counted = con.execute(con.create_table("whole", rows).count())
        assert counted == sum(sheet.rows for sheet in intake.sheets)
    con.disconnect()
    return counted


@contextmanager
def unpacked_here() -> Iterator[None]:
    """Unpack workbooks in this process, which is ten times as fast, and may end it."""

    def sheets_of(file: Path, wanted: list[str]) -> list[tuple[str, pa.Table, bool]]:
        try:
            return list(reader_process.sheets(file, wanted))
        except reader_process.Refused as refused:
            raise contained._error(file, 1, json.dumps(refused.told), 0) from refused

    before, reading.sheets_of = reading.sheets_of, sheets_of
    try:
        yield
    finally:
        reading.sheets_of = before


def account_for(files: list[Path], warehouse: Path) -> None:
    """Publish and clean all rows; kept and rejected ones have to be all, money to the penny."""
    policy, con = Policy(), ibis.duckdb.connect()
    with taken_in(fingerprinted(files), policy) as intake:
        total = sum(sheet.rows for sheet in intake.sheets)
        if not total:
            return
        rows, names = intake.load(con), [file.name for file in files]
        surveyed = survey(con, intake, rows, names, TODAY)
        known = Months(month_of(TODAY), month_of(TODAY), False, TODAY)
        covered = months_of_data(known, SETTINGS, *likely_dates(surveyed, names, TODAY))
        months = covered.first, covered.newest
        raw = con.create_table(RAW_TRANSACTIONS.table, settle(con, rows, surveyed, *months))
    sides = [side(raw, policy.cleaning, *months) for side in (cleaned, rejected)]
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
