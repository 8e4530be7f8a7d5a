"""Putting a backup in a warehouse's place, by one rename, under the warehouse's lock.

Belongs here: the swap, and keeping what was there. Does not: what a backup is (``backup``).
"""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from customer_segments.errors import UserError
from customer_segments.private import make_folder, private_files, write_text
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.connection import WarehouseUnavailable
from customer_segments.upkeep.backup import (
    NOTES,
    Notes,
    backups_folder,
    check_backup,
    sync,
    write_backup,
)

# How DuckDB says that a file is not, or not any more, what it wrote.
DAMAGE = ("Corrupt", "checksum", "read enough bytes", "not a valid DuckDB", "replaying WAL")


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Parameters
    ----------
    notes
        What the backup tells of itself.
    kept
        Where what was there before is now; ``None`` if nothing was.
    is_damaged
        Whether that could not be read any more, and was put aside as it is.
    months_changed
        Whether the months covered are others than before.
    """

    notes: Notes
    kept: Path | None
    is_damaged: bool
    months_changed: bool


def restore(settings: Settings, backup: Path) -> Restored:
    """Make a backup the warehouse; what was there becomes a backup itself.

    Waits for whoever holds the warehouse. Whoever opens it afterwards meets the restored one.

    Raises
    ------
    UserError
        If the backup is missing, damaged or not whole, or there is no room; nothing is changed.
    """
    backup = backup.expanduser().absolute()
    path = settings.warehouse_path
    if backup == path:
        raise UserError(f"{backup} is the warehouse itself.", "Name a backup of it.")
    notes = check_backup(backup)
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _unpack(backup, draft)
        return _swap_in(settings, draft, notes)
    finally:
        draft.unlink(missing_ok=True)


def _unpack(backup: Path, draft: Path) -> None:
    """Copy a backup into a file that is only a warehouse, without the notes."""
    try:
        with private_files():
            shutil.copyfile(backup, draft)
    except OSError as error:
        raise UserError(
            f"The backup cannot be copied to {draft.parent}: {error.strerror}.",
            "Nothing was changed. Make room there, or allow writing to it.",
        ) from error
    with Warehouse(draft).writing() as con:
        con.raw_sql(f"DROP TABLE IF EXISTS {NOTES}")
    sync(draft)


def _swap_in(settings: Settings, draft: Path, notes: Notes) -> Restored:
    """Keep what is there, and put the draft in its place before the lock is let go."""
    path = settings.warehouse_path
    if not path.exists():
        return Restored(notes, None, False, _take_place(settings, draft, notes))
    warehouse = Warehouse(path, settings.lock_timeout_seconds)
    try:
        with warehouse.holding() as con:
            try:
                kept, _ = write_backup(con, settings, label="before-restore")
                # Nothing may be left in a log, which would outlive the file that it is of.
                con.raw_sql("CHECKPOINT")
            except UserError as error:
                if not _tells_damage(error):
                    raise
                # It opens, but cannot be read to its end.
                kept = _put_aside(settings)
                return Restored(notes, kept, True, _take_place(settings, draft, notes))
            return Restored(notes, kept, False, _take_place(settings, draft, notes))
    except WarehouseUnavailable as error:
        if not _tells_damage(error):
            raise
        kept = _put_aside(settings)
        return Restored(notes, kept, True, _take_place(settings, draft, notes))


def _tells_damage(error: UserError) -> bool:
    """Tell a damaged file from one that is held, or a disk that is full."""
    return any(words in str(error.__cause__) for words in DAMAGE)


def _put_aside(settings: Settings) -> Path:
    """Keep a damaged warehouse, and its log, as they are; return where."""
    path, folder = settings.warehouse_path, backups_folder(settings)
    make_folder(folder)
    aside = folder / f"{path.stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}-damaged.duckdb"
    os.link(path, aside)
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        log.replace(aside.with_name(f"{aside.name}.wal"))
    return aside


def _take_place(settings: Settings, draft: Path, notes: Notes) -> bool:
    """Rename the draft over the warehouse; return whether the months covered are others now."""
    draft.replace(settings.warehouse_path)
    path = settings.months_path
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    if notes.months is None or notes.months == before:
        return False
    write_text(path, notes.months)
    return True
