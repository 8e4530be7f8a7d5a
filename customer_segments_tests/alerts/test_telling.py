"""What runs of the real graph tell: failures, failed checks, each once, none of the past."""

import io
import sqlite3
import time

import dagster as dg
import duckdb
import pytest
from rich.console import Console
from typer.testing import CliRunner

from customer_segments.alerts import causes, outbox
from customer_segments.alerts.outbox import Alert
from customer_segments.alerts.telling import collect, deliver, message
from customer_segments.channels import without_secrets
from customer_segments.commands import launching
from customer_segments.commands.app import app
from customer_segments.commands.run import start
from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments_tests.alerts.conftest import time_passes, with_settings
from customer_segments_tests.ingestion.workbooks import HEADER, line, write

SECRET = "planted-secret-7f3a"


def run(settings, instance, job: str = "ingest") -> dg.ExecuteInProcessResult:
    checks = dg.define_asset_job("checks", dg.AssetSelection.checks_for_assets("raw_transactions"))
    defs = dg.Definitions.merge(
        build_defs(Installation.of(settings)), dg.Definitions(jobs=[checks])
    )
    return defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)


def kill_one(settings, instance) -> None:
    """Have a run that was killed, which takes no time."""
    job = build_defs(Installation.of(settings)).resolve_job_def("ingest")
    instance.report_run_failed(instance.create_run_for_job(job), "It was killed.")


def waiting(settings) -> list[str]:
    """The messages that wait."""
    rows = outbox.waiting(settings.outbox_path)
    return ["\n".join(message([Alert(*row[:5])], settings.ui_url)[1:]) for row in rows]


def break_contract(settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as con:
        con.execute("CREATE TABLE bare AS SELECT * FROM raw_transactions")
        con.execute("DROP TABLE raw_transactions")
        con.execute("ALTER TABLE bare RENAME TO raw_transactions")
        con.execute("UPDATE raw_transactions SET month = NULL")


def test_a_failed_check_of_a_run_that_succeeds_is_told_once(installed, kept_instance):
    collect(installed, kept_instance)
    done = run(installed, kept_instance)
    assert done.success
    for _ in range(2):
        collect(installed, kept_instance)
        assert [text.splitlines() for text in waiting(installed)] == [
            [
                "[Customer Segments] WARNING: The check complete_month of raw_transactions warns",
                "2011-03: the data ends on 2011-03-01, these are the figures of a part of the "
                "month.",
                f"Run: ingest, {done.run_id[:8]}",
                "The tables are published. Look whether this is as it should be.",
                "http://127.0.0.1:3000/assets/raw_transactions?view=checks"
                "&checkDetail=complete_month",
            ]
        ]
    # The next run is another one.
    run(installed, kept_instance, "checks")
    collect(installed, kept_instance)
    assert len(waiting(installed)) == 2


def test_a_run_that_a_blocking_check_stops_is_one_message(installed, instance):
    run(installed, instance)
    break_contract(installed)
    collect(installed, instance)
    assert not run(installed, instance, "checks").success
    collect(installed, instance)
    (text,) = waiting(installed)
    assert "ERROR: The run of checks failed\nThe check contract of raw_trans" in text
    assert "month is null: 2 rows" in text
    assert "13085" not in text, "a customer's row is for the UI alone"
    assert text.endswith("/assets/raw_transactions?view=checks&checkDetail=contract")


def test_a_run_that_fails_says_why_and_which_assets(installed, instance):
    collect(installed, instance)
    write(installed.source_dir / "a.xlsx", [HEADER[:5], line()[:5]])
    done = run(installed, instance)
    assert not done.success
    collect(installed, instance)
    (text,) = waiting(installed)
    assert "ERROR: The run of ingest failed\na.xlsx" in text
    assert "UserError" not in text
    assert "Assets: customer_contacts, raw_transactions, source_doubts, source_sheets\n" in text
    assert text.endswith(f"http://127.0.0.1:3000/runs/{done.run_id}")


def test_a_check_of_many_months_is_one_alert_that_names_them(installed, instance):
    @dg.asset_check(
        asset="raw_transactions", partitions_def=dg.MonthlyPartitionsDefinition("2011-01-01")
    )
    def by_month():
        for month, passed in {"2011-01": False, "2011-02": True, "2011-03": False}.items():
            yield dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("raw_transactions"),
                check_name="by_month",
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"{month} is odd.",
                partition=f"{month}-01",
            )
        yield dg.Output(None, output_name="result")

    collect(installed, instance)
    job = dg.Definitions(
        asset_checks=[by_month],
        jobs=[dg.define_asset_job("judge", dg.AssetSelection.checks(by_month))],
    ).resolve_job_def("judge")
    tags = {
        "dagster/asset_partition_range_start": "2011-01-01",
        "dagster/asset_partition_range_end": "2011-03-01",
    }
    assert job.execute_in_process(instance=instance, tags=tags).success
    collect(installed, instance)
    (text,) = waiting(installed)
    assert "warns\n2011-03 is odd.\nMonths: 2011-03, 2011-01\n" in text


