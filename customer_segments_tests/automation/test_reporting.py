"""The report that follows new labels under the daemon: once, of the newest month."""

from datetime import date

import dagster as dg
import pytest
from customer_segments.automation.reporting import LABELLING

from customer_segments.automation.jobs import CHAIN_TAG, months_tags
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.outputs.files import report_path
from customer_segments_tests.automation.daemon import Daemon

SENSOR = "report_new_labels"
FIRST, LAST = date(2024, 10, 1), date(2024, 12, 1)


@pytest.fixture
def daemon(sample_warehouse, copy_of, instance) -> Daemon:
    """A daemon over a copy of the sample, all labelled, in place of the shop that grows."""
    return Daemon(copy_of(sample_warehouse), instance)


def run(daemon, job: str, *months, tags: dict[str, str] | None = None) -> None:
    build_defs(Installation.of(daemon.settings)).resolve_job_def(job).execute_in_process(
        instance=daemon.instance,
        tags=months_tags(*months) | (tags or {}),
        raise_on_error=False,
    )


def test_labels_of_several_months_are_one_report_of_the_newest(daemon):
    assert daemon.tick(SENSOR).runs == []  # it was not on before: what was is not reported
    run(daemon, "score", FIRST, LAST)
    assert daemon.tick(SENSOR).runs == [("report", "2024-12", "2024-12")]
    assert daemon.last_run_succeeded()
    assert report_path(daemon.settings.reports_path, LAST).is_file()
    assert not report_path(daemon.settings.reports_path, FIRST).exists()
    assert daemon.tick(SENSOR).runs == []


@pytest.mark.parametrize("why", ["chained", "failed", "another job"])
def test_no_report_follows(daemon, why):
    daemon.tick(SENSOR)
    if why == "failed":
        daemon.settings.warehouse_path.chmod(0o400)
    job = "clean" if why == "another job" else "relabel"
    tags = {CHAIN_TAG: "command line"} if why == "chained" else {}
    run(daemon, job, LAST, LAST, tags=tags)
    daemon.settings.warehouse_path.chmod(0o600)
    tick = daemon.tick(SENSOR)
    assert tick.runs == []
    if why == "chained":
        assert "The command" in tick.said


def test_every_job_that_labels_is_watched(daemon):
    labels = dg.AssetKey("customer_segments")
    jobs = daemon.repository.get_all_jobs()
    labelling = {
        job.name
        for job in jobs
        if job.asset_layer and labels in job.asset_layer.selected_asset_keys
    }
    assert labelling - {"__ASSET_JOB"} == set(LABELLING)


@pytest.mark.parametrize("is_on", [True, False])
def test_it_is_on_when_the_settings_say_so(daemon, is_on):
    settings = daemon.settings.model_copy(update={"automation": is_on})
    sensor = build_defs(Installation.of(settings)).get_repository_def().get_sensor_def(SENSOR)
    assert (sensor.default_status is dg.DefaultSensorStatus.RUNNING) == is_on
