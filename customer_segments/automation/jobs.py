"""The named jobs, each one run.

Which months to score is known only after ingestion, and one run has one range of months: that
is why ``ingest`` and ``score`` are two jobs.
"""

import dagster as dg

INGEST = dg.AssetSelection.assets("raw_transactions", "source_sheets")
SCORE = dg.AssetSelection.assets(
    "cleaned_transactions", "rejected_transactions", "customer_rfm", "customer_segments"
)
REFIT = dg.AssetSelection.assets("kmeans_model", "model_selection", "champion_model")


JOBS = [
    dg.define_asset_job(
        "ingest",
        INGEST,
        description="Read the workbooks. The materialization says which months changed.",
    ),
    dg.define_asset_job(
        "clean",
        dg.AssetSelection.assets("cleaned_transactions", "rejected_transactions"),
        description="Clean a range of months; snapshots need all months before them.",
    ),
    dg.define_asset_job(
        "score",
        SCORE,
        description="Clean, take snapshots and label a range of months with the champion.",
    ),
    dg.define_asset_job(
        "refit", REFIT, description="Fit a model on the newest complete month, with evidence."
    ),
    dg.define_asset_job(
        "full_refresh",
        SCORE | REFIT,
        description="Score with the fit in between: for a first run.",
    ),
]
