"""``kill -9`` in writes to the lake, at every step of them, and what is left after.

Belongs here: a short chain of tables written through Sail, killed, judged, written again. Does not:
when a table is broken (``verdict``), steps of a write (``hooks``). Views name files of the lake by
their whole paths, so that all rounds are played in one folder, one after the other.
"""

import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import ibis

from customer_segments.cleaning.rules import cleaned
from customer_segments.installation import Installation
from customer_segments.policy.rules import Cleaning
from customer_segments.rfm.rfm import customer_rfm
from customer_segments.settings import Settings
from customer_segments.storage import publish
from customer_segments.storage.lake import pinned
from customer_segments.tables import CLEANED_TRANSACTIONS, CUSTOMER_RFM, RAW_TRANSACTIONS
from customer_segments_tests.cleaning.raw_rows import JANUARY, MARCH, database_of
from customer_segments_tests.faults.facts import Facts, facts
from customer_segments_tests.faults.hooks import Watch
from customer_segments_tests.faults.kills import Kill, Round, plan
from customer_segments_tests.faults.scenarios import Point, points_of
from customer_segments_tests.faults.verdict import judge_tables
from customer_segments_tests.installations import install
from customer_segments_tests.storage.test_engines import TODAY, hostile_rows

# Every process is a fork of one that has these, and nothing running yet.
PRELOADED = ["deltalake", "duckdb", "ibis.backends.duckdb", "pandas"]
PRELOADED += ["pysail.spark", "pyspark.sql", __name__]
PATIENCE = 120.0
TABLES = RAW_TRANSACTIONS, CLEANED_TRANSACTIONS, CUSTOMER_RFM


@dataclass(frozen=True)
class Write:
    """A chain of writes undisturbed: the state that it found and left, and its points."""

    name: str
    seed: int
    before: Path
    facts_before: Facts
    facts_after: Facts
    points: tuple[Point, ...]
    seconds: float


def write(settings: Settings, seed: int, request: dict, after_seconds: float | None) -> None:
    """Write all tables, in a process of one's own; die at the point or moment asked for."""

    def die(seconds: float) -> None:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()

    # Pyspark takes a process whose main module has none for its own doctests.
    sys.modules["__main__"].__file__ = __file__
    Watch(request, lambda: die(after_seconds or 0)).install()
    if after_seconds is not None and "kill" not in request:
        die(after_seconds)
    warehouse = Installation.of(settings).warehouse
    rows = database_of(hostile_rows(400, seed)).to_pyarrow(RAW_TRANSACTIONS.relation)
    with warehouse.writing() as con:
        given = ibis.table(RAW_TRANSACTIONS.relation.schema(), name="given")
        con.create_table("given", schema=given.schema(), temp=True)
        con.insert("given", rows)
        publish.publish(con, RAW_TRANSACTIONS, given, lake=warehouse.lake)
    months = JANUARY, MARCH
    kept = cleaned(RAW_TRANSACTIONS.relation, Cleaning(drop_non_products=False), *months)
    warehouse.publish(CLEANED_TRANSACTIONS, kept, months=months)
    snapshots = customer_rfm(CLEANED_TRANSACTIONS.relation, *months, TODAY)
    warehouse.publish(CUSTOMER_RFM, snapshots, months=months)
    os._exit(0)


def write_one_month(settings: Settings) -> None:
    """Write a month again as it is: what a killed write left of the others must not come up."""
    sys.modules["__main__"].__file__ = __file__
    warehouse = Installation.of(settings).warehouse
    for contract in (CLEANED_TRANSACTIONS, CUSTOMER_RFM):
        if warehouse.state().newest(contract.table):
            rows = contract.relation
            same = rows.filter(rows[contract.month_column] == ibis.date(MARCH))
            warehouse.publish(contract, same, months=(MARCH, MARCH))
    os._exit(0)


