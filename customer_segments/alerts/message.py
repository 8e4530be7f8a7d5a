"""What an alert says, as text for people and as JSON for Slack and the like.

Belongs here: the alert itself, its bounds, links into the UI, many alerts in one message. Does
not: what causes an alert (``causes``, ``standing``), how it is sent (``channels``).
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from urllib.parse import quote

from customer_segments.settings import Settings

# Slack cuts a block of text at 3,000 characters; its escapes make a text longer.
MAX_TEXT = 2_400
MAX_SLACK = 3_000
MAX_TITLE = 150
MAX_SAID = 1_200
MAX_FACT = 300
# More at once are one message that lists so many of them.
MAX_SINGLE = 5
MAX_LISTED = 12
MAX_HINT = 100


class Level(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Alert:
    """One cause of one run, told once.

    Parameters
    ----------
    key
        Cause and run; of the alerts with one key only the first is told.
    title
        What happened, in a line.
    said
        What the run, check or sensor said about it.
    facts
        Asset, months, check, figures: name and value.
    remedy
        What to do.
    path
        Where in the UI to look.
    """

    key: str
    level: Level
    title: str
    said: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    remedy: str = ""
    path: str = "/runs"

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Alert":
        """Return what ``to_json`` wrote."""
        held = json.loads(text)
        facts = tuple((name, value) for name, value in held.pop("facts"))
        return cls(**held | {"level": Level(held["level"]), "facts": facts})


@dataclass(frozen=True)
class Message:
    """What is sent: plain text, at most ``MAX_TEXT`` characters, the subject its first line.

    Parameters
    ----------
    key
        The same for the same alerts, so that a mail program can tell one that came twice.
    """

    key: str
    level: Level
    subject: str
    body: str

    @property
    def text(self) -> str:
        """Subject and body."""
        return f"{self.subject}\n{self.body}"

    def slack(self) -> dict[str, str]:
        """Return the JSON that Slack takes, and what imitates it.

        The text alone, without blocks: Mattermost and others show nothing else. The three
        characters that Slack gives a meaning are escaped, so nothing in it can call a channel.
        """
        said, _, link = _escaped(f"*{self.subject}*\n{self.body}").rpartition("\n")
        return {"text": f"{shortened(said, MAX_SLACK - len(link) - 1)}\n{link}"}


def message(alert: Alert, ui_url: str) -> Message:
    """Return the message of one alert: what happened, where, what to do, a link."""
    lines = [f"{name}: {shortened(value, MAX_FACT)}" for name, value in alert.facts]
    lines.append(alert.remedy)
    body = "\n".join(line for line in (shortened(alert.said, MAX_SAID), *lines) if line)
    link = f"{ui_url}{alert.path}"
    # The link comes last and is never cut off.
    room = MAX_TEXT - MAX_TITLE - len(link) - 20
    return Message(alert.key, alert.level, _subject(alert), f"{shortened(body, room)}\n{link}")


def messages(alerts: list[Alert], ui_url: str) -> list[tuple[list[Alert], Message]]:
    """Return what to send for alerts that wait: a message each, or one for all where many do."""
    if len(alerts) <= MAX_SINGLE:
        return [([alert], message(alert, ui_url)) for alert in alerts]
    # The worst first: they are the ones that have to be listed.
    ordered = sorted(alerts, key=lambda alert: alert.level is not Level.ERROR)
    listed = [
        f"- {_subject(alert)}{_hint(alert)}\n  {ui_url}{alert.path}"
        for alert in ordered[:MAX_LISTED]
    ]
    while sum(map(len, listed)) > MAX_TEXT - MAX_TITLE - 100:
        listed.pop()
    if more := len(alerts) - len(listed):
        listed.append(f"- and {more} more: see {ui_url}/runs")
    level = ordered[0].level
    subject = f"{level.upper()}: {len(alerts)} alerts at once"
    return [(alerts, Message(alerts[0].key, level, subject, "\n".join(listed)))]


def check_path(asset: str, check: str) -> str:
    """Return the page of a check in the UI."""
    return f"/assets/{quote(asset)}?view=checks&checkDetail={quote(check)}"


def shortened(text: str, limit: int) -> str:
    """Cut a text to a number of characters, saying so."""
    return text if len(text) <= limit else f"{text[: limit - 4].rstrip()} ..."


def without_rows(text: str) -> str:
    """Leave out the rows that an audit shows: customers' data is for the UI, not for a chat."""
    kept = [
        line.rpartition("}")[2] if line.lstrip().startswith("{") else line
        for line in text.splitlines()
    ]
    return " ".join(" ".join(kept).split())


def without_secrets(text: str, settings: Settings) -> str:
    """Leave out what the settings keep secret, should somebody's error have quoted it."""
    for secret in settings.alert_secrets():
        text = text.replace(secret, "***")
    return text


def cleared(alerts: Iterable[Alert], settings: Settings) -> list[Alert]:
    """Return alerts without secrets, each text bounded, as they may be kept and shown."""

    def clear(text: str, limit: int) -> str:
        return shortened(without_secrets(text, settings), limit)

    return [
        Alert(
            alert.key,
            alert.level,
            clear(" ".join(alert.title.split()), MAX_TITLE),
            clear(alert.said, MAX_SAID),
            tuple((name, clear(value, MAX_FACT)) for name, value in alert.facts),
            clear(alert.remedy, MAX_SAID),
            alert.path,
        )
        for alert in alerts
    ]


def _subject(alert: Alert) -> str:
    return f"{alert.level.upper()}: {shortened(alert.title, MAX_TITLE)}"


def _hint(alert: Alert) -> str:
    said = " ".join(alert.said.split())
    return f": {shortened(said, MAX_HINT)}" if said else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
