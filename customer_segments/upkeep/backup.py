"""Copies of a warehouse.

Belongs here: writing and checking backup files. A backup is one DuckDB file with all tables, and
a table ``backup_notes`` that tells when and from what it was made, and which months were covered.
Does not: taking one back (``restore``); Dagster's own history in ``.dagster/``, which is not part
of it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.private import make_folder, replacing
from customer_segments.storage import Warehouse
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection, WarehouseUnavailable
from customer_segments.storage.contracts import literal, quoted
from customer_segments.storage.lake import Lake
from customer_segments.storage.ledger import code_version, disagreements
from customer_segments.tables import CONTRACTS

NOTES = "backup_notes"
COPY = "backup_copy"


class Notes(NamedTuple):
    """What a backup tells of itself; a plain copy of a warehouse tells nothing.

    When it was made (UTC), what the file of months beside the warehouse said, and where tables
    and ledger disagreed already.
    """

    made_at: datetime | None = None
    months: str | None = None
    differences: Sequence[str] = ()


def back_up(installed: Installation, path: Path | None = None) -> tuple[Path, Notes]:
    """Copy the warehouse while nobody writes to it; readers go on reading. See ``write_backup``."""
    with installed.warehouse.reading() as con:
        return write_backup(con, installed, path)


def write_backup(
    con: Connection, installed: Installation, path: Path | None = None, label: str = ""
) -> tuple[Path, Notes]:
    """Copy what a connection sees, outside a transaction, into a file; checked, then named.

    DuckDB copies by itself, table by table: it reads a log that was left behind, verifies every
    block's checksum as it reads it, and takes the lock of nobody (closing the file another way
    would drop this process's lock). Columns, comments, keys and rules are those of the original.
    By default ``backup_path`` names the file, by a label. A UserError says that it exists, cannot
    be written, or does not hold what the warehouse does.
    """
    target = path.expanduser().absolute() if path else backup_path(installed, label)
    if target.exists():
        raise UserError(f"{target} exists already.", "Name another file.")
    if not (folder := target.parent).is_dir():
        raise UserError(f"The folder {folder} does not exist.", "Create it, or name another.")
    with replacing(target) as draft:
        try:
            return target, _copy(con, installed, draft)
        except duckdb.Error as error:
            raise UserError(
                f"The backup {target} was not written: {error}",
                "If the disk is full or the folder cannot be written to, name another place. If "
                "a checksum does not match, the warehouse is damaged: restore an older backup.",
            ) from error
        finally:
            log_of(draft).unlink(missing_ok=True)


def check_backup(path: Path, lake: Lake | None = None) -> Notes:
    """Read all of a backup; a UserError says where it is damaged, or not as its ledger says.

    ``lake`` is where the large tables are, if not in the file.
    """
    remedy = "Nothing was changed. Restore another backup."
    if not path.is_file():
        raise UserError(f"There is no backup {path}.", "Nothing was changed. Name another file.")
    try:
        with Warehouse(path, lock_timeout_seconds=5, lake=lake).reading() as con:
            notes = _notes(con)
            _digests(con, con.current_catalog)
            found = disagreements(con, CONTRACTS)
    except WarehouseUnavailable as error:
        said = f"{path} is not a backup that can be read. {error.problem}"
        raise UserError(said, remedy) from error
    except duckdb.Error as error:
        raise UserError(f"The backup {path} is damaged: {error}", remedy) from error
    if new := [said for said in found if said not in notes.differences]:
        raise UserError(f"The backup {path} is not whole: {'; '.join(new)}.", remedy)
    return notes


def backup_path(installed: Installation, label: str = "") -> Path:
    """Return a new name in ``backups/`` beside the warehouse, by the time and what it is for."""
    warehouse = installed.settings.warehouse_path
    folder = warehouse.parent / "backups"
    try:
        make_folder(folder)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            "Allow writing there, or name a file elsewhere: `customer-segments backup PATH`.",
        ) from error
    name = f"{warehouse.stem}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}{label and '-'}{label}.duckdb"
    return folder / name


def log_of(path: Path) -> Path:
    """Return where DuckDB keeps what is not in a database file yet."""
    return path.with_name(f"{path.name}.wal")


def sync(path: Path) -> None:
    """Have the disk hold what was written, before anything is named after it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _copy(con: Connection, installed: Installation, draft: Path) -> Notes:
    """Copy all tables into a new file, with the notes, and compare what the disk then has."""
    here, months = con.current_catalog, installed.settings.months_path
    covered = months.read_text(encoding="utf-8") if months.is_file() else None
    now = datetime.now(UTC).replace(tzinfo=None)
    notes = Notes(now, covered, disagreements(con, CONTRACTS))
    with _attached(con, draft, "READ_WRITE"):
        con.raw_sql(f"COPY FROM DATABASE {quoted(here)} TO {COPY}")
        con.con.execute(
            f"CREATE OR REPLACE TABLE {COPY}.main.{NOTES} AS SELECT ?::TIMESTAMP AS made_at, "
            "?::VARCHAR AS code_version, ?::VARCHAR AS months, ?::VARCHAR AS differences",
            [notes.made_at, code_version(), notes.months, json.dumps(notes.differences)],
        )
        con.raw_sql(f"CHECKPOINT {COPY}")
    sync(draft)
    # Attached anew: what is compared is what the disk has.
    with _attached(con, draft, "READ_ONLY"):
        if _digests(con, here) != _digests(con, COPY):
            raise UserError("The copy differs from the warehouse.", "Try again.")
    return notes


@contextmanager
def _attached(con: Connection, path: Path, mode: str) -> Iterator[None]:
    # An absolute path that DuckDB takes for nothing but a path.
    con.raw_sql(f"ATTACH {literal(str(path))} AS {COPY} ({mode})")
    try:
        yield
    finally:
        with suppress(Exception):
            con.raw_sql(f"DETACH {COPY}")


def _digests(con: Connection, database: str) -> dict[str, tuple]:
    """Read all rows of all tables; return their number and a digest of them by table."""
    tables = con.con.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = ? AND schema_name = 'main' AND NOT temporary",
        [database],
    ).fetchall()
    return {
        table: con.raw_sql(
            "SELECT count(*), sum(hash(hash(t)))::VARCHAR "
            f"FROM {quoted(database)}.main.{quoted(table)} AS t"
        ).fetchall()
        for (table,) in tables
        if table != NOTES
    }


def _notes(con: Connection) -> Notes:
    if NOTES not in Catalog.of(con):
        return Notes()
    sql = f"SELECT made_at, months, differences FROM {NOTES}"
    ((made_at, months, differences),) = con.raw_sql(sql).fetchall()
    return Notes(made_at, months, json.loads(differences))
