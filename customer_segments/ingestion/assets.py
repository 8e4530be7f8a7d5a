"""The assets of this stage: the files, the sheets that were read, and their rows.

Belongs here: thin Dagster around ``reading``, ``survey`` and ``settling``.
"""

import hashlib
from collections.abc import Iterator

import dagster as dg

from customer_segments import months
from customer_segments.ingestion.contracts import RAW_TRANSACTIONS, SOURCE_SHEETS
from customer_segments.settings import Settings
from customer_segments.storage.dagster_metadata import OWNERS, asset_attributes

GROUP = "ingestion"


@dg.multi_observable_source_asset(
    name="observe_workbooks",
    specs=[
        dg.AssetSpec(
            "transaction_workbooks",
            group_name=GROUP,
            description=(
                "The workbooks in the source folder (.xlsx, .csv, .parquet), as the retailer "
                "dropped them. Observing it compares their content; nothing is written."
            ),
            owners=OWNERS,
            kinds={"excel"},
        )
    ],
)
def transaction_workbooks(settings: dg.ResourceParam[Settings]) -> dg.ObserveResult:
    """Observe a data version that changes when a file appears, changes or goes away."""
    digest = hashlib.sha256()
    for file in settings.source_files():
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return dg.ObserveResult(data_version=dg.DataVersion(digest.hexdigest()[:16]))


@dg.multi_asset(
    name="ingest_workbooks",
    group_name=GROUP,
    outs={
        "raw_transactions": dg.AssetOut(
            description=(
                "Every row of every sheet, typed, with its month and whether a later source "
                "supersedes its invoice. Rows with unreadable cells are here too and say why."
            ),
            **asset_attributes(RAW_TRANSACTIONS, "excel", "ibis"),
        ),
        "source_sheets": dg.AssetOut(
            description="What was read: a row per sheet, with its rows, revenue and content hash.",
            **asset_attributes(SOURCE_SHEETS, "excel"),
        ),
    },
    deps=["transaction_workbooks"],
)
def ingest_workbooks(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.Output]:
    """Read the workbooks, publish their rows, and remember which months they cover."""
    import pyarrow as pa

    from customer_segments.ingestion.casting import typed_rows
    from customer_segments.ingestion.reading import read_sheets
    from customer_segments.ingestion.settling import settle
    from customer_segments.ingestion.survey import cells_of, computed, survey

    files = settings.source_files()
    context.log.info("Reading %s from %s.", ", ".join(f.name for f in files), settings.input_dir)
    sheets = read_sheets(files, progress=context.log.info)
    rows = computed(typed_rows(cells_of(sheets)))
    surveyed = survey(sheets, rows)
    covered = months.covered(settings, surveyed["first_date"].min(), surveyed["last_date"].max())

    yield dg.Output(
        settle(rows, covered.first, covered.newest),
        output_name="raw_transactions",
        data_version=dg.DataVersion(_content_version(surveyed, covered)),
        metadata={
            "source_dir": dg.MetadataValue.path(str(settings.input_dir)),
            "workbooks": [file.name for file in files],
            "ignored_columns": sorted({name for s in sheets for name in s.ignored_columns}),
            "unreadable_rows": int(surveyed["unreadable_rows"].sum()),
            "months_covered": f"{covered.first:%Y-%m} to {covered.newest:%Y-%m}",
        },
    )
    # Only now are the rows in the warehouse: the months never run ahead of the data.
    if months.save(settings, covered):
        context.log.warning(
            "The months covered are now %s to %s: reload the code location to see their "
            "partitions (Deployment > Code locations > Reload).",
            f"{covered.first:%Y-%m}",
            f"{covered.newest:%Y-%m}",
        )
    table = pa.Table.from_pandas(
        surveyed, schema=SOURCE_SHEETS.schema.to_pyarrow(), preserve_index=False
    )
    yield dg.Output(table, output_name="source_sheets")


def _content_version(surveyed, covered: months.Months) -> str:
    files = sorted({(row.workbook, row.content_hash) for row in surveyed.itertuples()})
    return hashlib.sha256(repr((files, covered.first, covered.newest)).encode()).hexdigest()[:16]
