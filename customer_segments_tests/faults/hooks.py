"""What is done to the product from inside its process: it is watched, killed, cut off.

Belongs here: wrappers around the storage that know which phase of which table's write is going
on. They are put in place in the child only; the product has no hooks for tests.
"""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

# In the order of a write. Opening: the file is opened and the transaction begun. Closing: it is
# committed, but still in the log beside the file; closing brings it into the file.
PHASES = (
    *("opening", "staging", "audit", "comparison"),
    *("ledger", "swap-in", "commit", "closing"),
)
ELSEWHERE = "outside a write"


class Watch:
    """Follows the publications of a run, and ends the process at a given point of one.

    Parameters
    ----------
    request
        ``where``: file that always tells table and phase, also after a SIGKILL. ``trace``: file
        for every point passed, with its time. ``kill``: table, phase, ``nth`` point of it, and
        ``how``: "exact" kills there and then, "during" leaves it to ``reached``'s listener.
    reached
        Called at the point where the kill is wanted.
    """

    def __init__(self, request: dict, reached: Callable[[], None]):
        self.where = os.open(request["where"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.trace = open(request["trace"], "w") if request.get("trace") else None  # noqa: PTH123, SIM115
        self.kill = request.get("kill")
        self.reached = reached
        self.table = ""
        self.phase = ""
        self.passed: Counter[tuple[str, str]] = Counter()
        self._tell(ELSEWHERE)

    def point(self, phase: str | None = None) -> None:
        """Note that a point of the write is passed; die here if it is the one."""
        if not self.table:
            return
        self.phase = phase or self.phase
        self._tell(f"{self.table}/{self.phase}")
        if self.trace:
            print(self.table, self.phase, time.monotonic(), file=self.trace, flush=True)
        self.passed[self.table, self.phase] += 1
        kill = self.kill
        if kill and (self.table, self.phase) == (kill["table"], kill["phase"]):
            if self.passed[self.table, self.phase] != kill["nth"]:
                return
            if kill["how"] == "exact":
                os.kill(os.getpid(), signal.SIGKILL)
            self.reached()

    def _tell(self, text: str) -> None:
        os.pwrite(self.where, text.ljust(80).encode(), 0)

    def _leave(self) -> None:
        self.table = ""
        self._tell(ELSEWHERE)

    def install(self) -> None:
        """Wrap the storage in this process."""
        from ibis.backends.duckdb import Backend

        from customer_segments.doubts import assets as ingestion
        from customer_segments.quality import runner
        from customer_segments.storage import ledger, publish
        from customer_segments.storage.delta import Delta
        from customer_segments.storage.in_file import InFile
        from customer_segments.storage.lake import Lake
        from customer_segments.storage.warehouse import Warehouse

        write, writing, run_sql = Warehouse.publish, Warehouse.writing, Backend.raw_sql

        def watched_write(warehouse, contract, *arguments, **named):
            self.table = contract.table
            self.point("opening")
            try:
                return write(warehouse, contract, *arguments, **named)
            finally:
                self.point("closing")
                self._leave()

        @contextmanager
        def watched_transaction(warehouse):
            try:
                with writing(warehouse) as con:
                    yield con
            finally:
                self._leave()

        stage = publish.publish

        def watched_stage(con, contract, *arguments, **named):
            # Some are published inside a transaction that is open already.
            if self.table != contract.table:
                self.table = contract.table
                self.point("staging")
            return stage(con, contract, *arguments, **named)

        def watched_sql(backend, query, **named):
            is_commit = query == "COMMIT"
            self.point("commit" if is_commit else None)
            result = run_sql(backend, query, **named)
            if is_commit:
                self.point("closing")
            return result

        _replace(Warehouse, "publish", watched_write)
        _replace(Warehouse, "writing", watched_transaction)
        _replace(publish, "publish", watched_stage)
        _replace(runner, "publish", watched_stage)
        _replace(ingestion, "publish", watched_stage)
        _replace(Backend, "raw_sql", watched_sql)
        for owner, name, phase in (
            (InFile, "stage", "staging"),
            (publish, "row_breaches", "audit"),
            (publish, "_replaced", "comparison"),
            (ledger, "add_lines", "ledger"),
            (InFile, "swap", "swap-in"),
            (Lake, "stage", "staging"),
            (Lake, "swap", "swap-in"),
            *((Delta, name, "swap-in") for name in ("_at", "_action", "commit")),
        ):
            _replace(owner, name, self._watched(getattr(owner, name), phase))

    def _watched(self, function: Callable, phase: str) -> Callable:
        def watched(*arguments, **named):
            self.point(phase)
            result = function(*arguments, **named)
            self.point()
            return result

        return watched


def _replace(owner: Any, name: str, by: Callable) -> None:
    setattr(owner, name, by)


def refuse_network(attempts: str) -> None:
    """Fail whatever would leave this machine, and write each attempt into a file.

    Parameters
    ----------
    attempts
        File for a line per attempt.
    """
    local = ("127.", "::1", "localhost")

    def audit(event: str, arguments: tuple) -> None:
        if event == "socket.getaddrinfo":
            host = arguments[0]
        elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        else:
            return
        host = host.decode() if isinstance(host, bytes) else str(host or "localhost")
        if not host.startswith(local):
            with open(attempts, "a") as file:  # noqa: PTH123
                file.write(f"{event} {host}\n")
            raise OSError(101, "Network is unreachable")

    sys.addaudithook(audit)
