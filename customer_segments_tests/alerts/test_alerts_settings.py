"""Settings of alerts are told wrong by name, never by value; the commands say what happened."""

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from customer_segments.alerts.message import Alert, Level
from customer_segments.alerts.outbox import Outbox
from customer_segments.cli import app
from customer_segments.errors import UserError
from customer_segments.settings import Settings

MAIL = {"alert_email_to": "me@shop.example", "alert_smtp_host": "mail.shop.example"}


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"alert_webhook": "hooks.example/planted"}, "write it as https://host/path"),
        ({"alert_webhook": "ftp://hooks.example/planted"}, "write it as https://host/path"),
        ({"alert_webhook": "https://hooks.example:planted/"}, "write it as https://host/path"),
        ({"ui_url": "localhost:3000"}, "write it as https://host/path"),
        ({"alert_email_to": "me@shop.example"}, "set ALERT_SMTP_HOST as well"),
        (MAIL, "set ALERT_EMAIL_FROM as well"),
        (MAIL | {"alert_email_to": "me, you@shop.example"}, "'me' is not an e-mail address"),
        (MAIL | {"alert_email_from": "a@b\nBcc: c@d"}, "is not an e-mail address"),
        ({"alert_smtp_password": "planted"}, "set both"),
        ({"alert_smtp_user": "me"}, "set both"),
        ({"alert_smtp_port": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_settings_are_named_without_their_secrets(chosen, message):
    with pytest.raises(ValidationError, match=message) as error:
        Settings(_env_file=None, **chosen)
    assert "planted" not in str(error.value)


def test_an_error_of_the_command_line_names_the_setting(monkeypatch):
    monkeypatch.setenv("CUSTOMER_SEGMENTS_ALERT_WEBHOOK", "hooks.example/planted")
    with pytest.raises(UserError, match="CUSTOMER_SEGMENTS_ALERT_WEBHOOK: ") as error:
        load_settings()
    assert "planted" not in str(error.value)


def test_recipients_are_separated_by_commas(monkeypatch):
    for name, value in MAIL.items():
        monkeypatch.setenv(f"CUSTOMER_SEGMENTS_{name.upper()}", value)
    monkeypatch.setenv("CUSTOMER_SEGMENTS_ALERT_EMAIL_TO", "a@shop.example, b@shop.example,")
    monkeypatch.setenv("CUSTOMER_SEGMENTS_ALERT_EMAIL_FROM", "c@shop.example")
    monkeypatch.setenv("CUSTOMER_SEGMENTS_ALERT_WEBHOOK", "")
    settings = Settings(_env_file=None)
    assert settings.alert_email_to == ("a@shop.example", "b@shop.example")
    assert settings.alert_webhook is None


@pytest.fixture
def command(by_webhook, monkeypatch):
    monkeypatch.setattr("customer_segments.cli.load_settings", lambda: by_webhook)
    return lambda *arguments: CliRunner().invoke(app, ["alerts", *arguments])


def test_a_test_message_says_what_became_of_it(command, webhook):
    done = command("test")
    assert (done.exit_code, done.output) == (0, "webhook: delivered.\n")
    assert webhook.got[0].startswith("*WARNING: A test message*")
    webhook.answers = [500]
    done = command("test")
    assert (done.exit_code, done.output) == (1, "webhook: not delivered, it answered 500.\n")


def test_what_waits_is_listed(command, by_webhook):
    assert command("list").output == "No alert waits to be delivered.\n"
    assert not by_webhook.outbox_path.exists()
    outbox = Outbox(by_webhook.outbox_path, lambda: 1e9)
    outbox.add([Alert("k", Level.ERROR, "The run of score failed")], ["webhook"], {})
    outbox.failed("webhook", ["k"], "it answered 500")
    assert command("list").output == (
        "2001-09-09 01:46 UTC  webhook  The run of score failed\n"
        "    tried 1 time, it answered 500; again at 2001-09-09 01:47 UTC or later\n"
    )
