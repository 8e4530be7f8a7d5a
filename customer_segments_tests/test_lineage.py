"""The whole graph on the bundled sample: what it finds, and what running it again changes."""

import json
from datetime import date

import pytest
from sklearn.metrics import adjusted_rand_score

from benchmarks.sample.customers import planted_archetypes
from benchmarks.sample.writers import WORKBOOK_CUSTOMERS
from customer_segments.definitions import build_defs
from customer_segments.installation import Installation
from customer_segments.storage import Warehouse
from customer_segments.tables import CONTRACTS, CUSTOMER_SEGMENTS
from customer_segments_tests.installations import execute, install

FIRST, LAST = date(2023, 1, 1), date(2024, 12, 1)
# What says when it was decided or judged, and by which run, differs from run to run.
COMPARED = [table for table in CONTRACTS if table not in ("champion_model", "check_history")]


def digests(settings) -> dict:
    with Warehouse(settings.warehouse_path).reading() as con:
        rows = con.raw_sql(
            "SELECT table_name, month, digest, rows FROM publications QUALIFY row_number() OVER "
            "(PARTITION BY table_name, month ORDER BY publication DESC) = 1"
        ).fetchall()
    return {row[:2]: row[2:] for row in rows if row[0] in COMPARED and row[0] != "kmeans_model"}


def test_the_planted_archetypes_are_found_again(sample_warehouse):
    labelled = CUSTOMER_SEGMENTS.relation
    found = Warehouse(sample_warehouse.warehouse_path).query(
        labelled.filter(labelled.snapshot_month == LAST).select("customer_id", "segment")
    )
    planted = planted_archetypes(customers=WORKBOOK_CUSTOMERS, seed=7)
    both = planted.merge(found, on="customer_id")
    assert len(both) == len(planted) == len(found)
    # Five segments of four kinds.
    assert adjusted_rand_score(both["archetype"], both["segment"]) > 0.55


@pytest.mark.slow  # test_by_hand rebuilds, too
def test_a_rebuild_elsewhere_gives_the_same_tables_and_version(sample_warehouse, tmp_path):
    rebuilt = install(tmp_path, source_dir=sample_warehouse.source_dir)
    execute(rebuilt, "ingest", checks=False)
    execute(rebuilt, "full_refresh", FIRST, LAST, checks=False)
    assert digests(rebuilt) == digests(sample_warehouse)


def test_no_table_of_transaction_grain_reaches_python(real_warehouse):
    """The real run, watched: no result that leaves the engine has the size of transactions."""
    largest = json.loads(real_warehouse.warehouse_path.with_name("largest.json").read_text())
    assert 60_000 < largest["execute"] < 70_000  # the customers of a year of snapshots
    assert largest["to_pyarrow"] < 1_000  # figures that checks compare


@pytest.mark.parametrize("table", [name for name, c in CONTRACTS.items() if c.is_big])
def test_a_big_table_is_refused_as_a_dataframe(sample_warehouse, table):
    import dagster as dg
    import pandas as pd

    from customer_segments.definitions import build_defs

    @dg.asset(ins={"big": dg.AssetIn(dg.AssetKey(table))})
    def reader(big: pd.DataFrame) -> None: ...

    defs = dg.Definitions(
        assets=[reader, dg.AssetSpec(table)],
        resources=build_defs(Installation.of(sample_warehouse)).resources,
    )
    job = defs.resolve_implicit_global_asset_job_def()
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(Exception, match="transaction grain"),
    ):
        job.execute_in_process(instance=instance)


def test_the_graph_reads_from_left_to_right_and_leaves_nothing_out(tmp_path):
    installed = Installation.of(install(tmp_path, source_dir=tmp_path))
    assets = build_defs(installed).resolve_asset_graph()
    nodes = {key.to_user_string(): assets.get(key) for key in assets.get_all_asset_keys()}
    flow = ["transactions", "customers", "model", "segments", "evaluation", "outputs"]
    for node in nodes.values():
        for parent in node.parent_keys:
            assert flow.index(assets.get(parent).group_name) <= flow.index(node.group_name)
    assert {each.group_name for each in nodes.values()} == set(flow)
    assert [name for name, each in nodes.items() if not each.parent_keys] == [
        "transaction_workbooks"
    ]
    # What checks write is a table, and made by no asset.
    assert CONTRACTS.keys() - nodes.keys() == {"check_history"}
    assert [
        name for name, each in nodes.items() if "dagster/code_references" not in each.metadata
    ] == ["agenda"]
    of_customers = {name for name, each in CONTRACTS.items() if "customer_id" in each.columns}
    files = {"segment_report", "segment_workbook", "serving_copy", "data_profile"}
    assert {name for name, each in nodes.items() if "pii" in each.tags} == of_customers | files
