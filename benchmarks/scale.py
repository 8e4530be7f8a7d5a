"""``make bench-scale``: the whole run on a shop of 1, 10 and, on request, 100 million rows.

Belongs here: watching ``customer-segments run``, and what it took by stage. Does not: the rows
(``shop``). Importing this must stay light; ``sides`` says why.

Others' work on the same processors lengthens wall time and hardly anything else: where it is not
alone, processor seconds are what counts. By stage there are figures on Linux alone, which says
what a process uses while it runs.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.report import print_machine, verdict
from benchmarks.sides import ROOT, Usage, measure_command

ROWS = (1_000_000, 10_000_000)


class Target(NamedTuple):
    """What a run of so many rows may take at most: seconds, and bytes at its peak."""

    wall: float
    peak: float


TARGETS = {10_000_000: Target(70, 3e9), 100_000_000: Target(15 * 60, 6e9)}
# Of the engine, where its default would have it write to disk most of the time.
MEMORY = {100_000_000: "3GB"}
# By how much processor time may grow when rows grow tenfold.
MOST_GROWTH = 11
# Seconds between two looks at the process.
INTERVAL = 0.2


class Seen(NamedTuple):
    """What the process had used at a moment (epoch): seconds, bytes of memory, and of disk."""

    when: float
    cpu: float
    memory: int
    disk: int


@dataclass(frozen=True)
class Run:
    """A run of so many rows, as a whole and by step."""

    rows: int
    usage: Usage
    disk: int
    steps: dict[str, tuple[float, float, int]]


def measured(rows: int, folder: Path, engine: str, memory: str) -> tuple[Usage, list[Seen]]:
    """Run on a shop of so many rows, inside ``folder``; ``engine`` as in ``[engine]``, if any."""
    source, home, policy = folder / "source", folder / "dagster", folder / "customer_segments.toml"
    make = [sys.executable, "-m", "benchmarks.shop", str(source / "sales.parquet"), str(rows)]
    subprocess.run(make, cwd=ROOT, check=True)
    if engine:
        policy.write_text(f'[engine]\nengine = "{engine}"\nlake = "{folder / "lake"}"\n')
    settings = {
        "CUSTOMER_SEGMENTS_SOURCE_DIR": str(source),
        "CUSTOMER_SEGMENTS_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "CUSTOMER_SEGMENTS_REPORTS_DIR": str(folder / "reports"),
        "CUSTOMER_SEGMENTS_CONFIG": str(policy),
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(ROOT),
    }
    if memory := memory or MEMORY.get(rows, ""):
        settings["CUSTOMER_SEGMENTS_MEMORY"] = memory
    seen: list[Seen] = []
    is_over = threading.Event()
    watching = threading.Thread(target=_watch, args=(folder, seen, is_over))
    watching.start()
    try:
        return measure_command(["run"], settings, folder / "run.log"), seen
    finally:
        is_over.set()
        watching.join()


def explained(rows: int, usage: Usage, seen: list[Seen], folder: Path) -> Run:
    """Say what each stage took; only after all measuring."""
    from benchmarks.stages import CHECKS, steps_of

    os.environ["DAGSTER_HOME"] = str(folder / "dagster")
    steps: dict[str, tuple[float, float, int]] = {}
    for step in steps_of(folder / "warehouse.duckdb"):
        what = CHECKS if step.stage == CHECKS else step.name
        during = [each for each in seen if step.started - INTERVAL <= each.when <= step.ended]
        wall, cpu, peak = steps.get(what, (0.0, 0.0, 0))
        wall += step.ended - step.started
        if during:
            cpu += during[-1].cpu - during[0].cpu
            peak = max(peak, *(each.memory for each in during))
        steps[what] = wall, cpu, peak
    return Run(rows, usage, max((each.disk for each in seen), default=0), steps)


def _watch(folder: Path, seen: list[Seen], is_over: threading.Event) -> None:
    """Look at this process's one child until it is over."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    while not is_over.wait(INTERVAL):
        try:
            (child, *_) = children.read_text().split()
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        # Of the fields behind the name, by proc(5): utime, stime and rss are 14, 15 and 24.
        cpu = (int(fields[11]) + int(fields[12])) / tick
        disk = _disk(folder)
        seen.append(Seen(time.time(), cpu, int(fields[21]) * page, disk))


def _disk(folder: Path) -> int:
    """Return the bytes of what the run writes: not of what it reads."""
    used = 0
    for place, _, names in os.walk(folder):
        for name in names if Path(place).name != "source" else ():
            # What is there for a moment may be gone by now.
            with suppress(FileNotFoundError):
                used += Path(place, name).stat().st_blocks * 512
    return used


def print_run(run: Run, console: Console) -> None:
    """Print what a run took by stage and as a whole, beside the targets."""
    grid = Table(title=f"{run.rows:,} rows", title_justify="left")
    grid.add_column("", no_wrap=True)
    for heading in ("wall", "processor", "peak memory"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for step, (wall, cpu, peak) in run.steps.items():
        grid.add_row(step, f"{wall:.1f} s", f"{cpu:.1f} s", f"{peak / 1e9:.2f} GB")
    used, target = run.usage, TARGETS.get(run.rows)
    grid.add_section()
    whole = f"{used.wall:.1f} s", f"{used.cpu:.1f} s", f"{used.peak / 1e9:.2f} GB"
    grid.add_row("whole, with Python's start", *whole)
    if target:
        grid.add_row("target", f"{target.wall:.0f} s", "", f"{target.peak / 1e9:.0f} GB")
        met = used.wall <= target.wall, used.peak <= target.peak
        grid.add_row("", verdict(met[0]), "", verdict(met[1]))
    console.print(grid)
    console.print(f"Disk at its most, the input aside: {run.disk / 1e9:.2f} GB\n", highlight=False)


def print_growth(runs: list[Run], console: Console) -> None:
    """Print by how much processor time grew from each run to the next."""
    for small, large in pairwise(runs):
        growth, more = large.usage.cpu / small.usage.cpu, large.rows / small.rows
        said = f"{small.rows:,} to {large.rows:,} rows: processor time x {growth:.1f}"
        if small.rows in TARGETS:
            most = MOST_GROWTH * more / 10
            said += f", at most x {most:.0f}: {verdict(growth <= most)}"
        console.print(said, highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description="Run on shops of many rows."
    )
    parser.add_argument("rows", nargs="*", type=int, default=ROWS, help="1 and 10 million rows")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what comes out there")
    parser.add_argument("--engine", default="", help="sail or sc://host:15002; DuckDB by default")
    parser.add_argument("--memory", default="", help="what DuckDB may take, as 2GB")
    arguments = parser.parse_args()
    console = Console()
    print_machine(console)
    by = arguments.engine, arguments.memory
    with TemporaryDirectory(prefix="customer-segments-scale-") as temporary:
        folders = {rows: (arguments.keep or Path(temporary)) / f"{rows}" for rows in arguments.rows}
        taken = {rows: measured(rows, folder, *by) for rows, folder in folders.items()}
        runs = [explained(rows, *taken[rows], folder) for rows, folder in folders.items()]
    for run in runs:
        print_run(run, console)
    print_growth(runs, console)


if __name__ == "__main__":
    main()
