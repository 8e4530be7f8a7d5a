"""The command ``ui``: runs the Dagster UI, and leaves nothing running behind.

Belongs here: starting ``dagster dev`` (webserver, daemon and code server), waiting for it, and
stopping all of its processes however this one ends. Does not: what Dagster then loads and how
it is configured; that is ``workspace.yaml`` and ``dagster.yaml``.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import get_console

from customer_segments.errors import UserError
from customer_segments.installation import PREFIX, Installation
from customer_segments.instance import SILENT_RUNS, prepare_dagster_home, serving
from customer_segments.settings import project_root

HOST = "127.0.0.1"
# Interrupted runs need about four seconds to say in their history that they failed.
GRACE_SECONDS = 10
POLL_SECONDS = 0.2


def ui(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Serve the Dagster UI on this machine, with everything loaded."""
    installed = Installation.here()
    if not installed.settings.months_path.exists():
        from customer_segments.commands.run import start
        from customer_segments.outputs.summary import print_input

        typer.echo("First start: the workbooks are read, so that the UI knows their months.")
        print_input(installed, get_console())
        start(installed, "ingest")
    if "ui_url" not in installed.settings.model_fields_set:
        # Links in alerts.
        os.environ[f"{PREFIX}UI_URL"] = f"http://{HOST}:{port}"
    serve(port, is_sample=installed.settings.uses_sample)


def serve(port: int = 3000, *, root: Path | None = None, is_sample: bool = False) -> None:
    """Run the Dagster UI on the loopback interface until it is told to stop.

    Ctrl-C, SIGTERM and the end of the terminal stop it, and with it the daemon, the code server
    and whatever run is going on. A run that is interrupted so is a failure in its history. A
    UserError says that there is no workspace, that the port or the instance is taken, or that
    Dagster ended by itself.
    """
    project = root or project_root()
    if not (project / "workspace.yaml").is_file():
        raise UserError(
            f"There is no workspace.yaml in {project}.", "Run this in the project's folder."
        )
    home = prepare_dagster_home(root, is_sample=is_sample)
    with serving(home), _told_to_stop() as told_to_stop:
        require_free(port)
        with _services(port, project, home) as services:
            is_up = False
            while services.poll() is None and not told_to_stop():
                if not is_up and (is_up := _answers(port)):
                    where = f"http://{HOST}:{port}"
                    print(f"The Dagster UI is at {where} (Ctrl-C stops it).", flush=True)
                time.sleep(POLL_SECONDS)
        if not told_to_stop():
            # No exit code: `dagster dev` ends with 0 when one of its services died.
            raise UserError("Dagster stopped by itself.", "Its last lines above say why.")


@contextmanager
def _services(port: int, root: Path, home: Path) -> Iterator[subprocess.Popen]:
    """Run Dagster's services in a session of their own, out of reach of the terminal."""
    be_dagster = "from customer_segments.commands.ui import _dagster_dev; _dagster_dev()"
    # Of each tick and service Dagster would say that all is well.
    options = ("--host", HOST, "--port", str(port), "--log-level", "error")
    with subprocess.Popen(
        [sys.executable, "-c", be_dagster, "--workspace", "workspace.yaml", *options],
        cwd=root,
        env=os.environ | {"DAGSTER_HOME": str(home), SILENT_RUNS: "1"},
        stdin=subprocess.PIPE,
        start_new_session=True,
        # Nobody else may connect to the sockets of its code servers, or read what runs write.
        umask=0o077,
    ) as services:
        try:
            yield services
        finally:
            _stop(services.pid)


def _dagster_dev() -> None:
    """Be ``dagster dev``, for as long as the process that started it lives."""
    import warnings

    from dagster._cli import cli, dev

    start = dev.open_ipc_subprocess

    def start_ours(parts: Sequence[str], **options: Any) -> subprocess.Popen:
        ours = {"dagster_webserver": "customer_segments.webserver"}
        return start([ours.get(part, part) for part in parts], **options)

    dev.open_ipc_subprocess = start_ours

    def stop_with_parent() -> None:
        # Nothing is ever written; the pipe ends with the process that holds its other end, be
        # it by SIGKILL. (Not sys.stdin: its buffer would be locked when the interpreter exits.)
        os.read(0, 1)
        os.killpg(0, signal.SIGTERM)

    threading.Thread(target=stop_with_parent, daemon=True).start()
    # It would say that another command, which is not installed, should be used.
    warnings.filterwarnings("ignore", message="Function `dev_command` is superseded")
    cli(["dev", *sys.argv[1:]], prog_name="dagster")


def _stop(group: int) -> None:
    """Stop every process of a group: asked first, killed when the grace period is over."""
    # macOS says PermissionError of a group of which only zombies are left.
    with suppress(ProcessLookupError, PermissionError):
        for signum, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, 2)):
            os.killpg(group, signum)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                # A zombie keeps its group alive. Orphans are ours to reap in a container whose
                # first process this is.
                with suppress(ChildProcessError):
                    while os.waitpid(-group, os.WNOHANG)[0]:
                        pass
                os.killpg(group, 0)
                time.sleep(POLL_SECONDS)


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], bool]]:
    """Turn the signals that end a process into a flag, so that nothing is left half stopped."""
    received: list[int] = []

    def note(signum: int, _: object) -> None:
        # A shell's "&" and nohup have some signals ignored. That is kept to, but by a handler:
        # Dagster's processes would inherit the ignoring and then not heed SIGTERM either. Nor is
        # SIGTERM ever ignored: where SIGINT is, importing Dagster has it ignored as well.
        if signum == signal.SIGTERM or before[signal.Signals(signum)] != signal.SIG_IGN:
            received.append(signum)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {signum: signal.getsignal(signum) for signum in signals}
    for signum in signals:
        signal.signal(signum, note)
    try:
        yield lambda: bool(received)
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def require_free(port: int) -> None:
    """Raise a UserError if something else listens on a port of this machine."""
    with socket.socket() as probe:
        # As the webserver does: a connection that lately ended does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"Port {port} on {HOST} cannot be used: {(error.strerror or '').lower()}.",
                "Stop what uses it, or choose another one with --port.",
            ) from error


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    with suppress(OSError, http.client.HTTPException), closing(connection):
        connection.request("GET", "/server_info")
        return connection.getresponse().status == 200
    return False
