"""The assets of reading: the files, their rows, and what is doubted of them.

Belongs here: thin Dagster around ``intake``, ``survey``, ``settling`` and ``doubts``; observing the
files, alone or as part of an ingestion.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from customer_segments import tables
from customer_segments.covering import load_months, months_of_data, save_months
from customer_segments.ingestion.columns.layout import CONTACT
from customer_segments.ingestion.files.database import hashes_of, sources_of
from customer_segments.ingestion.files.sources import content_version
from customer_segments.ingestion.judges import CHECKED, awaited_message
from customer_segments.installation import Installation
from customer_segments.quality.freshness import with_freshness
from customer_segments.quality.runner import stage_checks
from customer_segments.storage import Contract
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.dagster_metadata import OWNERS, asset_attributes
from customer_segments.storage.publish import publish

GROUP = "transactions"
FILES = dg.AssetSpec(
    "transaction_workbooks",
    group_name=GROUP,
    description="The files in the source folder (workbooks, text, Parquet), as the retailer "
    "dropped them. Observing it compares their content; nothing is written.",
    owners=OWNERS,
    kinds={"excel"},
)
OUTS = (
    (
        *(tables.RAW_TRANSACTIONS, "excel", "ibis"),
        "Every row of every sheet, typed, with its month and whether a later source supersedes its "
        "order. Rows with unreadable cells are here too and say why.",
    ),
    (
        *(tables.SOURCE_SHEETS, "excel"),
        "What was read: a row per sheet, with its rows, revenue and content hash.",
    ),
    (tables.SOURCE_DOUBTS, "ibis", "What was doubted of the files as a whole."),
    # Where no layout passes on any, there is no such table.
    (
        *(tables.CUSTOMER_CONTACTS, "ibis"),
        "Names and addresses that a layout passes on to people's lists.",
    ),
)
# As Dagster tags an observation with the version that was seen.
DATA_VERSION_TAG = "dagster/data_version"


class IngestionConfig(dg.Config):
    """What an analyst may choose about reading."""

    reread: bool = Field(
        default=False,
        description="Read all files anew, also those that have not changed since they were read.",
    )


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""

    @dg.multi_observable_source_asset(name="observe_workbooks", specs=[FILES])
    def transaction_workbooks() -> dg.ObserveResult:
        """Observe a data version that changes when a file or month appears, changes or goes."""
        version = content_version(hashes_of(installed.settings, installed.policy))
        return dg.ObserveResult(data_version=dg.DataVersion(version))

    @dg.multi_asset(
        name="ingest_workbooks",
        group_name=GROUP,
        outs={
            contract.table: dg.AssetOut(
                description=said,
                is_required=contract is not tables.CUSTOMER_CONTACTS,
                **asset_attributes(contract, *kinds),
            )
            for contract, *kinds, said in OUTS
        },
        deps=[FILES.key],
    )
    def ingest_workbooks(
        context: dg.AssetExecutionContext, config: IngestionConfig
    ) -> Iterator[dg.Output]:
        """Read the workbooks that are new or changed, publish all rows, remember the months."""
        yield from _ingested(context, installed, config.reread)

    assets = with_freshness([transaction_workbooks, ingest_workbooks], installed)
    return dg.Definitions(assets=assets, asset_checks=stage_checks(CHECKED, installed))


def _ingested(
    context: dg.AssetExecutionContext, installed: Installation, reread: bool
) -> Iterator[dg.Output]:
    from customer_segments.doubt import each_once
    from customer_segments.doubts.doubts import doubts, require_none_stops
    from customer_segments.doubts.evidence import Evidence
    from customer_segments.ingestion import reuse
    from customer_segments.ingestion.contacts import contacts
    from customer_segments.ingestion.intake import parser_of, taken_in
    from customer_segments.ingestion.orders.settling import settle
    from customer_segments.ingestion.survey import likely_dates, survey

    settings, policy, warehouse = installed.settings, installed.policy, installed.warehouse

    def published(contract: Contract, rows: Any) -> Any:
        made_by = installed.made_by(contract)
        run_id, lake = context.run.run_id, warehouse.lake
        return publish(con, contract, rows, run_id=run_id, made_by=made_by, lake=lake)

    today, log = policy.source.today(), context.log
    folder = None if policy.source.database else settings.input_dir
    if not folder:
        log.info("A database is the source: no file of %s is.", settings.source_dir)
    with sources_of(settings, policy) as sources:
        passes_on = any(layout.contact for layout in policy.layout)
        more = [tables.CUSTOMER_CONTACTS] if passes_on else []
        parsed = reuse.parsed_before(warehouse, parser_of(policy), more)
        reused = reuse.unchanged(parsed[0:0] if reread else parsed, sources)
        new = [source for source in sources if source.name not in set(reused["workbook"])]
        hashes = {source.name: source.content_hash for source in sources}
        names = [*hashes]
        files = {
            "read": [source.name for source in new],
            "reused": sorted(set(reused["workbook"]), key=names.index),
            "removed": sorted(set(parsed["workbook"]) - set(names)),
        }
        for what, which in files.items():
            log.info("%s of %s: %s", what, installed.input, ", ".join(which) or "none")
        _observe(context, hashes)
        limits = settings.memory, settings.spill_dir
        looked_at = taken_in(new, policy, log.info, *limits, reused["read_as"])
        with looked_at as intake, warehouse.writing() as con:
            passed_over = (settings.passed_over() if folder else []) + intake.passed_over
            if passed_over:
                log.warning("Passed over: %s.", "; ".join(passed_over))
            fresh = intake.load(con)
            surveyed = survey(con, intake, fresh, names, today, reused)
            first, newest = likely_dates(surveyed, names, today)
            known = load_months(settings, today, policy.source.time_zone)
            covered = months_of_data(known, settings, first, newest)
            rows = reuse.with_reused(fresh.drop(*CONTACT), reused)
            settled = settle(con, rows, surveyed, covered.first, covered.newest, log.info)
            publication = published(tables.RAW_TRANSACTIONS, settled)
            sheets = tables.SOURCE_SHEETS.arrow(surveyed)
            # What stops takes back the rows that it is seen in.
            raw = tables.RAW_TRANSACTIONS.relation
            evidence = Evidence.of(con, raw, sheets, policy, settings.bounds)
            further = [*intake.doubts, *reuse.doubts_before(con, reused)]
            found = doubts(evidence, further, passed_over)
            require_none_stops(found, policy.source.accept)
            said = [{**each.row(), "workbook": each.workbook} for each in found]
            doubted = published(tables.SOURCE_DOUBTS, tables.SOURCE_DOUBTS.arrow(said))
            contacted = None
            if passes_on or tables.CUSTOMER_CONTACTS.table in Catalog.of(con):
                passed_on = contacts(fresh, reused, surveyed)
                contacted = published(tables.CUSTOMER_CONTACTS, passed_on)
    for each in each_once(found):
        log.warning("%s: %s %s", each.name, each.said, each.advice)
    awaited = covered.awaited(newest)
    if awaited:
        log.warning(awaited_message(awaited, newest, folder))
    ignored = {name for sheet in intake.sheets for name in sheet.grid.header.ignored}
    listed = {f"files_{what}": which for what, which in files.items()}
    listed |= {"passed_over": passed_over, "ignored_columns": sorted(ignored)}
    ends = covered.first, covered.newest
    version = "-".join([content_version(hashes), *(f"{month:%Y%m}" for month in ends)])
    yield dg.Output(
        publication,
        output_name="raw_transactions",
        data_version=dg.DataVersion(version),
        metadata={
            "months_covered": " to ".join(f"{month:%Y-%m}" for month in ends),
            "newest_date": str(newest),
            **({"awaited_month": f"{awaited:%Y-%m}"} if awaited else {}),
            **{name: ", ".join(which) for name, which in listed.items() if which},
            "unreadable_rows": int(surveyed["unreadable_rows"].sum()),
            "source_dir": dg.MetadataValue.path(installed.input),
        },
    )
    is_first = not settings.months_path.exists()
    # Only now are the rows in the warehouse: the months never run ahead of the data.
    has_changed = save_months(covered, settings)
    warehouse.empty_outside(tables.CONTRACTS.values(), *ends, context.run.run_id)
    if has_changed and not is_first:
        log.warning(
            "The months covered are now %s to %s. A Dagster UI that is running has to reload "
            "the code location to see them (Deployment > Code locations > Reload).",
            *(f"{month:%Y-%m}" for month in ends),
        )
    yield dg.Output(doubted, output_name="source_doubts")
    if contacted:
        yield dg.Output(contacted, output_name="customer_contacts")
    yield dg.Output(sheets, output_name="source_sheets")


def _observe(context: dg.AssetExecutionContext, hashes: dict[str, str]) -> None:
    """Tell Dagster of the files that are read, as when they are observed alone."""
    tags = {DATA_VERSION_TAG: content_version(hashes)}
    context.log_event(dg.AssetObservation(FILES.key, tags=tags))
    # It has looked when the step began, and would take what is read for out of date already.
    context.get_step_execution_context().fetch_external_input_asset_version_info()
