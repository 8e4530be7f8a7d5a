"""What the agenda is decided from, and what it consists of.

Belongs here: facts and steps, as data, and looking at the folder, at the reports, and at what the
warehouse holds or its small file says. Does not: deciding (``agenda``).
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from customer_segments import tables
from customer_segments.ingestion.cells.casting import PARSER
from customer_segments.ingestion.files.database import hashes_of
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments.installation import Installation
from customer_segments.months import between, said
from customer_segments.settings import Settings
from customer_segments.shown import report_path, state_in
from customer_segments.storage import Contract
from customer_segments.storage.state import Held, State

Range = tuple[date, date]
# A file not touched for so long is not being copied any more; else it has to look the same at
# two ticks.
QUIET_SECONDS = 60
# Between two looks at a database, which a shop writes to all day.
PAUSE_SECONDS = 3600


@dataclass(frozen=True)
class Step:
    """A job that is due, over which months, and why."""

    job: str
    why: str
    months: Range | None = None
    basis: str = ""

    @property
    def key(self) -> str:
        """What tells this step from one of other months or of other causes."""
        return hashlib.sha256(f"{self.job} {self.months} {self.basis}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Job and months, such as ``score 2011-06 to 2011-12``."""
        return f"{self.job} {said(between(*self.months))}" if self.months else self.job


@dataclass(frozen=True)
class Facts:
    """What the agenda is decided from.

    ``files`` are content hashes of the input by name, ``None`` while one is still being written;
    ``reports`` say what each month's was made from, ``parser`` how this code reads, ``copied`` what
    the serving copy is of, ``has_months`` whether the months covered are remembered.
    """

    installed: Installation
    state: State
    files: Mapping[str, str] | None
    reports: Mapping[date, str] = field(default_factory=dict)
    parser: str = ""
    copied: State = field(default_factory=State)
    has_months: bool = True

    def changed_rules(self, contract: Contract, made: Held) -> str:
        """Name the sections of the policy that may have changed since a table was made.

        The ledger has a hash of all that decide a table. A section is the same still if it decides
        another table, too, that was made before by the rules in force.
        """
        same: set[str] = set()
        for other in tables.CONTRACTS.values():
            wanted, held = self.installed.made_by(other), self.state.tables.get(other.table, {})
            if any(o.made_by == wanted and o.publication < made.publication for o in held.values()):
                same |= {*other.sections}
        changed = [f"[{name}]" for name in contract.sections if name not in same]
        # A rule that was changed and taken back has been another one meanwhile: it may be any.
        changed = changed or [f"[{name}]" for name in contract.sections]
        changed += ["the first or last month"] if len(changed) == len(contract.sections) else []
        changed += ["this version of the code"] if contract.revision else []
        return " or ".join(changed)


def look(installed: Installation, *, again: bool = False) -> Facts:
    """Return the facts as they are now, the input and the warehouse opened for it.

    Raises what ``hashes_of`` and ``Warehouse.state`` do. Who has read the input already looks
    ``again``: a database that a shop writes to is another one at every look, and would never be
    done with.
    """
    state, settings, policy = installed.warehouse.state(), installed.settings, installed.policy
    is_read = again and policy.source.database and state.files
    return facts(installed, state, state.files if is_read else hashes_of(settings, policy))


def facts(installed: Installation, state: State, files: Mapping[str, str] | None) -> Facts:
    """Return the facts for a state and files that are known already."""
    folder = installed.settings.reports_path
    marks = {month: state_in(report_path(folder, month)) for month in installed.months}
    reports = {month: mark for month, mark in marks.items() if mark is not None}
    has_months = installed.settings.months_path.exists()
    copied = installed.copy.last_state()
    return Facts(installed, state, files, reports, PARSER, copied, has_months)


def watched_database(
    installed: Installation, state: State, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the database was found to hold, when, and what the warehouse had of it.

    It is looked at by its query ``changed`` alone, and not again for an hour (``before`` is what
    was found last): until then, and without that query, it holds what the warehouse has.
    """
    at, now = before.get("at", 0), time.time()
    if installed.policy.source.changed and now - at >= PAUSE_SECONDS:
        found = hashes_of(installed.settings, installed.policy)
        return {"at": now, "read": state.files, "found": found}
    # What was ingested since is newer than what was found.
    is_newer = before.get("read") == state.files
    return {"at": at, "read": state.files, "found": before["found"] if is_newer else state.files}


def watched(settings: Settings, before: Mapping[str, list]) -> dict[str, list]:
    """Return size, time of the last change (ns) and content hash of each file of the folder.

    A file that may still be being written has no hash; it is hashed again only when its size or
    time are others than ``before``, at the last tick. Raises what ``Settings.source_files`` does.
    """
    return {file.name: _watched(file, before.get(file.name)) for file in settings.source_files()}


def _watched(file: Path, before: list | None) -> list:
    stat = file.stat()
    # Not the modification time, which whoever copies a file may set.
    now = [stat.st_size, stat.st_ctime_ns]
    is_same = before is not None and before[:2] == now
    if before and is_same and before[2]:
        return before
    is_stable = is_same or time.time() - stat.st_mtime > QUIET_SECONDS
    return [*now, fingerprinted([file])[0].content_hash if is_stable else ""]
