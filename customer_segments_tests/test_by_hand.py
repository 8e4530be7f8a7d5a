"""Selections made by hand in the asset graph, in whatever pieces Dagster runs them."""

from datetime import date

import pytest

from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.model.exchange import export_version, import_version
from customer_segments.months import shift
from customer_segments.settings import Settings
from customer_segments.storage import Warehouse
from customer_segments_tests.ingestion.ingested import ask
from customer_segments_tests.installations import execute, install, materialize, spine_checks
from customer_segments_tests.machine import shop
from customer_segments_tests.test_lineage import FIRST, LAST, digests

MONTHLY = (
    "cleaned_transactions",
    "rejected_transactions",
    "customer_rfm",
    "customer_value",
    "customer_segments",
    "segment_migration",
    "segment_profiles",
)


# One step makes them.
INGESTED = ("raw_transactions", "source_sheets", "source_doubts", "customer_contacts")


def by_hand(settings: Settings, *assets: str, months: tuple[date, date] | None = None) -> None:
    assert materialize(settings, assets, *(months or ()), checks=False).success


@pytest.fixture
def ingested(sample_warehouse, tmp_path) -> Settings:
    """A new installation over the sample that has been read, under the sample's champion."""
    settings = install(tmp_path / "by hand", source_dir=sample_warehouse.source_dir)
    champion = export_version(Warehouse(sample_warehouse.warehouse_path))
    import_version(Warehouse(settings.warehouse_path), champion)
    by_hand(settings, *INGESTED)
    return settings


def without_evidence(settings: Settings) -> dict:
    """Digests but of what only a fit or a job of its own makes."""
    others = "model_selection", "product_recommendations", "segment_products"
    return {key: value for key, value in digests(settings).items() if key[0] not in others}


@pytest.mark.slow  # test_rules holds a tiny shop against a rebuild under its champion
def test_a_rebuild_under_the_exported_champion_gives_the_same_digests(sample_warehouse, ingested):
    execute(ingested, "score", FIRST, LAST)
    assert without_evidence(ingested) == without_evidence(sample_warehouse)


@pytest.mark.slow  # one asset and month again is below
def test_asset_by_asset_in_pieces_of_any_length(sample_warehouse, ingested):
    pieces = {
        "cleaned_transactions": [(FIRST, LAST)],
        "rejected_transactions": [(FIRST, LAST)],
        # The newest first: a snapshot needs the lines before it, not the snapshots.
        "customer_rfm": [(date(2024, 6, 1), LAST), (FIRST, date(2024, 5, 1))],
        # What is expected is learned from lines, not from snapshots of before.
        "customer_value": [(date(2024, 9, 1), LAST), (FIRST, date(2024, 8, 1))],
        "customer_segments": [(FIRST, FIRST), (shift(FIRST, 1), LAST)],
        "segment_migration": [(date(2024, 1, 1), LAST), (FIRST, date(2023, 12, 1))],
        "segment_profiles": [(FIRST, LAST)],
    }
    for asset, ranges in pieces.items():
        for months in ranges:
            # One step makes both tables of cleaning.
            both = ("cleaned_transactions", "rejected_transactions")
            by_hand(ingested, *(both if asset in both else (asset,)), months=months)
    assert without_evidence(ingested) == without_evidence(sample_warehouse)


@pytest.mark.slow  # test_rules holds months of several runs against a rebuild in one
def test_months_in_runs_of_their_own(world):
    """As a backfill would do without the policy of a single run."""
    before = without_evidence(world.settings)
    champion = export_version(world.installed.warehouse)
    world.settings.warehouse_path.unlink()
    import_version(world.installed.warehouse, champion)
    by_hand(world.settings, *INGESTED)
    first = shop.month(0)
    by_hand(world.settings, *MONTHLY, months=(first, first))
    by_hand(world.settings, *MONTHLY, months=(shop.month(1), shop.month(2)))
    assert without_evidence(world.settings) == before


def test_one_asset_and_month_again_changes_nothing_and_touches_no_other_month(world):
    before, month = digests(world.settings), shop.month(1)
    ((last,),) = ask(world.settings, "SELECT max(publication) FROM publications")
    for tables in (MONTHLY[:2], *((table,) for table in MONTHLY[2:])):
        by_hand(world.settings, *tables, months=(month, month))
        assert digests(world.settings) == before, tables
    since = f"FROM publications WHERE publication > {last} AND table_name <> 'check_history'"
    assert ask(world.settings, f"SELECT DISTINCT month {since} AND month IS NOT NULL") == [(month,)]
    by_hand(world.settings, *INGESTED)
    assert ask(world.settings, f"SELECT table_name, month {since} AND is_changed") == []
    assert digests(world.settings) == before
    assert spine_checks(world.settings, "customer_segments")["reconciliation"]


def test_only_one_of_the_two_tables_of_cleaning_cannot_be_asked_for(sample_warehouse):
    """They come of one step, so that both are always of the same rules."""
    defs = build_defs(Installation.of(sample_warehouse))
    assets = defs.resolve_assets_def("cleaned_transactions")
    assert assets.keys == defs.resolve_assets_def("rejected_transactions").keys
    assert not assets.can_subset


@pytest.mark.slow  # test_rules labels anew, test_champion refits by hand
def test_the_model_by_hand_then_all_months(sample_warehouse, tmp_path):
    settings = install(tmp_path / "by hand", source_dir=sample_warehouse.source_dir)
    by_hand(settings, *INGESTED)
    by_hand(settings, "cleaned_transactions", "rejected_transactions", months=(FIRST, LAST))
    by_hand(settings, "customer_rfm", months=(FIRST, LAST))
    by_hand(settings, "kmeans_model", "model_selection", "champion_model")
    by_hand(settings, *MONTHLY[3:], months=(FIRST, LAST))
    assert digests(settings) == digests(sample_warehouse)
