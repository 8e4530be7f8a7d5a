"""A running UI: its process, what it printed, and the group of what it started."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening_addresses(group: int) -> set[str]:
    """Return the TCP addresses (in hexadecimal) that processes of a group listen on."""
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if os.getpgid(int(process.name)) == group:
                for descriptor in (process / "fd").iterdir():
                    with suppress(OSError):  # closed since it was listed; the others count
                        sockets.add(str(descriptor.readlink()))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    return {line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


@contextmanager
def running(command: Sequence[str], folder: Path, port: int, **environment: str) -> "Iterator[Ui]":
    """Run a command that serves the UI at a port; nothing of it is left behind."""
    ui = Ui(command, folder, port, environment)
    try:
        yield ui
    finally:
        ui.process.kill()
        ui.process.wait()
        if ui.group and not ui.is_gone():
            os.killpg(ui.group, signal.SIGKILL)


class Ui:
    def __init__(self, command: Sequence[str], folder: Path, port: int, environment: dict):
        self.port, self.output = port, folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                command,
                cwd="/",  # from wherever it is started
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                # As a shell script's "&" does it; Dagster takes SIGTERM like SIGINT.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )
        self.group = 0

    def wait_until_up(self) -> None:
        self.wait(lambda: "The Dagster UI is at" in self.printed(), 60)
        processes = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid="], text=True)
        parents = [map(int, line.split()) for line in processes.splitlines()]
        (self.group,) = (pid for pid, parent in parents if parent == self.process.pid)

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.1)

    def printed(self) -> str:
        return self.output.read_text()

    def is_gone(self) -> bool:
        try:
            os.killpg(self.group, 0)
        except ProcessLookupError:
            return True
        return False

    def graphql(self, query: str) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
        return json.load(connection.getresponse())["data"]
