"""The engine by Spark Connect and the lake: same tables, same digests, one commit point."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.settings import Settings
from customer_segments.storage.ledger import is_in_lake
from customer_segments.tables import CONTRACTS, CUSTOMER_RFM
from customer_segments_tests import console
from customer_segments_tests.installations import execute, install

pytestmark = [
    pytest.mark.skipif(
        not all(map(find_spec, ("pysail", "pyspark", "deltalake"))),
        reason="the extra `cluster` is not installed",
    ),
    pytest.mark.slow,
]
IN_LAKE = [table for table, contract in CONTRACTS.items() if contract.in_lake]


def by_sail(folder: Path, source_dir: Path) -> Settings:
    settings = install(folder, source_dir)
    settings.config.write_text(f'[engine]\nengine = "sail"\nlake = "{folder / "lake"}"\n')
    execute(settings, "ingest")
    covered = Installation.of(settings).months
    execute(settings, "full_refresh", covered.first, covered.last)
    return settings


@pytest.fixture(scope="session")
def in_lake(tmp_path_factory) -> Settings:
    """The sample, by Sail."""
    return by_sail(tmp_path_factory.mktemp("lake"), console.SAMPLE)


def differences(one: Settings, other: Settings) -> dict[str, tuple[int, int]]:
    """Return rows by table that only one of two warehouses has, floats to the fourth decimal."""
    found = {}
    with Installation.of(one).warehouse.reading() as con:
        con.raw_sql(f"ATTACH '{other.warehouse}' AS other (READ_ONLY)")
        for table in IN_LAKE:
            columns = ", ".join(
                f'round("{name}", 4)' if dtype.is_floating() else f'"{name}"'
                for name, dtype in CONTRACTS[table].schema.items()
            )
            rows = [f"SELECT {columns} FROM {at}main.{table}" for at in ("", "other.")]
            found[table] = tuple(
                con.raw_sql(f"SELECT count(*) FROM ({a} EXCEPT ALL {b})").fetchall()[0][0]
                for a, b in (rows, rows[::-1])
            )
    return found


def digests(settings: Settings) -> dict:
    tables = Installation.of(settings).warehouse.state().tables
    return {
        (table, month): (held.rows, held.digest)
        for table in IN_LAKE
        for month, held in tables[table].items()
    }


def test_engines_make_the_same_tables(in_lake, sample_warehouse):
    assert set(differences(in_lake, sample_warehouse).values()) == {(0, 0)}
    assert digests(in_lake) == digests(sample_warehouse)
    with Installation.of(in_lake).warehouse.reading() as con:
        assert all(is_in_lake(con, table) for table in IN_LAKE)


def test_engines_make_the_same_tables_of_the_real_workbook(real_warehouse, tmp_path):
    settings = by_sail(tmp_path, real_warehouse.source_dir)
    assert set(differences(settings, real_warehouse).values()) == {(0, 0)}
    assert digests(settings) == digests(real_warehouse)


def test_a_commit_that_no_transaction_names_is_taken_back(in_lake):
    """What a process leaves that is killed between Delta's commit and DuckDB's."""
    from deltalake import DeltaTable

    installed = Installation.of(in_lake)
    lake, table = installed.warehouse.lake, CUSTOMER_RFM.table
    before = digests(in_lake)
    with installed.warehouse.reading() as con:
        ((rows,),) = con.raw_sql(f"SELECT count(*) FROM {table}").fetchall()
    with suppress(ZeroDivisionError), installed.warehouse.writing() as con:
        lake.swap(con, CUSTOMER_RFM, None, None, 0)
        raise ZeroDivisionError
    assert digests(in_lake) == before
    with installed.warehouse.reading() as con:
        assert con.raw_sql(f"SELECT count(*) FROM {table}").fetchall() == [(rows,)]
    newest = installed.months.newest
    execute(in_lake, "score", newest, newest)
    assert digests(in_lake) == before
    delta = DeltaTable(str(lake.delta.folder / table))
    assert sum(delta.get_add_actions().column("num_records").to_pylist()) == rows


def test_another_warehouse_is_refused(in_lake, tmp_path):
    other = install(tmp_path, console.SAMPLE)
    other.config.write_text(in_lake.config.read_text())
    with pytest.raises(UserError, match="is written to by the warehouse"):
        execute(other, "ingest")


def test_a_warehouse_whose_tables_are_elsewhere_is_refused(in_lake):
    without = Installation.of(in_lake, Policy())
    newest = without.months.newest
    with pytest.raises(UserError, match="is in the lake"):
        without.warehouse.publish(
            CUSTOMER_RFM, CUSTOMER_RFM.relation.limit(0), months=(newest, newest)
        )
