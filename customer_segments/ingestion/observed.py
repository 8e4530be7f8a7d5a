"""The files as Dagster sees them: an asset that nobody here makes, and what its version is.

Belongs here: observing, alone or as part of an ingestion. Does not: reading files.
"""

import dagster as dg

from customer_segments.ingestion.database import hashes_of
from customer_segments.ingestion.sources import content_version
from customer_segments.policy import Policy
from customer_segments.settings import Settings
from customer_segments.storage.dagster_metadata import OWNERS

GROUP = "transactions"
# As Dagster tags an observation with the version that was seen.
DATA_VERSION_TAG = "dagster/data_version"


@dg.multi_observable_source_asset(
    name="observe_workbooks",
    specs=[
        dg.AssetSpec(
            "transaction_workbooks",
            group_name=GROUP,
            description=(
                "The files in the source folder (workbooks, text, Parquet), as the retailer "
                "dropped them. Observing it compares their content; nothing is written."
            ),
            owners=OWNERS,
            kinds={"excel"},
        )
    ],
)
def transaction_workbooks(
    settings: dg.ResourceParam[Settings], policy: dg.ResourceParam[Policy]
) -> dg.ObserveResult:
    """Observe a data version that changes when a file or month appears, changes or goes away."""
    version = content_version(hashes_of(settings, policy))
    return dg.ObserveResult(data_version=dg.DataVersion(version))


def observe(context: dg.AssetExecutionContext, hashes: dict[str, str]) -> None:
    """Tell Dagster of the files that are read, as when they are observed alone."""
    tags = {DATA_VERSION_TAG: content_version(hashes)}
    context.log_event(dg.AssetObservation("transaction_workbooks", tags=tags))
    # It has looked when the step began, and would take what is read for out of date already.
    context.get_step_execution_context().fetch_external_input_asset_version_info()
