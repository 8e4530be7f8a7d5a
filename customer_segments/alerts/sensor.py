"""The sensor that tells what happened, every half minute.

Belongs here: the sensor. Does not: what it does (``telling``), which the command line does too.
"""

import dagster as dg

from customer_segments.alerts.channels import channels
from customer_segments.alerts.outbox import Outbox
from customer_segments.alerts.telling import TICK_SECONDS, collect, deliver
from customer_segments.settings import Settings

INTERVAL_SECONDS = 30


def alerts_sensor(settings: Settings) -> dg.SensorDefinition:
    """Return the sensor ``alerts``: it starts no run, and is always on from the first start."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=INTERVAL_SECONDS,
        # Alerts have to be on where nobody thought of them; without settings they go to the log.
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Tells of failed runs and checks, overdue months and failing sensors, once each: by "
            "webhook or e-mail, as the settings say, else in the log. Starts no run."
        ),
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        found = collect(settings, context.instance)
        problems = deliver(settings, TICK_SECONDS)
        waiting = len(Outbox(settings.outbox_path).waiting())
        names = ", ".join(channel.name for channel in channels(settings))
        said = f"{found} new by {names}; {waiting} {'waits' if waiting == 1 else 'wait'}."
        return dg.SkipReason(" ".join([said, *problems]))

    return alerts
