"""The engine by Spark Connect and the lake: same tables, same digests, one commit point."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import ibis
import pytest

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.policy import Policy
from customer_segments.policy.engine import Engine
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import WarehouseUnavailable
from customer_segments.storage.delta import Delta
from customer_segments.storage.engine import session
from customer_segments.storage.lake import Lake, pinned
from customer_segments.storage.ledger import disagreements
from customer_segments.tables import CONTRACTS, CUSTOMER_RFM
from customer_segments.upkeep.backup import back_up
from customer_segments.upkeep.migrate import migrate
from customer_segments.upkeep.restore import restore
from customer_segments.upkeep.vacuum import vacuum
from customer_segments_tests.installations import execute, install, materialize
from customer_segments_tests.machine import shop
from customer_segments_tests.machine.world import World
from customer_segments_tests.storage.object_store import serving
from customer_segments_tests.storage.samples import RAW, arrow, raw_row

CLUSTER = pytest.mark.skipif(
    not all(map(find_spec, ("pysail", "pyspark", "deltalake"))),
    reason="the extra `cluster` is not installed",
)


def needs_cluster(test):
    """Have a test run by pytest's own process: pyspark does not start in xdist's, `python -c`."""
    return pytest.mark.slow(CLUSTER(test))


MODEL = "kmeans_model", "model_selection", "champion_model"
ABOUT_LABELS = "segment_profiles", "segment_migration"
IN_LAKE = [table for table, contract in CONTRACTS.items() if contract.in_lake]


def put_in_lake(settings: Settings, lake: str = "") -> None:
    """Have Sail compute a warehouse that is not there yet, by default into a folder beside it."""
    place = lake or settings.warehouse_path.parent / "lake"
    said = f'[engine]\nengine = "sail"\nlake = "{place}"\n'
    before = settings.config.read_text() if settings.config.exists() else ""
    settings.config.write_text(f"{before}\n{said}")


@pytest.fixture(scope="module", params=["folder", "object store"])
def in_lake(tmp_path_factory, request) -> Iterator[Installation]:
    """The tiny shop, by Sail."""
    store = serving() if request.param == "object store" else nullcontext("")
    with store as lake, pytest.MonkeyPatch.context() as patch:
        world = World(tmp_path_factory.mktemp("sail"), patch)
        put_in_lake(world.settings, lake and f"{lake}/tiny")
        for index in range(3):
            shop.deliver(world.source, index)
        execute(world.settings, "ingest")
        made = [*IN_LAKE[1:], *MODEL, *ABOUT_LABELS]
        materialize(world.settings, made, shop.month(0), shop.month(2), checks=False)
        yield world.installed


def in_store(address: str) -> Lake:
    """A lake that nothing but this process writes to."""
    from upath import UPath

    return Lake(Delta(UPath(address, use_listings_cache=False), "owner"), "sail", "1GB")


IN_STORE = replace(RAW, in_lake=True)


def differences(one: Path, other: Path) -> dict[str, tuple[int, int]]:
    """Return rows by table that only one of two warehouses has, floats to the fourth decimal."""
    import duckdb
    from fsspec import filesystem

    found = {}
    with duckdb.connect() as con:
        con.register_filesystem(filesystem("s3"))
        con.execute(f"ATTACH '{one}' AS a (READ_ONLY); ATTACH '{other}' AS b (READ_ONLY)")
        for table, contract in CONTRACTS.items():
            if contract.in_lake or table in ABOUT_LABELS:
                columns = ", ".join(
                    f'round("{name}", 4)' if dtype.is_floating() else f'"{name}"'
                    for name, dtype in contract.schema.items()
                )
                rows = [f"SELECT {columns} FROM {at}.{table}" for at in "ab"]
                found[table] = tuple(
                    con.execute(f"SELECT count(*) FROM ({a} EXCEPT ALL {b})").fetchall()[0][0]
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


@needs_cluster
def test_engines_make_the_same_tables_of_the_real_workbook(real_warehouse, tmp_path):
    # Before the tiny shop, whose clock stands in 2010 as long as it is there.
    settings = install(tmp_path, real_warehouse.source_dir)
    put_in_lake(settings)
    execute(settings, "ingest")
    covered = Installation.of(settings).months
    execute(settings, "full_refresh", covered.first, covered.last)
    found = differences(settings.warehouse_path, real_warehouse.warehouse_path)
    assert set(found.values()) == {(0, 0)}
    assert digests(settings) == digests(real_warehouse)


@needs_cluster
def test_engines_make_the_same_tables(in_lake, labelled_shop):
    by_duckdb = install(labelled_shop, labelled_shop / "source")
    found = differences(in_lake.settings.warehouse_path, by_duckdb.warehouse_path)
    assert len(found) == 8
    assert set(found.values()) == {(0, 0)}
    assert digests(in_lake.settings) == digests(by_duckdb)
    with in_lake.warehouse.reading() as con:
        assert {*IN_LAKE} <= Catalog.of(con).in_lake


@needs_cluster
def test_a_commit_that_no_transaction_names_is_taken_back(in_lake):
    """What a process leaves that is killed between Delta's commit and DuckDB's."""
    from deltalake import DeltaTable

    lake, table = in_lake.warehouse.lake, CUSTOMER_RFM.table
    before = digests(in_lake.settings)
    with in_lake.warehouse.reading() as con:
        ((rows,),) = con.raw_sql(f"SELECT count(*) FROM {table}").fetchall()
    with suppress(ZeroDivisionError), in_lake.warehouse.writing() as con:
        lake.swap(con, CUSTOMER_RFM, None, None, 0)
        raise ZeroDivisionError
    delta = DeltaTable(str(lake.delta.folder / table))
    assert not delta.file_uris()
    assert digests(in_lake.settings) == before
    with in_lake.warehouse.reading() as con:
        assert con.raw_sql(f"SELECT count(*) FROM {table}").fetchall() == [(rows,)]
    rfm, newest = CUSTOMER_RFM.relation, shop.month(2)
    same = rfm.filter(rfm.snapshot_month == ibis.date(newest))
    in_lake.warehouse.publish(CUSTOMER_RFM, same, months=(newest, newest))
    assert digests(in_lake.settings) == before
    delta.update_incremental()
    assert sum(delta.get_add_actions().column("num_records").to_pylist()) == rows


@needs_cluster
def test_of_two_writers_the_second_fails(in_lake, monkeypatch):
    """Both saw the same version: two machines that share the lake, and not the file's lock."""
    lake = in_lake.warehouse.lake
    with in_lake.warehouse.writing() as con:
        seen = lake.delta._at(CUSTOMER_RFM, pinned(con, CUSTOMER_RFM.table))
        monkeypatch.setattr(type(lake.delta), "_at", lambda *_: seen)
        lake.swap(con, CUSTOMER_RFM, None, None, 0)
        with pytest.raises(UserError, match="is written to by another process"):
            lake.swap(con, CUSTOMER_RFM, None, None, 0)
        con.raw_sql("ROLLBACK; BEGIN")


