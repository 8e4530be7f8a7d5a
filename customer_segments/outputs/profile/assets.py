"""The asset of this stage: a page in the reports folder, no table."""

import dagster as dg

from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.outputs.report.showing import file_metadata
from customer_segments.policy.model import Profile
from customer_segments.private import make_folder
from customer_segments.shown import PROFILE
from customer_segments.storage.dagster_metadata import OWNERS, PERSONAL
from customer_segments.storage.ledger import code_version
from customer_segments.tables import CLEANED_TRANSACTIONS, RAW_TRANSACTIONS, REJECTED_TRANSACTIONS

PROFILED = (RAW_TRANSACTIONS, CLEANED_TRANSACTIONS, REJECTED_TRANSACTIONS)


def profile_assets(installed: Installation) -> list[dg.AssetsDefinition]:
    """Return the asset of this stage."""

    @dg.asset(
        group_name="outputs",
        deps=[contract.table for contract in PROFILED],
        kinds={"duckdb", "html"},
        owners=OWNERS,
        tags=PERSONAL,
        code_version=code_version(),
    )
    @launchpad(Profile, installed.policy.profile)
    def data_profile(context: dg.AssetExecutionContext, config: Profile) -> dg.MaterializeResult:
        """Show what the data is like before and after cleaning, as a page for the browser.

        Types, missing and different values, ranges, quartiles, frequent values and months of all
        rows; pictures of a sample of them. The page shows customers, and is its owner's alone.
        """
        from customer_segments.outputs.profile.page import profile, write_page

        settings, profiles = installed.settings, []
        with installed.warehouse.reading() as con:
            for contract in PROFILED:
                profiles.append(profile(con, contract, **config.model_dump()))
                context.log.info(f"{contract.table} is profiled: {profiles[-1].rows:,} rows.")
        path = settings.reports_path / PROFILE
        make_folder(path.parent)
        write_page(profiles, path, sample_rows=config.sample_rows, is_sample=settings.uses_sample)
        rows = {f"rows_{each.contract.table}": each.rows for each in profiles}
        shown = file_metadata(settings.reports_path, path)
        return dg.MaterializeResult(metadata=shown | {"months": len(profiles[0].months)} | rows)

    return [data_profile]
