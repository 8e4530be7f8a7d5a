"""A doctor's look at what surrounds the warehouse: settings, folders, versions, disk, Dagster.

Belongs here: findings that do not need the warehouse opened. Does not: its content (``doctor``).
"""

import os
import platform
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from customer_segments.errors import UserError
from customer_segments.ingestion.files.database import hashes_of
from customer_segments.installation import PREFIX, Installation
from customer_segments.instance import dagster_home, serving_process
from customer_segments.quality.evaluation import Level
from customer_segments.settings import Settings, project_root
from customer_segments.source_files import SOURCE_SUFFIXES
from customer_segments.texts import counted

# A run writes tables anew beside the old ones, and a migration makes a backup first.
FREE_PER_WAREHOUSE = 2
# Dagster keeps the history of every run; beyond this it is worth a look.
LARGE_HISTORY = 2e9
ALMOST_WORKBOOKS = (".numbers", ".json", ".xml", ".zip", ".sav")


class Finding(NamedTuple):
    """What was looked at, in a word; what was found, in a sentence; and what to do, if anything."""

    level: Level
    topic: str
    said: str
    remedy: str = ""


well, odd, wrong = (partial(Finding, level) for level in Level)


def versions() -> Iterator[Finding]:
    """Say what runs here; that it fits together is the lock's and the installer's business."""
    names = ("customer-segments", "dagster", "dagster-webserver", "duckdb")
    here = [f"{name} {version(name)}" for name in names]
    yield well("versions", ", ".join([f"Python {platform.python_version()}", *here]))


def configured(settings: Settings) -> Iterator[Finding]:
    """Say which settings hold."""
    chosen = ", ".join(sorted(f"{PREFIX}{name.upper()}" for name in settings.model_fields_set))
    if settings.misses_config:
        remedy = f"Mend {PREFIX}CONFIG, or let `customer-segments init` write the file."
        yield odd(
            "settings", f"{settings.config} is not there: the rules are the defaults.", remedy
        )
    if not settings.uses_sample:
        yield well("settings", f"Set: {chosen or 'none, all are the defaults'}.")
        return
    said = "Nothing is configured and data/source/ is empty: the sample of invented customers is"
    remedy = "Put workbooks into data/source/, or set CUSTOMER_SEGMENTS_SOURCE_DIR."
    yield odd("settings", f"{said} used.", remedy)


def source(installed: Installation) -> Iterator[Finding]:
    """Say what is read, files or a database, and which files are not."""
    settings = installed.settings
    if installed.policy.source.database:
        months = hashes_of(settings, installed.policy)
        held = counted(len(months), "month")
        yield well("source", f"The database {installed.input}, {held} of it.")
        return
    files = settings.source_files()
    size = sum(file.stat().st_size for file in files) / 1e6
    books = counted(len(files), "workbook")
    yield well("source", f"{books}, {size:,.1f} MB, in {settings.input_dir}.")
    passed_over = settings.passed_over()
    for each in sorted(settings.input_dir.iterdir()):
        if each in files and not os.access(each, os.R_OK):
            yield wrong("source", f"{each.name} cannot be read.", f"chmod u+r '{each}'")
        elif each in files and not each.stat().st_size:
            yield wrong("source", f"{each.name} is empty.", "Copy it again, or remove it.")
        elif each.name.startswith("~$"):
            yield odd("source", f"{each.name}: somebody has that workbook open in Excel.")
        elif each.name in passed_over and each.suffix.lower() in ALMOST_WORKBOOKS:
            remedy = f"Save it as {', '.join(SOURCE_SUFFIXES)}."
            yield odd("source", f"{each.name} is not read.", remedy)


def disk(settings: Settings) -> Iterator[Finding]:
    """Say whether there is room for the next runs."""
    path = settings.warehouse_path
    folder = next(each for each in path.parents if each.is_dir())
    free = shutil.disk_usage(folder).free
    size = path.stat().st_size if path.is_file() else 0
    said = f"{free / 1e9:,.1f} GB free for a warehouse of {size / 1e6:,.1f} MB."
    remedy = (
        f"Make room: {FREE_PER_WAREHOUSE} times its size is needed to write it anew and to back "
        "it up. Old backups may go first."
    )
    if free >= FREE_PER_WAREHOUSE * size:
        yield well("disk", said)
    else:
        yield (odd if free >= size else wrong)("disk", said, remedy)


def files(settings: Settings) -> Iterator[Finding]:
    """Say who may write and read what, and what a crash has left lying about."""
    path = settings.warehouse_path
    if not path.parent.is_dir():
        raise UserError(
            f"The folder of the warehouse {path} does not exist.",
            "Create it, or set CUSTOMER_SEGMENTS_WAREHOUSE to a file in one that does.",
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        yield wrong("files", f"{path.parent} cannot be written to.", f"chmod u+wx {path.parent}")
    # Passwords and addresses of alerts stand in .env.
    secret = project_root() / ".env"
    ours = (path, settings.months_path, path.parent / "backups", _home(settings), secret)
    open_to_all = [str(each) for each in ours if each.exists() and each.stat().st_mode & 0o077]
    if open_to_all:
        said = f"Others on this machine may read {', '.join(open_to_all)}."
        yield odd("files", said, f"If that is not wanted: chmod go= {shlex.join(open_to_all)}")
    else:
        yield well("files", "What is written here, and .env, only you may read.")
    patterns = (f".{path.name}.*", ".new-*", "backups/.*.duckdb.*")
    for each in sorted(each for pattern in patterns for each in path.parent.glob(pattern)):
        said = f"{each} was left behind by something that was killed."
        yield odd("files", said, "If nothing of ours runs now, delete it.")


def dagster(settings: Settings | None) -> Iterator[Finding]:
    """Say how Dagster's own folder is, and whether the UI and its daemon run."""
    home = _home(settings)
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        remedy = f"chmod u+rwx {there}, or set DAGSTER_HOME to another folder"
        yield wrong("Dagster", f"{there} cannot be written to.", remedy)
        return
    if there != home:
        yield well("Dagster", "It has no history here yet.")
        return
    size = 0
    for path in home.rglob("*"):
        with suppress(OSError):  # It may be gone by now.
            size += path.lstat().st_size
    said = f"{size / 1e6:,.1f} MB of history in {home}."
    if size > LARGE_HISTORY:
        remedy = "Delete old runs in the UI; or stop it and delete the folder: only history goes."
        yield odd("Dagster", said, remedy)
    else:
        yield well("Dagster", said)
    if process := serving_process(home):
        yield well("Dagster", f"The UI and its daemon run, in process {process}.")
    elif settings and settings.automation:
        remedy = "Start `customer-segments ui`: schedule and sensors work while it runs."
        yield odd("Dagster", "The automation is on, but the UI and its daemon do not run.", remedy)
    else:
        yield well("Dagster", "The UI does not run.")


def _home(settings: Settings | None) -> Path:
    return dagster_home(is_sample=settings is not None and settings.uses_sample)


BY_SETTINGS = {"settings": configured, "disk": disk, "files": files}
