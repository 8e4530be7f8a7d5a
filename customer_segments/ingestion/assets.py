"""The assets of this stage: the files, the sheets that were read, and their rows.

Belongs here: thin Dagster around ``intake``, ``survey`` and ``settling``.
"""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from customer_segments.covering import load_months, months_of_data, save_months
from customer_segments.ingestion.database import sources_of
from customer_segments.ingestion.judges import CHECKED, awaited_message
from customer_segments.ingestion.layout import CONTACT
from customer_segments.ingestion.observed import GROUP, observe, transaction_workbooks
from customer_segments.ingestion.sources import content_version
from customer_segments.installation import Installation
from customer_segments.months import Months
from customer_segments.policy import Policy
from customer_segments.quality.freshness import with_freshness
from customer_segments.quality.runner import stage_checks
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments.storage.dagster_metadata import asset_attributes
from customer_segments.storage.ledger import is_there
from customer_segments.storage.publish import publish
from customer_segments.tables import (
    CONTRACTS,
    CUSTOMER_CONTACTS,
    RAW_TRANSACTIONS,
    SOURCE_DOUBTS,
    SOURCE_SHEETS,
)


class IngestionConfig(dg.Config):
    """What an analyst may choose about reading."""

    reread: bool = Field(
        default=False,
        description="Read all files anew, also those that have not changed since they were read.",
    )


