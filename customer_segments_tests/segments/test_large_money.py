"""Revenue far beyond 1e14, as of a wholesaler in Indonesian rupiah, from files to profiles."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from customer_segments.installation import Installation
from customer_segments.model.exchange import import_version, to_json
from customer_segments.tables import (
    CUSTOMER_RFM,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)
from customer_segments.upkeep.migrate import migrate
from customer_segments_tests.ingestion.workbooks import HEADER, dated, write_csv
from customer_segments_tests.installations import execute, install
from customer_segments_tests.model.versions import made_up
from customer_segments_tests.segments.plain import rows_of

JANUARY, FEBRUARY = date(2011, 1, 1), date(2011, 2, 1)
PRICE, UNITS, LINES = 250_000_000, 300_000, 9
TOTAL = Decimal(PRICE) * UNITS * LINES  # 6.75e14
WIDENED = (CUSTOMER_RFM, CUSTOMER_SEGMENTS, SEGMENT_MIGRATION, SEGMENT_PROFILES)


@pytest.fixture(scope="module")
def rupiah(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rupiah")
    source = folder / "source"
    source.mkdir()
    rows = [
        dated(
            f"{month:%Y-%m}-{day + 1:02d} 10:00",
            Invoice=f"{customer}{month:%m}{day}",
            Quantity=UNITS,
            Price=PRICE,
            **{"Customer ID": customer},
        )
        for month in (JANUARY, FEBRUARY)
        for customer in ("1", "2")
        for day in range(LINES)
    ]
    write_csv(source / "penjualan.csv", [HEADER, *rows])
    settings = install(folder, source)
    model = made_up([(2.0, 3.0, 30.0), (3.0, 1.0, 5.0)], ["Champions", "Lost"])
    execute(settings, "ingest", checks=False)
    import_version(Installation.of(settings).warehouse, to_json(model[0]["version"], model))
    execute(settings, "score", JANUARY, FEBRUARY, checks=False)
    return settings


def test_migration_and_profiles_come_out_to_the_rupiah(rupiah):
    rfm = rows_of(rupiah, "customer_rfm")
    assert [row["monetary"] for row in rfm] == [TOTAL, TOTAL, TOTAL * 2, TOTAL * 2]
    assert {row["average_order_value"] for row in rfm} == {Decimal(PRICE) * UNITS}
    profiles = rows_of(rupiah, "segment_profiles")
    assert [(row["revenue"], row["revenue_last_month"]) for row in profiles] == [
        (TOTAL * 2, None),
        (TOTAL * 4, TOTAL * 2),
    ]
    moves = rows_of(rupiah, "segment_migration")
    assert [(row["revenue"], row["revenue_moved"]) for row in moves] == [
        (TOTAL * 2, TOTAL * 2),
        (TOTAL * 4, TOTAL * 2),
    ]


def test_tables_of_before_are_taken_over_by_name(tmp_path):
    settings = install(tmp_path, tmp_path)
    warehouse = Installation.of(settings).warehouse
    before = {}
    for contract in WIDENED:
        narrow = {
            name: (kind.replace("(38, 4)", "(18, 4)"), said)
            for name, (kind, said) in contract.columns.items()
        }
        row = {
            name: JANUARY if dtype.is_date() else 1 if dtype.is_numeric() else "retail"
            for name, dtype in contract.schema.items()
        } | {"revenue_moved": 0, "snapshot_date": FEBRUARY}
        former = replace(contract, version=contract.version - 1, columns=narrow)
        rows = [{name: row[name] for name in contract.schema.names}]
        warehouse.publish(former, former.arrow(rows), months=(JANUARY, JANUARY))
        with warehouse.reading() as con:
            before[contract.table] = con.table(contract.table).to_pyarrow().to_pylist()
    _, changes = migrate(Installation.of(settings))
    assert {change.contract.table for change in changes} == {c.table for c in WIDENED}
    assert {change.why_dropped for change in changes} == {""}
    assert {contract.table: rows_of(settings, contract.table) for contract in WIDENED} == before
