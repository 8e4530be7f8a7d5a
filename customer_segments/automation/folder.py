"""The source folder as a sensor sees it: what is in it, and what is still being written.

Belongs here: telling content from tick to tick, by a cursor. Does not: requesting runs
(``sensor``). A file's content is hashed again only when its size or time changed.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from customer_segments.ingestion.sources import fingerprinted
from customer_segments.settings import Settings

# A file not touched for so long is not being copied any more; else it has to look the same at
# two ticks.
QUIET_SECONDS = 60


@dataclass(frozen=True)
class Folder:
    """The source folder at one tick.

    Parameters
    ----------
    files
        Size, time of the last change (ns) and content hash by file name; no hash while not stable.
    has_warehouse
        Without one, nothing was ever read, whatever Dagster remembers.
    """

    files: dict[str, tuple[int, int, str]]
    has_warehouse: bool

    @classmethod
    def seen(cls, settings: Settings, cursor: str | None) -> "Folder":
        """Look at the folder.

        Raises
        ------
        UserError
            If it is missing, unreadable or empty.
        """
        before = json.loads(cursor or "{}")
        known = {name: tuple(entry) for name, entry in before.get("files", {}).items()}
        files = {file.name: _entry(file, known.get(file.name)) for file in settings.source_files()}
        return cls(files, settings.warehouse_path.exists())

    @property
    def unstable(self) -> list[str]:
        """Files that changed since the last tick, and a moment ago."""
        return [name for name, (_, _, content_hash) in self.files.items() if not content_hash]

    @property
    def hashes(self) -> dict[str, str] | None:
        """Content hash by file name; ``None`` while one is still being written."""
        return None if self.unstable else {name: held for name, (_, _, held) in self.files.items()}

    @property
    def cursor(self) -> str:
        """All that the next tick has to know."""
        return json.dumps({"files": self.files})


def _entry(file: Path, known: tuple[int, int, str] | None) -> tuple[int, int, str]:
    stat = file.stat()
    # Not the modification time, which whoever copies a file may set.
    if known and known[:2] == (stat.st_size, stat.st_ctime_ns):
        return known if known[2] else (*known[:2], fingerprinted([file])[0].content_hash)
    is_quiet = time.time() - stat.st_mtime > QUIET_SECONDS
    content_hash = fingerprinted([file])[0].content_hash if is_quiet else ""
    return stat.st_size, stat.st_ctime_ns, content_hash
