"""The two sides of the benchmark, each measured as a child process of its own.

Belongs here: starting a side on workbooks, what the system says it used, and putting its stages
beside that. Does not: choosing the input (``bench``), Dagster's records (``stages``), printing
(``report``).

A child's peak memory is never below what its parent had in memory when it started it. So the
parent stays small: it measures first, and loads what explains the figures after that.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
# The system counts kibibytes, except on macOS.
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Usage:
    """What a child process used: when it started (epoch), seconds, and bytes at its peak."""

    started: float
    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Measurement:
    """What a side used, where the time went, and how much it worked through."""

    usage: Usage
    stages: dict[str, float]
    counts: dict[str, int]


def measure_run(files: list[Path], folder: Path) -> Usage:
    """Measure ``customer-segments run`` from nothing to labelled customers, inside ``folder``."""
    source = folder / "source"
    source.mkdir(parents=True)
    for file in files:
        (source / file.name).symlink_to(file)
    settings = {
        "CUSTOMER_SEGMENTS_SOURCE_DIR": str(source),
        "CUSTOMER_SEGMENTS_WAREHOUSE": str(_warehouse(folder)),
        "CUSTOMER_SEGMENTS_REPORTS_DIR": str(folder / "reports"),
    }
    return measure_command(["run"], settings, folder / "run.log")


def measure_command(arguments: list[str], settings: dict[str, str], log: Path) -> Usage:
    """Measure ``customer-segments`` with arguments, under these settings alone."""
    # Months or other settings of this installation would change what is measured.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CUSTOMER_SEGMENTS_")}
    command = [str(Path(sys.executable).with_name("customer-segments")), *arguments]
    return measure(command, environment | settings, log)


def measure_notebook(files: list[Path], folder: Path, engine: str = "openpyxl") -> Usage:
    """Measure ``benchmarks.notebook`` on the same workbooks, inside ``folder``."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "benchmarks.notebook", *map(str, files)]
    command += ["--json", str(_told(folder)), "--engine", engine]
    return measure(command, dict(os.environ), folder / "notebook.log")


def measure_stock(files: list[Path], folder: Path) -> Usage:
    """Measure ``benchmarks.stock`` on the same workbooks, inside ``folder``."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "benchmarks.stock", str(folder), *map(str, files)]
    return measure(command, dict(os.environ), folder / "stock.log")


def explain_run(usage: Usage, folder: Path) -> Measurement:
    """Say where the run inside ``folder`` spent its time; only after all measuring."""
    from benchmarks.stages import row_counts, stage_seconds

    steps, first_step = stage_seconds(_warehouse(folder))
    start = first_step - usage.started
    stages = {
        "start: imports, Dagster": start,
        **steps,
        "rest: Dagster, summary": usage.wall - start - sum(steps.values()),
    }
    return Measurement(usage, stages, row_counts(_warehouse(folder)))


def explain_notebook(usage: Usage, folder: Path) -> Measurement:
    """Say where the script inside ``folder`` spent its time."""
    told = json.loads(_told(folder).read_text(encoding="utf-8"))
    rest = usage.wall - sum(told["stages"].values())
    return Measurement(usage, told["stages"] | {"rest: Python": rest}, told["counts"])


def typical(measurements: list[Measurement]) -> Measurement:
    """Return the medians of several, but the largest peak: memory has to suffice each time."""
    usages = [one.usage for one in measurements]
    return Measurement(
        Usage(
            started=usages[0].started,
            wall=median(usage.wall for usage in usages),
            cpu=median(usage.cpu for usage in usages),
            peak=max(usage.peak for usage in usages),
        ),
        {
            stage: median(one.stages[stage] for one in measurements)
            for stage in measurements[0].stages
        },
        measurements[0].counts,
    )


def measure(command: list[str], environment: dict[str, str], log: Path) -> Usage:
    """Run a command to its end."""
    with log.open("wb") as output:
        started, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        # Of this child alone, where getrusage(RUSAGE_CHILDREN) has the largest of all.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - clock
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"{said}\nStopped with {process.returncode}: {' '.join(command)}")
    return Usage(started, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_BYTES)


def _warehouse(folder: Path) -> Path:
    return folder / "warehouse.duckdb"


def _told(folder: Path) -> Path:
    return folder / "notebook.json"
