"""What Ibis makes of the same expression, made once: a third of a small test's time.

Belongs here: pure functions of a library, remembered. Does not: anything that a test may be about.
"""

from functools import cache, lru_cache

import ibis.expr.operations as ops
import pytest
from ibis.backends.duckdb import Backend
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType


def remember(patch: pytest.MonkeyPatch) -> None:
    """Have Ibis compile each expression over declared tables once, and parse each type once."""
    to_sqlglot, compile_ = DuckDBCompiler.to_sqlglot, Backend.compile

    @lru_cache(maxsize=2000)
    def tree(op: ops.Node):
        return to_sqlglot(DuckDBCompiler(), op.to_expr())

    @lru_cache(maxsize=2000)
    def text(op: ops.Node, pretty: bool) -> str:
        return compile_(Backend(), op.to_expr(), pretty=pretty)

    def as_tree(self, expr, *, limit=None, params=None):
        if limit is None and not params and _is_declared(expr):
            return tree(expr.op()).copy()
        return to_sqlglot(self, expr, limit=limit, params=params)

    def as_text(self, expr, /, *, limit=None, params=None, pretty=False):
        if limit is None and not params and _is_declared(expr):
            return text(expr.op(), pretty)
        return compile_(self, expr, limit=limit, params=params, pretty=pretty)

    patch.setattr(DuckDBCompiler, "to_sqlglot", as_tree)
    patch.setattr(Backend, "compile", as_text)
    patch.setattr(DuckDBType, "from_string", cache(DuckDBType.from_string))


def _is_declared(expr) -> bool:
    # Data in memory and tables of one connection are equal by what will be gone.
    tables = expr.op().find(ops.PhysicalTable)
    return bool(tables) and all(isinstance(table, ops.UnboundTable) for table in tables)
