"""The console command as a user starts it, in the process of the test.

Belongs here: its arguments, environment, output and exit code. Does not: that it is a process of
its own, which ``test_cli`` has; importing Dagster anew takes as long as most commands.
"""

import io
import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest import mock

import pytest
import rich

from customer_segments import instance
from customer_segments.commands import app
from customer_segments.settings import project_root

COMMAND = "from customer_segments.commands.app import entry_point; entry_point()"
SAMPLE = project_root() / "data/sample"


class Done(NamedTuple):
    """How a command ended, as ``subprocess`` has it."""

    returncode: int
    stdout: str
    stderr: str


def environment(folder: Path, source: Path = SAMPLE) -> dict[str, str]:
    """Return what names the installation in a folder."""
    return {
        "CUSTOMER_SEGMENTS_CONFIG": str(folder / "customer_segments.toml"),
        "CUSTOMER_SEGMENTS_SOURCE_DIR": str(source),
        "CUSTOMER_SEGMENTS_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "CUSTOMER_SEGMENTS_REPORTS_DIR": str(folder / "reports"),
        "COLUMNS": "120",
    }


def start(folder: Path, *arguments: str, source: Path = SAMPLE, **changed: str) -> Done:
    """Run a command over the installation in a folder, whose parent is to hold Dagster's home.

    Parameters
    ----------
    changed
        What the environment is to have otherwise.
    """
    checkout = folder.parent / "checkout"
    checkout.mkdir(exist_ok=True)
    shutil.copy(project_root() / "dagster.yaml", checkout)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    # Commands put variables there as well: Dagster's home, where the UI is.
    values = environment(folder, source) | {"DAGSTER_HOME": ""} | changed
    with mock.patch.dict(os.environ, values), pytest.MonkeyPatch.context() as patch:
        patch.setattr(instance, "project_root", lambda: checkout)
        patch.setattr(sys, "argv", ["customer-segments", *arguments])
        # It knows the width of the first command that asked for it.
        patch.setattr(rich, "_console", None)
        # The end of the process alone is not to be.
        patch.setattr(app, "os", SimpleNamespace(_exit=sys.exit))
        patch.setattr(app, "logging", SimpleNamespace(shutdown=lambda: None))
        with (
            redirect_stdout(streams[0]),
            redirect_stderr(streams[1]),
            pytest.raises(SystemExit) as ended,
        ):
            app.entry_point()
    said = []
    for stream in streams:
        stream.flush()
        said.append(stream.buffer.getvalue().decode())
    return Done(int(ended.value.code or 0), *said)
