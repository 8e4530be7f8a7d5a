"""What computes the large tables, and where they lie; no rule, for results do not depend on it."""

import re
from importlib.util import find_spec

from pydantic import model_validator

from customer_segments.errors import UserError
from customer_segments.policy.section import Section

DUCKDB, SAIL = "duckdb", "sail"


class Engine(Section):
    """What computes the large tables, and where they lie."""

    engine: str = DUCKDB
    """duckdb; sail, a Spark of this process; or the address of a cluster that speaks Spark Connect:
    sc://host:15002"""
    lake: str = ""
    """Folder of the large tables, which the engine has to see under the same name, or one of an
    object store: s3://bucket/folder"""

    @model_validator(mode="after")
    def _belong_together(self) -> "Engine":
        if self.engine not in (DUCKDB, SAIL) and not re.match("sc://.", self.engine):
            raise ValueError("engine is duckdb, sail, or an address as sc://host:15002.")
        if bool(self.lake) != (self.engine != DUCKDB):
            raise ValueError("an engine other than duckdb and a lake need each other.")
        if "://" in self.lake and not re.match("s3://[^/]", self.lake):
            raise ValueError("lake is a folder, or one of an object store as s3://bucket/folder.")
        if {*"*?["} & {*self.lake}:
            raise ValueError("the name of a lake has no *, ? and [, which stand for others.")
        return self

    def require_installed(self) -> None:
        """Raise a UserError where what the engine needs is not installed."""
        needed = ["deltalake", "pyspark", *(["pysail"] if self.engine == SAIL else [])]
        needed += ["s3fs"] if "://" in self.lake else []
        if self.lake and (missing := [name for name in needed if not find_spec(name)]):
            raise UserError(
                f"engine = {self.engine!r} needs {', '.join(missing)}.",
                "Install what it takes: pip install 'customer-segments[cluster]'.",
            )
