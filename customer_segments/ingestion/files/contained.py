"""Reads a foreign file in a process of its own, with bounds on memory and time.

Belongs here: starting it, its limits, and saying what became of it. Does not: what runs in it
(``reader_process``).
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import shown, where

if TYPE_CHECKING:
    from io import BufferedReader

    import pyarrow as pa

# What a file may take grows with its size. Measured: a full sheet of 1,048,576 rows takes 1 GB,
# UCI's workbook of 45 MB half a gigabyte and 3 s.
MEMORY_BYTES = 2 << 30
MEMORY_PER_BYTE = 100
MOST_MEMORY_BYTES = 8 << 30
SECONDS = 30.0
SECONDS_PER_BYTE = 5e-6
PIPE_BYTES = 1 << 20  # the largest that Linux gives without privileges
# Passwords and addresses of alerts stand in the environment, too: no foreign file gets near them.
HANDED_ON = (
    *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "TMPDIR", "LANG", "LC_ALL"),
    *("LC_CTYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"),
)

# An encrypted .xlsx, like an old .xls, is an OLE container and not a zip archive.
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")


def sheets_of(file: Path, wanted: list[str]) -> list[tuple[str, "pa.Table", bool]]:
    """Return name and cells of each sheet of a workbook, in their order, and if it is hidden.

    Cells are text, the header row among them, null where empty or an error. A hidden sheet has
    none, nor has one that is not wanted; if none is named, all are wanted.

    A UserError says that the file is broken, or takes more memory or time than any of its size.
    """
    import pyarrow as pa

    sheets: list[tuple[str, pa.Table, bool]] = []
    size = file.stat().st_size
    memory = min(MEMORY_BYTES + MEMORY_PER_BYTE * size, MOST_MEMORY_BYTES)
    seconds = SECONDS + SECONDS_PER_BYTE * size
    script = Path(__file__).with_name("reader_process.py")
    # -P: the script's folder must not come before the libraries.
    command = [sys.executable, "-P", str(script), str(file.absolute()), str(memory), *wanted]
    # Arrow's own allocator reserves memory in advance, which the limit would count.
    environment = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "RUST_BACKTRACE": "0"}
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            bufsize=PIPE_BYTES,
            pipesize=PIPE_BYTES,
            stderr=said,
            env=environment,
        ) as process,
    ):
        out = cast("BufferedReader", process.stdout)
        end = time.monotonic() + seconds
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            while out.peek(1):
                with pa.ipc.open_stream(out) as stream:
                    about = stream.schema.metadata
                    hidden = bool(about[b"hidden"])
                    sheets.append((about[b"sheet"].decode(), stream.read_all(), hidden))
        except (pa.ArrowException, OSError):
            if process.wait() == 0:  # else it broke off: what became of it says why
                raise
        finally:
            timer.cancel()
        if process.wait() == 0:
            return sheets
        if process.returncode == -signal.SIGKILL and time.monotonic() >= end:
            raise _too_big(file, f"takes longer than {seconds:.0f} s to read")
        said.seek(0)
        raise _error(file, process.returncode, said.read().decode(errors="replace"), memory)


def _error(file: Path, returncode: int, said: str, memory: int) -> UserError:
    """Return what to tell the user of a reader that ended before its time."""
    last = (said.strip().splitlines() or [""])[-1]
    told = json.loads(last) if last.startswith("{") else {"kind": "died"}
    is_memory = told["kind"] == "memory" or "memory allocation" in said or "MemoryError" in said
    if is_memory or returncode == -signal.SIGKILL:
        return _too_big(file, f"takes more than {memory / 2**30:.1f} GB of memory to read")
    if told["kind"] == "bomb":
        return UserError(
            f"{shown(file.name)} is refused: {told['reason']}, which no workbook does.",
            "Ask whoever made it; if it is a workbook all the same, save it anew in Excel.",
        )
    return _broken(file, told.get("reason", "its content stopped the reader"), told.get("sheet"))


def _too_big(file: Path, problem: str) -> UserError:
    return UserError(
        f"{shown(file.name)} {problem}, far beyond what its {file.stat().st_size:,} bytes should.",
        "Look for cells far from the others (Ctrl+End), delete their rows and columns and save "
        "it anew; or split it into several files.",
    )


def _broken(file: Path, reason: str, sheet: str | None) -> UserError:
    with file.open("rb") as stream:
        start = stream.read(8)
    if start == OLE_MAGIC:
        return UserError(
            f"{shown(file.name)} is password-protected, or an old .xls under a new name.",
            "Open it in Excel and save it as .xlsx without a password.",
        )
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return UserError(
            f"{shown(file.name)} is a web page or XML under the name of a workbook.",
            "Open it in Excel or LibreOffice and save it as .xlsx; or export it as CSV.",
        )
    place = shown(file.name) if sheet is None else f"{where(file.name, sheet)},"
    return UserError(
        f"{place} is not a readable {file.suffix.lower()} workbook ({reason}).",
        "It may be cut off or of another kind: copy it again, or save it anew as .xlsx.",
    )
