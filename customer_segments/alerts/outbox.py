"""Alerts that wait to be delivered: a small SQLite file beside the warehouse.

Belongs here: what was told already, what waits, when it is tried again; shared by the daemon and
the command line, whichever comes first. Does not: sending (``channels``).
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from customer_segments.alerts.message import Alert
from customer_segments.errors import UserError
from customer_segments.private import make_folder

# Doubled after each failure, from half a minute to an hour.
FIRST_RETRY_SECONDS = 30
LAST_RETRY_SECONDS = 3_600
GIVE_UP_DAYS = 7
# A process that was killed while it sent gives its alerts back after that.
CLAIM_SECONDS = 120
MAX_CLAIMED = 200
# As the ticks of sensors in dagster.yaml; until then a cause is known as told.
KEEP_DAYS = 90
DAY = 86_400

SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    alert INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
    told_at REAL NOT NULL, content TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    alert INTEGER NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    due_at REAL NOT NULL, claimed_until REAL NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (alert, channel)
);
CREATE TABLE IF NOT EXISTS cursors (
    name TEXT PRIMARY KEY, cursor TEXT NOT NULL, since REAL NOT NULL
);
"""


@dataclass(frozen=True)
class Waiting:
    """An alert that waits for a channel; times in seconds since 1970."""

    alert: Alert
    channel: str
    since: float
    due_at: float
    attempts: int
    error: str


class Outbox:
    """The outbox of a warehouse.

    Parameters
    ----------
    path
        The file; made where it is missing, for its owner alone.
    clock
        What time it is, in seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time):
        self.path, self.clock = path, clock

    def cursors(self) -> dict[str, tuple[str, float]]:
        """Return each cursor, and since when it is kept."""
        with self._changing() as con:
            rows = con.execute("SELECT name, cursor, since FROM cursors").fetchall()
        return {name: (cursor, since) for name, cursor, since in rows}

    def begin(self, cursors: dict[str, str]) -> None:
        """Start at these cursors, where there are none yet."""
        with self._changing() as con:
            con.executemany(
                "INSERT OR IGNORE INTO cursors VALUES (?, ?, ?)",
                [(name, cursor, self.clock()) for name, cursor in cursors.items()],
            )

    def add(self, alerts: Iterable[Alert], channels: Iterable[str], cursors: dict[str, str]) -> int:
        """Take in alerts that are new, and go on from these cursors; return how many are new.

        In one transaction. Where two processes see the same, the first one's is kept, by the key.
        """
        names, now, added = list(channels), self.clock(), 0
        with self._changing() as con:
            for alert in alerts:
                done = con.execute(
                    "INSERT OR IGNORE INTO alerts (key, told_at, content) VALUES (?, ?, ?)",
                    (alert.key, now, alert.to_json()),
                )
                if done.rowcount:
                    added += 1
                    con.executemany(
                        "INSERT INTO deliveries (alert, channel, due_at) VALUES (?, ?, ?)",
                        [(done.lastrowid, name, now) for name in names],
                    )
            con.executemany(
                "UPDATE cursors SET cursor = ? WHERE name = ?",
                [(cursor, name) for name, cursor in cursors.items()],
            )
            old = now - KEEP_DAYS * DAY
            con.execute("DELETE FROM alerts WHERE told_at < ?", (old,))
            con.execute("DELETE FROM deliveries WHERE alert NOT IN (SELECT alert FROM alerts)")
        return added

    def claim(self, channel: str) -> dict[str, Alert]:
        """Return the alerts that are due on a channel, by key; nobody else gets them meanwhile.

        Those that were tried less often come first: one that is always refused holds up no other.
        """
        now = self.clock()
        with self._changing() as con:
            found = con.execute(
                "SELECT alert, key, content FROM deliveries JOIN alerts USING (alert) "
                "WHERE channel = ? AND state = 'waiting' AND due_at <= ? AND claimed_until <= ? "
                "ORDER BY attempts, alert LIMIT ?",
                (channel, now, now, MAX_CLAIMED),
            ).fetchall()
            con.executemany(
                "UPDATE deliveries SET claimed_until = ? WHERE alert = ? AND channel = ?",
                [(now + CLAIM_SECONDS, alert, channel) for alert, _, _ in found],
            )
        return {key: Alert.from_json(content) for _, key, content in found}

    def delivered(self, channel: str, keys: Iterable[str]) -> None:
        """Note that a channel took alerts."""
        self._update("state = 'delivered', attempts = attempts + 1, error = ''", channel, keys)

    def released(self, channel: str, keys: Iterable[str]) -> None:
        """Give alerts back that were not tried."""
        self._update("claimed_until = 0", channel, keys)

    def failed(self, channel: str, keys: Iterable[str], error: str) -> list[str]:
        """Note that a channel did not take alerts; return the keys that are given up by that."""
        keys, now, given_up = list(keys), self.clock(), []
        with self._changing() as con:
            for key in keys:
                attempts, told_at = con.execute(
                    "SELECT attempts, told_at FROM deliveries JOIN alerts USING (alert) "
                    "WHERE channel = ? AND key = ?",
                    (channel, key),
                ).fetchone()
                is_over = now - told_at > GIVE_UP_DAYS * DAY
                given_up += [key] if is_over else []
                wait = min(FIRST_RETRY_SECONDS * 2.0 ** min(attempts, 20), LAST_RETRY_SECONDS)
                con.execute(
                    "UPDATE deliveries SET state = ?, attempts = attempts + 1, error = ?, "
                    "due_at = ?, claimed_until = 0 WHERE channel = ? "
                    "AND alert = (SELECT alert FROM alerts WHERE key = ?)",
                    ("given up" if is_over else "waiting", error, now + wait, channel, key),
                )
        return given_up

    def waiting(self) -> list[Waiting]:
        """Return what waits, the oldest first."""
        with self._changing() as con:
            rows = con.execute(
                "SELECT content, channel, told_at, due_at, attempts, error "
                "FROM deliveries JOIN alerts USING (alert) WHERE state = 'waiting' "
                "ORDER BY alert, channel"
            ).fetchall()
        return [Waiting(Alert.from_json(content), *rest) for content, *rest in rows]

    def _update(self, change: str, channel: str, keys: Iterable[str]) -> None:
        with self._changing() as con:
            con.executemany(
                f"UPDATE deliveries SET {change} WHERE channel = ? "
                "AND alert = (SELECT alert FROM alerts WHERE key = ?)",
                [(channel, key) for key in keys],
            )

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection in a transaction, alone."""
        try:
            make_folder(self.path.parent)
            # SQLite asks for no mode; its journal takes that of the file.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(sqlite3.connect(self.path, timeout=5, isolation_level=None)) as con:
                con.executescript(SCHEMA)
                con.execute("BEGIN IMMEDIATE")
                with con:
                    yield con
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"The outbox of alerts {self.path} cannot be used: {error}.",
                "Make it writable. A damaged file may be deleted: only what waits in it is lost.",
            ) from error
