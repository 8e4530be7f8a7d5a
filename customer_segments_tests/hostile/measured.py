"""Reading a file in a process of its own, so that its peak of memory can be told.

Belongs here: the process, and what it tells. Does not: files that are hard to read (``bombs``).
"""

import resource
import time
from multiprocessing.connection import Connection
from pathlib import Path

import ibis

from customer_segments.errors import UserError
from customer_segments.ingestion.files import contained
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments.ingestion.intake import taken_in
from customer_segments.policy import Policy
from customer_segments_tests.storage.processes import CONTEXT, start

LONGEST_SECONDS = 60
MOST_MEMORY = 3 << 30


def read(
    path: Path, memory: int = contained.MEMORY_BYTES, limit: float = contained.SECONDS
) -> dict:
    """Return the ``rows`` of each sheet or the ``error``, the ``peak`` in bytes and ``seconds``."""
    begun = time.monotonic()
    receiving, sending = CONTEXT.Pipe(duplex=False)
    process = start(_read, path, memory, limit, sending)
    sending.close()
    assert receiving.poll(LONGEST_SECONDS * 3), "it takes for ever"
    told = receiving.recv()
    process.join()
    assert process.exitcode == 0
    told["seconds"] = time.monotonic() - begun
    assert told["peak"] < MOST_MEMORY
    assert told["seconds"] < LONGEST_SECONDS
    return told


def _read(path: Path, memory: int, limit: float, sending: Connection) -> None:
    contained.MEMORY_BYTES, contained.SECONDS = memory, limit
    try:
        with taken_in(fingerprinted([path]), Policy()) as intake:
            con = ibis.duckdb.connect()
            rows = intake.load(con)
            told: dict = {"rows": [sheet.rows for sheet in intake.sheets]}
            assert con.execute(rows.count()) == sum(told["rows"])
    except UserError as error:
        told = {"error": str(error)}
    # Not RUSAGE_SELF, which starts from the peak of the process that this one was forked from.
    own = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sending.send(told | {"peak": max(int(own), children) * 1024})
