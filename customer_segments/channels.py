"""Ways out for a message: the addresses of the settings, in the words of apprise, or the log.

Belongs here: taking addresses apart, sending one message, saying why it was not taken; an address
is a secret as a whole. Does not: what is sent, and trying again (``alerts``).
"""

import logging
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from apprise import Apprise

# Sends level, title and text; returns why it was not taken, or nothing.
Channel = Callable[[str, str, str], str]

# All that is quoted of the library's details: a cause, or the code of an SMTP server.
CAUSE = re.compile(
    r"(?<=\()\d{3}(?=, b)|refused|timed out|CERTIFICATE_VERIFY_FAILED|STARTTLS", re.I
)
PASSWORD = re.compile(r"(?<=:)[^:/@]+(?=@)|(?<=[?&]pass=)[^&]+")
# Of what else lies between the marks of an address: /hook alone is nobody's secret.
SHORTEST_SECRET = 9

logger = logging.getLogger("customer_segments.alerts")
# Its messages quote addresses; what may be told of them is taken from its results.
_library = logging.getLogger("apprise")
_library.propagate = False
_library.setLevel(logging.DEBUG)
# Which says the path of each request, a webhook's secret, when somebody logs all.
logging.getLogger("urllib3").setLevel(logging.INFO)


def channels(addresses: str) -> dict[str, Channel]:
    """Return a channel for each address, by a name that tells no secret; the log if there is none.

    A ValueError tells the number of one that is no address, or would tell twice or unencrypted.
    """
    found: dict[str, Channel] = {}
    for number, address in enumerate(addresses.split(), 1):
        name, sender = _sender(number, address)
        alike = sum(other.partition(" #")[0] == name for other in found)
        found[f"{name} #{alike + 1}" if alike else name] = partial(_send, sender, addresses)
    return found or {"log": _log}


def without_secrets(text: str, addresses: str) -> str:
    """Leave out what addresses keep secret, should somebody's error have quoted it."""
    secrets: set[str] = set()
    for address in addresses.split():
        shown = re.sub(r"(?<=[?&])(to|from|name)=[^&]*", "", address)
        parts = (part for part in re.split(r"[/?&=@:]+", shown) if len(part) >= SHORTEST_SECRET)
        secrets |= {address, *PASSWORD.findall(address), *parts}
    for secret in sorted(secrets | set(map(unquote, secrets)), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _sender(number: int, address: str) -> tuple[str, "Apprise"]:
    from apprise import Apprise, AppriseAsset
    from apprise.plugins.email.base import NotifyEmail

    # No time limit of its own: it would leave a thread behind that a process waits for at its end.
    asset = AppriseAsset(app_id="Customer Segments", http_redirects=False, service_timeout=0)
    service = Apprise.instantiate(address, asset=asset)
    if service is None:
        raise ValueError(
            f"Address {number} is none that apprise knows: see docs/operations.md, Alerts."
        )
    recipients = len(service)
    if isinstance(service, NotifyEmail):
        recipients = len(service.targets) + len(service.cc) + len(service.bcc)
        if service.password and service.secure_mode == "insecure":
            raise ValueError(
                f"Address {number} would send its password unencrypted: write it as mailtos://."
            )
    if recipients != 1:
        # One that refuses would have the others get the message again and again.
        raise ValueError(f"Address {number} has {recipients} recipients: write one for each.")
    sender = Apprise(asset=asset)
    sender.add(service)
    return str(service.service_name), sender


def _send(sender: "Apprise", addresses: str, level: str, title: str, text: str) -> str:
    from apprise import NotifyFormat, NotifyType

    kind = NotifyType.FAILURE if level == "ERROR" else NotifyType.WARNING
    result = sender.notify(text, title, kind, NotifyFormat.TEXT, log_level=logging.DEBUG)
    if result:
        return ""
    said, cause = "It was not taken.", ""
    for entry in result.logs():
        said = entry.message if entry.level in ("WARNING", "ERROR") else said
        cause = f" ({found[0]})" if (found := CAUSE.search(entry.message)) else cause
    return without_secrets(f"{said}{cause}", addresses)


def _log(level: str, title: str, text: str) -> str:
    logger.log(logging.ERROR if level == "ERROR" else logging.WARNING, "%s\n%s", title, text)
    return ""