class Field:
    """A folder in which rounds are played: a warehouse and its lake."""

    def __init__(self, folder: Path):
        self.folder, self.here = folder, folder / "here"
        self.settings = install(self.here, folder)
        said = f'[engine]\nengine = "sail"\nlake = "{self.here / "lake"}"\n'
        self.settings.config.write_text(said)
        self.where, self.trace = folder / "where", folder / "trace"
        self.context = get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)

    def run(self, seed: int, after_seconds: float | None = None, **request: object) -> int:
        """Write; return how the process ended."""
        request |= {"where": str(self.where)}
        return self.in_process(write, seed, request, after_seconds)

    def in_process(self, target: Callable, *arguments: object) -> int:
        """Run with the settings in a process of its own; return how it ended."""
        process = self.context.Process(target=target, args=(self.settings, *arguments))
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(self.where.read_text())
        return process.exitcode

    def prepare(self) -> list[Write]:
        """Write for the first time, and then other rows; undisturbed."""
        self.run(0)  # Whatever is loaded late is loaded.
        writes = []
        shutil.rmtree(self.here / "lake")
        self.settings.warehouse_path.unlink()
        for seed, name in enumerate(("first write", "other rows"), 1):
            before = self.folder / f"before {seed}"
            shutil.copytree(self.here, before)
            held, began = facts(self.settings), time.monotonic()
            assert self.run(seed, trace=str(self.trace)) == 0
            seconds, points = time.monotonic() - began, points_of(self.trace)
            writes.append(Write(name, seed, before, held, facts(self.settings), points, seconds))
        return writes

    def play(self, each: Write, kill: Kill) -> Round | None:
        """Kill a write, judge what it left, write again; ``None`` if it ended before."""
        shutil.rmtree(self.here)
        shutil.copytree(each.before, self.here)
        request: dict = {}
        if kill.point:
            how = "during" if kill.after_seconds else "exact"
            request["kill"] = {**vars(kill.point), "how": how}
        code = self.run(each.seed, kill.after_seconds, **request)
        if code == 0:
            return None
        where = self.where.read_text().strip()
        verdict, left = judge_tables(self.settings, each.facts_before, each.facts_after)
        problems = [f"killed: {problem}" for problem in verdict.problems]
        if code != -signal.SIGKILL:
            problems.append(f"ended with {code}")
        if self.in_process(write_one_month) or facts(self.settings).tables != left.tables:
            problems.append("killed: a month written again changes others")
        again = self.run(each.seed)
        tables = each.facts_after.tables
        end, found = judge_tables(self.settings, Facts(tables, left.lines), Facts(tables, []))
        problems += [f"after the next write: {problem}" for problem in end.problems]
        if again or found.tables != tables:
            problems.append("the next write did not come to what it has to")
        problems += self.lake_problems()
        broken = tuple({*verdict.broken, *end.broken})
        lost = verdict.rows_lost + end.rows_lost
        return Round(kill, where, broken, lost, int(again != 0), tuple(problems))

    def lake_problems(self) -> Iterator[str]:
        """Say where the lake's newest version is not the one that is published."""
        from deltalake import DeltaTable

        warehouse = Installation.of(self.settings).warehouse
        with warehouse.reading() as con:
            for contract in TABLES:
                table = DeltaTable(str(self.here / "lake" / contract.table))
                rows = sum(table.get_add_actions().column("num_records").to_pylist())
                ((there,),) = con.raw_sql(f"SELECT count(*) FROM {contract.table}").fetchall()
                if table.version() != pinned(con, contract.table) or rows != there:
                    yield f"{contract.table}: the lake's newest version is another one"


def play_all(folder: Path, kills: int, moments: random.Random, deadline: float) -> Iterator[Round]:
    """Play rounds one after the other; a kill that came too late is tried again earlier.

    ``deadline`` is by ``time.monotonic()``.
    """
    field = Field(folder)
    writes = {each.name: each for each in field.prepare()}
    waiting = plan([*writes.values()], kills, moments)[::-1]
    while waiting and time.monotonic() < deadline:
        kill = waiting.pop()
        if result := field.play(writes[kill.scenario], kill):
            yield result
        else:
            waiting.append(replace(kill, after_seconds=kill.after_seconds * 0.8))
