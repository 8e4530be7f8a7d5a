"""Tables in the warehouse's own file: rows staged in a temporary table, swapped in by name.

The first rows of a table without an index are written where they stay: that takes half the time.

Belongs here: what DuckDB does with rows of such a table. Does not: the steps of a publication
(``publish``), tables that lie elsewhere (``lake``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis

from customer_segments.storage.audit import Breach, ContractBreach
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.connection import Connection
from customer_segments.storage.contracts import Contract, WriteMode, quoted
from customer_segments.storage.relations import insert
from customer_segments.storage.requirements import require_contract

if TYPE_CHECKING:
    from upath import UPath

STAGING = "staging"


@dataclass(frozen=True)
class InFile:
    """Where tables lie by default; ``Lake`` has the same three methods.

    ``there`` is what the warehouse has before the publication.
    """

    there: Catalog

    def stage(
        self, con: Connection, contract: Contract, expression: ibis.Table, sql: str
    ) -> "Sequence[UPath]":
        """Put the rows into the relation ``STAGING``; ``sql`` is the expression, compiled.

        Returns the files that they are in, if in files of their own. A ContractBreach says that
        the database itself refused first rows.
        """
        if self._stay(contract):
            _write_first(con, contract, expression, sql)
            return ()
        # Ibis takes an outer join's columns for not null where they were so before the join.
        nullable = {name: dtype.copy(nullable=True) for name, dtype in expression.schema().items()}
        con.create_table(STAGING, schema=ibis.schema(nullable), temp=True)
        insert(con, STAGING, expression, sql)
        return ()

    def prepare(self, con: Connection, contract: Contract, *, is_new: bool) -> None:
        """Have the table, with the rows that stay, and of the staged rows those that are new.

        A UserError says that the table is another contract's, or that a row is there already.
        """
        if self._stay(contract):
            return
        if contract.write_mode is WriteMode.REPLACE and (is_new or not contract.month_column):
            # Made anew inside the transaction: a new contract may differ in its columns.
            con.raw_sql(f"DROP TABLE IF EXISTS {quoted(contract.table)}")
        there = Catalog.of(con)
        if contract.table in there:
            require_contract(con, there, contract)
        else:
            con.raw_sql(contract.ddl())
        if contract.write_mode is WriteMode.INSERT_NEW:
            _drop_known(con, contract)

    def swap(
        self,
        con: Connection,
        contract: Contract,
        staged: "Sequence[UPath] | None",
        months: Iterable[date] | None,
        publication: int,
    ) -> None:
        """Put the staged rows in place of those of some months, or of all without any.

        ``staged`` is what ``stage`` returned, ``None`` for no rows; ``publication`` is the number
        of the ledger's line.
        """
        if self._stay(contract):
            con.raw_sql(f"DROP VIEW {STAGING}")
            return
        table, where = quoted(contract.table), "true"
        if months is not None:
            dates = ", ".join(f"DATE '{month}'" for month in months)
            where = f"{quoted(contract.month_column or '')} IN ({dates})" if dates else "false"
        if contract.write_mode is not WriteMode.INSERT_NEW:
            con.raw_sql(f"DELETE FROM {table} WHERE {where}")
        if staged is not None:
            con.raw_sql(f"INSERT INTO {table} BY NAME SELECT * FROM {STAGING} WHERE {where}")
            con.raw_sql(f"DROP TABLE {STAGING}")

    def _stay(self, contract: Contract) -> bool:
        """Tell whether staged rows are in the table itself: the first, where no index has to be."""
        return contract.table not in self.there and not contract.is_indexed


def _write_first(con: Connection, contract: Contract, expression: ibis.Table, sql: str) -> None:
    import duckdb

    con.raw_sql(contract.ddl())
    con.raw_sql(f"CREATE TEMP VIEW {STAGING} AS FROM {quoted(contract.table)}")
    try:
        insert(con, contract.table, expression, sql)
    except duckdb.ConstraintException as refused:
        raise ContractBreach(contract.table, [Breach(str(refused), 0)]) from refused


def _drop_known(con, contract: Contract) -> None:
    """Drop the staged rows that are there already; raise if one is there with other values."""
    table = quoted(contract.table)

    def same(names: Iterable[str]) -> str:
        pairs = (f"s.{quoted(name)} IS NOT DISTINCT FROM t.{quoted(name)}" for name in names)
        return f"EXISTS (SELECT 1 FROM {table} AS t WHERE {' AND '.join(pairs)})"

    con.raw_sql(f"DELETE FROM {STAGING} AS s WHERE {same(contract.schema.names)}")
    key = ", ".join(map(quoted, contract.key))
    clash = con.raw_sql(f"SELECT {key} FROM {STAGING} AS s WHERE {same(contract.key)}").fetchall()
    if clash:
        said = f"({key}) {clash[0]} is there already with other values"
        raise ContractBreach(contract.table, [Breach(said, len(clash))])
