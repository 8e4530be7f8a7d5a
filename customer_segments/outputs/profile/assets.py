"""The asset of this stage: a page in the reports folder, no table."""

import dagster as dg
from pydantic import Field

from customer_segments.private import make_folder
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.dagster_metadata import OWNERS
from customer_segments.storage.ledger import code_version
from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS, REJECTED_TRANSACTIONS

PROFILED = (RAW_TRANSACTIONS, CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS)


class ProfileConfig(dg.Config):
    """What an analyst may tune."""

    sample_rows: int = Field(
        10_000, ge=1, le=100_000, description="Rows of each table that pictures are made of."
    )
    seed: int = Field(42, description="Which rows these are; the same for the same seed.")


@dg.asset(
    group_name="reports",
    deps=[contract.table for contract in PROFILED],
    kinds={"duckdb", "html"},
    owners=OWNERS,
    code_version=code_version(),
)
def data_profile(
    context: dg.AssetExecutionContext,
    config: ProfileConfig,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult:
    """Show what the data is like before and after cleaning, as a page for the browser.

    Types, missing and different values, ranges, quartiles, frequent values and months of all
    rows; pictures of a sample of them. The page shows customers, and is its owner's alone.
    """
    from customer_segments.outputs.profile.figures import profile
    from customer_segments.outputs.profile.page import write_page

    profiles = []
    with warehouse.reading() as con:
        for contract in PROFILED:
            profiles.append(
                profile(con, contract, sample_rows=config.sample_rows, seed=config.seed)
            )
            context.log.info(f"{contract.table} is profiled: {profiles[-1].rows:,} rows.")
    path = settings.reports_path / "data_profile.html"
    make_folder(path.parent)
    write_page(profiles, path, sample_rows=config.sample_rows, is_sample=settings.uses_sample)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(path),
            "url": dg.MetadataValue.url(path.as_uri()),
            "bytes": path.stat().st_size,
            **{f"rows_{each.contract.table}": each.rows for each in profiles},
            "months": len(profiles[0].months),
        }
    )
