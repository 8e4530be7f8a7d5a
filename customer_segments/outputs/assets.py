"""The assets of this stage: files in the reports folder, no tables.

Belongs here: thin Dagster around the view, the workbook and the report.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from customer_segments import shown, tables
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.launchpad import launchpad
from customer_segments.outputs.people import all_customers
from customer_segments.outputs.pictures import draw_pictures
from customer_segments.outputs.reading import NobodyLabelledError, read_month
from customer_segments.outputs.report.showing import file_metadata, link, markdown, observations
from customer_segments.outputs.serving import serve
from customer_segments.outputs.view import MonthView
from customer_segments.policy.model import Profile
from customer_segments.private import make_folder, write_text
from customer_segments.rfm.assets import months_before
from customer_segments.storage.dagster_metadata import OWNERS, PERSONAL
from customer_segments.storage.ledger import code_version

# Without these there is no view of a month; what else it shows may be missing.
VIEWED = (*shown.OF_MONTH, tables.KMEANS_MODEL, tables.CHAMPION_MODEL)
PROFILED = (tables.RAW_TRANSACTIONS, tables.CLEANED_TRANSACTIONS, tables.REJECTED_TRANSACTIONS)
PRIVATE: dict[str, Any] = {"group_name": "outputs", "owners": OWNERS, "tags": PERSONAL}


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""
    # Last month's snapshot, scored again, says who changed segment.
    snapshots = dg.AssetDep(tables.CUSTOMER_RFM.table, partition_mapping=months_before(1))
    viewed: list[Any] = [*(contract.table for contract in VIEWED), snapshots]
    monthly = PRIVATE | {
        "partitions_def": installed.months.partitions(),
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "code_version": code_version(),
    }

    @dg.asset(deps=viewed, kinds={"excel", "csv", "parquet"}, **monthly)
    def segment_workbook(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Write a workbook for marketers: summary, a sheet per segment, who changed segment.

        Beside it, the same customers as CSV and Parquet for other tools. A month without
        customers has no files. Texts can never run as formulas; in the CSV those that begin like
        one have an apostrophe in front.
        """
        from customer_segments.outputs.workbook.tables import parts_of, write_csv, write_parquet
        from customer_segments.outputs.workbook.workbook import write_workbook

        reports = installed.settings.reports_path

        def write(view: MonthView) -> dict[str, Any]:
            workbook, csv, parquet = shown.workbook_files(reports, view.month)
            write_workbook(view, workbook, is_sample=installed.settings.uses_sample)
            with all_customers(installed.warehouse, view) as parts:
                write_parquet(parts, parquet)
            return {
                "csv": link(reports, csv),
                "parquet": link(reports, parquet),
                "csv_texts_with_apostrophe": write_csv(parts_of(parquet), csv),
                "dagster/row_count": view.of_all or view.customers.num_rows,
            }

        months = _written(context, installed, shown.workbook_path, write)
        for month in {*_asked_for(context)} - {*months}:
            # Files of before would tell of customers who are in no table any more.
            for file in shown.workbook_files(reports, month):
                file.unlink(missing_ok=True)
        return dg.MaterializeResult()

    evidence = [contract.table for contract in shown.EVIDENCE]

    # The workbook is made first, so that the report can name its file.
    @dg.asset(deps=[*viewed, *evidence, segment_workbook], kinds={"html", "matplotlib"}, **monthly)
    def segment_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Tell managers and marketers what is up: a page per month that needs no network.

        A summary, whom to turn to first, each segment with what to do, movement, the quality of
        the data, the model and its limits, a glossary. The newest month's pictures stand in
        Dagster, too, on the assets that they explain. A month without labels has no report.
        """
        from customer_segments.outputs.report.page import render

        settings, reports = installed.settings, installed.settings.reports_path
        pictures: list = []

        def write(view: MonthView) -> dict[str, int]:
            path, beside = shown.report_path(reports, view.month), shown.links(reports, view.month)
            pictures[:] = draw_pictures(view)
            write_text(path, render(view, pictures, beside, is_sample=settings.uses_sample))
            return {"pictures_drawn": len(pictures)}

        months = _written(context, installed, shown.report_path, write)
        if not months:
            first, *_, last = (f"{month:%Y-%m}" for month in 2 * _asked_for(context))
            span = first if first == last else f"{first} to {last}"
            raise UserError(
                f"Nobody is labelled in {span}, so there is nothing to report.",
                "Label these months first: `customer-segments run`.",
            )
        newest = str(months[-1])
        # Of the newest month alone: a megabyte each time, which stay in Dagster's history. Here
        # as well: the overview of an asset shows what it was materialized with, and what was
        # observed of it later only its partitions and events.
        context.add_asset_metadata({"pictures": markdown(pictures)}, partition_key=newest)
        for observation in observations(pictures, newest):
            context.log_event(observation)
        return dg.MaterializeResult()

    @dg.asset(deps=shown.AWAITED, kinds={"duckdb", "parquet"}, **PRIVATE)
    def serving_copy(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Copy all that is of customer grain or less to a DuckDB file that nobody writes to.

        Dashboards, BI tools and SQL shells read it and never the warehouse, which one writer holds
        at a time. Table `customers`, in Parquet beside it as well, has all that is known of each
        customer at each month's end. Swapped in whole: who has the old one open reads on in it.
        """
        serve(installed)
        path = installed.copy.path
        size = dg.MetadataValue.int(path.stat().st_size if path.is_file() else 0)
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(path), "bytes": size})

    assets = [segment_workbook, segment_report, serving_copy, profile_asset(installed)]
    return dg.Definitions(assets=assets)


