"""Putting a backup in a warehouse's place, by one rename, under the warehouse's lock.

Belongs here: the swap, keeping what was there, and the small files beside the warehouse. Does
not: what a backup is (``backup``).
"""

import os
import shutil
from pathlib import Path

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.private import make_folder, private_files, write_text
from customer_segments.settings import SAMPLE
from customer_segments.storage import Warehouse
from customer_segments.storage.lake import Lake
from customer_segments.storage.requirements import ContractMismatch
from customer_segments.storage.state import State
from customer_segments.upkeep import backup as backups

# How DuckDB says that a file is not, or not any more, what it wrote.
DAMAGE = ("Corrupt", "checksum", "read enough bytes", "not a valid DuckDB", "replaying WAL")


def restore(installed: Installation, backup: Path) -> tuple[Path | None, bool]:
    """Make a backup the warehouse; what was there becomes a backup itself.

    Waits for whoever holds the warehouse. Whoever opens it afterwards meets the restored one.
    Returns where what was there before is now, ``...-damaged.duckdb`` if it cannot be read any
    more, and whether the months covered are others than before. With a UserError, of a backup
    that is missing, damaged or not whole, or for want of room, nothing is changed.
    """
    backup, path = backup.expanduser().absolute(), installed.warehouse.path
    if backup.resolve() == path:
        raise UserError(f"{backup} is the warehouse itself.", "Name a backup of it.")
    if installed.settings.uses_sample and SAMPLE not in backup.parents:
        raise UserError(
            f"There is no input yet, so that {backup} would become the sample's warehouse, and the "
            "next run would replace it by invented customers.",
            f"First put the files that it was made of into {installed.settings.source_dir}, or set "
            "CUSTOMER_SEGMENTS_WAREHOUSE.",
        )
    notes = backups.check_backup(backup, installed.warehouse.lake)
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        state = _unpack(backup, draft, installed.warehouse.lake)
        if not path.exists():
            return None, _take_place(installed, draft, state, notes.months)
        try:
            with installed.warehouse.holding() as con:
                kept, _ = backups.write_backup(con, installed, label="before-restore")
                # Nothing may be left in a log, which would outlive the file that it is of.
                con.raw_sql("CHECKPOINT")
                return kept, _take_place(installed, draft, state, notes.months)
        except UserError as error:
            # Anything else is no damage: somebody holds it, or the disk is full.
            if not any(words in str(error.__cause__) for words in DAMAGE):
                raise
        return _put_aside(installed), _take_place(installed, draft, state, notes.months)
    finally:
        draft.unlink(missing_ok=True)


def _unpack(backup: Path, draft: Path, lake: Lake | None) -> State | None:
    """Copy a backup into a file that is only a warehouse; return its state.

    ``None`` where it has to be migrated before anything can be said of it.
    """
    try:
        with private_files():
            shutil.copyfile(backup, draft)
    except OSError as error:
        raise UserError(
            f"The backup cannot be copied to {draft.parent}: {error.strerror}.",
            "Nothing was changed. Make room there, or allow writing to it.",
        ) from error
    with Warehouse(draft, lake=lake).holding() as con:
        con.raw_sql(f"DROP TABLE IF EXISTS {backups.NOTES}")
        try:
            state = State.read(con)
        except ContractMismatch:
            state = None
    backups.sync(draft)
    return state


def _put_aside(installed: Installation) -> Path:
    """Keep a damaged warehouse, and its log, as they are; return where."""
    path, aside = installed.warehouse.path, backups.backup_path(installed, "damaged")
    os.link(path, aside)
    if backups.log_of(path).exists():
        backups.log_of(path).replace(backups.log_of(aside))
    return aside


def _take_place(installed: Installation, draft: Path, state: State | None, now: str | None) -> bool:
    """Rename the draft over the warehouse; return whether the months covered are others now.

    The file of its state goes first: killed in between, there is none, rather than a wrong one.
    """
    installed.warehouse.state_path.unlink(missing_ok=True)
    draft.replace(installed.warehouse.path)
    if state:
        state.save(installed.warehouse.state_path)
    path = installed.settings.months_path
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    if now is None or now == before:
        return False
    write_text(path, now)
    return True
