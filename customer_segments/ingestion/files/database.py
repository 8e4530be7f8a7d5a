"""A database as the source, in place of files: each month of a query is read like a file.

Belongs here: which months the query has, whether they changed, and what to select of one. Does
not: the connection (``postgres``), or what columns and cells mean (``layout``, ``casting``).
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import header_of, layout_of
from customer_segments.ingestion.files.postgres import Postgres, connected
from customer_segments.ingestion.files.sources import Source, fingerprinted
from customer_segments.months import EARLIEST, month_of, parse_month, shift
from customer_segments.policy import Policy
from customer_segments.settings import Settings
from customer_segments.storage.contracts import quoted

if TYPE_CHECKING:
    import pyarrow as pa

PREFIX = "database "
# Rows without a date, or with one that no month can be of: cleaning rejects them, and says so.
OTHER = f"{PREFIX}other dates"
# Types that are read as they are; of others the database itself makes text.
PLAIN = re.compile("bool|int[248]|float[48]|date|timestamp|timestamptz|text|varchar")


@contextmanager
def sources_of(settings: Settings, policy: Policy) -> Iterator[list[Source]]:
    """Give what is to be read, until the block is left: files, or the months of the database.

    A month is copied when it is read, all of them as they were at one time. A
    UserError says that there is nothing to read, or that a file or a setting is wrong.
    """
    if not policy.source.database:
        yield fingerprinted(settings.source_files())
        return
    with TemporaryDirectory(prefix="customer-segments-") as folder, opened(settings, policy) as it:
        yield it.sources(Path(folder))


def hashes_of(settings: Settings, policy: Policy) -> dict[str, str]:
    """Return a hash by name of what would be read; raises as ``sources_of`` does."""
    if not policy.source.database:
        return {each.name: each.content_hash for each in fingerprinted(settings.source_files())}
    with opened(settings, policy) as database:
        return database.versions()


@contextmanager
def opened(settings: Settings, policy: Policy) -> Iterator["Database"]:
    """Connect to the database, for reading only."""
    secret = settings.database_password.get_secret_value()
    with connected(policy.source, secret, settings.memory) as postgres:
        yield Database(postgres, settings, policy)


class Database:
    """What the policy's query gives, over an open connection."""

    def __init__(self, postgres: Postgres, settings: Settings, policy: Policy) -> None:
        self.ask, self.copy = postgres.ask, postgres.copy
        self.address = policy.source.database
        self.query, self.changed = map(_in_brackets, (policy.source.query, policy.source.changed))
        self.layout = layout_of(policy.layout, OTHER)
        self.this_month = month_of(policy.source.today())
        self.bounds = settings.first_month or "", settings.last_month or "9999-12"

    def versions(self) -> dict[str, str]:
        """Return a hash by the name of each month, another one if its rows are others.

        By the query ``changed``; without one, the database itself reads and hashes all rows.
        """
        setting, versions = "changed", self.changed
        if not versions:
            setting, used = "query", ", ".join(self.columns.values())
            versions = (
                f"(SELECT {self.month}, "
                f"count(*) || ' ' || sum(hashtextextended(ROW({used})::text, 0)) "
                f"FROM {self.query} AS q GROUP BY 1)"
            )
        sql = f"SELECT left(month::text, 7), version::text FROM {versions} AS v (month, version)"
        of: dict[str, list[tuple[str, str]]] = {}
        for month, version in zip(*self.ask(sql, setting).columns, strict=True):
            if name := self._name(month.as_py()):
                of.setdefault(name, []).append((str(month), str(version)))
        held = {name: repr((self.address, self.changed, sorted(of[name]))) for name in sorted(of)}
        return {name: hashlib.sha256(said.encode()).hexdigest() for name, said in held.items()}

    def sources(self, folder: Path) -> list[Source]:
        """Return the months, each to be copied into a folder when it is read."""
        versions = self.versions()
        if self.changed:
            sql = f"SELECT DISTINCT {self.month} AS month FROM {self.query} AS q"
            named = map(self._name, self.ask(sql, "query")["month"].to_pylist())
            if unknown := sorted({name for name in named if name} - {*versions}):
                raise UserError(
                    f"{', '.join(unknown)}: query of [source] has rows of it, and changed no line.",
                    "Let changed give each month, such as 2011-06, with a version of it; rows "
                    "without a date are of the month NULL.",
                )
        if not versions:
            raise UserError(
                "query of [source] gives not one row.",
                "Mend it there; or CUSTOMER_SEGMENTS_FIRST_MONTH and _LAST_MONTH, if they are set.",
            )
        files = {name: folder / name / "query.parquet" for name in versions}
        return [
            Source(file.parent, (file,), versions[name], partial(self._copy, name, file))
            for name, file in files.items()
        ]

    @cached_property
    def schema(self) -> "pa.Schema":
        """Columns of the query."""
        return self.ask(f"SELECT * FROM {self.query} AS q LIMIT 0", "query").schema

    @cached_property
    def named(self) -> dict[str, str]:
        """The query's names of the layout's columns."""
        names = self.schema.names
        positions = header_of(names, self.layout, "query of [source]").positions
        return {column: names[position] for column, position in positions.items()}

    @cached_property
    def columns(self) -> dict[str, str]:
        """What to select for each column of the layout, by the query's name of it."""
        types = {name: _type(self.schema.field(name)) for name in self.named.values()}
        date = self.named["invoice_date"]
        if not types[date].startswith(("date", "timestamp")):
            raise UserError(
                f"query of [source], column {date!r}: it is {types[date]}, and no date.",
                f"Let query make a date or a timestamp of it: {date}::timestamp AS {date}.",
            )
        selected = {
            name: quoted(name) if PLAIN.fullmatch(kind) else f"{quoted(name)}::text"
            for name, kind in types.items()
        }
        # Infinity and the years before Christ are nothing to Arrow and Python.
        possible = f"{quoted(date)} BETWEEN '0001-01-01' AND '9999-12-31'"
        return selected | {date: f"CASE WHEN {possible} THEN {quoted(date)} END"}

    @property
    def date(self) -> str:
        """The query's name of the date, quoted."""
        return quoted(self.named["invoice_date"])

    @property
    def month(self) -> str:
        """The month of a row, as text."""
        return f"to_char({self.date}, 'YYYY-MM')"

    def _name(self, month: str | None) -> str | None:
        """Return what a month is called; ``None`` if it is not covered, as the settings say."""
        if not month or not re.fullmatch(r"\d{4}-\d\d", month):
            return OTHER
        if not f"{EARLIEST:%Y-%m}" <= month <= f"{self.this_month:%Y-%m}":
            return OTHER
        first, last = self.bounds
        return f"{PREFIX}{month}" if first <= month <= last else None

    def _copy(self, name: str, file: Path) -> None:
        """Write the rows of a month to a file, in an order that is always the same."""
        date, end = self.date, shift(self.this_month, 1)
        if name == OTHER:
            which = f"{date} IS NULL OR {date} < '{EARLIEST}' OR {date} >= '{end}'"
        else:
            month = parse_month(name.removeprefix(PREFIX))
            which = f"{date} >= '{month}' AND {date} < '{shift(month, 1)}'"
        # Of what nobody asks for, the heading alone, so that it can be said.
        selected = ", ".join(
            f"{self.columns.get(name, 'NULL::text')} AS {quoted(name)}"
            for name in dict.fromkeys(self.schema.names)
        )
        exact = [name for name in self.columns if _type(self.schema.field(name)) == "numeric"]
        self.copy(f"SELECT {selected} FROM {self.query} AS q WHERE {which}", file, exact)


def _type(field: "pa.Field") -> str:
    return (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()


def _in_brackets(query: str) -> str:
    # On lines of their own: the query may end with a comment.
    return f"(\n{query.strip().rstrip(';')}\n)" if query.strip() else ""