@needs_cluster
def test_another_warehouse_is_refused(in_lake, tmp_path):
    other = install(tmp_path, in_lake.settings.source_dir)
    other.config.write_text(in_lake.settings.config.read_text())
    with pytest.raises(UserError, match="is written to by the warehouse"):
        execute(other, "ingest")


@needs_cluster
def test_a_warehouse_whose_tables_are_elsewhere_is_refused(in_lake):
    without, newest = Installation.of(in_lake.settings, Policy()), in_lake.months.newest
    with pytest.raises(UserError, match="is in the lake"):
        without.warehouse.publish(CUSTOMER_RFM, CUSTOMER_RFM.relation, months=(newest, newest))


def test_an_engine_and_a_lake_need_each_other():
    for said in ({"engine": "sail"}, {"lake": "x"}, {"engine": "spark://x", "lake": "x"}):
        with pytest.raises(ValueError, match="engine"):
            Engine(**said)
    with pytest.raises(ValueError, match="one of an object store as s3"):
        Engine(engine="sail", lake="gs://bucket/lake")


@CLUSTER
def test_an_object_store_that_does_not_give_what_it_had_is_named(warehouse, monkeypatch):
    rows = arrow(IN_STORE, map(raw_row, (1, 2, 3)))
    with serving() as bucket:
        warehouse.lake = in_store(f"{bucket}/tiny")
        for held in (rows, rows.slice(1)):
            warehouse.publish(IN_STORE, held)
        with warehouse.reading() as con:
            kept = con.to_pyarrow(IN_STORE.relation.row_number)
            assert sorted(kept.to_pylist()) == [2, 3]
        warehouse.lake.delta.store.rm(f"{bucket}/tiny", recursive=True)
        gone = pytest.raises(WarehouseUnavailable, match=r"does not give what .*: No files found")
        with gone, warehouse.reading() as con:
            con.to_pyarrow(IN_STORE.relation)
        nowhere = in_store("s3://elsewhere/tiny")
        other = Warehouse(warehouse.path.with_name("other.duckdb"), lake=nowhere)
        with pytest.raises(UserError, match=r"s3://elsewhere/tiny cannot be reached: .*bucket"):
            other.publish(IN_STORE, rows)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        warehouse.lake.delta.store.clear_instance_cache()
        warehouse.lake = in_store(f"{bucket}/tiny")
        down = pytest.raises(WarehouseUnavailable, match=r": EndpointConnectionError")
        with down, warehouse.reading() as con:
            con.to_pyarrow(IN_STORE.relation)


