"""What libraries make of the same thing, made once: half of a small test's time.

Belongs here: pure functions of a library, remembered. Does not: anything that a test may be about.
"""

from functools import cache, lru_cache

import ibis
import ibis.expr.operations as ops
import pytest
import sqlglot.expressions as sge
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster import TableColumnLineage
from ibis.backends.duckdb import Backend
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType

from customer_segments.storage import dagster_metadata
from customer_segments.storage.content import Publication

# What is known by its name alone, and what else there may be.
NAMED = (ops.UnboundTable, ops.DatabaseTable, ops.InMemoryTable)
OTHERS = (ops.SQLQueryResult, ops.SQLStringView, ops.ScalarUDF, ops.AggUDF)


def remember(patch: pytest.MonkeyPatch) -> None:
    """Have libraries do once what comes out the same each time."""
    _remember_compiled(patch)
    lineage_of, from_config = dagster_metadata.column_lineage, ScriptDirectory.from_config
    lineages: dict[tuple[str, str, str], TableColumnLineage | None] = {}
    to_sql = ibis.to_sql

    @lru_cache(maxsize=2000)
    def sql_of(op: ops.Node, dialect: str) -> str:
        return to_sql(op.to_expr(), dialect)

    def known_lineage_of(publication: Publication) -> TableColumnLineage | None:
        key = publication.table, publication.sql, repr(publication.sources)
        if key not in lineages:
            lineages[key] = lineage_of(publication)
        return lineages[key]

    directories: dict[str, ScriptDirectory] = {}

    def directory_of(config: Config) -> ScriptDirectory:
        location = config.get_main_option("script_location")
        if location not in directories:
            directories[location] = from_config(config)
        return directories[location]

    patch.setattr(ibis, "to_sql", lambda expr, dialect: sql_of(expr.unbind().op(), dialect))
    # The revisions of Dagster's database, read from a hundred files for each instance.
    patch.setattr(ScriptDirectory, "from_config", directory_of)
    patch.setattr(dagster_metadata, "column_lineage", known_lineage_of)


def _remember_compiled(patch: pytest.MonkeyPatch) -> None:
    """Have Ibis compile each expression once whatever its data, and parse each type once."""
    to_sqlglot, compile_ = DuckDBCompiler.to_sqlglot, Backend.compile

    @lru_cache(maxsize=2000)
    def tree(op: ops.Node) -> sge.Expression:
        return to_sqlglot(DuckDBCompiler(), op.to_expr())

    @lru_cache(maxsize=2000)
    def text(op: ops.Node, pretty: bool) -> str:
        return compile_(Backend(), op.to_expr(), pretty=pretty)

    def as_tree(self, expr, *, limit=None, params=None):
        if limit is not None or params or expr.op().find(OTHERS):
            return to_sqlglot(self, expr, limit=limit, params=params)
        op, names = _declared(expr.op())
        made = tree(op).copy()
        for table in made.find_all(sge.Table) if names else ():
            if table.name in names:
                table.this.set("this", names[table.name])
        return made

    def as_text(self, expr, /, *, limit=None, params=None, pretty=False):
        if limit is not None or params or expr.op().find(OTHERS):
            return compile_(self, expr, limit=limit, params=params, pretty=pretty)
        op, names = _declared(expr.op())
        made = text(op, pretty)
        for declared, name in names.items():
            made = made.replace(f'"{declared}"', f'"{name}"')
        return made

    patch.setattr(DuckDBCompiler, "to_sqlglot", as_tree)
    patch.setattr(Backend, "compile", as_text)
    patch.setattr(DuckDBType, "from_string", cache(DuckDBType.from_string))


def _declared(op: ops.Node) -> tuple[ops.Node, dict[str, str]]:
    """Return an expression over declared tables alone, and how those are called that had data.

    Tables of one connection and data in memory are equal by what will be gone.
    """
    declared, names = {}, {}
    for table in op.find(NAMED):
        if isinstance(table, ops.InMemoryTable):
            name = f"in memory {len(names)}"
            names[name] = table.name
            declared[table] = ops.UnboundTable(name, table.schema)
        elif isinstance(table, ops.DatabaseTable):
            declared[table] = ops.UnboundTable(table.name, table.schema, table.namespace)
    return op.replace(declared) if declared else op, names
