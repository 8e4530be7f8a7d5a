"""Dagster's event log on SQLite, with connections that stay open.

Belongs here: how a run's events reach the disk. Does not: which events there are (Dagster), where
the databases lie (``instance``).
"""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy.pool import StaticPool

INDEX = "index"
# Of runs: whoever looks through old ones in the UI opens no more files than this.
MOST_OPEN = 16


class PooledEventLog(SqliteEventLogStorage):
    """Writes an event in an eighth of the time that Dagster's own SQLite storage takes.

    That one makes an engine for each event, compiles its statements anew, and brings the log of
    changes into the database and onto the disk as it closes it: a millisecond each time, ten on a
    slow disk, and a run of two years has a thousand events. This one has a connection for each
    database and leaves it to SQLite when to sync (``synchronous=NORMAL``): after a power cut the
    last events may be missing, never half there. What is due does not depend on them.

    Parameters
    ----------
    base_dir
        Folder of the databases; Dagster's own storage has them in ``history/runs`` of its home.
    """

    def __init__(self, base_dir: str, inst_data: Any = None):
        self._engines: dict[str, sa.Engine] = {}
        self._one_at_a_time = threading.Lock()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PooledEventLog":
        """Make the storage that ``dagster.yaml`` asks for."""
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[sa.Connection]:
        """Give the connection to the database of a run."""
        return self._connection(run_id or INDEX)

    def index_connection(self) -> AbstractContextManager[sa.Connection]:
        """Give the connection to the database of what is asked for across runs."""
        return self._connection(INDEX)

    def wipe(self) -> None:
        """Forget everything; the databases of runs are deleted."""
        self._close_all()
        super().wipe()

    def dispose(self) -> None:
        """Close what is open."""
        self._close_all()
        super().dispose()

    @contextmanager
    def _connection(self, shard: str) -> Iterator[sa.Connection]:
        with self._one_at_a_time, self._engine(shard).begin() as connection:
            raw: Any = connection.connection.dbapi_connection
            before = raw.total_changes
            yield connection
        if raw.total_changes != before:
            # The pages of a live run watch this file, which SQLite leaves alone for a while.
            os.utime(self.path_for_shard(shard))

    def _engine(self, shard: str) -> sa.Engine:
        if shard not in self._engines:
            with super().run_connection(shard):  # makes the database of a new run
                pass
            if len(self._engines) > MOST_OPEN:
                self._close(next(name for name in self._engines if name != INDEX))
            engine = sa.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            sync_less = "PRAGMA synchronous=NORMAL"
            sa.event.listen(engine, "connect", lambda raw, _: raw.execute(sync_less))
            self._engines[shard] = engine
        return self._engines[shard]

    def _close(self, shard: str) -> None:
        self._engines.pop(shard).dispose()

    def _close_all(self) -> None:
        with self._one_at_a_time:
            for shard in [*self._engines]:
                self._close(shard)
