"""What an open warehouse has: its tables, its views of the lake, and their columns.

Belongs here: asking the database, all at once, for each question of its own takes as long. Does
not: whether that is as it should be (``requirements``).
"""

from dataclasses import dataclass
from functools import cache

import ibis.expr.datatypes as dt
from ibis.backends.sql.datatypes import DuckDBType

from customer_segments.storage.connection import Connection

COLUMNS = (
    "SELECT database_name = 'temp', table_name, column_name, data_type FROM duckdb_columns() "
    "WHERE database_name IN (current_database(), 'temp') AND NOT internal ORDER BY column_index"
)
VIEWS = (
    "SELECT view_name FROM duckdb_views() WHERE database_name = current_database() AND NOT internal"
)


@dataclass(frozen=True)
class Catalog:
    """Tables and views as they were when it was asked; a name in it is one of the warehouse's.

    Parameters
    ----------
    schemas
        Columns and types by name, of tables in the file and of views of files of the lake.
    in_lake
        Those that are views.
    temporary
        Tables and views that are the connection's own.
    """

    schemas: dict[str, dict[str, dt.DataType]]
    in_lake: frozenset[str]
    temporary: frozenset[str]

    @classmethod
    def of(cls, con: Connection) -> "Catalog":
        """Ask an open warehouse."""
        schemas: dict[str, dict[str, dt.DataType]] = {}
        temporary = set()
        for is_temporary, table, column, kind in con.raw_sql(COLUMNS).fetchall():
            if is_temporary:
                temporary.add(table)
            else:
                schemas.setdefault(table, {})[column] = _type(kind)
        views = (name for (name,) in con.raw_sql(VIEWS).fetchall())
        return cls(schemas, frozenset(views), frozenset(temporary))

    def __contains__(self, table: str) -> bool:
        """Tell whether the warehouse has a table, in its file or in the lake."""
        return table in self.schemas


@cache
def _type(kind: str) -> dt.DataType:
    return DuckDBType.from_string(kind, nullable=True)
