"""From what happened to what is sent, in bounded time: by the sensor, and by commands.

Belongs here: collecting alerts into the outbox, and delivering what waits there. Does not: what is
an alert (``causes``), how it leaves (``channels``).
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import accumulate

import dagster as dg
from rich.console import Console
from rich.markup import escape

from customer_segments.alerts import outbox
from customer_segments.alerts.causes import ENDS, ended_runs, failing_ticks, overdue_months
from customer_segments.channels import Channel, channels, without_secrets
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import Settings

# What a command may take longer by; a sensor's tick has a minute.
COMMAND_SECONDS, TICK_SECONDS = 4.0, 30.0
# Slack cuts a text at 3,000 characters, and its escapes make one longer.
MAX_TEXT = 2_400
# Where an instance keeps how far it was told of.
CURSOR = "customer_segments/alerts"


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the sensor ``alerts``: it starts no run, and is always on from the first start."""
    settings = installed.settings

    # Alerts have to be on where nobody thought of them; without addresses they are logged.
    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failed runs and checks, overdue months and failing sensors, once "
        "each, to the addresses in CUSTOMER_SEGMENTS_ALERTS.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        collect(settings, context.instance)
        problems = deliver(settings, TICK_SECONDS)
        names = ", ".join(channels(settings.alerts.get_secret_value()))
        left = len(outbox.waiting(settings.outbox_path))
        return dg.SkipReason(" ".join([f"By {names}; waiting: {left}.", *problems]))

    return dg.Definitions(sensors=[alerts])


@contextmanager
def telling(settings: Settings, instance: dg.DagsterInstance, console: Console) -> Iterator[None]:
    """Tell what the runs of a command came to, also where they failed; never fails itself.

    Where nothing but the log is configured, the console has said it all; what others started is
    left to the daemon's sensor.
    """

    def tell(seconds: float = 0) -> None:
        try:
            collect(settings, instance)
            problems = deliver(settings, seconds) if seconds else []
        except Exception as error:
            # If it is none of ours by its kind alone: its words may hold anything.
            said = error if isinstance(error, UserError) else type(error).__name__
            problems = [f"No alerts: {said}"]
        for problem in problems:
            console.print(f"  [yellow]![/] {escape(problem)}", highlight=False)

    if not settings.alerts.get_secret_value():
        yield
        return
    tell()
    try:
        yield
    finally:
        tell(COMMAND_SECONDS)


def collect(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Take what happened since the last time into the outbox; the first time, that is nothing."""
    now, store = datetime.now(UTC), instance.daemon_cursor_storage
    if kept := store.get_cursor_values({CURSOR}).get(CURSOR):
        since, cursors = json.loads(kept)
    else:
        newest = {end.value: instance.fetch_run_status_changes(end, limit=1) for end in ENDS}
        since, cursors = now.timestamp(), {end: page.cursor for end, page in newest.items()}
    addresses = settings.alerts.get_secret_value()
    found = [
        *ended_runs(instance, cursors),
        *failing_ticks(instance, since, now),
        *overdue_months(instance, settings, now),
    ]
    clear = [alert._replace(body=without_secrets(alert.body, addresses)) for alert in found]
    outbox.add(settings.outbox_path, clear, channels(addresses))
    # After that: who dies before it finds the same again, and its key is known.
    store.set_cursor_values({CURSOR: json.dumps([since, cursors])})


def message(alerts: list[outbox.Alert], ui_url: str) -> tuple[str, str, str]:
    """Return level, title and text of one message: the worst first, as many as there is room."""
    alerts = sorted(alerts, key=lambda alert: alert.level)
    titles = [f"{alert.level}: {alert.title}" for alert in alerts]
    parts = [f"{alert.body}\n{ui_url}{alert.path}" for alert in alerts]
    if len(alerts) > 1:
        parts = [f"{title}\n{part}" for title, part in zip(titles, parts, strict=True)]
        titles = [f"{alerts[0].level}: {len(alerts)} alerts at once"]
    # At least the first; no link is cut.
    room = sum(length <= MAX_TEXT for length in accumulate(map(len, parts))) or 1
    if room < len(alerts):
        parts[room:] = [f"And {len(alerts) - room} more: {ui_url}/runs"]
    return alerts[0].level, f"[Customer Segments] {titles[0]}", "\n\n".join(parts)


def deliver(settings: Settings, seconds: float) -> list[str]:
    """Send what is due; return a sentence for each channel that did not take it.

    What takes longer than ``seconds`` is left to a thread, and waits in the outbox.
    """
    problems: list[str] = []

    def send_all(name: str, send: Channel) -> None:
        error, path = "", settings.outbox_path
        try:
            while not error and (alerts := outbox.take(path, name)):
                error = send(*message(alerts, settings.ui_url))
                outbox.settle(path, name, alerts, error)
        except Exception as trouble:
            error = type(trouble).__name__
        if error:
            problems.append(f"Alerts by {name} wait, see `customer-segments alerts list`: {error}")

    # Not by timeouts alone: nothing bounds how long a name is looked up, or an answer dribbles.
    threads = [
        threading.Thread(target=send_all, args=channel, daemon=True)
        for channel in channels(settings.alerts.get_secret_value()).items()
    ]
    until = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        return [*problems, f"Alerts are not all sent after {seconds:g} s: the rest waits."]
    return problems
