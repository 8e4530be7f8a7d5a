"""A connection to PostgreSQL, through ADBC, and what its errors mean to whoever set it up.

Belongs here: connecting, asking, copying into a file, and keeping the password to ourselves. Does
not: what is asked (``database``).
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import shown
from customer_segments.policy.rules import Source as Rules
from customer_segments.storage.contracts import quoted

if TYPE_CHECKING:
    import pyarrow as pa

LOST = ("server closed the connection", "terminating connection", "no connection to the server")


class Postgres:
    """An open connection; ``secret`` is the password that no message may tell."""

    def __init__(self, connection: Any, secret: str, memory: str) -> None:
        self._connection, self._secret, self._memory = connection, secret, memory

    def ask(self, sql: str, setting: str) -> "pa.Table":
        """Return what a statement gives; a UserError names the setting that it goes by."""
        with _told(setting, self._secret), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    def copy(self, sql: str, file: Path, exact: Iterable[str]) -> None:
        """Write what a query gives to a Parquet file, in an order that is always the same.

        The columns ``exact``, which come as text, become decimals. Raises as ``ask`` does.
        """
        import duckdb

        decimals = ", ".join(
            f"try_cast({quoted(name)} AS DECIMAL(38, 10)) AS {quoted(name)}" for name in exact
        )
        file.parent.mkdir()
        limits: dict[str, Any] = {"temp_directory": str(file.parent), "memory_limit": self._memory}
        with (
            _told("query", self._secret),
            self._connection.cursor() as cursor,
            duckdb.connect(config=limits) as engine,
        ):
            cursor.execute(sql)
            engine.register("came", cursor.fetch_record_batch())
            engine.execute(
                f"COPY (SELECT * {f'REPLACE ({decimals})' if decimals else ''} FROM came "
                "ORDER BY ALL) TO ? (FORMAT parquet)",
                [str(file)],
            )


@contextmanager
def connected(rules: Rules, secret: str, memory: str) -> Iterator[Postgres]:
    """Connect, for reading only, all as it is at one time.

    A UserError says that the database does not answer or does not let us in; never the password.
    """
    import adbc_driver_postgresql.dbapi as postgresql

    address = rules.database + ("&" if "?" in rules.database else "?") + "connect_timeout=10"
    with _told("database", secret):
        connection = postgresql.connect(
            f"{address}&password={quote(secret, safe='')}" if secret else address
        )
    try:
        postgres = Postgres(connection, secret, memory)
        postgres.ask("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", "database")
        postgres.ask(f"SET TIME ZONE '{rules.time_zone}'", "time_zone")
        yield postgres
    finally:
        # One that was lost cannot be closed in good order.
        with suppress(postgresql.Error):
            connection.close()


@contextmanager
def _told(setting: str, secret: str) -> Iterator[None]:
    """Make an error of the database one that names the setting, without the password."""
    import adbc_driver_manager
    import duckdb

    try:
        yield
    except (adbc_driver_manager.Error, duckdb.Error, OSError) as error:
        # The driver's own chain of errors may quote the whole address.
        raise _as_user_error(str(error), setting, secret) from None


def _as_user_error(message: str, setting: str, secret: str) -> UserError:
    if secret:
        message = message.replace(secret, "***").replace(quote(secret, safe=""), "***")
    cause = re.search(r"(?:ERROR|FATAL): +(.+)|Failed to connect: (.+)", message)
    said = shown((cause[1] or cause[2] if cause else message.splitlines()[0]).strip())
    if setting == "database" and "password" in message:
        return UserError(
            f"The database of [source] does not let us in: {said}.",
            "Set the password: CUSTOMER_SEGMENTS_DATABASE_PASSWORD, in the environment or .env; "
            "or mend the user in the address, database of [source].",
        )
    if setting == "database" or any(lost in message for lost in LOST):
        return UserError(
            f"The database of [source] cannot be reached: {said}.",
            "Look whether it runs, and whether the address is right: database of [source] in "
            "customer_segments.toml, as postgresql://user@host:5432/shop.",
        )
    return UserError(
        f"{setting} of [source] does not work: {said}.", "Mend it in customer_segments.toml."
    )
