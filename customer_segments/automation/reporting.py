"""What requests a report: new labels, whoever published them.

Belongs here: the sensor behind the runs that label. Does not: what starts these (``sensors``).
"""

from typing import Any

import dagster as dg

from customer_segments.automation.jobs import CHAIN_TAG, JOBS, months_covered, months_tags

LABELLING = ("score", "full_refresh", "relabel")


def report_sensor(shared: dict[str, Any]) -> dg.SensorDefinition:
    """Return the sensor that requests a report when a run that labels has succeeded.

    Parameters
    ----------
    shared
        Interval and default status, as all sensors have them.
    """

    @dg.run_status_sensor(
        name="report_new_labels",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[JOBS[name] for name in LABELLING],
        request_job=JOBS["report"],
        description=(
            "Makes report and workbook of the newest month that a run has labelled, once it has "
            "succeeded. Older months: `customer-segments report --months 2011-06:2011-12`."
        ),
        **shared,
    )
    def report_new_labels(
        context: dg.RunStatusSensorContext,
    ) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if CHAIN_TAG in run.tags:
            return dg.SkipReason("The command that labelled makes the report as well.")
        covered = months_covered(run)
        if covered is None:
            return dg.SkipReason("The run covered no months.")
        newest = covered[1]
        return dg.RunRequest(run_key=run.run_id, tags=months_tags(newest, newest))

    return report_new_labels
