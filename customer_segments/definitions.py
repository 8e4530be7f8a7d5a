"""The graph that Dagster loads: the definitions of all stages, on the resources that they share.

``build_defs`` makes the same definitions for the code location, the command line and tests.
Loading reads the settings and the small file of months, and never opens the warehouse.
"""

import logging
import os
from collections.abc import Mapping

import dagster as dg
from dagster import _loggers
from dagster_shared.record import copy

from customer_segments.alerts import telling as alerts
from customer_segments.automation import sensor as automation
from customer_segments.campaigns import assets as campaigns
from customer_segments.cleaning import assets as cleaning
from customer_segments.doubts import assets as reading
from customer_segments.evaluation import assets as evaluation
from customer_segments.installation import Installation
from customer_segments.instance import SILENT_RUNS, require_own_home
from customer_segments.model import assets as model
from customer_segments.offers import assets as offers
from customer_segments.outputs import assets as outputs
from customer_segments.rfm import assets as rfm
from customer_segments.segments import assets as segments
from customer_segments.storage.io_manager import WarehouseIOManager
from customer_segments.tables import CONTRACTS
from customer_segments.value import assets as value

STAGES = (
    *(reading, cleaning, rfm, model, segments, value, evaluation, campaigns, offers, outputs),
    *(automation, alerts),
)


@dg.logger
def silent(_context) -> logging.Logger:
    """Say nothing."""
    return logging.Logger("silent", logging.CRITICAL + 1)


def build_defs(
    installed: Installation, *, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Return the definitions for one installation; ``loggers`` are in place of Dagster's own."""
    policy, warehouse = installed.policy, installed.warehouse
    io_manager = WarehouseIOManager(warehouse, CONTRACTS, policy, installed.made_by)
    shared = dg.Definitions(
        resources={"io_manager": io_manager},
        # One process: DuckDB has one writer, and a process per step costs ten times the work.
        executor=dg.in_process_executor,
        loggers=loggers,
    )
    merged = dg.Definitions.merge(shared, *(stage.build_defs(installed) for stage in STAGES))
    # The UI opens them in an editor of this machine.
    return copy(merged, assets=dg.with_source_code_references([*(merged.assets or ())]))


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the code location."""
    installed = Installation.here()
    require_own_home(is_sample=installed.settings.uses_sample)
    if os.environ.get(SILENT_RUNS):
        _loggers.colored_console_logger = silent
    return build_defs(installed)
