"""The asset of this stage: files in the reports folder, no table."""

from datetime import date
from pathlib import Path

import dagster as dg
import ibis

from customer_segments.private import make_folder
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.dagster_metadata import OWNERS
from customer_segments.storage.ledger import code_version

SUFFIXES = (".xlsx", ".csv", ".parquet")


def workbook_path(reports: Path, month: date) -> Path:
    """Return where the workbook of a month is; CSV and Parquet have its name and lie beside it."""
    return reports / f"{month:%Y-%m}" / f"customer_segments_{month:%Y-%m}.xlsx"


def workbook_assets(partitions: dg.MonthlyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the asset of this stage over the months given."""

    @dg.asset(
        group_name="reports",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={
            "customer_rfm": dg.AssetIn(
                # Last month's snapshot, scored again, says who changed segment.
                partition_mapping=dg.TimeWindowPartitionMapping(
                    start_offset=-1, allow_nonexistent_upstream_partitions=True
                )
            )
        },
        kinds={"excel", "csv", "parquet"},
        owners=OWNERS,
        code_version=code_version(),
    )
    def segment_workbook(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
        customer_segments: ibis.Table,
        segment_profiles: ibis.Table,
        customer_rfm: ibis.Table,
        kmeans_model: ibis.Table,
    ) -> dg.MaterializeResult:
        """Write a workbook for marketers: summary, a sheet per segment, who changed segment.

        Beside it, the same customers as CSV and Parquet for other tools. A month without
        customers has no files. Texts can never run as formulas; in the CSV those that begin like
        one have an apostrophe in front.
        """
        from customer_segments.exports.month import read_month
        from customer_segments.exports.tables import write_csv, write_parquet
        from customer_segments.exports.workbook import write_workbook

        written = {}
        for key in sorted(context.partition_keys):
            month = date.fromisoformat(key)
            path = workbook_path(settings.reports_path, month)
            files = [path.with_suffix(suffix) for suffix in SUFFIXES]
            exported = read_month(
                warehouse,
                month,
                customer_segments=customer_segments,
                segment_profiles=segment_profiles,
                customer_rfm=customer_rfm,
                kmeans_model=kmeans_model,
            )
            if not exported.customers.num_rows:
                # Files of before would tell of customers who are in no table any more.
                for file in files:
                    file.unlink(missing_ok=True)
                context.log.warning(f"{month:%Y-%m} has no customers, and so no workbook.")
                continue
            make_folder(path.parent)
            write_workbook(exported, path, is_sample=settings.uses_sample)
            guarded = write_csv(exported.customers, path.with_suffix(".csv"))
            write_parquet(exported.customers, path.with_suffix(".parquet"))
            written[month] = {
                "path": dg.MetadataValue.path(path),
                "url": dg.MetadataValue.url(path.as_uri()),
                "dagster/row_count": exported.customers.num_rows,
                "bytes": sum(file.stat().st_size for file in files),
                "csv_texts_with_apostrophe": guarded,
            }
            context.add_asset_metadata(written[month], partition_key=key)
            context.log.info(f"{path} is written.")
        return dg.MaterializeResult(
            metadata={
                "months": ", ".join(f"{month:%Y-%m}" for month in written) or "none",
                "folder": dg.MetadataValue.path(settings.reports_path),
            }
        )

    return [segment_workbook]
