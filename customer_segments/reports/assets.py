"""The asset of this stage: a page in the reports folder, no table.

Belongs here: thin Dagster around ``evidence``, ``pictures``, ``html`` and ``showing``.
"""

from datetime import date

import dagster as dg

from customer_segments.errors import UserError
from customer_segments.private import make_folder, write_text
from customer_segments.reports.background import labelled_months
from customer_segments.reports.files import links, report_path
from customer_segments.reports.pictures import Picture
from customer_segments.reports.showing import markdown, observations
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.dagster_metadata import OWNERS
from customer_segments.storage.ledger import code_version
from customer_segments.tables import (
    CHAMPION_MODEL,
    EVALUATION,
    KMEANS_MODEL,
    LABELS,
    MODEL_SELECTION,
)

SOURCES = (
    *(contract.table for contract in LABELS),
    *(contract.table for contract in (KMEANS_MODEL, CHAMPION_MODEL, MODEL_SELECTION)),
    *(contract.table for contract in EVALUATION),
    "cleaned_transactions",
    "rejected_transactions",
    # Made first, so that the report can name its file.
    "segment_workbook",
)


def report_assets(partitions: dg.MonthlyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the asset of this stage over the months given."""

    @dg.asset(
        group_name="reports",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=SOURCES,
        kinds={"html", "matplotlib"},
        owners=OWNERS,
        code_version=code_version(),
    )
    def segment_report(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.MaterializeResult:
        """Tell managers and marketers what is up: a page per month that needs no network.

        A summary, whom to turn to first, each segment with what to do, movement, the quality of
        the data, the model and its limits, a glossary. The newest month's pictures stand in
        Dagster, too, on the assets that they explain. A month without labels has no report.
        """
        asked_for = [date.fromisoformat(key) for key in sorted(context.partition_keys)]
        with warehouse.reading() as con:
            labelled = labelled_months(con)
        months = [month for month in asked_for if month in labelled]
        for month in sorted({*asked_for} - {*months}):
            context.log.warning(f"Nobody is labelled in {month:%Y-%m}: it has no report.")
        if not months:
            raise UserError(
                f"Nobody is labelled in {_range(asked_for)}, so there is nothing to report.",
                "Label these months first: `customer-segments run`.",
            )
        for month in months:
            pictures, metadata = _write(warehouse, settings, month)
            context.add_asset_metadata(metadata, partition_key=month.isoformat())
            context.log.info(f"{metadata['path'].path} is written.")
        # Of the newest month alone: two megabytes each time, which stay in Dagster's history.
        newest = months[-1].isoformat()
        # Here as well: the overview of an asset shows what it was materialized with, and what was
        # observed of it later only its partitions and events.
        context.add_asset_metadata({"pictures": markdown(pictures)}, partition_key=newest)
        for observation in observations(pictures, newest):
            context.log_event(observation)
        return dg.MaterializeResult(
            metadata={"reports": len(months), "newest_report": metadata["url"]}
        )

    return [segment_report]


def _write(
    warehouse: Warehouse, settings: Settings, month: date
) -> tuple[list[Picture], dict[str, dg.MetadataValue]]:
    """Write the report of a month; an error names the month, whatever went wrong."""
    from customer_segments.reports.evidence import read_evidence
    from customer_segments.reports.html import render
    from customer_segments.reports.pictures import draw_pictures

    path = report_path(settings.reports_path, month)
    try:
        evidence = read_evidence(warehouse, month)
        pictures = draw_pictures(evidence)
        beside = links(settings.reports_path, month)
        page = render(evidence, pictures, beside, is_sample=settings.uses_sample)
        make_folder(path.parent)
        write_text(path, page)
    except UserError as error:
        raise UserError(f"{_not_made(month)}: {error.problem}", error.remedy) from error
    except OSError as error:
        raise UserError(
            f"{_not_made(month)}: {path.parent} cannot be written ({error.strerror}).",
            "Make room, or give the user that runs this write permission on it.",
        ) from error
    except Exception as error:
        raise UserError(
            f"{_not_made(month)}: {type(error).__name__}: {error}",
            "Its labels are published all the same. The run in `make ui` shows where it stopped.",
        ) from error
    return pictures, {
        "path": dg.MetadataValue.path(path),
        "url": dg.MetadataValue.url(path.as_uri()),
        "pictures_drawn": dg.MetadataValue.int(len(pictures)),
        "bytes": dg.MetadataValue.int(path.stat().st_size),
    }


def _not_made(month: date) -> str:
    return f"The report of {month:%Y-%m} could not be made"


def _range(months: list[date]) -> str:
    first, last = months[0], months[-1]
    return f"{first:%Y-%m}" if first == last else f"{first:%Y-%m} to {last:%Y-%m}"
