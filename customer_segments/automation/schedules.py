"""The monthly refresh: early on the 2nd, when the month before is over and its data is in.

Belongs here: when to ingest by the calendar. Does not: what to score after that; the sensor on
``raw_transactions`` reads it from what was ingested (``sensors``).
"""

import dagster as dg

from customer_segments.months import month_of, shift
from customer_segments.settings import Settings

CRON = "0 5 2 * *"


def monthly_refresh(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule that requests ``ingest`` once a month."""

    @dg.schedule(
        name="monthly_refresh",
        job_name="ingest",
        cron_schedule=CRON,
        execution_timezone=settings.time_zone,
        description=(
            "Read the workbooks at 5 o'clock on the 2nd of each month. The sensor "
            "score_changed_months has to be on as well: it scores what the new data changes."
        ),
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if settings.automation
            else dg.DefaultScheduleStatus.STOPPED
        ),
    )
    def monthly_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        month = shift(month_of(context.scheduled_execution_time.date()), -1)
        settings.source_files()  # a missing or empty folder fails the tick, and says so there
        return dg.RunRequest(run_key=f"{month:%Y-%m}", tags={"expected_month": f"{month:%Y-%m}"})

    return monthly_refresh