def test_what_an_engine_needs_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("customer_segments.policy.engine.find_spec", lambda _: None)
    settings = install(tmp_path, tmp_path)
    put_in_lake(settings)
    with pytest.raises(UserError, match="pip install 'customer-segments\\[cluster\\]'"):
        Installation.of(settings)


@needs_cluster
def test_an_engine_that_does_not_answer_is_named():
    refused = pytest.raises(UserError, match=r"engine at 127.0.0.1:9 does not answer")
    with refused, session("sc://127.0.0.1:9", "1GB"):
        pass


@needs_cluster
def test_a_backup_is_gone_back_to_after_its_files_were_spared(in_lake, tmp_path):
    before = digests(in_lake.settings)
    backup, notes = back_up(in_lake)
    assert notes.differences == []
    with in_lake.warehouse.reading() as con:
        rows = con.to_pyarrow(CUSTOMER_RFM.relation)
    given = shop.month(0), shop.month(2)
    in_lake.warehouse.publish(CUSTOMER_RFM, rows.slice(1), months=given)
    elsewhere, _ = back_up(in_lake, tmp_path / "elsewhere.duckdb")
    in_lake.warehouse.publish(CUSTOMER_RFM, rows.slice(2), months=given)
    assert digests(in_lake.settings) != before
    deleted = vacuum(in_lake)
    assert deleted
    assert not any(file.exists() for file in deleted)
    with pytest.raises(UserError, match=r"elsewhere.duckdb names \d files that are not in"):
        vacuum(in_lake, [elsewhere])
    with in_lake.warehouse.reading() as con:
        assert disagreements(con, CONTRACTS) == []
    restore(in_lake, backup)
    assert digests(in_lake.settings) == before
    in_lake.warehouse.publish(CUSTOMER_RFM, rows, months=given)
    assert digests(in_lake.settings) == before
    with in_lake.warehouse.reading() as con:
        assert disagreements(con, CONTRACTS) == []


@needs_cluster
def test_a_migration_leaves_the_lake_alone(in_lake):
    with pytest.raises(UserError, match=r"customer_rfm in the lake .*leaves the lake alone"):
        migrate(in_lake, [replace(CUSTOMER_RFM, version=CUSTOMER_RFM.version + 1)])
