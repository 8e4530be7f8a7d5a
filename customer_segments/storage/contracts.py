"""What a table promises: columns, types, rules, key, and how it is written.

Belongs here: the vocabulary for declaring a contract, reading it, and the DDL that follows.
Does not: the contracts themselves (``tables``), judging data (``audit``).
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
import sqlglot.expressions as sge

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class WriteMode(Enum):
    """How a publication meets the rows that are already there."""

    REPLACE = "replace"
    REPLACE_MONTHS = "replace months"
    INSERT_NEW = "insert new"


@dataclass(frozen=True)
class Contract:
    """A table's promise to everybody who reads it.

    Parameters
    ----------
    table
        Name of the table, and key of the asset that writes it.
    grain
        What a row is, in words.
    columns
        Type and description of each column, in the order in which a reader wants them; the type in
        Ibis notation, ``!`` in front where null is not allowed.
    key
        Columns that identify a row; never null.
    rules
        By name, boolean SQL that is true (or null) of every row; the database enforces them as
        CHECK constraints.
    month_column
        DATE column that holds the first day of the month a row belongs to; never null.
    write_mode
        How a publication meets the rows that are there.
    revenue
        SQL expression of a row's revenue, for the ledger.
    built_from
        Table this one is made from; its raw version is handed on in the ledger.
    needs_history
        Every month of ``built_from`` up to the newest written one must have been published:
        a snapshot over months that are missing would be silently wrong.
    is_big
        Of transaction grain: stays in the engine, and is refused to whoever wants a DataFrame.
    in_lake
        Whether it is of those that lie in the lake, where there is one.
    is_indexed
        Whether the database itself refuses a key that is there already. Where not, it is audited
        before every write all the same: an index of a million rows costs more than writing them,
        and has to fit in memory.
    sections
        Sections of the policy that decide its rows, the asset's own last.
    personal
        Columns that tell who somebody is; a breach does not show them unless they are of the key.
    revision
        Raised where the same lines come to other rows by the same rules: what was made before is
        due anew, while it can still be read.
    version
        Raised with every change of what is enforced or meant, so that a warehouse of before is
        known for what it is; ``upkeep.migrate`` says how to bring history up.
    """

    table: str
    grain: str
    columns: Mapping[str, tuple[str, str]]
    key: tuple[str, ...]
    write_mode: WriteMode
    rules: Mapping[str, str] = field(default_factory=dict)
    month_column: str | None = None
    revenue: str | None = None
    built_from: str | None = None
    needs_history: bool = False
    is_big: bool = False
    in_lake: bool = False
    is_indexed: bool = True
    sections: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    revision: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        """Raise on a contract that contradicts itself: a fault in the code, found at import."""
        if not self.key or {*self.key, self.month_column} - {None, *self.columns}:
            raise ValueError(f"{self.table}: key and month must be columns of the table")
        if self.write_mode is WriteMode.REPLACE_MONTHS and self.month_column not in self.key:
            # Else a row that moved to another month would clash with what is left of it.
            raise ValueError(f"{self.table}: {self.write_mode} needs a month column in its key")

    @cached_property
    def schema(self) -> ibis.Schema:
        """Columns as an Ibis schema, nullability included; key and month are never null."""
        never_null = {*self.key, self.month_column}
        types = {name: dt.dtype(kind) for name, (kind, _) in self.columns.items()}
        for name in types.keys() & never_null:
            types[name] = types[name].copy(nullable=False)
        return ibis.schema(types)

    @cached_property
    def relation(self) -> ibis.Table:
        """The table as an unbound Ibis expression: what assets take and build on."""
        # All nullable: Ibis refuses a union of columns that differ in nullability alone.
        columns = {name: dtype.copy(nullable=True) for name, dtype in self.schema.items()}
        return ibis.table(columns, name=self.table)

    @cached_property
    def fingerprint(self) -> str:
        """Short hash of all that the database enforces."""
        columns = [(name, kind) for name, (kind, _) in self.columns.items()]
        rules = list(self.rules.items())
        enforced = (columns, self.key, rules, self.month_column, self.write_mode.value)
        return hashlib.sha256(repr(enforced).encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """Version and fingerprint, as the ledger keeps them."""
        return f"v{self.version}-{self.fingerprint}"

    def is_labelled(self, label: str) -> bool:
        """Tell whether a ledger line's label is of this very contract.

        Lines of before contracts had versions hold the fingerprint alone.
        """
        return label in (self.label, self.fingerprint)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that may not be null."""
        return tuple(name for name, dtype in self.schema.items() if not dtype.nullable)

    def arrow(self, rows: "list[dict] | pd.DataFrame") -> "pa.Table":
        """Return rows as an Arrow table of the contract's types, also where there is none."""
        import pyarrow as pa

        schema = self.schema.to_pyarrow()
        if isinstance(rows, list):
            return pa.Table.from_pylist(rows, schema)
        return pa.Table.from_pandas(rows, schema, preserve_index=False)

    def ddl(self) -> str:
        """Return the statements that make the empty, constrained, commented table."""
        columns = [column.sql("duckdb") for column in self.schema.to_sqlglot_column_defs("duckdb")]
        checks = [f"CONSTRAINT {quoted(rule)} CHECK ({sql})" for rule, sql in self.rules.items()]
        key = [f"PRIMARY KEY ({', '.join(map(quoted, self.key))})"] if self.is_indexed else []
        create = f"CREATE TABLE {quoted(self.table)} ({', '.join([*columns, *checks, *key])})"
        said = [f"COMMENT ON {what} IS {literal(text)}" for what, text in self.comments().items()]
        return ";\n".join([create, *said])

    def comments(self, kind: str = "TABLE") -> dict[str, str]:
        """Return what the database is told of a table, or a view, and of its columns."""
        table = quoted(self.table)
        return {f"{kind} {table}": self.grain} | {
            f"COLUMN {table}.{quoted(name)}": said for name, (_, said) in self.columns.items()
        }


def declared(file: Path, **types: str) -> dict[str, Contract]:
    """Return the contracts that a TOML file declares, by table; its keys are the fields'.

    What stands in capitals in a type is one of ``types``.
    """

    def contract(table: str, columns: dict, write_mode: str, **others: Any) -> Contract:
        typed = {
            name: (re.sub("[A-Z]+", lambda said: types[said[0]], kind), description)
            for name, (kind, description) in columns.items()
        }
        others = {key: tuple(v) if isinstance(v, list) else v for key, v in others.items()}
        return Contract(table, columns=typed, write_mode=WriteMode(write_mode), **others)

    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return {table: contract(table, **promised) for table, promised in tables.items()}


def version_of(label: str) -> int:
    """Return the version that a ledger line's label tells; the first where it tells none."""
    version, is_told, _ = label.rpartition("-")
    return int(version.removeprefix("v")) if is_told else 1


def quoted(identifier: str) -> str:
    """Return a quoted SQL identifier."""
    return sge.to_identifier(identifier, quoted=True).sql("duckdb")


def literal(text: str) -> str:
    """Return a quoted SQL string."""
    return sge.Literal.string(text).sql("duckdb")