def build_defs(installed: Installation) -> dg.Definitions:
    """Return the definitions of this stage."""

    @dg.multi_asset(
        name="ingest_workbooks",
        group_name=GROUP,
        outs={
            "raw_transactions": dg.AssetOut(
                description=(
                    "Every row of every sheet, typed, with its month and whether a later source "
                    "supersedes its order. Rows with unreadable cells are here too and say why."
                ),
                **asset_attributes(RAW_TRANSACTIONS, "excel", "ibis"),
            ),
            "source_sheets": dg.AssetOut(
                description=(
                    "What was read: a row per sheet, with its rows, revenue and content hash."
                ),
                **asset_attributes(SOURCE_SHEETS, "excel"),
            ),
            "source_doubts": dg.AssetOut(
                description="What was doubted of the files as a whole.",
                **asset_attributes(SOURCE_DOUBTS, "ibis"),
            ),
            "customer_contacts": dg.AssetOut(
                description="Names and addresses that a layout passes on to people's lists.",
                # Where no layout does, there is no such table.
                is_required=False,
                **asset_attributes(CUSTOMER_CONTACTS, "ibis"),
            ),
        },
        deps=["transaction_workbooks"],
    )
    def ingest_workbooks(
        context: dg.AssetExecutionContext,
        config: IngestionConfig,
        settings: dg.ResourceParam[Settings],
        policy: dg.ResourceParam[Policy],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[dg.Output]:
        """Read the workbooks that are new or changed, publish all rows, remember the months."""
        from customer_segments.doubts.doubts import doubts, require_none_stops
        from customer_segments.doubts.evidence import Evidence
        from customer_segments.ingestion.contacts import contacts
        from customer_segments.ingestion.intake import parser_of, taken_in
        from customer_segments.ingestion.reuse import (
            doubts_before,
            parsed_before,
            unchanged,
            with_reused,
        )
        from customer_segments.ingestion.settling import settle
        from customer_segments.ingestion.survey import likely_dates, survey

        today, run_id = policy.source.today(), context.run.run_id
        folder = None if policy.source.database else settings.input_dir
        if not folder:
            context.log.info("A database is the source: no file of %s is.", settings.source_dir)
        with sources_of(settings, policy) as sources:
            passes_on = any(layout.contact for layout in policy.layout)
            more = [CUSTOMER_CONTACTS] if passes_on else []
            parsed = parsed_before(warehouse, parser_of(policy), more)
            reused = unchanged(parsed[0:0] if config.reread else parsed, sources)
            new = [source for source in sources if source.name not in set(reused["workbook"])]
            hashes = {source.name: source.content_hash for source in sources}
            names = [*hashes]
            files = {
                "read": [source.name for source in new],
                "reused": sorted(set(reused["workbook"]), key=names.index),
                "removed": sorted(set(parsed["workbook"]) - set(names)),
            }
            for what, which in files.items():
                context.log.info("%s of %s: %s", what, installed.input, ", ".join(which) or "none")
            observe(context, hashes)
            looked_at = taken_in(new, policy, context.log.info, settings.memory, settings.spill_dir)
            with looked_at as intake, warehouse.writing() as con:
                passed_over = (settings.passed_over() if folder else []) + intake.passed_over
                if passed_over:
                    context.log.warning("Passed over: %s.", "; ".join(passed_over))
                fresh = intake.load(con)
                surveyed = survey(con, intake, fresh, names, today, reused)
                first, newest = likely_dates(surveyed, names, today)
                known = load_months(settings, today, policy.source.time_zone)
                covered = months_of_data(known, settings, first, newest)
                rows, ends = (
                    with_reused(fresh.drop(*CONTACT), reused),
                    (covered.first, covered.newest),
                )
                settled = settle(con, rows, surveyed, *ends, context.log.info)
                made_by = installed.made_by(RAW_TRANSACTIONS)
                publication = publish(
                    con, RAW_TRANSACTIONS, settled, run_id=run_id, made_by=made_by
                )
                table = SOURCE_SHEETS.arrow(surveyed)
                # What stops takes back the rows that it is seen in.
                raw, bounds = RAW_TRANSACTIONS.relation, settings.bounds
                evidence = Evidence.of(con, raw, table, policy, bounds)
                found = doubts(evidence, [*intake.doubts, *doubts_before(con, reused)])
                require_none_stops(found, policy.source.accept)
                said = SOURCE_DOUBTS.arrow(
                    [each.row() | {"workbook": each.workbook} for each in found]
                )
                made_by = installed.made_by(SOURCE_DOUBTS)
                doubted = publish(con, SOURCE_DOUBTS, said, run_id=run_id, made_by=made_by)
                contacted = None
                if passes_on or is_there(con, CUSTOMER_CONTACTS.table):
                    said = contacts(fresh, reused, surveyed)
                    made_by = installed.made_by(CUSTOMER_CONTACTS)
                    contacted = publish(
                        con, CUSTOMER_CONTACTS, said, run_id=run_id, made_by=made_by
                    )
        for each in found:
            context.log.warning("%s: %s %s", each.name, each.said, each.advice)
        awaited = covered.awaited(newest)
        if awaited:
            context.log.warning(awaited_message(awaited, newest, folder))
        ignored = {name for sheet in intake.sheets for name in sheet.ignored}
        listed = {f"files_{what}": which for what, which in files.items()}
        listed |= {"passed_over": passed_over, "ignored_columns": sorted(ignored)}
        yield dg.Output(
            publication,
            output_name="raw_transactions",
            data_version=dg.DataVersion(_content_version(hashes, covered)),
            metadata={
                "months_covered": f"{covered.first:%Y-%m} to {covered.newest:%Y-%m}",
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
        contracts = CONTRACTS.values()
        warehouse.empty_outside(contracts, covered.first, covered.newest, run_id)
        if has_changed and not is_first:
            context.log.warning(
                "The months covered are now %s to %s. A Dagster UI that is running has to reload "
                "the code location to see them (Deployment > Code locations > Reload).",
                f"{covered.first:%Y-%m}",
                f"{covered.newest:%Y-%m}",
            )
        yield dg.Output(doubted, output_name="source_doubts")
        if contacted:
            yield dg.Output(contacted, output_name="customer_contacts")
        yield dg.Output(table, output_name="source_sheets")

    assets = with_freshness([transaction_workbooks, ingest_workbooks], installed)
    return dg.Definitions(assets=assets, asset_checks=stage_checks(CHECKED, installed))


def _content_version(hashes: dict[str, str], covered: Months) -> str:
    return f"{content_version(hashes)}-{covered.first:%Y%m}-{covered.newest:%Y%m}"