def profile_asset(installed: Installation) -> dg.AssetsDefinition:
    """Return the asset of the page that shows transactions."""

    @dg.asset(
        deps=[contract.table for contract in PROFILED],
        kinds={"duckdb", "html"},
        code_version=code_version(),
        **PRIVATE,
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
        path = settings.reports_path / shown.PROFILE
        make_folder(path.parent)
        write_page(profiles, path, sample_rows=config.sample_rows, is_sample=settings.uses_sample)
        rows = {f"rows_{each.contract.table}": each.rows for each in profiles}
        said = file_metadata(settings.reports_path, path)
        return dg.MaterializeResult(metadata=said | {"months": len(profiles[0].months)} | rows)

    return data_profile


def _asked_for(context: dg.AssetExecutionContext) -> list[date]:
    return [date.fromisoformat(key) for key in sorted(context.partition_keys)]


def _written(
    context: dg.AssetExecutionContext,
    installed: Installation,
    path_of: Callable[[Path, date], Path],
    write: Callable[[MonthView], dict[str, Any]],
) -> list[date]:
    """Write the files of each month that has labels, and return these months.

    Dagster is told what ``write`` returns.
    """
    asset, months, policy = context.asset_key.to_user_string(), [], installed.policy
    for month in _asked_for(context):
        path = path_of(installed.settings.reports_path, month)
        try:
            today, share = policy.source.today(), policy.campaigns.control_share
            view = read_month(installed.warehouse, month, today, share, policy.source.currency)
            make_folder(path.parent)
            said = write(view)
            metadata = file_metadata(installed.settings.reports_path, path) | said
        except NobodyLabelledError:
            context.log.warning(f"Nobody is labelled in {month:%Y-%m}: it has no {asset}.")
            continue
        except Exception as error:
            problem, remedy = _why(error, path)
            what = f"The {asset.removeprefix('segment_')} of {month:%Y-%m} could not be made"
            raise UserError(f"{what}: {problem}", remedy) from error
        context.add_asset_metadata(metadata, partition_key=str(month))
        context.log.info(f"{path} is written.")
        months.append(month)
    return months


def _why(error: Exception, path: Path) -> tuple[str, str]:
    """Return what went wrong with a file, whatever it was, and what to do about it."""
    match error:
        case UserError():
            return error.problem, error.remedy
        case OSError():
            remedy = "Make room, or give the user that runs this write permission on it."
            return f"{path.parent} cannot be written ({error.strerror}).", remedy
    remedy = "Its labels are published all the same. The run in `make ui` says more."
    return f"{type(error).__name__}: {error}", remedy
