"""How a message leaves: a webhook, e-mail, and the log where neither is configured.

Belongs here: sending one message, and saying in plain words why it could not be. Does not: what
is sent (``message``), trying again (``outbox``). The words of an exception are never repeated:
those of requests hold the webhook's address, which is a secret.
"""

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_segments.alerts.message import Level, Message
from customer_segments.settings import Settings

if TYPE_CHECKING:
    from smtplib import SMTP

# For each answer of a server; a run's end waits for the sum of them, bounded (``telling``).
TIMEOUT_SECONDS = 3.0
TLS_PORT = 465

logger = logging.getLogger("customer_segments.alerts")


class Undelivered(Exception):  # noqa: N818 - it says what became of the message
    """A channel did not take a message; its text names no address and no password."""


@dataclass(frozen=True)
class Channel:
    """A way out: its name, and what sends a message or raises ``Undelivered``."""

    name: str
    send: Callable[[Message], None]


def channels(settings: Settings) -> list[Channel]:
    """Return the channels that are configured; the log if there is none."""
    found = []
    if settings.alert_webhook:
        found.append(Channel("webhook", lambda message: _post(message, settings)))
    if settings.alert_email_to:
        found.append(Channel("email", lambda message: _mail(message, settings)))
    return found or [Channel("log", _log)]


def _log(message: Message) -> None:
    level = logging.ERROR if message.level is Level.ERROR else logging.WARNING
    logger.log(level, "%s", message.text)


def _post(message: Message, settings: Settings) -> None:
    import requests

    assert settings.alert_webhook
    try:
        # A redirect would turn it into a GET, elsewhere. The body of the answer is not read.
        with requests.post(
            settings.alert_webhook.get_secret_value(),
            json=message.slack(),
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            status = answer.status_code
    except requests.Timeout:
        raise Undelivered(f"no answer within {TIMEOUT_SECONDS:g} s") from None
    except requests.exceptions.SSLError:
        raise Undelivered("its certificate is not to be trusted") from None
    except (requests.RequestException, OSError, ValueError) as error:
        raise Undelivered(f"it cannot be reached ({type(error).__name__})") from None
    if not 200 <= status < 300:
        raise Undelivered(f"it answered {status}")


def _mail(message: Message, settings: Settings) -> None:
    import hashlib
    import smtplib
    from email.message import EmailMessage
    from email.utils import formatdate

    mail = EmailMessage()
    mail["From"], mail["To"] = settings.alert_email_from, ", ".join(settings.alert_email_to)
    mail["Subject"] = f"[Customer Segments] {message.subject}"
    mail["Date"] = formatdate()
    # The same for the same alert, so that one that was sent twice can be told.
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()}@customer-segments>"
    mail.set_content(message.text)
    try:
        with closing(_connected(settings)) as server:
            refused = server.send_message(mail)
            # It has the message now: a farewell that goes wrong must not send it again.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
    except TimeoutError:
        raise Undelivered(f"no answer within {TIMEOUT_SECONDS:g} s") from None
    except smtplib.SMTPRecipientsRefused:
        raise Undelivered("it refused all recipients") from None
    except smtplib.SMTPResponseException as error:
        name = "the user or password" if error.smtp_code == 535 else "the message"
        raise Undelivered(f"it refused {name} (code {error.smtp_code})") from None
    except smtplib.SMTPNotSupportedError:
        raise Undelivered(
            "it offers no encryption, and a password is not sent without it"
        ) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        if isinstance(error.__context__, TimeoutError):
            raise Undelivered(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        raise Undelivered(f"it cannot be reached ({type(error).__name__})") from None
    if refused:
        # The others have it: trying again would send it to them twice.
        logger.warning("The mail server refused %d of the recipients of an alert.", len(refused))


def _connected(settings: Settings) -> "SMTP":
    """Return a session with the mail server, encrypted if it can be, always for a password."""
    import smtplib
    import ssl

    host, port = settings.alert_smtp_host or "", settings.alert_smtp_port
    context = ssl.create_default_context()
    if port == TLS_PORT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, port, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    try:
        password = settings.alert_smtp_password
        if port != TLS_PORT:
            server.ehlo()
            if server.has_extn("starttls") or password:
                server.starttls(context=context)
                server.ehlo()
        if settings.alert_smtp_user and password:
            server.login(settings.alert_smtp_user, password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server
