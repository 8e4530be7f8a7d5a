"""The definitions of this stage: the jobs, and what starts them."""

import dagster as dg

from customer_segments.automation.jobs import JOBS, monthly_refresh
from customer_segments.automation.sensor import agenda_asset, agenda_sensor
from customer_segments.installation import Installation


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    return dg.Definitions(
        assets=[agenda_asset],
        jobs=list(JOBS.values()),
        schedules=[monthly_refresh(installed)],
        sensors=[agenda_sensor(installed)],
    )