def test_the_past_is_not_told_nor_another_instances(installed, instance, tmp_path):
    kill_one(installed, instance)
    collect(installed, instance)
    assert waiting(installed) == []
    with dg.DagsterInstance.local_temp(str(tmp_path)) as another:
        collect(installed, another)
        # Its numbers start anew, and are not taken for ones that were seen.
        kill_one(installed, another)
        collect(installed, another)
        assert len(waiting(installed)) == 1


def test_a_run_that_was_killed_or_cancelled_is_told(installed, instance):
    collect(installed, instance)
    job = build_defs(Installation.of(installed)).resolve_job_def("ingest")
    killed, cancelled = (instance.create_run_for_job(job) for _ in range(2))
    instance.report_run_failed(killed, "Its process 17 was killed.")
    instance.report_run_canceled(cancelled)
    # Nor does it need what may be what failed.
    installed.months_path.write_text("damaged")
    collect(installed, instance)
    failure, end = waiting(installed)
    assert "Its process 17 was killed." in failure
    assert "WARNING: The run of ingest was cancelled" in end
    assert "Somebody stopped it." in end


def test_a_failing_webhook_keeps_the_alert_until_it_recovers(by_webhook, instance, webhook):
    webhook.answers = [500]
    collect(by_webhook, instance)
    kill_one(by_webhook, instance)
    collect(by_webhook, instance)
    (problem,) = deliver(by_webhook, 5)
    assert problem.startswith("Alerts by JSON wait")
    assert "error=500" in problem
    assert deliver(by_webhook, 5) == []  # not due yet
    assert webhook.got == []
    time_passes(by_webhook.outbox_path, 31)
    for _ in range(2):
        assert deliver(by_webhook, 5) == []
        assert len(webhook.got) == 1
    assert waiting(by_webhook) == []


def test_a_server_that_dribbles_holds_up_nothing(by_webhook, instance, webhook, mail_server):
    webhook.dribbles = True
    mail = f"mailto://127.0.0.1:{mail_server.port}?from=d@shop.example&to=a@shop.example"
    both = with_settings(by_webhook, alerts=f"{webhook.url} {mail}")
    collect(both, instance)
    kill_one(both, instance)
    collect(both, instance)
    started = time.monotonic()
    (problem,) = deliver(both, 0.5)
    assert "not all sent after 0.5 s" in problem
    assert time.monotonic() - started < 1
    assert len(mail_server.mails) == 1
    (left,) = outbox.waiting(both.outbox_path)
    assert (left["channel"], left["attempts"]) == ("JSON", 1)


