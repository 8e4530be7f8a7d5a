"""Which upstream columns a column is made of, read from the SQL that ran.

Belongs here: SQL -> Dagster's column lineage. Does not: lineage between assets (Dagster has it).
"""

import logging

import dagster as dg
import sqlglot.expressions as sge
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from customer_segments.storage.publication import Publication

logger = logging.getLogger(__name__)


def column_lineage(publication: Publication) -> dg.TableColumnLineage | None:
    """Return, for each column that was published, the upstream columns that it is made of.

    ``None`` where no upstream table was read in SQL (a DataFrame that was published), or where
    sqlglot cannot follow it: the table is in place by now, and its run must not fail for that.
    """
    # Not itself: rows that a table takes over from what it was are of no other column.
    tables = publication.tables_read - {publication.table}
    if not tables:
        return None
    try:
        # Untrimmed: trimming copies the whole query once for every column.
        roots = lineage(
            None, publication.sql, publication.sources, dialect="duckdb", trim_selects=False
        )
    except SqlglotError as error:
        logger.warning("No column lineage of %s: %s", publication.table, error)
        return None
    deps = {column: _upstream_columns(root, tables) for column, root in roots.items()}
    return dg.TableColumnLineage(deps) if any(deps.values()) else None


def _upstream_columns(root, tables: set[str]) -> list[dg.TableColumnDep]:
    leaves = {
        (node.expression.name, node.name.rpartition(".")[2].strip('"'))
        for node in root.walk()
        if isinstance(node.expression, sge.Table) and node.expression.name in tables
    }
    return [dg.TableColumnDep(dg.AssetKey(table), column) for table, column in sorted(leaves)]
