"""The monthly refresh: early on the 2nd, when the month before is over and its data is in.

Belongs here: when to ingest by the calendar. Does not: what follows from it (``agenda``).
"""

import dagster as dg

from customer_segments.installation import Installation
from customer_segments.months import month_of, shift

CRON = "0 5 2 * *"


def monthly_refresh(installed: Installation) -> dg.ScheduleDefinition:
    """Return the schedule that requests ``ingest`` once a month."""

    @dg.schedule(
        name="monthly_refresh",
        job_name="ingest",
        cron_schedule=CRON,
        execution_timezone=installed.policy.source.time_zone,
        description=(
            "Read the workbooks at 5 o'clock on the 2nd of each month. The sensor agenda has to "
            "be on as well: it requests what follows."
        ),
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if installed.settings.automation
            else dg.DefaultScheduleStatus.STOPPED
        ),
    )
    def monthly_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        month = shift(month_of(context.scheduled_execution_time.date()), -1)
        # A missing or empty folder fails the tick, and says so there.
        installed.settings.source_files()
        return dg.RunRequest(run_key=f"{month:%Y-%m}", tags={"expected_month": f"{month:%Y-%m}"})

    return monthly_refresh