def test_a_storm_is_one_message(by_webhook, instance, webhook):
    collect(by_webhook, instance)
    job = build_defs(Installation.of(by_webhook)).resolve_job_def("ingest")
    for _ in range(30):
        instance.report_run_failed(instance.create_run_for_job(job), "It was killed.")
    collect(by_webhook, instance)
    assert deliver(by_webhook, 5) == []
    (text,) = webhook.got
    assert text.startswith("[Customer Segments] ERROR: 30 alerts at once\n")
    assert " more: http" in text.splitlines()[-1]


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "dagster").mkdir()
    monkeypatch.setattr(launching, "prepare_dagster_home", lambda **_: tmp_path / "dagster")
    monkeypatch.setenv("DAGSTER_HOME", "")


@pytest.mark.parametrize("fault", ["webhook down", "outbox damaged"])
def test_trouble_with_alerts_never_fails_a_command(
    installed, home, fault, tmp_path, logged, monkeypatch
):
    settings = with_settings(installed, alerts=f"json://127.0.0.1:9/{SECRET}")
    if fault == "outbox damaged":
        settings.outbox_path.write_text("no database " * 1000)
    said = io.StringIO()
    monkeypatch.setattr("rich._console", Console(file=said, width=200))
    start(Installation.of(settings), "ingest")
    expected = {"webhook down": "(refused)", "outbox damaged": "cannot be used"}[fault]
    assert expected in said.getvalue()
    # Nothing that was written holds the secret: outbox, run logs, console.
    assert SECRET not in said.getvalue() + logged.getvalue()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"a.xlsx", "warehouse.duckdb.alerts.sqlite"} < {path.name for path in files}
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_secret_that_an_error_quotes_is_not_kept(by_webhook, instance):
    collect(by_webhook, instance)
    job = build_defs(Installation.of(by_webhook)).resolve_job_def("ingest")
    killed = instance.create_run_for_job(job)
    for length in range(0, 3_000, 7):
        body = causes.body(f"{'x' * length} http://h/services/{SECRET}.", {}, "")
        assert "planted" not in without_secrets(body, by_webhook.alerts.get_secret_value())
    instance.report_run_failed(killed, f"No answer of http://h/services/{SECRET}.")
    collect(by_webhook, instance)
    (text,) = waiting(by_webhook)
    assert "No answer of http://h/services/***." in text


def test_a_command_tells_also_when_its_run_failed(by_webhook, webhook, home):
    write(by_webhook.source_dir / "a.xlsx", [HEADER[:5], line()[:5]])
    with pytest.raises(UserError):
        start(Installation.of(by_webhook), "ingest")
    (text,) = webhook.got
    assert text.startswith("[Customer Segments] ERROR: The run of ingest failed\na.xlsx")


@pytest.fixture
def command(by_webhook, monkeypatch):
    monkeypatch.setattr(Installation, "here", lambda: Installation.of(by_webhook))
    return lambda *arguments: CliRunner().invoke(app, ["alerts", *arguments])


def test_a_test_message_says_what_became_of_it(command, webhook):
    done = command("test")
    assert (done.exit_code, done.output) == (0, "JSON: delivered.\n")
    assert webhook.got[0].startswith("[Customer Segments] WARNING: A test message\n")
    webhook.answers = [500]
    done = command("test")
    assert done.exit_code == 1
    assert done.output.startswith("JSON: not delivered. Failed to send")


def test_what_waits_is_listed(command, by_webhook):
    path = by_webhook.outbox_path
    assert command("list").output == "No alert waits to be delivered.\n"
    assert not path.exists()
    outbox.add(path, [Alert("k", "ERROR", "The run of score failed", "", "/runs")], ["JSON"])
    outbox.settle(path, "JSON", outbox.take(path, "JSON"), "error=500")
    with sqlite3.connect(path) as con:
        con.execute("UPDATE messages SET told_at = 1e9, due_at = 1e9 + 30")
    assert command("list").output == (
        "2001-09-09 01:46 UTC  JSON  The run of score failed\n"
        "    attempts: 1, the last one: error=500\n"
        "    again at 2001-09-09 01:47 UTC or later\n"
    )
