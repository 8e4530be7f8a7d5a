"""The faults that are no kill: disk full, a copy in use, a lock, SIGTERM, no network.

Belongs here: one function per fault, which says what was measured. Does not: kills (``kills``).
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from customer_segments.settings import Settings
from customer_segments_tests.faults.facts import Facts
from customer_segments_tests.faults.hooks import PHASES
from customer_segments_tests.faults.project import PATIENCE, Ended, Project
from customer_segments_tests.faults.scenarios import Scenario
from customer_segments_tests.faults.verdict import judge, judge_end, judge_tables

# What a user has to read who is told of an error: a sentence or two, no stack.
MOST_LINES = 40
HOLDER = (
    "import duckdb, sys; connection = duckdb.connect(sys.argv[1]); print(flush=True); "
    "sys.stdin.read()"
)


@dataclass(frozen=True)
class Fault:
    """What was done, what was measured, and what was wrong with it."""

    name: str
    measured: str
    problems: tuple[str, ...]


def quota(project: Project, scenario: Scenario) -> Fault:
    """Let no file grow beyond a fifth of what the warehouse needs; then lift the limit.

    Not more: DuckDB goes on in the log beside the file, as long as that has room; nor do
    Dagster's own files reach this before.
    """
    project.restore(scenario.before)
    project.supply(scenario.source)
    limit = scenario.bytes // 5
    stopped = project.run(*scenario.arguments, largest_file=limit)
    problems = _said_clearly(stopped, "is full")
    verdict, left = judge(project.settings, scenario.facts_before, scenario.facts_after)
    problems += [f"with the disk full: {problem}" for problem in verdict.problems]
    problems += _goes_on(project, scenario, left)
    measured = f"stops at {limit:,} bytes with {len(left.tables)} tables whole; then goes on"
    return Fault("disk full (quota)", measured, tuple(problems))


def full_disk(project: Project, scenario: Scenario) -> Fault | None:
    """Put a warehouse on a file system that it nearly fills; ``None`` where none can be mounted."""
    project.restore(scenario.before)
    project.supply(scenario.source)
    with _small_disk(project.warehouse.stat().st_size + 1_000_000) as disk:
        if disk is None:
            return None
        for file in project.warehouse.parent.glob(f"{project.warehouse.name}*"):
            shutil.copy(file, disk)
        warehouse = disk / project.warehouse.name
        environment = {"CUSTOMER_SEGMENTS_WAREHOUSE": str(warehouse)}
        settings = project.settings.model_copy(update={"warehouse": warehouse})
        stopped = project.run(*scenario.arguments, environment=environment)
        problems = _said_clearly(stopped, "is full")
        verdict, left = judge(settings, scenario.facts_before, scenario.facts_after)
        problems += [f"with the disk full: {problem}" for problem in verdict.problems]
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        again = project.run(*scenario.arguments, environment=environment)
        problems += _ended_well(again, settings, left, scenario)
    measured = f"stops with {len(left.tables)} tables whole; with space it goes on"
    return Fault("disk full (small tmpfs)", measured, tuple(problems))


def copied_while_in_use(project: Project, scenario: Scenario) -> Fault:
    """Copy the file again and again while a run writes it; each copy is whole or refused."""
    project.restore(scenario.before)
    project.supply(scenario.source)
    with TemporaryDirectory(prefix="copies-", dir=project.folder) as folder:
        pid = project.start(*scenario.arguments)
        copies: list[Settings] = []
        message = None
        while message is None:
            copy = Path(folder, f"{len(copies)}.duckdb")
            if project.warehouse.exists():
                # By a process of its own, as somebody's backup does.
                subprocess.run(["cp", str(project.warehouse), str(copy)], check=True)
                copies.append(project.settings.model_copy(update={"warehouse": copy}))
            message = project.hear(0.2)
        assert pid
        problems = _ended_well(project.ended(message), project.settings, Facts(), scenario)
        whole = refused = 0
        for settings in copies:
            verdict, _ = judge_tables(settings, scenario.facts_before, scenario.facts_after)
            refusals = ("cannot be opened", "checksum")
            if verdict.broken and all(
                any(words in text for words in refusals) for text in verdict.broken.values()
            ):
                refused += 1
            elif verdict.problems:
                problems.append(f"a copy opens but is not whole: {verdict.problems[0]}")
            else:
                whole += 1
    measured = f"{len(copies)} copies: {whole} whole, {refused} refused; the original unharmed"
    return Fault("copied while in use", measured, tuple(problems))


def lock_held(project: Project, scenario: Scenario, seconds: float) -> Fault:
    """Have another process hold the warehouse as a run starts, for so many seconds.

    Parameters
    ----------
    seconds
        0 lets go as soon as the run has said that it waits.
    """
    project.restore(scenario.before)
    project.supply(scenario.source)
    problems = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(project.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        started = time.monotonic()
        pid = project.start(*scenario.arguments)
        log = project.folder / "run.log"
        while "Waiting for" not in log.read_text() and time.monotonic() < started + PATIENCE:
            if message := project.hear(0.2):
                problems.append(f"the run ended: {project.ended(message)}")
                break
        said_after = time.monotonic() - started
        if not problems and (left := started + seconds - time.monotonic()) > 0:
            message = project.hear(left)
            problems += [f"the run did not wait: {message}"] if message else []
        holder.communicate()
        held = time.monotonic() - started
    if not problems:
        ended = project.end(pid)
        if f"(PID {holder.pid})" not in ended.said:
            problems.append(f"does not say who holds it: {ended.said}")
        problems += _ended_well(ended, project.settings, Facts(), scenario)
    measured = f"held {held:.0f} s; the run said so after {said_after:.1f} s, and went on"
    return Fault("lock held by another process", measured, tuple(problems))


def terminated(
    project: Project, scenario: Scenario, count: int, phases: Collection[str] = PHASES
) -> Fault:
    """Send SIGTERM in the middle of writes, at so many points of these phases over the run."""
    problems: list[str] = []
    slowest = 0.0
    points = [point for point in scenario.points if point.phase in phases]
    for number in range(count):
        point = points[(2 * number + 1) * len(points) // (2 * count)]
        project.restore(scenario.before)
        project.supply(scenario.source)
        aim = {"table": point.table, "phase": point.phase, "nth": point.nth, "how": "during"}
        pid = project.start(*scenario.arguments, kill=aim)
        project.hear(PATIENCE)
        started = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        ended = project.end(pid)
        slowest = max(slowest, time.monotonic() - started)
        at = f"SIGTERM at {point.table}/{point.phase}"
        problems += [f"{at}: {problem}" for problem in _said_clearly(ended, "topped")]
        with dg.DagsterInstance.from_config(str(project.folder / ".dagster")) as instance:
            status = instance.get_runs(limit=1)[0].status
        if status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            problems.append(f"{at}: Dagster has the run as {status.value}")
        verdict, left = judge(project.settings, scenario.facts_before, scenario.facts_after)
        problems += [f"{at}: {problem}" for problem in verdict.problems]
        problems += _goes_on(project, scenario, left)
    measured = f"{count} times: stops within {slowest:.1f} s, the run is recorded as ended"
    return Fault("SIGTERM", measured, tuple(problems))


def offline(project: Project, scenarios: list[Scenario]) -> Fault:
    """Count what the undisturbed runs, which were offline, tried to reach; try to download."""
    attempts = sum(scenario.network_attempts for scenario in scenarios)
    problems = [f"{attempts} attempts to reach the network"] if attempts else []
    tried = project.folder / "attempts"
    tried.write_text("")
    download = project.run("download", "--force", network_attempts=str(tried))
    problems += _said_clearly(download, "archive.ics.uci.edu")
    if not tried.read_text():
        problems.append("download did not try the network: the refusal was not tested")
    measured = f"{len(scenarios)} runs without it, {attempts} attempts; download says why it fails"
    return Fault("no network", measured, tuple(problems))


def _said_clearly(ended: Ended, words: str) -> list[str]:
    problems = []
    if ended.code <= 0:
        problems.append(f"ended with {ended.code}: {ended.said}")
    if words not in ended.said:
        problems.append(f"does not say '{words}': {ended.said}")
    if "Traceback" in ended.said or len(ended.said.splitlines()) > MOST_LINES:
        problems.append(f"says too much: {ended.said}")
    return problems


def _goes_on(project: Project, scenario: Scenario, left: Facts) -> list[str]:
    return _ended_well(project.run(*scenario.arguments), project.settings, left, scenario)


def _ended_well(ended: Ended, settings: Settings, left: Facts, scenario: Scenario) -> list[str]:
    if ended.code:
        return [f"the next run failed: {ended.said}"]
    return judge_end(settings, left, scenario.facts_after).problems


@contextmanager
def _small_disk(size: int) -> Iterator[Path | None]:
    with TemporaryDirectory(prefix="small-disk-") as folder:
        mount = shutil.which("mount")
        command = [str(mount), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        if mount is None or subprocess.run(command, capture_output=True).returncode:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
