"""A month that is overdue: a day after the refresh should have been, by Dagster's own evaluator."""

import asyncio
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import CronFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from customer_segments.covering import save_months
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.months import Months
from customer_segments_tests.automation.shop import month
from customer_segments_tests.installations import install

TODAY = date.today()
DUE = ("raw_transactions", "customer_segments")


def policies(settings) -> dict[str, object]:
    graph = build_defs(Installation.of(settings)).resolve_asset_graph()
    found = {
        key.to_user_string(): graph.get(key).freshness_policy for key in graph.get_all_asset_keys()
    }
    return {name: policy for name, policy in found.items() if policy}


def test_a_historical_file_is_never_overdue(sample_warehouse):
    assert policies(sample_warehouse) == {}


def test_a_live_feed_is_due_each_month_in_its_time_zone(installed):
    save_months(Months(month(5), month(1), is_open=True, today=TODAY), installed)
    installed.config.write_text("[source]\ntime_zone = 'Europe/London'")
    found = policies(installed)
    assert sorted(found) == sorted(DUE)
    assert {policy.timezone for policy in found.values()} == {"Europe/London"}


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """The graph of a live feed."""
    folder = tmp_path_factory.mktemp("live")
    installed = install(folder, source_dir=folder)
    save_months(Months(month(5), month(1), is_open=True, today=TODAY), installed)
    installed.config.write_text("[source]\ntime_zone = 'UTC'")
    return build_defs(Installation.of(installed)).resolve_asset_graph()


@pytest.mark.parametrize("asset", DUE)
@pytest.mark.parametrize(
    ("materialized", "now", "state"),
    [
        # The refresh ran on the 2nd; a day later, and until the next deadline, all is well.
        ("2026-10-02 05:01", "2026-10-04 12:00", FreshnessState.PASS),
        ("2026-10-02 05:01", "2026-11-03 04:59", FreshnessState.PASS),
        # It did not run in November.
        ("2026-10-02 05:01", "2026-11-03 05:01", FreshnessState.FAIL),
        # A file that came on the 1st already was enough.
        ("2026-11-01 00:01", "2026-11-03 05:01", FreshnessState.PASS),
        # Late, but there.
        ("2026-11-09 17:00", "2026-11-09 17:01", FreshnessState.PASS),
    ],
)
def test_when_it_is_overdue(graph, asset, materialized, now, state):
    key = dg.AssetKey(asset)

    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("UTC"))

    with dg.DagsterInstance.ephemeral() as instance:
        with freeze_time(at(materialized)):
            instance.report_runless_asset_event(dg.AssetMaterialization(key))
        with freeze_time(at(now) + timedelta(seconds=1)):
            found = asyncio.run(
                CronFreshnessPolicyEvaluator().evaluate_freshness(
                    LoadingContextForTest(instance), graph.get(key)
                )
            )
    assert found is state
