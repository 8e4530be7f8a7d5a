"""Copies of a warehouse.

Belongs here: writing and checking backup files. A backup is one DuckDB file with all tables, and
a table ``backup_notes`` that tells when and from what it was made, and which months were covered.
Does not: taking one back (``restore``); Dagster's own history in ``.dagster/``, which is not part
of it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.private import make_folder
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.connection import WarehouseUnavailable
from customer_segments.storage.contracts import literal, quoted
from customer_segments.storage.ledger import code_version, is_there
from customer_segments.tables import CONTRACTS
from customer_segments.upkeep.agreement import disagreements

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

NOTES = "backup_notes"


@dataclass(frozen=True)
class Notes:
    """What a backup tells of itself.

    Parameters
    ----------
    made_at
        UTC; ``None`` for a plain copy of a warehouse, which tells nothing.
    code
        Version of this package that made it.
    months
        Text of the file of months beside the warehouse; ``None`` if there was none.
    differences
        Where tables and ledger disagreed already when it was made.
    """

    made_at: datetime | None
    code: str
    months: str | None
    differences: list[str]


def backups_folder(settings: Settings) -> Path:
    """Return the folder beside the warehouse that backups go to by default."""
    return settings.warehouse_path.parent / "backups"


def back_up(settings: Settings, path: Path | None = None) -> tuple[Path, Notes]:
    """Copy the warehouse while nobody writes to it; readers go on reading.

    Parameters
    ----------
    path
        File to write, which must not exist yet; by default one named after the time, in
        ``backups/`` beside the warehouse.
    """
    warehouse = Warehouse(settings.warehouse_path, settings.lock_timeout_seconds)
    with warehouse.reading() as con:
        return write_backup(con, settings, path)


def write_backup(
    con: "Backend", settings: Settings, path: Path | None = None, label: str = ""
) -> tuple[Path, Notes]:
    """Copy what a connection sees, outside a transaction, into a file; checked, then named.

    DuckDB copies by itself, table by table: it reads a log that was left behind, verifies every
    block's checksum as it reads it, and takes the lock of nobody (closing the file another way
    would drop this process's lock). Columns, comments, keys and rules are those of the original.

    Parameters
    ----------
    label
        What the copy was made for; part of its name.

    Raises
    ------
    UserError
        If the file exists, cannot be written, or does not hold what the warehouse does.
    """
    import duckdb

    target = path.expanduser().absolute() if path else _named(settings, label)
    if target.exists():
        raise UserError(f"{target} exists already.", "Name another file.")
    with _draft(target) as draft:
        try:
            notes = _copy(con, settings, draft)
        except duckdb.Error as error:
            raise UserError(
                f"The backup {target} was not written: {error}",
                "If the disk is full or the folder cannot be written to, name another place. If "
                "a checksum does not match, the warehouse is damaged: restore an older backup.",
            ) from error
        draft.replace(target)
    return target, notes


def check_backup(path: Path) -> Notes:
    """Read all of a backup, and compare its tables with its ledger.

    A plain copy of a warehouse is a backup, too, without the months.

    Raises
    ------
    UserError
        If it is missing, damaged, or its tables are not as its ledger says.
    """
    import duckdb

    remedy = "Nothing was changed. Restore another backup."
    if not path.is_file():
        raise UserError(f"There is no backup {path}.", "Nothing was changed. Name another file.")
    try:
        with Warehouse(path, lock_timeout_seconds=5).reading() as con:
            notes = read_notes(con)
            for (table,) in con.raw_sql("SELECT table_name FROM duckdb_tables()").fetchall():
                con.raw_sql(f"SELECT sum(hash(t)) FROM {quoted(table)} AS t").fetchall()
            found = disagreements(con, CONTRACTS)
    except WarehouseUnavailable as error:
        raise UserError(f"{path} is not a backup that can be read. {error.problem}", remedy) from (
            error
        )
    except duckdb.Error as error:
        raise UserError(f"The backup {path} is damaged: {error}", remedy) from error
    if new := [said for said in found if said not in notes.differences]:
        raise UserError(f"The backup {path} is not whole: {'; '.join(new)}.", remedy)
    return notes


def read_notes(con: "Backend") -> Notes:
    """Return what a backup tells of itself; a plain copy of a warehouse tells nothing."""
    if not is_there(con, NOTES):
        return Notes(None, "", None, [])
    ((made_at, code, months, differences),) = con.raw_sql(
        f"SELECT made_at, code_version, months, differences FROM {NOTES}"
    ).fetchall()
    return Notes(made_at, code, months, json.loads(differences))


def _named(settings: Settings, label: str) -> Path:
    folder = backups_folder(settings)
    make_folder(folder)
    now = datetime.now(UTC)
    stem = settings.warehouse_path.stem
    name = f"{stem}-{now:%Y%m%d-%H%M%S}{label and '-'}{label}"
    # Two within a second.
    again = (f"{name}-{number}" if number > 1 else name for number in range(1, 100))
    return next(path for each in again if not (path := folder / f"{each}.duckdb").exists())


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Give a hidden name beside the target, and leave nothing of it behind."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    if not target.parent.is_dir():
        raise UserError(
            f"The folder {target.parent} does not exist.", "Create it, or name another."
        )
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)
        draft.with_name(f"{draft.name}.wal").unlink(missing_ok=True)


def _copy(con: "Backend", settings: Settings, draft: Path) -> Notes:
    """Copy all tables into a new file, compare, add the notes, and see it safe on the disk."""
    ((here,),) = con.raw_sql("SELECT current_database()").fetchall()
    months = settings.months_path
    notes = Notes(
        made_at=datetime.now(UTC).replace(tzinfo=None),
        code=code_version(),
        months=months.read_text(encoding="utf-8") if months.is_file() else None,
        differences=disagreements(con, CONTRACTS),
    )
    # An absolute path that DuckDB takes for nothing but a path.
    con.raw_sql(f"ATTACH {literal(str(draft))} AS backup_copy (READ_WRITE)")
    try:
        con.raw_sql(f"COPY FROM DATABASE {quoted(here)} TO backup_copy")
        con.raw_sql(
            f"CREATE OR REPLACE TABLE backup_copy.main.{NOTES} (made_at TIMESTAMP, "
            "code_version VARCHAR, warehouse VARCHAR, months VARCHAR, differences VARCHAR)"
        )
        con.con.execute(
            f"INSERT INTO backup_copy.main.{NOTES} VALUES (?, ?, ?, ?, ?)",
            [
                notes.made_at,
                notes.code,
                str(settings.warehouse_path),
                notes.months,
                json.dumps(notes.differences),
            ],
        )
        con.raw_sql("CHECKPOINT backup_copy")
    finally:
        con.raw_sql("DETACH backup_copy")
    sync(draft)
    # Opened anew: what is compared is what the disk has.
    con.raw_sql(f"ATTACH {literal(str(draft))} AS backup_copy (READ_ONLY)")
    try:
        for (table,) in con.raw_sql(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() "
            "AND schema_name = 'main' AND NOT temporary"
        ).fetchall():
            if table == NOTES:
                continue
            digests = [
                con.raw_sql(
                    "SELECT count(*), sum(hash(hash(t)))::VARCHAR "
                    f"FROM {quoted(database)}.main.{quoted(table)} AS t"
                ).fetchall()
                for database in (here, "backup_copy")
            ]
            if digests[0] != digests[1]:
                raise UserError(f"The copy of {table} differs from it.", "Try again.")
    finally:
        with suppress(Exception):
            con.raw_sql("DETACH backup_copy")
    return notes


def sync(path: Path) -> None:
    """Have the disk hold what was written, before anything is named after it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
