"""Channels against real servers: that are well, down, slow, that refuse or redirect."""

import logging
import socket
import ssl
import subprocess
import time

import pytest

from customer_segments.alerts.channels import Undelivered, channels
from customer_segments.alerts.message import Alert, Level, message
from customer_segments_tests.alerts.conftest import with_settings
from customer_segments_tests.alerts.servers import MailServer, serving

ALERT = Alert("cause", Level.ERROR, "The run of scöre failed", said="Déjà vu", path="/runs/1")
MESSAGE = message(ALERT, "http://127.0.0.1:3000")


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def by_mail(installed, port, **more):
    return with_settings(
        installed,
        alert_email_to="a@shop.example, b@shop.example",
        alert_email_from="dagster@shop.example",
        alert_smtp_host="localhost",
        alert_smtp_port=port,
        **more,
    )


def send(settings) -> None:
    (channel,) = channels(settings)
    channel.send(MESSAGE)


def refusal(settings) -> str:
    started = time.monotonic()
    with pytest.raises(Undelivered) as error:
        send(settings)
    assert time.monotonic() - started < 5
    assert error.value.__cause__ is None
    return str(error.value)


def test_the_webhook_gets_slacks_json(by_webhook, webhook):
    send(by_webhook)
    assert webhook.got == [
        "*ERROR: The run of scöre failed*\nDéjà vu\nhttp://127.0.0.1:3000/runs/1"
    ]


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500])
def test_a_webhook_that_refuses_is_quoted_by_its_status(by_webhook, webhook, status):
    webhook.answers = [status]
    assert refusal(by_webhook) == f"it answered {status}"
    assert webhook.got == []
    send(by_webhook)


def test_a_slow_webhook_is_not_waited_for(by_webhook, webhook, impatient):
    webhook.is_slow = True
    assert refusal(by_webhook) == "no answer within 0.3 s"


def test_a_webhook_that_is_down(installed, closed_port):
    settings = with_settings(installed, alert_webhook=f"http://127.0.0.1:{closed_port}/planted")
    assert refusal(settings) == "it cannot be reached (ConnectionError)"


def test_mail_arrives_at_all_recipients(installed, mail_server):
    send(by_mail(installed, mail_server.port))
    (mail,) = mail_server.mails
    assert "To: a@shop.example, b@shop.example" in mail
    assert "[Customer Segments] ERROR: The run of" in mail.replace("=?utf-8?q?", "").replace(
        "_", " "
    )
    recipients = [line for line in mail_server.heard if line.lower().startswith("rcpt")]
    assert len(recipients) == 2
    send(by_mail(installed, mail_server.port))
    ids = {line for mail in mail_server.mails for line in mail.splitlines() if "Message-ID" in line}
    assert len(ids) == 1


def test_a_mail_server_that_is_down_or_slow(installed, closed_port, impatient):
    assert refusal(by_mail(installed, closed_port)).startswith("it cannot be reached (Connection")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = by_mail(installed, silent.getsockname()[1])
        assert refusal(slow) == "no answer within 0.3 s"


LOGIN = {"alert_smtp_user": "dagster", "alert_smtp_password": "planted-hunter2"}


def test_no_password_is_sent_without_encryption(installed, mail_server):
    refused = refusal(by_mail(installed, mail_server.port, **LOGIN))
    assert refused.startswith("it offers no encryption")
    assert not any("AUTH" in line for line in mail_server.heard)


@pytest.fixture
def encrypted(tmp_path, monkeypatch):
    """A mail server with a certificate of its own, which this process trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(MailServer(context)) as server:
        yield server


def test_with_encryption_it_logs_in(installed, encrypted, monkeypatch):
    settings = by_mail(installed, encrypted.port, **LOGIN)
    send(settings)
    assert len(encrypted.mails) == 1
    assert encrypted.heard.index("STARTTLS") < next(
        number for number, line in enumerate(encrypted.heard) if line.startswith("AUTH")
    )
    encrypted.login = "535 planted-hunter2 is wrong"
    assert refusal(settings) == "it refused the user or password (code 535)"
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "SSLCertVerificationError" in refusal(settings)


def test_without_a_channel_it_is_logged(installed, caplog):
    send(installed)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("customer_segments.alerts", logging.ERROR)
    assert record.getMessage() == MESSAGE.text
