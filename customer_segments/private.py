"""Files and folders that only their owner may read, whatever the umask is.

Belongs here: making them. Does not: changing the mode of what is there already, which may be
somebody's choice (``upkeep.doctor`` speaks of it).
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_guard = threading.Lock()
_state = {"users": 0, "umask": 0}


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, each for its owner alone."""
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=0o700, exist_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file anew, as UTF-8."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name beside ``path`` to write a file to, which takes its place once it is whole.

    For what writes files by itself, given a name: nobody meets half of it, nor the old one gone.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with private_files():
            yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def private_files() -> Iterator[None]:
    """Have all that this process creates be its owner's alone, for as long as this lasts.

    For DuckDB, which makes its file, its log and its temporary folder by itself, and asks for no
    mode. The umask is the process's: other threads' files become private with it, no less.
    """
    with _guard:
        if not _state["users"]:
            _state["umask"] = os.umask(0o077)
        _state["users"] += 1
    try:
        yield
    finally:
        with _guard:
            _state["users"] -= 1
            if not _state["users"]:
                os.umask(_state["umask"])
