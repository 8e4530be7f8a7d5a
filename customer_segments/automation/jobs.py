"""The named jobs, each one run, and the schedule that requests one of them.

Which months to score is known only after ingestion, and one run has one range of months: that
is why ``ingest`` and ``score`` are two jobs. Does not belong here: what each makes (``jobs.toml``),
what is due (``agenda``).
"""

from datetime import date
from typing import Any

import dagster as dg

from customer_segments.installation import Installation
from customer_segments.months import month_of, shift
from customer_segments.quality.scope import RANGE_TAGS
from customer_segments.texts import read_toml

_SAID = read_toml(__package__, "jobs.toml")


def _assets(job: str) -> list[str]:
    """Return what a job makes, itself and as others."""
    said = _SAID[job]
    return [*said.get("makes", []), *(each for of in said.get("of", []) for each in _assets(of))]


def _job(name: str) -> Any:
    begins, says = _SAID[name].get("begins", {}), _SAID[name]["says"]
    config = {"ops": {asset: {"config": own} for asset, own in begins.items()}} if begins else None
    selection = dg.AssetSelection.assets(*dict.fromkeys(_assets(name)))
    return dg.define_asset_job(name, selection, description=says, config=config)


JOBS = {name: _job(name) for name in _SAID}


def months_tags(first: date, last: date) -> dict[str, str]:
    """Return the tags that make a run of a job cover a range of months."""
    return dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True))


def monthly_refresh(installed: Installation) -> dg.ScheduleDefinition:
    """Return the schedule that requests ``ingest`` on the 2nd: the month before is over then."""

    @dg.schedule(
        name="monthly_refresh",
        job_name="ingest",
        cron_schedule="0 5 2 * *",
        execution_timezone=installed.policy.source.time_zone,
        description="Read the workbooks at 5 o'clock on the 2nd of each month. The sensor agenda "
        "has to be on as well: it requests what follows.",
        default_status=dg.DefaultScheduleStatus(switch(installed)),
    )
    def monthly_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        month = shift(month_of(context.scheduled_execution_time.date()), -1)
        # A missing or empty folder fails the tick, and says so there.
        if not installed.policy.source.database:
            installed.settings.source_files()
        return dg.RunRequest(run_key=f"{month:%Y-%m}", tags={"expected_month": f"{month:%Y-%m}"})

    return monthly_refresh


def switch(installed: Installation) -> str:
    """Return whether schedule and sensor are on from the first start, in Dagster's words."""
    return "RUNNING" if installed.settings.automation else "STOPPED"
