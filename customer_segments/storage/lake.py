"""The lake: large tables as Parquet that an engine writes, named by Delta, pinned by the ledger.

A table of the lake is a view in the warehouse's file, over the files of one version. The view is
replaced in the transaction that adds the ledger's lines, so that tables in the file and in the lake
change together, and a commit to the lake that no transaction names was never published.

Belongs here: writing files that no commit names yet, the view, which version is published. Does
not: versions (``delta``), whether rows are good (``audit``), sessions of the engine (``engine``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.operations as ops

from customer_segments.errors import UserError
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import Contract, WriteMode, literal, quoted
from customer_segments.storage.delta import PART, Delta, part
from customer_segments.storage.in_file import STAGING, InFile
from customer_segments.storage.requirements import require_contract

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath

VERSIONS = "lake_versions"
COLUMNS = "table_name VARCHAR NOT NULL, version BIGINT NOT NULL, publication BIGINT NOT NULL"


@dataclass(frozen=True)
class Lake:
    """Tables in a folder that an engine and this process see, beside what is in the file.

    ``engine`` and ``memory`` are as ``engine.session`` takes them.
    """

    delta: Delta
    engine: str
    memory: str

    def stage(
        self, con: Connection, contract: Contract, expression: ibis.Table, sql: str
    ) -> "Sequence[UPath]":
        """Write the rows to files that no commit names; ``STAGING`` becomes a view of them.

        The engine does, unless rows come from this process: temporary tables, say.
        """
        folder = self.delta.new_folder(contract.table)
        there = Catalog.of(con)
        sources = [*expression.op().find((ops.UnboundTable, ops.InMemoryTable))]
        if any(
            isinstance(each, ops.InMemoryTable) or each.name in there.temporary for each in sources
        ):
            typed = expression.cast(dict(contract.relation.schema().items()))
            rows = typed.mutate(**{PART: typed[contract.month_column]})
            # Without the last DuckDB lists the folder, which an object store has not yet.
            con.to_parquet(rows, str(folder), partition_by=PART, overwrite_or_ignore=True)
        else:
            from customer_segments.storage.engine import write

            tables = {each.name: self._source(con, there, each) for each in sources}
            write(self.engine, self.memory, expression, contract, tables, folder, PART)
        files = sorted(folder.rglob("*.parquet"))
        con.raw_sql(f"CREATE TEMP VIEW {STAGING} AS {_select(contract, files)}")
        return files

    def prepare(self, con: Connection, contract: Contract, *, is_new: bool) -> None:
        """Raise where rows stay that another contract wrote."""
        there = Catalog.of(con)
        if contract.write_mode is WriteMode.REPLACE_MONTHS and contract.table in there:
            require_contract(con, there, contract)

    def swap(
        self,
        con: Connection,
        contract: Contract,
        staged: "Sequence[UPath] | None",
        months: Iterable[date] | None,
        publication: int,
    ) -> None:
        """Put the staged files in place of those of some months, or of all without any.

        Parameters are as in ``InFile.swap``. A UserError says that somebody else writes to this
        lake.
        """
        wanted = None if months is None else {*months}
        added = [
            file
            for file in staged or ()
            if wanted is None or date.fromisoformat(part(file)) in wanted
        ]
        table = contract.table
        version = self.delta.commit(contract, pinned(con, table), added, wanted)
        if staged is not None:
            con.raw_sql(f"DROP VIEW {STAGING}")
            for file in {*staged} - {*added}:
                file.unlink()
        held = _select(contract, self.delta.files(table, version))
        con.raw_sql(f"CREATE OR REPLACE VIEW {quoted(table)} AS {held}")
        for what, said in contract.comments("VIEW").items():
            con.raw_sql(f"COMMENT ON {what} IS {literal(said)}")
        con.raw_sql(f"CREATE TABLE IF NOT EXISTS {VERSIONS} ({COLUMNS})")
        values = [table, version, publication]
        con.con.execute(f"INSERT INTO {VERSIONS} VALUES (?, ?, ?)", values)

    def files(self, con: Connection) -> "list[UPath]":
        """Return the files of all tables of the lake, as they are published."""
        if VERSIONS not in Catalog.of(con):
            return []
        tables = con.raw_sql(f"SELECT DISTINCT table_name FROM {VERSIONS}").fetchall()
        return [file for (name,) in tables for file in self.delta.files(name, pinned(con, name))]

    def _source(
        self, con: Connection, there: Catalog, source: ops.UnboundTable
    ) -> "list[UPath] | pa.Table":
        """Return the files of a table in the lake; the rows of a small one."""
        files = []
        if source.name in there.in_lake:
            files = self.delta.files(source.name, pinned(con, source.name))
        return files or con.to_pyarrow(source.to_expr())


def placed(there: Catalog, contract: Contract, lake: Lake | None) -> InFile | Lake:
    """Return where a table lies; a UserError says that the warehouse has it elsewhere."""
    wanted = lake if contract.in_lake else None
    if contract.table in there and (contract.table in there.in_lake) != bool(wanted):
        held, other = ("the file", "the lake") if wanted else ("the lake", "the file")
        raise UserError(
            f"{contract.table} is in {held} of the warehouse, and [engine] wants it in {other}.",
            "Nothing was changed. Take [engine] back to what it was, or name another warehouse, "
            "which is made from the files again.",
        )
    return wanted or InFile(there)


def pinned(con: Connection, table: str) -> int:
    """Return the version of a table that is published; that of the empty table if none is."""
    if VERSIONS not in Catalog.of(con):
        return 0
    newest = f"SELECT coalesce(arg_max(version, publication), 0) FROM {VERSIONS}"
    ((version,),) = con.con.execute(f"{newest} WHERE table_name = ?", [table]).fetchall()
    return version


def _select(contract: Contract, files: "list[UPath]") -> str:
    """Return the query of files, of the contract's types also where there is no file."""
    columns = contract.schema.to_sqlglot_column_defs("duckdb")
    types = {each.name: each.args["kind"].sql("duckdb") for each in columns}
    cast = ", ".join(f"CAST({quoted(n)} AS {t}) AS {quoted(n)}" for n, t in types.items())
    if not files:
        nulls = ", ".join(f"NULL AS {quoted(name)}" for name in types)
        return f"SELECT {cast} FROM (SELECT {nulls}) WHERE false"
    names = ", ".join(literal(str(file)) for file in files)
    return f"SELECT {cast} FROM read_parquet([{names}], hive_partitioning = false)"
