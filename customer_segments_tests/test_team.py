"""A team's installation: its services as systemd starts them, with Dagster on PostgreSQL."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
import yaml

from customer_segments.settings import project_root
from customer_segments_tests import console
from customer_segments_tests.commands.served import free_port
from customer_segments_tests.ingestion import postgres

DEPLOY = project_root() / "deploy"
LAUNCH = """mutation {launchRun(executionParams: {runConfigData: {}, selector: {
    repositoryLocationName: "customer_segments.definitions", repositoryName: "__repository__",
    jobName: "%s"}}) {__typename ... on LaunchRunSuccess {run {runId}}}}"""
RUNS = "{runsOrError {... on Runs {results {runId jobName status}}}}"


def test_a_teams_instance_is_the_projects_but_for_its_storage():
    own, teams = (
        yaml.safe_load((folder / "dagster.yaml").read_text()) for folder in (project_root(), DEPLOY)
    )
    assert teams.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert teams == own


def test_containers_start_the_same_commands():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for name in ("code", "webserver", "daemon"):
        ours, units = services[name]["command"].split(), command_of(name)
        assert set(units) ^ set(ours) <= {"127.0.0.1", "0.0.0.0"}, name


def command_of(service: str) -> list[str]:
    """Return what a unit starts, without the folder that it is in."""
    unit = RawConfigParser(strict=False)
    unit.read(DEPLOY / f"systemd/customer-segments-{service}.service")
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    return [Path(program).name, *arguments]


class Team:
    """An installation in a folder, its address, and how its services are started."""

    def __init__(self, folder: Path, sockets: str, records: postgres.Server):
        self.folder, self.port = folder, free_port()
        password = quote(postgres.PASSWORD, safe="")
        address = f"postgresql+psycopg2://shop:{password}@/postgres?host={records.folder}"
        (folder / "dagster").mkdir()
        (folder / "dagster/dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text())
        self.socket = f"{sockets}/code.sock"
        workspace = (DEPLOY / "workspace.yaml").read_text()
        (folder / "workspace.yaml").write_text(
            workspace.replace("/run/customer-segments/code.sock", self.socket)
        )
        self.environment = (
            os.environ
            | console.environment(folder)
            | {
                "DAGSTER_HOME": str(folder / "dagster"),
                "DAGSTER_POSTGRES_URL": address,
                "PYTHONPATH": str(project_root()),
            }
        )

    @contextmanager
    def service(self, name: str) -> Iterator[subprocess.Popen]:
        """Run what a unit starts, until the block is left."""
        places = {
            "/run/customer-segments/code.sock": self.socket,
            "deploy/workspace.yaml": str(self.folder / "workspace.yaml"),
            "3000": str(self.port),
        }
        program, *arguments = (places.get(word, word) for word in command_of(name))
        command = [str(Path(sys.executable).with_name(program)), *arguments]
        with (
            (self.folder / f"{name}.log").open("ab") as log,
            subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            ) as process,
        ):
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def ask(self, query: str) -> dict:
        """Return what the webserver answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def launch(self, job: str) -> str:
        """Launch a job as somebody in the UI does, and return the run's id."""
        launched = self.ask(LAUNCH % job)["launchRun"]
        assert "run" in launched, launched
        return launched["run"]["runId"]

    def status(self, run_id: str) -> str:
        """Return what became of a run."""
        runs = self.ask(RUNS)["runsOrError"]["results"]
        return next(run["status"] for run in runs if run["runId"] == run_id)

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            said = [path.read_text()[-2_000:] for path in self.folder.glob("*.log")]
            assert time.monotonic() < deadline, "\n".join(said)
            time.sleep(0.5)

    def is_up(self) -> bool:
        """Tell whether the webserver has the assets."""
        try:
            found = self.ask("{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}")
        except OSError:
            return False
        return bool(found["repositoriesOrError"].get("nodes"))


@pytest.mark.slow
@pytest.mark.skipif(postgres.programs() is None, reason="no PostgreSQL here")
def test_two_users_and_a_killed_daemon(tmp_path):
    with (
        postgres.server(postgres.programs()) as records,
        # The path of a socket has no room for pytest's folders.
        TemporaryDirectory(prefix="team-") as sockets,
        ExitStack() as services,
    ):
        team = Team(tmp_path, sockets, records)
        services.enter_context(team.service("code"))
        services.enter_context(team.service("webserver"))
        team.wait(team.is_up, 120)

        with team.service("daemon") as daemon:
            # One launches in the UI, another by the command line, over the same files.
            of_ui = team.launch("ingest")
            command = [sys.executable, "-c", console.COMMAND, "run"]
            done = subprocess.run(
                command, env=team.environment, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, done.stdout + done.stderr
            team.wait(lambda: team.status(of_ui) == "SUCCESS", 120)
            jobs = {run["jobName"] for run in team.ask(RUNS)["runsOrError"]["results"]}
            assert jobs >= {"ingest", "full_refresh", "report"}
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()

            waiting = team.launch("serve")
            assert team.status(waiting) == "QUEUED"
        with team.service("daemon"):
            team.wait(lambda: team.status(waiting) == "SUCCESS", 120)

        # Everything is in PostgreSQL: nothing of Dagster's is in files of SQLite.
        assert not [*(tmp_path / "dagster").rglob("*.db")]
        doctor = subprocess.run([*command[:-1], "doctor"], env=team.environment, timeout=120)
        assert doctor.returncode == 0
