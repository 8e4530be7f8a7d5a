"""The named jobs, each one run.

Which months to score is known only after ingestion, and one run has one range of months: that
is why ``ingest`` and ``score`` are two jobs.
"""

from datetime import date

import dagster as dg

from customer_segments.quality.scope import RANGE_TAGS

INGEST = dg.AssetSelection.assets("raw_transactions", "source_sheets")
CLEAN = dg.AssetSelection.assets("cleaned_transactions", "rejected_transactions")
LABEL = dg.AssetSelection.assets("customer_segments", "segment_migration", "segment_profiles")
SCORE = CLEAN | dg.AssetSelection.assets("customer_rfm") | LABEL
CHAMPION = dg.AssetSelection.assets("champion_model")
EVALUATE = dg.AssetSelection.assets("algorithm_comparison", "segment_backtest")
REPORT = dg.AssetSelection.assets("segment_workbook", "segment_report")
REFIT = dg.AssetSelection.assets("kmeans_model", "model_selection") | CHAMPION

JOBS = {
    job.name: job
    for job in (
        dg.define_asset_job(
            "ingest",
            INGEST,
            description="Read the workbooks. The materialization says which months changed.",
        ),
        dg.define_asset_job(
            "clean",
            CLEAN,
            description="Clean a range of months; snapshots need all months before them.",
        ),
        dg.define_asset_job(
            "score",
            SCORE,
            description="Clean, take snapshots and label a range of months with the champion.",
        ),
        dg.define_asset_job(
            "refit",
            REFIT,
            description="Fit a challenger on the newest complete month; the gate decides on it.",
        ),
        dg.define_asset_job(
            "promote",
            CHAMPION,
            description="Make another version the champion, or an older one again: see the config.",
        ),
        dg.define_asset_job(
            "relabel", LABEL, description="Label a range of months again, with the champion."
        ),
        dg.define_asset_job(
            "evaluate",
            EVALUATE,
            description="Compare other algorithms and the RFM grid, and what each foretells.",
        ),
        dg.define_asset_job(
            "report",
            REPORT,
            description="The report of each month for people, and the workbook for marketers.",
        ),
        dg.define_asset_job(
            "full_refresh",
            SCORE | REFIT,
            description="Score with the fit in between: for a first run.",
        ),
    )
}


def months_tags(first: date, last: date) -> dict[str, str]:
    """Return the tags that make a run of a job cover a range of months."""
    return dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True))
