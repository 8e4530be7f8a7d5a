"""A doctor's look at what surrounds the warehouse: settings, folders, versions, disk, Dagster.

Belongs here: findings that do not need the warehouse opened. Does not: its content (``contents``).
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from customer_segments.errors import UserError
from customer_segments.instance import dagster_home, serving_process
from customer_segments.settings import SOURCE_SUFFIXES, Settings, project_root
from customer_segments.upkeep.findings import Finding, Level

PREFIX = Settings.model_config["env_prefix"]
# A run writes tables anew beside the old ones, and a migration makes a backup first.
FREE_PER_WAREHOUSE = 2
# Dagster keeps the history of every run; beyond this it is worth a look.
LARGE_HISTORY = 2e9


def versions() -> Iterator[Finding]:
    """Say what runs here, and whether it fits together."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    names = ("customer-segments", "dagster", "dagster-webserver", "duckdb")
    here = {name: version(name) for name in names}
    yield Finding(
        Level.WELL, "versions", ", ".join([f"Python {python}", *(f"{n} {here[n]}" for n in names)])
    )
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        yield Finding(
            Level.WRONG,
            "versions",
            f"Python {python} is not one that this runs on.",
            "Install Python 3.11, 3.12 or 3.13, then `make clean` and `make run`.",
        )
    if here["dagster"] != here["dagster-webserver"]:
        yield Finding(
            Level.WRONG,
            "versions",
            f"Dagster is {here['dagster']}, its webserver {here['dagster-webserver']}: they "
            "must be the same.",
            "Set the environment up anew: `make clean`, then `make run`.",
        )


def configured(settings: Settings) -> Iterator[Finding]:
    """Say which settings hold, and which names are none."""
    from dotenv import dotenv_values

    given = {name.upper() for name in (*os.environ, *dotenv_values(project_root() / ".env"))}
    known = {f"{PREFIX}{name}".upper() for name in type(settings).model_fields}
    for name in sorted(name for name in given - known if name.startswith(PREFIX)):
        remedy = "Mend its name: README, Settings."
        if name.startswith(f"{PREFIX}ALERT_"):
            remedy = f"Unset it: {PREFIX}ALERTS takes its place, see README, Alerts."
        yield Finding(Level.WRONG, "settings", f"{name} is not a setting.", remedy)
    if settings.uses_sample:
        yield Finding(
            Level.ODD,
            "settings",
            "Nothing is configured and data/source/ is empty: the sample of invented customers "
            "is used.",
            "Put workbooks into data/source/, or set CUSTOMER_SEGMENTS_SOURCE_DIR.",
        )
    else:
        chosen = ", ".join(sorted(f"{PREFIX}{name}".upper() for name in settings.model_fields_set))
        yield Finding(Level.WELL, "settings", f"Set: {chosen or 'none, all are the defaults'}.")


def source(settings: Settings) -> Iterator[Finding]:
    """Say which workbooks are read, and which files are not."""
    files = settings.source_files()
    size = sum(file.stat().st_size for file in files)
    yield Finding(
        Level.WELL,
        "source",
        f"{len(files):,} workbook{'s' if len(files) != 1 else ''}, {size / 1e6:,.1f} MB, in "
        f"{settings.input_dir}.",
    )
    for file in files:
        if not os.access(file, os.R_OK):
            yield Finding(
                Level.WRONG, "source", f"{file.name} cannot be read.", f"chmod u+r '{file}'"
            )
        elif not file.stat().st_size:
            yield Finding(
                Level.WRONG, "source", f"{file.name} is empty.", "Copy it again, or remove it."
            )
    others = [each for each in sorted(settings.input_dir.iterdir()) if each not in files]
    for each in others:
        if each.name.startswith("~$"):
            yield Finding(
                Level.ODD, "source", f"{each.name}: somebody has that workbook open in Excel."
            )
        elif each.is_file() and each.suffix.lower() in (".xls", ".xlsm", ".xlsb", ".ods", ".tsv"):
            yield Finding(
                Level.ODD,
                "source",
                f"{each.name} is not read.",
                f"Save it as {', '.join(SOURCE_SUFFIXES)}.",
            )


def disk(settings: Settings) -> Iterator[Finding]:
    """Say whether there is room for the next runs."""
    path = settings.warehouse_path
    folder = next(each for each in path.parents if each.is_dir())
    free = shutil.disk_usage(folder).free
    size = path.stat().st_size if path.is_file() else 0
    said = f"{free / 1e9:,.1f} GB free for a warehouse of {size / 1e6:,.1f} MB."
    if free >= FREE_PER_WAREHOUSE * size:
        yield Finding(Level.WELL, "disk", said)
    else:
        yield Finding(
            Level.ODD if free >= size else Level.WRONG,
            "disk",
            said,
            f"Make room: {FREE_PER_WAREHOUSE} times its size is needed to write it anew and to "
            "back it up. Old backups may go first.",
        )


def files(settings: Settings) -> Iterator[Finding]:
    """Say who may write and read what, and what a crash has left lying about."""
    path = settings.warehouse_path
    if not path.parent.is_dir():
        raise UserError(
            f"The folder of the warehouse {path} does not exist.",
            "Create it, or set CUSTOMER_SEGMENTS_WAREHOUSE to a file in one that does.",
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        yield Finding(
            Level.WRONG,
            "files",
            f"{path.parent} cannot be written to.",
            f"chmod u+wx {path.parent}",
        )
    ours = (path, settings.months_path, path.parent / "backups", dagster_home())
    open_to_all = [str(each) for each in ours if each.exists() and each.stat().st_mode & 0o077]
    if open_to_all:
        yield Finding(
            Level.ODD,
            "files",
            f"Others on this machine may read {', '.join(open_to_all)}.",
            f"If that is not wanted: chmod go= {shlex.join(open_to_all)}",
        )
    else:
        yield Finding(Level.WELL, "files", "What is written here, only you may read.")
    patterns = (f".{path.name}.*", ".new-*", "backups/.*.duckdb.*")
    for each in sorted(each for pattern in patterns for each in path.parent.glob(pattern)):
        yield Finding(
            Level.ODD,
            "files",
            f"{each} was left behind by something that was killed.",
            "If nothing of ours runs now, delete it.",
        )


def dagster(settings: Settings | None) -> Iterator[Finding]:
    """Say how Dagster's own folder is, and whether the UI and its daemon run."""
    home = dagster_home()
    if not home.exists():
        yield Finding(Level.WELL, "Dagster", "It has no history here yet.")
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding(
            Level.WRONG, "Dagster", f"{home} cannot be written to.", f"chmod u+rwx {home}"
        )
        return
    size = sum(_size(Path(folder, name)) for folder, _, names in os.walk(home) for name in names)
    yield Finding(
        Level.ODD if size > LARGE_HISTORY else Level.WELL,
        "Dagster",
        f"{size / 1e6:,.1f} MB of history in {home}.",
        "Delete old runs in the UI; or stop it and delete the folder: only history goes."
        if size > LARGE_HISTORY
        else "",
    )
    process = serving_process(home)
    if process:
        yield Finding(Level.WELL, "Dagster", f"The UI and its daemon run, in process {process}.")
    elif settings and settings.automation:
        yield Finding(
            Level.ODD,
            "Dagster",
            "The automation is on, but the UI and its daemon do not run.",
            "Start `customer-segments ui`: schedule and sensors work while it runs.",
        )
    else:
        yield Finding(Level.WELL, "Dagster", "The UI does not run.")


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
