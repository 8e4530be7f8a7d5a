"""The UI as a user starts and ends it: a process of its own, in a project of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from customer_segments.commands.ui import _told_to_stop, serve
from customer_segments.errors import UserError
from customer_segments.instance import (
    HEADING,
    dagster_home,
    prepare_dagster_home,
    require_own_home,
    serving,
)
from customer_segments.settings import project_root
from customer_segments_tests.commands.served import Ui, free_port, listening_addresses, running

DEFINITIONS = """
    import time

    import dagster as dg


    @dg.op
    def wait():
        while True:
            time.sleep(0.1)


    @dg.job(executor_def=dg.in_process_executor)
    def endless():
        wait()


    defs = dg.Definitions(jobs=[endless])
"""
SERVE = """
import sys
from pathlib import Path
from customer_segments.errors import UserError
from customer_segments.commands.ui import serve

try:
    serve(int(sys.argv[1]), root=Path(sys.argv[2]))
except UserError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "defs.py").write_text(textwrap.dedent(DEFINITIONS))
    (tmp_path / "workspace.yaml").write_text("load_from: [{python_file: defs.py}]\n")
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\nconcurrency: {runs: {max_concurrent_runs: 1}}\n"
    )
    return tmp_path


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def ui(project: Path, port: int) -> Iterator[Ui]:
    with running([sys.executable, "-c", SERVE, str(port), str(project)], project, port) as ui:
        yield ui


def refusal(project: Path, port: int) -> str:
    """Return what ``serve`` says where it must not start."""
    refused = subprocess.run(
        [sys.executable, "-c", SERVE, str(port), str(project)],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert refused.returncode == 1
    return refused.stderr


@pytest.mark.slow  # test_webserver has all but the run that it ends with
def test_it_serves_on_loopback_alone_and_ends_with_its_run(ui, project, port):
    ui.wait_until_up()
    assert f"http://127.0.0.1:{port} " in ui.printed()
    assert ui.graphql("{version}")["version"]
    if Path("/proc/net/tcp").exists():
        assert listening_addresses(ui.group) == {f"0100007F:{port:04X}"}

    assert f"running already, in process {ui.process.pid}." in refusal(project, port + 1)

    launched = ui.graphql(
        """mutation {launchRun(executionParams: {runConfigData: {}, selector: {
            repositoryLocationName: "defs.py", repositoryName: "__repository__", jobName: "endless"
        }}) {... on LaunchRunSuccess {run {runId}}}}"""
    )
    run_id = launched["launchRun"]["run"]["runId"]
    query = f'{{runOrError(runId: "{run_id}") {{... on Run {{status}}}}}}'
    ui.wait(lambda: ui.graphql(query)["runOrError"]["status"] == "STARTED", 30)

    ui.process.terminate()
    assert ui.process.wait(15) == 0, ui.printed()
    assert ui.is_gone()
    # Dagster's two warnings that do not apply here.
    assert not re.search("Found a dagster instance config|is superseded", ui.printed())

    from dagster import DagsterInstance, DagsterRunStatus

    # Else it would hold the only place in the queue for ever.
    with DagsterInstance.from_config(str(dagster_home(project))) as instance:
        assert [run.status for run in instance.get_runs()] == [DagsterRunStatus.FAILURE]


@pytest.mark.slow  # starts Dagster; so does the first
def test_killing_it_ends_its_services_too(ui):
    ui.wait_until_up()
    ui.process.kill()
    ui.wait(ui.is_gone, 20)


@pytest.mark.slow  # starts Dagster; so does the first
def test_it_says_when_dagster_died_and_stops_the_rest(ui):
    ui.wait_until_up()
    os.kill(ui.group, signal.SIGKILL)
    assert ui.process.wait(15) == 1
    assert "Dagster stopped by itself." in ui.printed()
    assert ui.is_gone()


def test_a_stop_while_it_starts(ui, project):
    ui.wait((project / ".dagster/ui.lock").exists, 10)
    ui.process.terminate()
    assert ui.process.wait(15) == 0, ui.printed()
    assert "The Dagster UI is at" not in ui.printed()
    with serving(dagster_home(project)):
        pass


def test_a_busy_port(project):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert re.search(rf"Port {port} on 127.0.0.1 .* in use.*--port", refusal(project, port))


def test_a_folder_that_is_no_project(tmp_path):
    with pytest.raises(UserError, match=r"no workspace\.yaml"):
        serve(root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def handled_by(signum: int, handler: Callable | int) -> Iterator[None]:
    """Handle a signal otherwise; whoever started the tests may have some ignored."""
    before = signal.signal(signum, handler)
    try:
        yield
    finally:
        signal.signal(signum, before)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_signals_that_end_it(signum):
    with handled_by(signum, signal.SIG_DFL), _told_to_stop() as told_to_stop:
        assert not told_to_stop()
        signal.raise_signal(signum)
        assert told_to_stop()


def test_an_ignored_signal_stays_ignored():
    with handled_by(signal.SIGHUP, signal.SIG_IGN):
        with _told_to_stop() as told_to_stop:
            signal.raise_signal(signal.SIGHUP)
            assert not told_to_stop()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_sigterm_ends_it_even_where_importing_dagster_had_it_ignored():
    """As behind a shell's "&", which has SIGINT ignored: Dagster then copies that to SIGTERM."""
    with handled_by(signal.SIGTERM, signal.SIG_IGN), _told_to_stop() as told_to_stop:
        signal.raise_signal(signal.SIGTERM)
        assert told_to_stop()


def test_the_configuration_in_the_home_follows_the_project(project):
    home = prepare_dagster_home(project)
    assert home == dagster_home(project) == project / ".dagster"
    (project / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_dagster_home(project)
    assert [file.name for file in home.iterdir()] == ["dagster.yaml"]
    assert (home / "dagster.yaml").read_text().startswith(f"{HEADING}telemetry: {{")


def test_the_sample_has_an_instance_of_its_own_and_no_other(tmp_path, monkeypatch):
    own = dagster_home(is_sample=True)
    assert own == project_root() / "data/sample/.dagster"
    for home, is_sample in ((tmp_path, False), (own, True)):
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        assert dagster_home(is_sample=is_sample) == home
        require_own_home(is_sample=is_sample)
        with pytest.raises(UserError, match="would be loaded into the Dagster instance of"):
            require_own_home(is_sample=not is_sample)


def test_telemetry_is_off_without_a_configuration_too(tmp_path):
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(prepare_dagster_home(tmp_path))) as instance:
        assert instance.telemetry_enabled is False


def test_a_home_that_cannot_be_written(tmp_path):
    (tmp_path / ".dagster").write_text("a file")
    with pytest.raises(UserError, match=r"\.dagster cannot be written: File exists"):
        prepare_dagster_home(tmp_path)
