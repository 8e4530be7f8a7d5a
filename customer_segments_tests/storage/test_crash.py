"""A writer that is killed, or whose disk is full, leaves tables as they were or should be."""

import random
import resource
import signal
import time
from pathlib import Path

import pytest

from customer_segments.storage import Contract, Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import WarehouseUnavailable
from customer_segments.storage.requirements import require_contract
from customer_segments_tests.storage.processes import (
    CONTEXT,
    MONTHS,
    PATIENCE,
    ROWS_PER_MONTH,
    die_after_commit,
    die_before_commit,
    publish_generation,
    publish_generations,
    start,
)
from customer_segments_tests.storage.samples import (
    CLEANED,
    MODEL,
    RAW,
    arrow,
    constraints,
    content,
    ledger_of,
    rows_of,
    state,
)

KILLS = 3
TABLES = {contract.table: contract for contract in (CLEANED, RAW)}


def generation_in(warehouse: Warehouse, contract: Contract) -> int:
    """Return the generation that the table holds; fail unless it is whole and the ledger agrees."""
    columns = ", ".join(contract.schema)
    months = rows_of(
        warehouse.path,
        "SELECT month, count(*), min(quantity), max(quantity), count(DISTINCT row_number), "
        f"sum(hash(hash({columns})))::VARCHAR, "
        f"sum({contract.revenue})::DECIMAL(38, 4) FROM {contract.table} GROUP BY 1 ORDER BY 1",
    )
    assert [row[0] for row in months] == MONTHS
    assert {row[1] for row in months} == {row[4] for row in months} == {ROWS_PER_MONTH}
    (generation,) = {row[n] - 1 for row in months for n in (2, 3)}

    lines = ledger_of(warehouse, contract)
    assert list(lines) == MONTHS
    for month, rows, _, _, _, digest, revenue in months:
        line = lines[month]
        assert line.run_id == f"generation {generation}"
        assert (line.rows, line.revenue) == (rows, revenue)
        assert line.digest == digest
    return generation


def kill_while_it_publishes(
    warehouse: Warehouse, first: int, moments: random.Random, duration: float
) -> list[tuple[str, str, int]]:
    """Kill a child somewhere in one of its first publications; return what it told."""
    progress, theirs = CONTEXT.Pipe(duplex=False)
    child = start(publish_generations, str(warehouse.path), first, first + 1000, theirs)
    theirs.close()
    told: list[tuple[str, str, int]] = []
    begun = moments.randint(1, 3)
    while [what for what, _, _ in told].count("begin") < begun:
        assert progress.poll(PATIENCE)
        told.append(progress.recv())
    # Not to let it finish: to choose a moment of the publication that has just begun, from its
    # staging to its commit.
    time.sleep(moments.uniform(0.1, 1.1) * duration)
    child.kill()
    child.join(PATIENCE)
    assert child.exitcode == -signal.SIGKILL
    try:
        while progress.poll(PATIENCE):
            told.append(progress.recv())
    except EOFError:
        return told
    pytest.fail("the killed child still holds its pipe")


def test_a_killed_writer_leaves_whole_tables_and_a_ledger_that_agrees(warehouse: Warehouse):
    moments = random.Random(20111209)
    publish_generation(warehouse, CLEANED.table, 0)
    publish_generation(warehouse, RAW.table, 0)
    started = time.monotonic()
    publish_generation(warehouse, CLEANED.table, 0)
    duration = time.monotonic() - started

    # What each table may hold: what it held, and what the child had begun to write.
    held = dict.fromkeys(TABLES, 0)
    for _ in range(KILLS):
        first = max(held.values()) + 1
        told = kill_while_it_publishes(warehouse, first, moments, duration)
        for table, contract in TABLES.items():
            done = [n for what, of, n in told if (what, of) == ("done", table)]
            begun = [n for what, of, n in told if (what, of) == ("begin", table)]
            known = max(done, default=held[table])
            held[table] = generation_in(warehouse, contract)
            assert held[table] in {known, *begun[-1:]}
            assert held[table] >= known
            assert constraints(warehouse, contract)
            with warehouse.reading() as con:
                require_contract(con, Catalog.of(con), contract)

    numbers = rows_of(warehouse.path, "SELECT count(*), max(publication) FROM publications")
    assert numbers[0][0] == numbers[0][1]
    for table, contract in TABLES.items():
        publish_generation(warehouse, table, 5000)
        assert generation_in(warehouse, contract) == 5000
    left = {path.name for path in warehouse.path.parent.iterdir()}
    assert left == {warehouse.path.name, warehouse.state_path.name}


def killed(target, warehouse: Warehouse) -> None:
    child = start(target, str(warehouse.path))
    child.join(PATIENCE)
    assert child.exitcode == -signal.SIGKILL


def model(name: str):
    return arrow(MODEL, [{"model_version": name, "cluster": 0, "centre": 0.5}])


@pytest.mark.parametrize("is_first", [True, False])
def test_killed_before_the_commit_nothing_is_written(warehouse: Warehouse, is_first: bool):
    before = {}
    if not is_first:
        warehouse.publish(MODEL, model("first"))
        before = state(warehouse)

    killed(die_before_commit, warehouse)
    assert state(warehouse) == before
    assert warehouse.publish(MODEL, model("third")).rows == 1
    assert state(warehouse).keys() == {"kmeans_model", "publications"}


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("then", ["read", "write"])
def test_killed_after_the_commit_all_is_written(warehouse: Warehouse, is_first: bool, then: str):
    expected = ["second"]
    if not is_first:
        warehouse.publish(MODEL, model("first"))
        expected = ["first", "second"]

    killed(die_after_commit, warehouse)
    assert log_of(warehouse).exists()
    if then == "read":
        with warehouse.reading() as con:
            require_contract(con, Catalog.of(con), MODEL)
    assert warehouse.publish(MODEL, model("third")).lines[0].publication == len(expected) + 1
    assert [row[0] for row in content(warehouse, MODEL)] == [*expected, "third"]
    assert not log_of(warehouse).exists()


def test_a_log_left_behind_does_not_enter_a_new_file(warehouse: Warehouse, tmp_path: Path):
    """Errors tell the user to move the file away; the log of a killed writer may stay behind."""
    killed(die_after_commit, warehouse)
    warehouse.path.rename(tmp_path / "away.duckdb")
    assert log_of(warehouse).exists()

    warehouse.publish(MODEL, model("third"))
    assert [row[0] for row in content(warehouse, MODEL)] == ["third"]


def test_a_full_disk_is_said_and_nothing_is_written(warehouse: Warehouse):
    warehouse.publish(MODEL, model("first"))
    before, limits = state(warehouse), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (warehouse.path.stat().st_size + 100_000, limits[1]))
    try:
        with pytest.raises(WarehouseUnavailable, match="is full"):
            publish_generation(warehouse, CLEANED.table, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert state(warehouse) == before
    publish_generation(warehouse, CLEANED.table, 1)
    assert generation_in(warehouse, CLEANED) == 1


def log_of(warehouse: Warehouse) -> Path:
    return warehouse.path.with_name(f"{warehouse.path.name}.wal")
