"""``kill -9``, at points of every table's write and at random moments, and what is left after.

Belongs here: choosing when to kill, one round, and many rounds side by side. Does not: what makes
a table broken (``verdict``).
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp

from customer_segments_tests.faults.hooks import PHASES
from customer_segments_tests.faults.project import PATIENCE, Project
from customer_segments_tests.faults.scenarios import Point, Scenario
from customer_segments_tests.faults.verdict import judge, judge_end

# Of the kills: those aimed at a phase of a table's write. The others fall anywhere in the run.
AIMED_SHARE = 0.65


@dataclass(frozen=True)
class Kill:
    """When to kill: so many seconds after a point of a write, or after the start of the run."""

    scenario: str
    point: Point | None
    after_seconds: float


@dataclass(frozen=True)
class Round:
    """What one kill came to."""

    kill: Kill
    where: str
    broken: tuple[str, ...]
    rows_lost: int
    repairs: int
    problems: tuple[str, ...]


def plan(scenarios: list[Scenario], kills: int, moments: random.Random) -> list[Kill]:
    """Choose the kills: each phase of each table's write in turn, then anywhere.

    The first time round, a phase is hit at a point of it exactly; after that while the statement
    that begins there is running.
    """
    points: dict[tuple[str, str], list[tuple[Scenario, Point]]] = {}
    for scenario in scenarios:
        for point in scenario.points:
            points.setdefault((point.table, point.phase), []).append((scenario, point))
    tables = sorted({table for table, _ in points})
    # Neighbours differ in table and in phase, so that a short run sees most of both.
    targets = [
        (table, PHASES[(row + column) % len(PHASES)])
        for column in moments.sample(range(len(PHASES)), len(PHASES))
        for row, table in enumerate(tables)
        if (table, PHASES[(row + column) % len(PHASES)]) in points
    ]
    planned = []
    for number in range(round(kills * AIMED_SHARE)):
        scenario, point = moments.choice(points[targets[number % len(targets)]])
        is_exact = number < len(targets)
        seconds = 0.0 if is_exact else moments.uniform(0, max(point.seconds, 0.001))
        planned.append(Kill(scenario.name, point, seconds))
    while len(planned) < kills:
        scenario = moments.choice(scenarios)
        planned.append(Kill(scenario.name, None, moments.uniform(0, scenario.seconds)))
    return planned


def kill_once(project: Project, scenario: Scenario, kill: Kill) -> str | None:
    """Run a scenario and kill it; return where in a write it was, ``None`` if it ended before."""
    project.restore(scenario.before)
    project.supply(scenario.source)
    point = kill.point
    if point is None:
        pid = project.start(*scenario.arguments)
        message = project.hear(kill.after_seconds)
    else:
        how = "during" if kill.after_seconds else "exact"
        aim = {"table": point.table, "phase": point.phase, "nth": point.nth, "how": how}
        pid = project.start(*scenario.arguments, kill=aim)
        message = project.hear(PATIENCE)
        if message and "reached" in message:
            # The moment that was chosen, not a wait for something.
            time.sleep(kill.after_seconds)
            message = None
    if message is None:
        os.kill(pid, signal.SIGKILL)
        ended = project.end(pid)
    else:
        ended = project.ended(message)
    return ended.where if ended.code == -signal.SIGKILL else None


def play(project: Project, scenario: Scenario, kill: Kill) -> Round | None:
    """Kill a run, judge what it left, run again as a user would, judge that."""
    where = kill_once(project, scenario, kill)
    if where is None:
        return None
    verdict, left = judge(project.settings, scenario.facts_before, scenario.facts_after)
    problems = [f"killed: {problem}" for problem in verdict.problems]
    again = project.run(*scenario.arguments)
    broken, lost = set(verdict.broken), verdict.rows_lost
    if again.code:
        problems.append(f"the next run failed: {again.said}")
    else:
        end = judge_end(project.settings, left, scenario.facts_after)
        problems += [f"after the next run: {problem}" for problem in end.problems]
        broken |= set(end.broken)
        lost += end.rows_lost
    if pending := project.runs_going_on():
        problems.append(f"Dagster has {pending} runs that still go on: its queue waits for them")
    if strays := project.strays(scenario.after):
        problems.append(f"left behind: {', '.join(strays)}")
    return Round(kill, where, tuple(broken), lost, int(again.code != 0), tuple(problems))


def play_all(
    folder: Path, scenarios: list[Scenario], kills: list[Kill], jobs: int, deadline: float
) -> Iterator[Round]:
    """Play rounds side by side until all kills are done or the time is over.

    A kill that came too late, when the run had ended, is tried again earlier.

    Parameters
    ----------
    deadline
        By ``time.monotonic()``; rounds that have begun then are finished.
    """
    with ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=_set_up, initargs=(folder, scenarios)
    ) as pool:
        waiting, running = list(reversed(kills)), {}
        while running or waiting:
            while waiting and len(running) < jobs and time.monotonic() < deadline:
                kill = waiting.pop()
                running[pool.submit(_play_here, kill)] = kill
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                kill = running.pop(future)
                if (result := future.result()) is not None:
                    yield result
                else:
                    waiting.append(Kill(kill.scenario, kill.point, kill.after_seconds * 0.8))


_here: dict = {}


def _set_up(folder: Path, scenarios: list[Scenario]) -> None:
    _here["project"] = Project(Path(mkdtemp(prefix="worker-", dir=folder)))
    _here["scenarios"] = {scenario.name: scenario for scenario in scenarios}


def _play_here(kill: Kill) -> Round | None:
    return play(_here["project"], _here["scenarios"][kill.scenario], kill)
