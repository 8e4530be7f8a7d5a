"""From what happened to what is sent: what the sensor and the command line have in common.

Belongs here: collecting alerts into the outbox and delivering what waits there, in bounded time.
Does not: who calls it and when (``sensor``, ``run``).
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import cast

import dagster as dg
from dagster._core.storage.runs import SqlRunStorage
from rich.console import Console
from rich.markup import escape

from customer_segments.alerts.causes import ENDS, ended_runs, newest_cursor
from customer_segments.alerts.channels import Channel, Undelivered, channels
from customer_segments.alerts.message import cleared, messages
from customer_segments.alerts.outbox import GIVE_UP_DAYS, Outbox
from customer_segments.alerts.standing import failing_ticks, overdue_months
from customer_segments.settings import Settings

# What a command may take longer by; a sensor's tick has a minute.
COMMAND_SECONDS = 4.0
TICK_SECONDS = 30.0

logger = logging.getLogger("customer_segments.alerts")


@contextmanager
def telling(settings: Settings, instance: dg.DagsterInstance, console: Console) -> Iterator[None]:
    """Tell what the runs of a command came to, also where they failed; never fails itself.

    Where nothing but the log is configured, the console has said it all; what others started is
    left to the daemon's sensor.
    """
    if [channel.name for channel in channels(settings)] == ["log"]:
        yield
        return
    try:
        begin(settings, instance)
    except Exception as error:
        _say_trouble(console, error)
    try:
        yield
    finally:
        try:
            collect(settings, instance)
            for problem in deliver(settings, COMMAND_SECONDS):
                console.print(f"  [yellow]![/] {escape(problem)}", highlight=False)
        except Exception as error:
            _say_trouble(console, error)


def begin(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Remember the present, where nothing is remembered: what was before is not told."""
    outbox = Outbox(settings.outbox_path)
    known = outbox.cursors()
    new = {name: end for name, end in _cursor_names(instance).items() if name not in known}
    outbox.begin({name: newest_cursor(instance, end) for name, end in new.items()})


def collect(settings: Settings, instance: dg.DagsterInstance) -> int:
    """Take what happened since the last time into the outbox; return how many alerts are new."""
    begin(settings, instance)
    outbox, now = Outbox(settings.outbox_path), datetime.now(UTC)
    known, after, found = outbox.cursors(), {}, []
    since = min(known[name][1] for name in _cursor_names(instance))
    for name, end in _cursor_names(instance).items():
        alerts, after[name] = ended_runs(instance, end, known[name][0])
        found += alerts
    standing = chain(
        failing_ticks(instance, datetime.fromtimestamp(since, UTC), now),
        overdue_months(instance, settings, now),
    )
    names = [channel.name for channel in channels(settings)]
    return outbox.add(cleared([*found, *standing], settings), names, after)


def deliver(settings: Settings, seconds: float) -> list[str]:
    """Send what is due; return a sentence for each channel that did not take it.

    Parameters
    ----------
    seconds
        How long to wait for it. A server that is slower is left to a thread, and what it does
        not get to waits in the outbox.
    """
    problems: list[str] = []

    def send() -> None:
        for channel in channels(settings):
            try:
                problems.extend(_deliver(settings, channel))
            except Exception as error:
                problems.append(f"Alerts by {channel.name} wait: {type(error).__name__}.")

    # Not by timeouts alone: nothing bounds how long a name is looked up, or an answer dribbles.
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    sender.join(seconds)
    if sender.is_alive():
        return [*problems, f"Alerts are not all sent after {seconds:g} s: the rest waits."]
    return problems


def _deliver(settings: Settings, channel: Channel) -> Iterator[str]:
    outbox = Outbox(settings.outbox_path)
    claimed = outbox.claim(channel.name)
    for alerts, message in messages(list(claimed.values()), settings.ui_url):
        keys = [alert.key for alert in alerts]
        try:
            channel.send(message)
        except Undelivered as reason:
            lost = outbox.failed(channel.name, keys, str(reason))
            # Whatever it is, the others need not find out as well now.
            outbox.released(channel.name, [key for key in claimed if key not in keys])
            for key in lost:
                logger.error(
                    "Given up after %d days, %s: %s", GIVE_UP_DAYS, reason, claimed[key].title
                )
            yield (
                f"Alerts by {channel.name} wait and are tried again: {reason}. "
                "`customer-segments alerts list` shows them."
            )
            return
        outbox.delivered(channel.name, keys)
        for key in keys:
            del claimed[key]


def _cursor_names(instance: dg.DagsterInstance) -> dict[str, dg.DagsterEventType]:
    """Return a cursor's name for each kind of end; its numbers are those of one instance."""
    storage = cast(SqlRunStorage, instance.run_storage).get_run_storage_id()
    return {f"{storage}:{end.value}": end for end in ENDS}


def _say_trouble(console: Console, error: Exception) -> None:
    """Say that alerts did not work, by the kind of error alone: its words may hold anything."""
    from customer_segments.errors import UserError

    said = str(error) if isinstance(error, UserError) else type(error).__name__
    console.print(f"  [yellow]![/] No alerts: {escape(said)}", highlight=False)
