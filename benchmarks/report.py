"""What the benchmark prints.

Belongs here: a table per side, the ratios beside their targets, and the machine they were
measured on. Does not: measuring (``sides``).
"""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from benchmarks.sides import Measurement, Usage

WHOLE_TARGET = 4
INGESTION_TARGET = 10
PEAK_TARGET = 1.5e9
PACKAGES = ("dagster", "duckdb", "ibis-framework", "fastexcel")
NOTEBOOK_PACKAGES = ("pandas", "openpyxl", "scikit-learn", "matplotlib")


def print_machine(console: Console) -> None:
    """Say what may make the figures differ from those of somebody else."""
    processors = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    console.print(
        f"Processors: {processors}; load before the start: {os.getloadavg()[0]:.2f}; "
        f"{platform.system()} {platform.machine()}",
        highlight=False,
    )
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES + NOTEBOOK_PACKAGES)
    console.print(f"Python {platform.python_version()}, {versions}", highlight=False)


def print_side(title: str, side: Measurement, console: Console) -> None:
    """Print the stages of a side, and what it used as a whole."""
    grid = Table(title=title, title_justify="left")
    grid.add_column("Stage", no_wrap=True)
    grid.add_column("Seconds", justify="right")
    grid.add_column("Share", justify="right")
    for stage, seconds in side.stages.items():
        grid.add_row(stage, f"{seconds:.2f}", f"{seconds / side.usage.wall:.1%}")
    grid.add_section()
    grid.add_row("whole, wall", f"{side.usage.wall:.2f}", "100.0%")
    grid.add_row("processor, user + system", f"{side.usage.cpu:.2f}", "")
    grid.add_row("peak memory, GB", f"{side.usage.peak / 1e9:.2f}", "")
    console.print(grid)
    console.print(", ".join(f"{count:,} {what}" for what, count in side.counts.items()) + "\n")


def print_ratios(run: Measurement, notebook: Measurement, console: Console) -> None:
    """Print how the run compares with the notebook, and whether it meets its targets."""
    grid = Table(title="Run against notebook", title_justify="left")
    grid.add_column("", no_wrap=True)
    for heading in ("Run", "Notebook", "Ratio", "Target", ""):
        grid.add_column(heading, justify="right", no_wrap=True)
    ran, read = run.usage, notebook.usage
    _add(grid, "whole, wall", ran.wall, read.wall, "s", WHOLE_TARGET)
    ingestion, reading = run.stages["ingest_workbooks"], notebook.stages["reading"]
    _add(grid, "ingestion / reading", ingestion, reading, "s", INGESTION_TARGET)
    _add(grid, "processor", ran.cpu, read.cpu, "s", None)
    grid.add_row(
        "peak memory",
        f"{ran.peak / 1e9:.2f} GB",
        f"{read.peak / 1e9:.2f} GB",
        f"{read.peak / ran.peak:.1f} x",
        f"< {PEAK_TARGET / 1e9} GB",
        verdict(ran.peak < PEAK_TARGET),
    )
    console.print(grid)


def print_peers(run: Usage, peers: Mapping[str, Usage], console: Console) -> None:
    """Print what others take, and the run by each."""
    grid = Table(title="The same workbooks by others", title_justify="left")
    grid.add_column("", no_wrap=True)
    for heading in ("Wall", "Processor", "Peak", "By the run"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, used in peers.items():
        figures = (f"{used.wall:.1f} s", f"{used.cpu:.1f} s", f"{used.peak / 1e9:.2f} GB")
        grid.add_row(name, *figures, f"{used.wall / run.wall:.1f} x")
    console.print(grid)


def _add(
    grid: Table, what: str, ours: float, theirs: float, unit: str, target: float | None
) -> None:
    ratio = theirs / ours
    grid.add_row(
        what,
        f"{ours:.2f} {unit}",
        f"{theirs:.2f} {unit}",
        f"{ratio:.1f} x",
        f">= {target} x" if target else "",
        verdict(ratio >= target) if target else "",
    )


def verdict(met: bool) -> str:
    return "[green]PASS[/]" if met else "[red]MISS[/]"
