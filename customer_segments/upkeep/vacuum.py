"""Files of the lake that nobody needs any more.

Belongs here: which these are, and deleting them. Does not: versions and their files (``storage``).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.storage import Warehouse

if TYPE_CHECKING:
    from upath import UPath


def vacuum(
    installed: Installation, backups: Iterable[Path] = (), *, dry_run: bool = False
) -> "list[UPath]":
    """Delete the files that neither the warehouse names nor a backup, and return them.

    Backups are those in ``backups/`` beside the warehouse, and others that are named. Nobody
    writes meanwhile. A UserError says that there is no lake, that a backup cannot be read, or that
    files of it are not there.
    """
    lake, warehouse = installed.warehouse.lake, installed.warehouse
    if not lake:
        raise UserError("There is no lake.", "Only [engine] with a lake leaves files behind.")
    files = lake.delta.folder.rglob("*.parquet")
    there = {file for file in files if "_delta_log" not in file.parts}
    with warehouse.holding() as con:
        kept = {warehouse.path: {*lake.files(con)}}
        for backup in [*backups, *(warehouse.path.parent / "backups").glob("*.duckdb")]:
            with Warehouse(backup).reading() as copied:
                kept[backup] = {*lake.files(copied)}
        for path, named in kept.items():
            if missing := named - there:
                raise UserError(
                    f"{path} names {len(missing)} files that are not in {lake.delta.folder}.",
                    "Nothing was deleted. If it is a backup that is not needed, move it away.",
                )
        unneeded = sorted(there.difference(*kept.values()))
        for file in () if dry_run else unneeded:
            file.unlink()
    return unneeded
