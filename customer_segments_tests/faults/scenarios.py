"""What a run has to do when it is disturbed, and what an undisturbed one makes of it.

Belongs here: the inputs (the sample, invented customers), the states before, the reference runs.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.sample.writers import write_parquet
from customer_segments_tests.faults.facts import Facts, facts
from customer_segments_tests.faults.project import Project

# Half of a short first run would be evidence for a model that nobody asks about.
SHORT_RULES = """
[model]
min_months = 6
[selection]
resamples = 2
[gate]
bootstrap_resamples = 2
"""
SHORT_FROM = datetime(2024, 5, 1)
REFIT = ("refit", "--training-month", "2024-12", "--seed", "43")


@dataclass(frozen=True)
class Point:
    """A point of a table's write that an undisturbed run passed, and the time to the next."""

    table: str
    phase: str
    nth: int
    seconds: float


@dataclass(frozen=True)
class Scenario:
    """A run: what was there before, what it is given, what comes out undisturbed."""

    name: str
    arguments: tuple[str, ...]
    before: Path
    after: Path
    source: Path
    facts_before: Facts
    facts_after: Facts
    points: tuple[Point, ...]
    seconds: float
    network_attempts: int

    @property
    def bytes(self) -> int:
        """Size of the finished warehouse."""
        return (self.after / "data/warehouse.duckdb").stat().st_size


def prepare(folder: Path, project: Project, *, customers: int, is_short: bool) -> list[Scenario]:
    """Make the inputs and the reference run of each scenario.

    Parameters
    ----------
    folder
        For states and inputs.
    customers
        How many, in the sample; its own number is 1,300.
    is_short
        The first run and a changed workbook alone, and of eight months: Dagster's work grows
        with them.
    """
    if is_short:
        project.settings.config.write_text(SHORT_RULES)
    sources = _sources(folder / "sources", customers, is_short=is_short)
    empty = folder / "empty"
    first = _reference(folder, project, "first run", ("run",), empty, sources["all"])
    made = folder / "after first run"
    scenarios = [
        first,
        _reference(folder, project, "changed workbook", ("run",), made, sources["changed"]),
    ]
    if is_short:
        return scenarios
    scenarios.append(_reference(folder, project, "refit", REFIT, made, sources["all"]))
    _reference(folder, project, "old months", ("run",), empty, sources["old"])
    for name, before, source in (
        ("new month", "after old months", "split"),
        ("removed file", "after new month", "old"),
    ):
        scenarios.append(
            _reference(folder, project, name, ("run",), folder / before, sources[source])
        )
    return scenarios


def _reference(folder, project, name, arguments, before, source) -> Scenario:
    """Run a scenario undisturbed, offline, and note every point of every write."""
    project.restore(before)
    facts_before = facts(project.settings)
    project.supply(source)
    trace, attempts = folder / "trace", folder / "attempts"
    attempts.write_text("")
    ended = project.run(*arguments, trace=str(trace), network_attempts=str(attempts))
    if ended.code:
        raise RuntimeError(f"the undisturbed {name} failed: {ended.said}")
    project.save(folder / f"after {name}")
    return Scenario(
        name,
        arguments,
        before,
        folder / f"after {name}",
        source,
        facts_before,
        facts(project.settings),
        points_of(trace),
        ended.seconds,
        len(attempts.read_text().splitlines()),
    )


def points_of(trace: Path) -> tuple[Point, ...]:
    lines = [line.split() for line in trace.read_text().splitlines()]
    times = [float(line[2]) for line in lines]
    seen: dict[tuple[str, str], int] = {}
    points = []
    for number, (table, phase, _) in enumerate(lines):
        seen[table, phase] = nth = seen.get((table, phase), 0) + 1
        until = times[min(number + 1, len(times) - 1)]
        points.append(Point(table, phase, nth, until - times[number]))
    return tuple(points)


def _sources(folder: Path, customers: int, *, is_short: bool) -> dict[str, Path]:
    """Write the source folders: all months, a changed one, old months, old and new ones."""
    write_parquet(folder / "all/sales.parquet", customers=customers)
    lines = pq.read_table(folder / "all/sales.parquet")
    if is_short:
        lines = lines.filter(pc.greater_equal(lines["InvoiceDate"], pa.scalar(SHORT_FROM)))
        pq.write_table(lines, folder / "all/sales.parquet")
    dates = lines["InvoiceDate"]
    last = pc.max(pc.floor_temporal(dates, unit="month"))
    is_new = pc.greater_equal(dates, last)
    middle = pc.and_(pc.equal(pc.year(dates), 2024), pc.equal(pc.month(dates), 6))
    doubled = pc.if_else(middle, pc.multiply(lines["Quantity"], 2), lines["Quantity"])
    at = lines.schema.get_field_index("Quantity")
    old, new = lines.filter(pc.invert(is_new)), lines.filter(is_new)
    for name, files in {
        "changed": {"sales": lines.set_column(at, "Quantity", doubled)},
        "old": {"sales": old},
        "split": {"sales": old, "sales_new": new},
    }.items():
        (folder / name).mkdir()
        for file, table in files.items():
            pq.write_table(table, folder / name / f"{file}.parquet")
    return {path.name: path for path in folder.iterdir()}
