"""What Ibis makes of the same expression, made once: a third of a small test's time.

Belongs here: pure functions of a library, remembered. Does not: anything that a test may be about.
"""

from functools import cache, lru_cache

import ibis.expr.operations as ops
import pytest
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType


def remember(patch: pytest.MonkeyPatch) -> None:
    """Have Ibis compile each expression over declared tables once, and parse each type once."""
    to_sqlglot = DuckDBCompiler.to_sqlglot

    @lru_cache(maxsize=500)
    def remembered(op: ops.Node):
        return to_sqlglot(DuckDBCompiler(), op.to_expr())

    def compiled(self, expr, *, limit=None, params=None):
        # Data in memory and tables of one connection are equal by what will be gone.
        tables = expr.op().find(ops.PhysicalTable)
        if limit is None and not params and tables and all(map(_is_declared, tables)):
            return remembered(expr.op()).copy()
        return to_sqlglot(self, expr, limit=limit, params=params)

    patch.setattr(DuckDBCompiler, "to_sqlglot", compiled)
    patch.setattr(DuckDBType, "from_string", cache(DuckDBType.from_string))


def _is_declared(table: ops.PhysicalTable) -> bool:
    return isinstance(table, ops.UnboundTable)
