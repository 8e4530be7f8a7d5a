"""How much leaves the engine while something runs.

Belongs here: counting the rows of results. Does not: how many there may be (``test_lineage``).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import ibis.expr.operations as ops
import pytest
from ibis.backends.duckdb import Backend


@contextmanager
def results() -> Iterator[dict[str, int]]:
    """Give the rows of the largest result by how it was asked for, once all has run."""
    largest: dict[str, int] = {}

    def watched(name: str):
        original = getattr(Backend, name)

        def method(self, expression, /, **options):
            result = original(self, expression, **options)
            is_engine_internal = isinstance(
                getattr(expression, "op", lambda: None)(), ops.Relation
            ) and not expression.op().find(ops.UnboundTable)
            if hasattr(result, "__len__") and not is_engine_internal:
                largest[name] = max(largest.get(name, 0), len(result))
            return result

        return method

    with pytest.MonkeyPatch.context() as patch:
        for name in ("execute", "to_pyarrow"):
            patch.setattr(Backend, name, watched(name))
        yield largest
