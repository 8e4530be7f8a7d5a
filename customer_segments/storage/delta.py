"""Tables of the lake as Delta has them: which files a version is of, and who wrote it.

Belongs here: versions, their files, commits and taking them back. Does not: which version is
published, and writing files (``lake``).
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from customer_segments.errors import UserError
from customer_segments.private import make_folder
from customer_segments.storage.contracts import Contract

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable
    from fsspec import AbstractFileSystem
    from upath import UPath

# Of the files, beside the month that they hold: engines leave out the column they divide by.
PART = "__part"
# A version that a backup names can be gone back to, however old.
KEPT = {"delta.enableExpiredLogCleanup": "false"}


@dataclass(frozen=True)
class Delta:
    """Delta tables in a folder, one writer: the warehouse whose path is ``owner``."""

    folder: "UPath"
    owner: str

    @property
    def store(self) -> "AbstractFileSystem | None":
        """The object store that the folder is in; its access is the environment's (AWS_...)."""
        return self.folder.fs if self.folder.protocol else None

    def new_folder(self, table: str) -> "UPath":
        """Return a folder that no version names; a UserError says that there is no such lake."""
        folder = self.folder / table / uuid4().hex
        if not self.store:
            make_folder(Path(str(folder)))
            return folder
        from botocore.exceptions import BotoCoreError

        try:
            self.store.ls(self.folder.drive)
        except (BotoCoreError, OSError) as error:
            raise UserError(
                f"The lake {self.folder} cannot be reached: {error}.",
                "Nothing was published. Make the bucket, and say in the environment who may write "
                "to it: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION; where it is not "
                "Amazon's, AWS_ENDPOINT_URL.",
            ) from error
        return folder

    def files(self, table: str, version: int) -> "list[UPath]":
        """Return the files of a version of a table."""
        at, options = type(self.folder), self.folder.storage_options
        return sorted(at(uri, **options) for uri in self._open(table, version).file_uris())

    def commit(
        self,
        contract: Contract,
        pinned: int,
        files: "Sequence[UPath]",
        months: Iterable[date] | None,
    ) -> int:
        """Replace months of version ``pinned``, all without any, by files; return the new version.

        A UserError says that somebody else writes to this lake.
        """
        from deltalake import Schema
        from deltalake.exceptions import CommitFailedError

        parts = None if months is None else sorted(map(str, months))
        try:
            table = self._at(contract, pinned)
            if parts != []:
                filters: Any = parts and [(PART, "in", parts)]
                table.create_write_transaction(
                    [self._action(contract, file) for file in files],
                    "overwrite",
                    Schema.from_arrow(_schema(contract)),
                    [PART],
                    filters,
                    commit_properties=self._properties(),
                )
        except CommitFailedError as error:
            raise self._is_written_by("another process") from error
        return self._open(contract.table).version()

    def _at(self, contract: Contract, pinned: int) -> "DeltaTable":
        """Return the table at the version that is published, made if need be.

        What a process left that was killed between the two commits is taken back.
        """
        from deltalake import DeltaTable, Schema

        path, properties = str(self.folder / contract.table), self._properties()
        if not DeltaTable.is_deltatable(path):
            schema = Schema.from_arrow(_schema(contract))
            DeltaTable.create(
                path,
                schema,
                partition_by=[PART],
                configuration=KEPT,
                commit_properties=properties,
            )
        table = self._open(contract.table)
        if table.version() != pinned:
            by = table.history(1)[0].get("warehouse")
            if by != self.owner:
                raise self._is_written_by(f"the warehouse {by}")
            table.restore(pinned, commit_properties=properties)
            table = self._open(contract.table)
        return table

    def _open(self, table: str, version: int | None = None) -> "DeltaTable":
        from deltalake import DeltaTable

        return DeltaTable(str(self.folder / table), version=version)

    def _action(self, contract: Contract, file: "UPath") -> Any:
        import pyarrow.parquet as pq
        from deltalake.transaction import AddAction

        name = file.relative_to(self.folder / contract.table).as_posix()
        with file.open("rb") as opened:
            stats = json.dumps({"numRecords": pq.read_metadata(opened).num_rows})
        now = int(time.time() * 1000)
        return AddAction(name, file.stat().st_size, {PART: part(file)}, now, True, stats)

    def _properties(self) -> Any:
        from deltalake import CommitProperties

        return CommitProperties(custom_metadata={"warehouse": self.owner})

    def _is_written_by(self, who: str) -> UserError:
        return UserError(
            f"The lake {self.folder} is written to by {who}.",
            "Nothing was published. A lake has one warehouse: name another folder in [engine].",
        )


def part(file: "UPath") -> str:
    """Return the month that a file is of, as the folder that it is in is called."""
    return file.parent.name.partition("=")[2]


def _schema(contract: Contract) -> "pa.Schema":
    """Return what Delta says of a table: times are naive."""
    import pyarrow as pa

    fields = [field.with_nullable(True) for field in contract.schema.to_pyarrow()]
    return pa.schema([*fields, pa.field(PART, pa.date32())])
