"""``make faults``: kills and other faults in the long form, and the table of what came of them.

Belongs here: arguments and printing. Does not: faults.
"""

import argparse
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from customer_segments.tables import CONTRACTS
from customer_segments_tests.faults import lake, others
from customer_segments_tests.faults.hooks import ELSEWHERE, PHASES
from customer_segments_tests.faults.kills import Round, plan, play_all
from customer_segments_tests.faults.project import Project
from customer_segments_tests.faults.scenarios import Scenario, prepare


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m customer_segments_tests.faults",
        description="Kill runs, fill disks, hold locks; see that no table breaks.",
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60, help="no kill starts after these")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument("--customers", type=int, default=1_300, help="in the invented sample")
    parser.add_argument("--lock-seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=20111209, help="of the moments")
    parser.add_argument("--lake", action="store_true", help="kill writes to a lake, and no more")
    arguments = parser.parse_args()
    console = Console(width=150, highlight=False)
    deadline = time.monotonic() + arguments.minutes * 60
    folder = Path(mkdtemp(prefix="customer-segments-faults-"))
    faults: list = []
    try:
        moments = random.Random(arguments.seed)
        if arguments.lake:
            played = lake.play_all(folder, arguments.kills, moments, deadline)
        else:
            scenarios, faults = disturbed(folder, arguments, console)
            kills = plan(scenarios, arguments.kills, moments)
            played = play_all(folder, scenarios, kills, arguments.jobs, deadline)
        rounds = []
        for number, result in enumerate(played, 1):
            rounds.append(result)
            state = "; ".join(result.problems) or "whole, and right after the next run"
            console.print(f"{number:>4} {result.kill.scenario}, {result.where}: {state}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_kills(rounds, console)
    is_good = not any(result.problems for result in rounds)
    for fault in filter(None, faults):
        console.print(f"{'FAILED' if fault.problems else 'OK':<7}{fault.name}: {fault.measured}")
        for problem in fault.problems:
            is_good = False
            console.print(f"         {problem}", markup=False)
    if None in faults:
        console.print("-      disk full (small tmpfs): cannot be mounted by this user")
    if len(rounds) < arguments.kills:
        console.print(f"Only {len(rounds)} of {arguments.kills} kills in the time given.")
        is_good = False
    return 0 if is_good else 1


def disturbed(folder: Path, arguments, console: Console) -> tuple[list[Scenario], list]:
    """Make the reference runs, and do all to them but killing them."""
    with Project(folder / "project") as project:
        scenarios = prepare(folder, project, customers=arguments.customers, is_short=False)
        for scenario in scenarios:
            seconds = f"{scenario.seconds:.1f} s"
            console.print(f"{scenario.name}: {seconds}, {len(scenario.points)} points of writes")
        first, changed, *_ = scenarios
        return scenarios, [
            others.quota(project, first),
            others.full_disk(project, changed),
            others.copied_while_in_use(project, changed),
            others.lock_held(project, changed, arguments.lock_seconds),
            others.terminated(project, first, 8),
            others.offline(project, scenarios),
        ]


def print_kills(rounds: list[Round], console: Console) -> None:
    """Print the kills per table and phase, and what they broke."""
    where = Counter(result.where for result in rounds)
    grid = Table(title="Kills", title_justify="left", box=SIMPLE_HEAD)
    grid.add_column("inside the write of")
    for phase in (*PHASES, "all"):
        grid.add_column(phase, justify="right")
    for table in CONTRACTS:
        counts = [where[f"{table}/{phase}"] for phase in PHASES]
        grid.add_row(table, *map(str, (*counts, sum(counts))))
    console.print(grid)
    inside = sum(where.values()) - where[ELSEWHERE]
    moments = sum(result.kill.point is None for result in rounds)
    console.print(
        f"{len(rounds)} kills: {inside} inside a write, {where[ELSEWHERE]} outside; "
        f"{moments} of them at random moments of the run"
    )
    by_scenario = Counter(result.kill.scenario for result in rounds)
    console.print(", ".join(f"{name} {count}" for name, count in by_scenario.items()))
    console.print(
        f"{sum(len(result.broken) for result in rounds)} tables broken, "
        f"{sum(result.rows_lost for result in rounds)} rows lost, "
        f"{sum(result.repairs for result in rounds)} manual repairs"
    )


if __name__ == "__main__":
    sys.exit(main())
