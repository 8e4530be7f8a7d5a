"""Where Dagster keeps its state, and who may serve it.

Belongs here: the instance folder inside the project, shared by the UI and the command line.
Does not: how the instance is configured; that is ``dagster.yaml`` at the top of the project.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import yaml

from customer_segments.errors import UserError
from customer_segments.private import make_folder, write_text
from customer_segments.settings import Settings, project_root

# Set where runs print nothing, for their logs are on the pages of the UI.
SILENT_RUNS = "DAGSTER_SILENT_RUNS"

# Of a file that is there while a command may start runs; ends with the id of its process.
MARK = "command-"

NO_TELEMETRY = "telemetry: {enabled: false}\n"

# Tells a configuration that is written anew from one that somebody keeps for himself.
HEADING = "# Written anew at every start from the project's dagster.yaml: change it there.\n"


def dagster_home(root: Path | None = None, *, is_sample: bool = False) -> Path:
    """Return the folder that ``DAGSTER_HOME`` names, else ``.dagster`` in the project folder.

    The sample has one of its own, whatever is named: no count or plot has its customers and others.
    """
    given = os.environ.get("DAGSTER_HOME") if root is None and not is_sample else None
    folder = (root or project_root()) / ("data/sample" if is_sample else "")
    return Path(given).expanduser() if given else folder / ".dagster"


def require_own_home(*, is_sample: bool) -> None:
    """Raise a UserError where this process is the sample's and its instance is not, or reverse."""
    given = os.environ.get("DAGSTER_HOME")
    if given and (Path(given) == dagster_home(is_sample=True)) is not is_sample:
        loaded, other = ("The sample", "real data") if is_sample else ("Your data", "the sample")
        raise UserError(
            f"{loaded} would be loaded into the Dagster instance of {other}.",
            "Stop `customer-segments ui` and start it again; it has an instance for each.",
        )


def prepare_dagster_home(root: Path | None = None, *, is_sample: bool = False) -> Path:
    """Make the instance folder, bring its configuration up to date, and return it.

    Dagster reads ``dagster.yaml`` only from the folder that ``DAGSTER_HOME`` names. So the
    project's is copied there, anew at every start and with our ``event_log``, unless it names
    storages itself. A folder that had somebody else's instance before is left as it is; it gets
    the project's alone, if it has none. Where a project has none, telemetry is off all the same.
    A UserError says that the folder cannot be written.
    """
    home = dagster_home(root, is_sample=is_sample)
    root = root or project_root()
    original, copy = root / "dagster.yaml", home / "dagster.yaml"
    try:
        make_folder(home)
        text = original.read_text(encoding="utf-8") if original.is_file() else NO_TELEMETRY
        there = copy.read_text(encoding="utf-8") if copy.is_file() else ""
        is_own = home in (root / ".dagster", root / "data/sample/.dagster")
        if is_own or there.startswith(HEADING) or not any(home.iterdir()):
            text = HEADING + _with_event_log(text, home)
        elif there:
            text = there
        if there != text:
            # Somebody else may be reading it: a run that the command line started, say.
            write_text(copy, text)
    except OSError as error:
        raise UserError(
            f"Dagster's folder {home} cannot be written: {error.strerror}.",
            "Give the user that runs this write permission on it, or set DAGSTER_HOME to a folder "
            "that has it.",
        ) from error
    return home


def _with_event_log(text: str, home: Path) -> str:
    """Return a configuration that keeps connections open; one that names storages as it is."""
    if any(name.endswith("storage") for name in yaml.safe_load(text) or {}):
        return text
    # Not in the project's file: the databases need their whole path.
    config = {"base_dir": str(home / "history/runs")}
    pooled = {"module": "customer_segments.event_log", "class": "PooledEventLog", "config": config}
    return text + yaml.safe_dump({"event_log_storage": pooled}, sort_keys=False)


def is_at_rest(settings: Settings, home: Path) -> bool:
    """Tell whether no command that was killed left a run to be recorded, nor alerts may wait."""
    return not settings.alerts.get_secret_value() and not [*home.glob(f"{MARK}*")]


def forget_killed(home: Path) -> None:
    """Take away the marks of processes that are gone."""
    for mark in home.glob(f"{MARK}*"):
        if not is_alive(int(mark.name.removeprefix(MARK))):
            mark.unlink(missing_ok=True)


@contextmanager
def held_open(home: Path) -> Iterator[None]:
    """Keep the database of runs open, as ``event_log`` does those of events; mark its use.

    Dagster opens it anew each time, and who closes it as the last has to bring its log into it.
    A process that is killed leaves its mark behind.
    """
    (mark := home / f"{MARK}{os.getpid()}").touch()
    with ExitStack() as held:
        held.callback(mark.unlink, missing_ok=True)
        if (path := home / "history/runs.db").is_file():
            connection = held.enter_context(closing(sqlite3.connect(path)))
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        yield


def is_alive(process: int) -> bool:
    """Tell whether a process of this machine is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Somebody else's.
    return True


def serving_process(home: Path) -> str | None:
    """Return the id of the process that serves an instance; ``None`` if none does."""
    with suppress(FileNotFoundError), (home / "ui.lock").open(encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read()
    return None


@contextmanager
def serving(home: Path) -> Iterator[None]:
    """Hold an instance for the one process that may serve it; two daemons would run things twice.

    The lock goes with the process, however it ends; a UserError names the one that has it.
    """
    with (home / "ui.lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UserError(
                f"The Dagster UI of {home} is running already, in process {file.read()}.",
                "Use it, or stop it first.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
