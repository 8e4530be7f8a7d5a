"""What runs of the real graph tell: failures, failed checks, each once, none of the past."""

import io
import sqlite3
import time

import dagster as dg
import duckdb
import pytest
from rich.console import Console

from customer_segments import launching
from customer_segments import run as commands
from customer_segments.alerts.message import message
from customer_segments.alerts.outbox import Outbox
from customer_segments.alerts.telling import begin, collect, deliver
from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments_tests.alerts.conftest import with_settings
from customer_segments_tests.ingestion.workbooks import HEADER, line, write


def run(settings, instance, job: str = "ingest") -> dg.ExecuteInProcessResult:
    checks = dg.define_asset_job("checks", dg.AssetSelection.checks_for_assets("raw_transactions"))
    defs = dg.Definitions.merge(
        build_defs(Installation.of(settings)), dg.Definitions(jobs=[checks])
    )
    return defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)


def waiting(settings) -> dict[str, str]:
    """What waits: title and text of the message."""
    return {
        each.alert.title: message(each.alert, settings.ui_url).text
        for each in Outbox(settings.outbox_path).waiting()
    }


def break_contract(settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as con:
        con.execute("CREATE TABLE bare AS SELECT * FROM raw_transactions")
        con.execute("DROP TABLE raw_transactions")
        con.execute("ALTER TABLE bare RENAME TO raw_transactions")
        con.execute("UPDATE raw_transactions SET month = NULL")


def test_a_failed_check_of_a_run_that_succeeds_is_told_once(installed, kept_instance):
    begin(installed, kept_instance)
    done = run(installed, kept_instance)
    assert done.success
    assert collect(installed, kept_instance) == 1
    (text,) = waiting(installed).values()
    assert text.splitlines() == [
        "WARNING: The check complete_month of raw_transactions warns",
        "2011-03: the data ends on 2011-03-01, these are the figures of a part of the month.",
        "Asset: raw_transactions",
        "Check: complete_month",
        "Months: 2011-03",
        "Figures: newest_date: 2011-03-01",
        f"Run: ingest, {done.run_id[:8]}",
        "The tables are published. Look whether this is as it should be.",
        "http://127.0.0.1:3000/assets/raw_transactions?view=checks&checkDetail=complete_month",
    ]
    assert collect(installed, kept_instance) == 0
    # The next run is another one.
    run(installed, kept_instance)
    assert collect(installed, kept_instance) == 1


def test_a_run_that_a_blocking_check_stops_is_one_message(installed, instance):
    run(installed, instance)
    break_contract(installed)
    begin(installed, instance)
    assert not run(installed, instance, "checks").success
    assert collect(installed, instance) == 1
    (text,) = waiting(installed).values()
    assert text.startswith("ERROR: The run of checks failed\nThe check contract of raw_trans")
    assert "month is null: 2 rows" in text
    assert "13085" not in text, "a customer's row is for the UI alone"
    assert text.endswith("/assets/raw_transactions?view=checks&checkDetail=contract")


def test_a_run_that_fails_says_why_and_which_asset(installed, instance):
    begin(installed, instance)
    write(installed.source_dir / "a.xlsx", [HEADER[1:], line()[1:]])
    done = run(installed, instance)
    assert not done.success
    assert collect(installed, instance) == 1
    (text,) = waiting(installed).values()
    assert text.startswith("ERROR: The run of ingest failed\na.xlsx")
    assert "UserError" not in text
    assert "Asset: raw_transactions, source_sheets\n" in text
    assert text.endswith(f"http://127.0.0.1:3000/runs/{done.run_id}")


def test_the_past_is_not_told_nor_another_instances(installed, instance, tmp_path):
    run(installed, instance)
    assert collect(installed, instance) == 0
    with dg.DagsterInstance.local_temp(str(tmp_path)) as another:
        begin(installed, another)
        # Its numbers start anew, and are not taken for ones that were seen.
        run(installed, another)
        assert collect(installed, another) == 1


def test_a_run_whose_process_was_killed_is_told_when_it_is_found(installed, instance):
    begin(installed, instance)
    killed = instance.create_run_for_job(
        build_defs(Installation.of(installed)).resolve_job_def("ingest")
    )
    instance.report_run_failed(killed, "Its process 17 was killed.")
    assert collect(installed, instance) == 1
    (text,) = waiting(installed).values()
    assert "Its process 17 was killed." in text


def test_a_failing_webhook_keeps_the_alert_until_it_recovers(by_webhook, instance, webhook):
    webhook.answers = [500]
    begin(by_webhook, instance)
    assert run(by_webhook, instance).success
    collect(by_webhook, instance)
    (problem,) = deliver(by_webhook, 5)
    assert problem.startswith("Alerts by webhook wait and are tried again: it answered 500.")
    assert deliver(by_webhook, 5) == []  # not due yet
    assert (webhook.refused, webhook.got) == (1, [])
    half_a_minute_passes(by_webhook)
    assert deliver(by_webhook, 5) == []
    assert len(webhook.got) == 1
    assert waiting(by_webhook) == {}
    assert deliver(by_webhook, 5) == []
    assert len(webhook.got) == 1


def half_a_minute_passes(settings) -> None:
    with sqlite3.connect(settings.outbox_path) as con:
        con.execute("UPDATE deliveries SET due_at = due_at - 31")


def test_a_server_that_dribbles_takes_no_longer_than_allowed(by_webhook, instance, webhook):
    webhook.is_slow = True
    begin(by_webhook, instance)
    run(by_webhook, instance)
    collect(by_webhook, instance)
    started = time.monotonic()
    (problem,) = deliver(by_webhook, 0.2)
    assert "not all sent after 0.2 s" in problem
    assert time.monotonic() - started < 1
    assert len(waiting(by_webhook)) == 1


def test_each_channel_has_its_own_fate(by_webhook, instance, webhook, mail_server):
    webhook.answers = [500]
    both = with_settings(
        by_webhook,
        alert_email_to="me@shop.example",
        alert_email_from="me@shop.example",
        alert_smtp_host="127.0.0.1",
        alert_smtp_port=mail_server.port,
    )
    begin(both, instance)
    run(both, instance)
    collect(both, instance)
    assert len(deliver(both, 5)) == 1
    assert len(mail_server.mails) == 1
    (left,) = Outbox(both.outbox_path).waiting()
    assert (left.channel, left.attempts, left.error) == ("webhook", 1, "it answered 500")


def test_a_storm_is_one_message(by_webhook, instance, webhook):
    begin(by_webhook, instance)
    job = build_defs(Installation.of(by_webhook)).resolve_job_def("ingest")
    for _ in range(30):
        instance.report_run_failed(instance.create_run_for_job(job), "It was killed.")
    assert collect(by_webhook, instance) == 30
    assert deliver(by_webhook, 5) == []
    (text,) = webhook.got
    assert text.startswith("*ERROR: 30 alerts at once*\n")
    assert "and 18 more" in text


@pytest.mark.parametrize("fault", ["webhook down", "outbox damaged"])
def test_trouble_with_alerts_never_fails_a_command(
    installed, instance, fault, monkeypatch, tmp_path
):
    settings = with_settings(installed, alert_webhook="http://127.0.0.1:9/planted-secret-7f3a")
    if fault == "outbox damaged":
        settings.outbox_path.write_text("no database " * 1000)
    (tmp_path / "dagster").mkdir()
    monkeypatch.setattr(launching, "prepare_dagster_home", lambda: tmp_path / "dagster")
    monkeypatch.setenv("DAGSTER_HOME", "")
    said = io.StringIO()
    commands.ingest(settings, Console(file=said, width=200))
    expected = {"webhook down": "cannot be reached", "outbox damaged": "cannot be used"}[fault]
    assert expected in said.getvalue()
    # Nothing that was written holds the secret: outbox, run logs, console.
    assert "planted-secret" not in said.getvalue()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"a.xlsx", "warehouse.duckdb.alerts.sqlite"} < {path.name for path in files}
    assert [path for path in files if b"planted-secret" in path.read_bytes()] == []
    assert "planted" not in repr(settings)


def test_a_command_tells_also_when_its_run_failed(by_webhook, webhook, monkeypatch, tmp_path):
    write(by_webhook.source_dir / "a.xlsx", [HEADER[1:], line()[1:]])
    (tmp_path / "dagster").mkdir()
    monkeypatch.setattr(launching, "prepare_dagster_home", lambda: tmp_path / "dagster")
    monkeypatch.setenv("DAGSTER_HOME", "")
    with pytest.raises(UserError):
        commands.ingest(by_webhook, Console(quiet=True))
    (text,) = webhook.got
    assert text.startswith("*ERROR: The run of ingest failed*\na.xlsx")
