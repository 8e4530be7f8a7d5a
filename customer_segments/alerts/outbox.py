"""Alerts that wait to be delivered: a small SQLite file beside the warehouse.

Belongs here: what was told on which channel, what waits, when it is tried again; shared by the
daemon and the command line, whichever comes first. Does not: sending (``channels``).
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from customer_segments.channels import logger
from customer_segments.errors import UserError
from customer_segments.private import make_folder

# Tried again after half a minute, then twice as long each time, at last every hour, for a week.
FIRST_PAUSE, LAST_PAUSE, MAX_ATTEMPTS = 30, 3_600, 174
# Until then a cause is known as told.
KEEP_SECONDS = 90 * 86_400

# Times are seconds since 1970.
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    key TEXT, level TEXT, title TEXT, body TEXT, path TEXT, channel TEXT, told_at REAL,
    due_at REAL, attempts INTEGER DEFAULT 0, error TEXT DEFAULT '', state TEXT DEFAULT 'waiting',
    PRIMARY KEY (key, channel)
)"""
INSERT = """
INSERT OR IGNORE INTO messages (key, level, title, body, path, channel, told_at, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


class Alert(NamedTuple):
    """One cause, by its ``key``: it is told once on each channel.

    ``level`` is ERROR or WARNING, ``title`` a line, ``path`` where in the UI to look.
    """

    key: str
    level: str
    title: str
    body: str
    path: str


def add(outbox: Path, alerts: Iterable[Alert], channels: Iterable[str]) -> None:
    """Take in alerts, for the channels that they are new to."""
    now, names = time.time(), list(channels)
    with _changing(outbox) as con:
        con.executemany(INSERT, [(*alert, each, now, now) for alert in alerts for each in names])
        con.execute("DELETE FROM messages WHERE told_at < ?", (now - KEEP_SECONDS,))


def take(outbox: Path, channel: str) -> list[Alert]:
    """Return what is due on a channel, to be sent as one message; nobody else gets it.

    It counts as tried from now on: who dies while sending has not lost it. What was tried less
    often comes first and alone: what is always refused holds up nothing else.
    """
    now = time.time()
    with _changing(outbox) as con:
        due = con.execute(
            "SELECT * FROM messages WHERE channel = ? AND state = 'waiting' AND due_at <= ? "
            "ORDER BY attempts, rowid",
            (channel, now),
        ).fetchall()
        attempts = due[0]["attempts"] if due else 0
        alerts = [Alert(*row[:5]) for row in due if row["attempts"] == attempts]
        state = "given up" if attempts >= MAX_ATTEMPTS else "waiting"
        next_time = now + min(FIRST_PAUSE * 2**attempts, LAST_PAUSE)
        con.executemany(
            "UPDATE messages SET state = ?, due_at = ?, attempts = attempts + 1, "
            "error = 'no answer' WHERE channel = ? AND key = ?",
            [(state, next_time, channel, alert.key) for alert in alerts],
        )
    if state == "waiting":
        return alerts
    for alert in alerts:
        logger.error("Not told by %s in a week, given up: %s", channel, alert.title)
    return []


def settle(outbox: Path, channel: str, alerts: Iterable[Alert], error: str) -> None:
    """Note what became of alerts that were taken: delivered, if there is no error."""
    state = "waiting" if error else "delivered"
    with _changing(outbox) as con:
        con.executemany(
            "UPDATE messages SET state = ?, error = ? WHERE channel = ? AND key = ?",
            [(state, error, channel, alert.key) for alert in alerts],
        )


def waiting(outbox: Path) -> list[sqlite3.Row]:
    """Return what waits, the oldest first."""
    with _changing(outbox) as con:
        waiting = "SELECT * FROM messages WHERE state = 'waiting' ORDER BY rowid"
        return con.execute(waiting).fetchall()


@contextmanager
def _changing(outbox: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection in a transaction, alone; the file is its owner's alone."""
    try:
        make_folder(outbox.parent)
        # SQLite asks for no mode; its journal takes that of the file.
        os.close(os.open(outbox, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(outbox, timeout=5, isolation_level=None)) as con:
            con.row_factory = sqlite3.Row
            con.execute(SCHEMA)
            con.execute("BEGIN IMMEDIATE")
            with con:
                yield con
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"The outbox of alerts {outbox} cannot be used: {error}.",
            "Make it writable. A damaged file may be deleted: only what waits in it is lost.",
        ) from error
