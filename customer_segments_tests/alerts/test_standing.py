"""Failing sensors and overdue months, as Dagster's own daemons record them."""

import logging
import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.freshness import FreshnessDaemon
from dagster._daemon.sensor import execute_sensor_iteration

from customer_segments.alerts.causes import last_due_month
from customer_segments.covering import save_months
from customer_segments.months import Months, month_of, shift

MODULE = LoadableTargetOrigin(
    executable_path=sys.executable, module_name="customer_segments.definitions"
)


@pytest.fixture
def workspace(by_webhook, kept_instance, monkeypatch):
    """The code location as the daemon loads it: a live feed whose source folder is missing."""
    for name in ("source_dir", "warehouse", "reports_dir"):
        value = getattr(by_webhook, name)
        monkeypatch.setenv(f"CUSTOMER_SEGMENTS_{name.upper()}", str(value))
    monkeypatch.setenv("CUSTOMER_SEGMENTS_AUTOMATION", "true")
    monkeypatch.setenv("CUSTOMER_SEGMENTS_ALERTS", by_webhook.alerts.get_secret_value())
    by_webhook.source_dir.rename(by_webhook.source_dir.with_name("elsewhere"))
    today = datetime.now(UTC).date()
    this_month = month_of(today)
    save_months(Months(shift(this_month, -5), shift(this_month, -1), True, today), by_webhook)
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(MODULE))
    with create_test_daemon_workspace_context(target, kept_instance) as context:
        yield context


@pytest.mark.parametrize("days", [70, 0])
def test_a_failing_sensor_and_an_overdue_month_are_told_once(
    workspace, by_webhook, kept_instance, webhook, tmp_path, days
):
    with freeze_time(datetime.now(UTC) - timedelta(days=days)):
        for asset in ("raw_transactions", "customer_segments"):
            kept_instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset, metadata={"months_waiting": {}, "newest_date": "2026-01-01"}
                )
            )
    list(FreshnessDaemon().run_iteration(workspace))

    def tick(at: datetime) -> None:
        with freeze_time(at):
            list(execute_sensor_iteration(workspace, logging.getLogger("x"), None, None))

    now = datetime.now(UTC)
    for number in range(5):
        tick(now + timedelta(seconds=40 * number))
    told = "\n".join(webhook.got)
    month = last_due_month(now, "UTC")
    for title, times in {
        "ERROR: The sensor agenda fails\n": 1,
        f"ERROR: customer_segments is overdue for {month}\n": 1 if days else 0,
        f"ERROR: raw_transactions is overdue for {month}\n": 1 if days else 0,
    }.items():
        assert told.count(title) == times, title
    assert told.count("http") == (3 if days else 1)
    assert "source does not exist. Create it" in told
    assert "http://127.0.0.1:3000/automation" in told
    assert not days or "http://127.0.0.1:3000/assets/customer_segments" in told
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"planted-secret" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("now", "zone", "month"),
    [
        ("2026-11-03 05:01", "UTC", "2026-10"),
        ("2026-11-03 04:59", "UTC", "2026-09"),
        ("2026-01-03 05:01", "UTC", "2025-12"),
        ("2026-11-03 05:01", "America/New_York", "2026-09"),
    ],
)
def test_which_month_is_overdue(now, zone, month):
    assert last_due_month(datetime.fromisoformat(now).replace(tzinfo=UTC), zone) == month
