"""The named jobs, each one run, and the schedule that requests one of them.

Which months to score is known only after ingestion, and one run has one range of months: that
is why ``ingest`` and ``score`` are two jobs. Does not belong here: what is due (``agenda``).
"""

from datetime import date

import dagster as dg

from customer_segments.installation import Installation
from customer_segments.months import month_of, shift
from customer_segments.quality.scope import RANGE_TAGS

_of = dg.AssetSelection.assets
INGEST = _of("raw_transactions", "source_sheets", "source_doubts", "customer_contacts")
CLEAN = _of("cleaned_transactions", "rejected_transactions")
# Each job that changes what people read ends with the copy that they read.
SERVE = _of("serving_copy")
LABEL = SERVE | _of("customer_segments", "segment_migration", "segment_profiles")
SCORE = CLEAN | _of("customer_rfm", "customer_value") | LABEL
CHAMPION = SERVE | _of("champion_model")
REFIT = _of("kmeans_model", "model_selection") | CHAMPION
EVALUATE = SERVE | _of(
    *("algorithm_comparison", "segment_backtest", "refit_agreement", "recommendation_backtest"),
    *("value_backtest", "segment_value_backtest"),
)
CAMPAIGN = SERVE | _of("campaign_result")
RECOMMEND = SERVE | _of("product_recommendations", "segment_products")
REPORT = _of("segment_workbook", "segment_report")

# What launchpads begin with where there is something to say; the policy says the rest.
CONFIGS = {
    job: {"ops": {asset: {"config": config}}}
    for job, asset, config in (
        ("refit", "kmeans_model", {"training_month": ""}),
        ("promote", "champion_model", {"version": "", "reason": ""}),
        ("campaign", "campaign_result", {"list_month": ""}),
    )
}
JOBS = {
    name: dg.define_asset_job(name, selection, description=description, config=CONFIGS.get(name))
    for name, selection, description in (
        ("ingest", INGEST, "Read the workbooks. The materialization says which months changed."),
        ("clean", CLEAN, "Clean a range of months; snapshots need all months before them."),
        ("score", SCORE, "Clean, take snapshots and label a range of months with the champion."),
        ("refit", REFIT, "Fit a challenger on the newest complete month; the gate decides on it."),
        (
            "promote",
            CHAMPION,
            "Make another version the champion, or an older one again: see the config.",
        ),
        ("relabel", LABEL, "Label a range of months again, with the champion."),
        (
            "evaluate",
            EVALUATE,
            "Compare other algorithms and the RFM grid, and how well what comes is foretold.",
        ),
        ("campaign", CAMPAIGN, "Compare the test and control groups of a past month's lists."),
        ("serve", SERVE, "Copy what people read, where a run that changed it was cut short."),
        ("report", REPORT, "The report of each month for people, and the workbook for marketers."),
        (
            "recommend",
            RECOMMEND,
            "What to offer each customer next, by the newest data and labels.",
        ),
        ("full_refresh", SCORE | REFIT, "Score with the fit in between: for a first run."),
    )
}


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
