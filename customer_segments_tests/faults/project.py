"""A copied project in a temporary folder, and running ``customer-segments`` in it.

Belongs here: the copy, its state (``data/`` and ``.dagster/``), starting and ending children. The
checkout's own ``.dagster`` is never touched: the project folder is where the package lies.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import dagster as dg

import customer_segments
from customer_segments.settings import Settings, project_root

# For a child to end: far beyond what it takes, so that a hang is an error and not a wait.
PATIENCE = 240.0
STATE = ("data", ".dagster")


@dataclass(frozen=True)
class Ended:
    """How a child ended: exit code (negative: the signal), what it printed, where it was."""

    code: int
    said: str
    where: str
    seconds: float


class Project:
    """A copy of the product that may be run, killed and put back."""

    def __init__(self, folder: Path):
        self.folder = folder
        # Under the project's folder on purpose: a copy taken now does not change under a long run.
        package = Path(customer_segments.__file__).parent
        shutil.copytree(
            package, folder / "customer_segments", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copy(project_root() / name, folder)
        (folder / "data/source").mkdir(parents=True)
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CUSTOMER_SEGMENTS_", "DAGSTER_"))
        } | {
            "PYTHONPATH": os.pathsep.join([str(folder), str(project_root())]),
            "COLUMNS": "200",
        }
        self.zygote = subprocess.Popen(
            [sys.executable, "-m", "customer_segments_tests.faults.zygote"],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "zygote.log").open("w"),
            bufsize=0,
        )
        self._unread = b""
        self._started = time.monotonic()

    def __enter__(self) -> "Project":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.zygote.kill()
        self.zygote.wait()

    @property
    def warehouse(self) -> Path:
        return self.folder / "data/warehouse.duckdb"

    @property
    def source(self) -> Path:
        return self.folder / "data/source"

    @property
    def settings(self) -> Settings:
        """Settings by which this process reads what the children wrote."""
        return Settings(
            _env_file=None,
            config=self.folder / "customer_segments.toml",
            source_dir=self.source,
            warehouse=self.warehouse,
            reports_dir=self.folder / "data/reports",
            lock_timeout_seconds=5,
        )

    def restore(self, state: Path) -> None:
        """Put back a state that was saved."""
        for name in STATE:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if (state / name).is_dir():
                shutil.copytree(state / name, self.folder / name)

    def save(self, state: Path) -> None:
        """Keep the state; nobody may have the warehouse open."""
        for name in STATE:
            if (self.folder / name).is_dir():
                shutil.copytree(self.folder / name, state / name)

    def supply(self, source: Path) -> None:
        """Let the source folder hold the workbooks of another one."""
        shutil.rmtree(self.source, ignore_errors=True)
        shutil.copytree(source, self.source)

    def start(self, *arguments: str, **request: object) -> int:
        """Start ``customer-segments`` with arguments; return the child's process id.

        Parameters
        ----------
        request
            As ``zygote`` and ``hooks.Watch`` know it.
        """
        request |= {
            "arguments": arguments,
            "log": str(self.folder / "run.log"),
            "where": str(self.folder / "where"),
        }
        assert self.zygote.stdin
        self.zygote.stdin.write((json.dumps(request) + "\n").encode())
        while (message := self.hear(PATIENCE)) is not None:
            if "started" in message:
                self._started = time.monotonic()
                return int(message["started"])
        raise TimeoutError("the zygote does not start a child")

    def hear(self, seconds: float) -> dict | None:
        """Return the next message of child or zygote; ``None`` if none comes in time."""
        assert self.zygote.stdout
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            left = max(deadline - time.monotonic(), 0)
            if not select.select([self.zygote.stdout], [], [], left)[0]:
                return None
            chunk = self.zygote.stdout.read(65536)
            if not chunk:
                raise RuntimeError((self.folder / "zygote.log").read_text())
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def end(self, pid: int, patience: float = PATIENCE) -> Ended:
        """Wait until the child has ended by itself; kill one that hangs, as an error."""
        deadline = time.monotonic() + patience
        while (message := self.hear(deadline - time.monotonic())) is not None:
            if "ended" in message:
                return self.ended(message)
        os.kill(pid, signal.SIGKILL)
        ended = self.end(pid)
        raise TimeoutError(f"still running after {patience} s, at {ended.where}: {ended.said}")

    def ended(self, message: dict) -> Ended:
        """Return how a child ended, of which the zygote said so."""
        return Ended(
            message["ended"],
            (self.folder / "run.log").read_text(),
            (self.folder / "where").read_text().strip(),
            time.monotonic() - self._started,
        )

    def run(self, *arguments: str, **request: object) -> Ended:
        """Run ``customer-segments`` with arguments until it ends."""
        return self.end(self.start(*arguments, **request))

    def runs_going_on(self) -> int:
        """Return how many runs Dagster takes for going on."""
        going_on = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
        with dg.DagsterInstance.from_config(str(self.folder / ".dagster")) as instance:
            return instance.get_runs_count(dg.RunsFilter(statuses=going_on))

    def strays(self, undisturbed: Path) -> list[str]:
        """Return files beside the warehouse that an undisturbed run does not leave; its log may.

        Parameters
        ----------
        undisturbed
            The state that such a run left, as it was saved.
        """
        known = {path.name for path in (undisturbed / "data").iterdir()}
        found = {path.name for path in self.warehouse.parent.iterdir()}
        return sorted(found - known - {f"{self.warehouse.name}.wal"})
