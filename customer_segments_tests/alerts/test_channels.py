"""Channels against real servers: well, down, silent, that refuse, redirect or want a password."""

import logging
import socket
import ssl
import subprocess
import time

import pytest
from apprise.plugins.slack import NotifySlack
from pydantic import ValidationError

from customer_segments.channels import channels, without_secrets
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.settings import Settings
from customer_segments_tests.alerts.servers import MailServer, serving

MESSAGE = "ERROR", "The run of scöre failed", "Déjà vu <!channel>\nhttp://127.0.0.1:3000/runs/1"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send(addresses: str) -> str:
    """Send to the only address; return why it was not taken."""
    ((_, channel),) = channels(addresses).items()
    started = time.monotonic()
    error = channel(*MESSAGE)
    assert time.monotonic() - started < 5
    assert "planted" not in error
    return error


def mail_to(port: int, user: str = "", schema: str = "mailto", **more: str) -> str:
    options = {"from": "dagster@shop.example", "to": "a@shop.example"} | more
    return f"{schema}://{user}localhost:{port}?{'&'.join(f'{k}={v}' for k, v in options.items())}"


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        ("hooks.example/planted", "Address 1 is none that apprise knows"),
        ("json://h/x\n  nonsense://planted", "Address 2 is none that apprise knows"),
        ("mailto://me:planted@shop.example", "Address 1 would send its password unencrypted"),
        ("mailtos://me:planted@shop.example?to=a@s.co,b@s.co", "Address 1 has 2 recipients"),
        ("mailtos://me:planted@shop.example?to=a@s.co&cc=b@s.co", "Address 1 has 2 recipients"),
        ("mailtos://me:planted@shop.example?to=nobody", "Address 1 has 0 recipients"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/planted1234567890abcdefg/#x/#y", "Address 1 has 2 recip"),
    ],
)
def test_a_wrong_address_is_told_by_its_number_alone(addresses, message, monkeypatch, logged):
    with pytest.raises(ValidationError, match=message) as error:
        Settings(_env_file=None, alerts=addresses)
    monkeypatch.setenv("CUSTOMER_SEGMENTS_ALERTS", addresses)
    with pytest.raises(UserError, match=f"CUSTOMER_SEGMENTS_ALERTS: .*{message}") as user_error:
        Installation.here()
    assert "planted" not in f"{error.value}{user_error.value}{logged.getvalue()}"


def test_channels_have_names_without_secrets(installed):
    addresses = "json://a.co/planted json://b.co\nmailtos://me:planted@s.co\n"
    settings = Settings(_env_file=None, alerts=addresses)
    assert "planted" not in repr(settings)
    assert list(channels(addresses)) == ["JSON", "JSON #2", "E-Mail"]
    assert list(channels(installed.alerts.get_secret_value())) == ["log"]


def test_nothing_an_address_holds_stays_in_a_text():
    addresses = (
        "json://me:pl%40nted@h.co/planted-path?rto=2 mailtos://me@s.co?pass=hunter&to=sh@op.co"
    )
    said = f"{addresses} to pl@nted /planted-path hunter of customer_rfm at shop"
    cleared = without_secrets(said, addresses)
    assert not any(secret in cleared for secret in ("nted", "hunter", "?rto"))
    assert cleared.endswith("of customer_rfm at shop")


def test_a_webhook_gets_it(webhook):
    assert send(webhook.url) == ""
    assert webhook.got == ["\n".join(MESSAGE[1:])]


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500])
def test_a_webhook_that_refuses_is_quoted_by_its_status(webhook, status, logged):
    webhook.answers = [status]
    assert f"error={status}" in send(webhook.url)
    assert webhook.got == []
    assert send(webhook.url) == ""
    assert "planted" not in logged.getvalue()


def test_in_slack_nothing_of_it_is_markup(webhook, monkeypatch):
    monkeypatch.setattr(NotifySlack, "webhook_url", webhook.url.replace("json", "http"))
    assert (
        send("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/planted34567890abcdefghi") == ""
    )
    assert "&lt;!channel&gt;" in str(webhook.got)
    assert "<!channel>" not in str(webhook.got)


def test_a_server_that_is_down_or_silent(closed_port):
    assert "(refused)" in send(f"json://127.0.0.1:{closed_port}/planted-path")
    assert "(refused)" in send(mail_to(closed_port))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "(timed out)" in send(f"json://127.0.0.1:{port}/planted-path?rto=0.3")
        assert "(timed out)" in send(mail_to(port, cto="0.3"))


def test_mail_arrives(mail_server):
    assert send(mail_to(mail_server.port)) == ""
    (mail,) = mail_server.mails
    assert "To: a@shop.example" in mail
    assert "The run of" in mail.replace("=?utf-8?q?", "").replace("_", " ")
    assert 'Content-Type: text/plain; charset="utf-8"' in mail
    assert "text/html" not in mail


def test_no_password_is_sent_without_encryption(mail_server):
    refused = send(mail_to(mail_server.port, "me:planted-hunter2@", "mailtos"))
    assert "(STARTTLS)" in refused
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


def test_with_encryption_it_logs_in(encrypted, monkeypatch):
    address = mail_to(encrypted.port, "me:planted-hunter2@", "mailtos")
    assert send(address) == ""
    assert len(encrypted.mails) == 1
    assert encrypted.heard.index("STARTTLS") < next(
        number for number, line in enumerate(encrypted.heard) if line.startswith("AUTH")
    )
    encrypted.login = "535 planted-hunter2 is wrong"
    assert "(535)" in send(address)
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "(CERTIFICATE_VERIFY_FAILED)" in send(address)


def test_without_an_address_it_is_logged(caplog):
    assert send("") == ""
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("customer_segments.alerts", logging.ERROR)
    assert record.getMessage() == "\n".join(MESSAGE[1:])


@pytest.mark.parametrize("url", ["localhost:3000", "ftp://h", "https:///x", "https://h/a b"])
def test_the_ui_has_an_address_of_the_web(url):
    with pytest.raises(ValidationError, match="write it as https://host/path"):
        Settings(_env_file=None, ui_url=url)
    assert Settings(_env_file=None, ui_url="https://h/dagster/").ui_url == "https://h/dagster"
