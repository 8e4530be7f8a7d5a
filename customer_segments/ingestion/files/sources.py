"""The files of the source folder: which count, what they hold, and whether that changed.

Belongs here: kinds of files, their order, content hashes. Does not: reading them.
"""

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from customer_segments.errors import UserError
from customer_segments.source_files import parts_of

# Where tables of files say which of them count.
LOGS = ("**/_delta_log/*", "**/.hoodie/*", "**/metadata/*.avro")


@dataclass(frozen=True)
class Source:
    """A file of the source folder, or a folder of part files, and a hash of what it holds.

    ``fetch`` brings about the files of what is not in the source folder.
    """

    file: Path
    parts: tuple[Path, ...]
    content_hash: str
    fetch: Callable[[], object] = lambda: None

    @property
    def name(self) -> str:
        """File name: what tables and messages call the workbook."""
        return self.file.name

    @property
    def size(self) -> int:
        """Bytes of its files, once they are there."""
        return sum(part.stat().st_size for part in self.parts)


def fingerprinted(files: list[Path]) -> list[Source]:
    """Return the files with what they hold, in the order given.

    A UserError names one that cannot be read, or whose name cannot be shown.
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_fingerprinted, files))


def content_version(hashes: Mapping[str, str]) -> str:
    """Return a version that changes when a file appears, changes, gets a new name or goes away.

    ``hashes`` are of what each file holds, by name.
    """
    held = repr([*hashes.items()])
    return hashlib.sha256(held.encode()).hexdigest()[:16]


def _fingerprinted(file: Path) -> Source:
    if not file.name.isprintable():
        # Not UTF-8, a line break or the like: no table, log or message can say which file it is.
        raise UserError(
            f"The file name {file.name!r} has characters that cannot be shown.", "Rename the file."
        )
    try:
        # Of Iceberg's no more than the newest snapshot tells which files count.
        logs = [log for name in LOGS for log in file.glob(name)]
        if any(log.suffix != ".json" or '"remove"' in log.read_text() for log in logs):
            raise UserError(
                f"{file.name} is a table of Delta Lake, Hudi or Iceberg: some of its files may no "
                "longer count.",
                "Export what it holds as Parquet or CSV.",
            )
        parts = tuple(parts_of(file)) if file.is_dir() else (file,)
        hashes = []
        for part in parts:
            with part.open("rb") as stream:
                hashes.append(hashlib.file_digest(stream, "sha256").hexdigest())
        whole = hashes[0] if parts == (file,) else hashlib.sha256(repr(hashes).encode()).hexdigest()
        return Source(file, parts, whole)
    except OSError as error:
        raise UserError(
            f"{file.name} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
