"""The graph that Dagster loads.

``build_defs`` makes the same definitions for the code location, the command line and tests.
Loading reads the settings and the small file of months, and never opens the warehouse.
"""

from collections.abc import Mapping

import dagster as dg

from customer_segments.alerts.telling import alerts_sensor
from customer_segments.automation.jobs import JOBS
from customer_segments.automation.schedules import monthly_refresh
from customer_segments.automation.sensor import agenda_asset, agenda_sensor
from customer_segments.cleaning import judges as cleaning
from customer_segments.cleaning.assets import cleaning_assets
from customer_segments.evaluation.assets import evaluation_assets
from customer_segments.ingestion import judges as ingestion
from customer_segments.ingestion.assets import ingest_workbooks, transaction_workbooks
from customer_segments.installation import Installation
from customer_segments.model import judges as model
from customer_segments.model.assets import model_assets
from customer_segments.outputs.assets import output_assets
from customer_segments.outputs.profile.assets import PROFILE_ASSETS
from customer_segments.quality.freshness import with_freshness
from customer_segments.quality.history import check_history
from customer_segments.quality.runner import table_checks
from customer_segments.rfm import judges as rfm
from customer_segments.rfm.assets import rfm_assets
from customer_segments.segments import judges as segments
from customer_segments.segments.assets import segment_assets
from customer_segments.storage import WarehouseIOManager
from customer_segments.tables import CONTRACTS


def build_defs(
    installed: Installation,
    *,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
    **overrides: object,
) -> dg.Definitions:
    """Return the definitions for one installation.

    Parameters
    ----------
    loggers
        Loggers of runs, in place of Dagster's own.
    overrides
        Resources to use in place of those that follow from the installation.
    """
    resources = {
        "settings": installed.settings,
        "policy": installed.policy,
        "warehouse": installed.warehouse,
        "io_manager": WarehouseIOManager(
            installed.warehouse, CONTRACTS, installed.policy, installed.made_by
        ),
    }
    partitions = installed.months.partitions()
    assets = [
        transaction_workbooks,
        ingest_workbooks,
        *cleaning_assets(installed),
        *rfm_assets(installed),
        *model_assets(installed),
        *segment_assets(installed),
        *evaluation_assets(installed),
        *output_assets(partitions),
        *PROFILE_ASSETS,
        check_history,
        agenda_asset,
    ]
    return dg.Definitions(
        assets=with_freshness(assets, installed),
        asset_checks=[
            table_checks(*judges, spine=spine, partitions=partitions)
            for stage in (ingestion, cleaning, rfm, model, segments)
            for judges, spine in stage.CHECKED
        ],
        jobs=list(JOBS.values()),
        schedules=[monthly_refresh(installed)],
        sensors=[agenda_sensor(installed), alerts_sensor(installed.settings)],
        resources=resources | overrides,
        # One process: DuckDB has one writer, and a process per step costs ten times the work.
        executor=dg.in_process_executor,
        loggers=loggers,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the code location."""
    return build_defs(Installation.here())
