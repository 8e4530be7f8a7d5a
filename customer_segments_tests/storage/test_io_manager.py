"""Real Dagster runs of small assets: what they hand on, what they publish, what the UI shows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import ibis
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot.expressions as sge

from customer_segments.errors import UserError
from customer_segments.policy import Policy
from customer_segments.storage import Contract, Warehouse
from customer_segments.storage.audit import ContractBreach
from customer_segments.storage.content import Publication
from customer_segments.storage.dagster_metadata import asset_attributes, column_lineage
from customer_segments.storage.io_manager import WarehouseIOManager
from customer_segments.storage.requirements import ContractMismatch
from customer_segments_tests.storage.samples import (
    APRIL,
    CLEANED,
    CONTRACTS,
    COUNTRIES,
    FEBRUARY,
    JANUARY,
    MARCH,
    RAW,
    RFM,
    arrow,
    content,
    ledger_of,
    raw_row,
    state,
)

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2011-01-01", end_date="2011-07-01")
PARTITIONED: dict[str, Any] = {
    "partitions_def": MONTHS,
    "backfill_policy": dg.BackfillPolicy.single_run(),
}


@dg.asset
def raw_transactions() -> pa.Table:
    months = (JANUARY, JANUARY, FEBRUARY, APRIL)
    return arrow(RAW, [raw_row(n, month, quantity=n + 1) for n, month in enumerate(months)])


@dg.asset(**PARTITIONED, **asset_attributes(CLEANED, "ibis"))
def cleaned_transactions(context: dg.AssetExecutionContext, raw_transactions: ibis.Table):
    keys = sorted(context.partition_keys)
    first, last = date.fromisoformat(keys[0]), date.fromisoformat(keys[-1])
    raw = raw_transactions
    lines = raw.filter(raw.month.between(first, last))
    return lines.select(
        revenue=(lines.quantity * lines.price).cast("decimal(18, 4)"),
        row_number=lines.row_number,
        customer_id=lines.customer_id.upper(),
        quantity=lines.quantity,
        month=lines.month,
        note=ibis.null("string"),
    )


@dg.asset
def countries(cleaned_transactions: ibis.Table) -> ibis.Table:
    cleaned = cleaned_transactions
    return cleaned.group_by(country=cleaned.customer_id).agg(
        customers=cleaned.count().cast("int64")
    )


def io_manager(warehouse: Warehouse, contracts) -> WarehouseIOManager:
    return WarehouseIOManager(warehouse, contracts, Policy(), lambda contract, **_: "")


def materialize(
    warehouse: Warehouse,
    assets: Sequence[dg.AssetsDefinition],
    *,
    months: tuple[date, date] | None = None,
    contracts: dict[str, Contract] = CONTRACTS,
    instance: dg.DagsterInstance | None = None,
    selection: list[dg.AssetsDefinition] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job of assets, over a range of months where one is given."""
    tags = {}
    if months:
        tags = {
            "dagster/asset_partition_range_start": f"{months[0]}",
            "dagster/asset_partition_range_end": f"{months[1]}",
        }
    definitions = dg.Definitions(
        assets=assets,
        jobs=[dg.define_asset_job("job", selection=selection or list(assets))],
        resources={
            "io_manager": WarehouseIOManager(
                warehouse, contracts, Policy(), lambda contract, **_: ""
            )
        },
        executor=dg.in_process_executor,
    )
    return definitions.resolve_job_def("job").execute_in_process(tags=tags, instance=instance)


def metadata_of(result: dg.ExecuteInProcessResult, table: str) -> dict[str, Any]:
    """Return the metadata of the one materialization of a table, or of its last of many."""
    events = result.asset_materializations_for_node(table)
    assert events
    return {name: value.value for name, value in events[-1].metadata.items()}


SPINE = [raw_transactions, cleaned_transactions, countries]


# --- in and out


def test_assets_of_all_kinds_run_over_a_range_of_months_in_one_run(warehouse: Warehouse):
    result = materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    assert result.success
    assert [row[:2] + row[4:] for row in content(warehouse, CLEANED)] == [
        (JANUARY, 0, 1, Decimal("1.2500")),
        (JANUARY, 1, 2, Decimal("2.5000")),
        (FEBRUARY, 2, 3, Decimal("3.7500")),
        (APRIL, 3, 4, Decimal("5.0000")),
    ]
    assert content(warehouse, COUNTRIES) == [("C1", 4)]
    lines = ledger_of(warehouse, CLEANED)
    assert [(month, line.rows) for month, line in lines.items()] == [
        (JANUARY, 2),
        (FEBRUARY, 1),
        (MARCH, 0),
        (APRIL, 1),
    ]
    assert {line.run_id for line in lines.values()} == {result.run_id}


def test_a_range_materializes_its_partitions_and_no_other(warehouse: Warehouse):
    with dg.instance_for_test() as instance:
        materialize(warehouse, SPINE, months=(JANUARY, MARCH), instance=instance)
        key = cleaned_transactions.key
        assert instance.get_materialized_partitions(key) == {
            f"{m}" for m in (JANUARY, FEBRUARY, MARCH)
        }

        materialize(warehouse, SPINE, months=(MARCH, APRIL), instance=instance)
        assert len(instance.get_materialized_partitions(key)) == 4
    assert [row[0] for row in content(warehouse, CLEANED)] == [JANUARY, JANUARY, FEBRUARY, APRIL]


def test_one_partition_is_a_range_of_one_month(warehouse: Warehouse):
    result = dg.materialize(
        SPINE,
        partition_key="2011-02-01",
        resources={
            "io_manager": WarehouseIOManager(
                warehouse, CONTRACTS, Policy(), lambda contract, **_: ""
            )
        },
    )
    assert result.success
    assert list(ledger_of(warehouse, CLEANED)) == [FEBRUARY]
    assert len(content(warehouse, CLEANED)) == 1


def test_a_dataframe_goes_out_and_in(warehouse: Warehouse):
    seen = {}

    @dg.asset(name="countries")
    def published() -> pd.DataFrame:
        return pd.DataFrame({"customers": [2, 1], "country": ["Spain", "Eire"]})

    @dg.asset(name="kmeans_model")
    def model(countries: pd.DataFrame) -> pd.DataFrame:
        seen["countries"] = countries
        rows = range(len(countries))
        return pd.DataFrame({"model_version": "a", "cluster": rows, "centre": 0.5}).astype(
            {"cluster": "int64"}
        )

    assert materialize(warehouse, [published, model]).success
    expected = pd.DataFrame({"country": ["Eire", "Spain"], "customers": [1, 2]})
    pd.testing.assert_frame_equal(seen["countries"], expected)
    assert content(warehouse, CONTRACTS["kmeans_model"]) == [("a", 0, 0.5), ("a", 1, 0.5)]


def test_a_big_table_is_not_handed_out_as_a_dataframe(warehouse: Warehouse):
    @dg.asset(name="countries")
    def greedy(raw_transactions: pd.DataFrame) -> pd.DataFrame:
        raise AssertionError("was handed the table")

    with pytest.raises(UserError, match=r"raw_transactions is of transaction grain.*ibis\.Table"):
        materialize(warehouse, [raw_transactions, greedy])


def test_a_table_never_published_cannot_be_handed_out(warehouse: Warehouse):
    @dg.asset(name="customer_rfm", **PARTITIONED)
    def rfm(countries: pd.DataFrame) -> pd.DataFrame:
        raise AssertionError("was handed the table")

    warehouse.publish(RAW, arrow(RAW, []))
    with pytest.raises(UserError, match="no table countries yet"):
        materialize(
            warehouse, [countries, rfm, *SPINE[:2]], months=(JANUARY, APRIL), selection=[rfm]
        )


def test_a_table_of_another_contract_is_not_handed_out(warehouse: Warehouse):
    newer = replace(COUNTRIES, rules={"many customers": "customers > 100"})
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))

    @dg.asset(name="kmeans_model")
    def model(countries: pd.DataFrame) -> pd.DataFrame:
        raise AssertionError("was handed the table")

    with pytest.raises(ContractMismatch, match="countries in the warehouse"):
        materialize(
            warehouse,
            [*SPINE, model],
            contracts=CONTRACTS | {"countries": newer},
            selection=[model],
        )


def test_an_asset_without_a_contract_is_named(warehouse: Warehouse):
    @dg.asset
    def stray() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    with pytest.raises(UserError, match="No contract is declared for the table stray"):
        materialize(warehouse, [stray])


# --- failures


def test_a_breach_fails_the_run_and_leaves_the_warehouse(warehouse: Warehouse):
    materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    before = state(warehouse)

    @dg.asset(name="cleaned_transactions", **PARTITIONED)
    def bad(raw_transactions: ibis.Table) -> ibis.Table:
        raw = raw_transactions
        return raw.select(
            "month",
            "row_number",
            "customer_id",
            note=ibis.null("string"),
            quantity=-raw.quantity,
            revenue=raw.price,
        )

    with pytest.raises(ContractBreach, match="quantity is positive: 4 rows"):
        materialize(
            warehouse, [raw_transactions, bad, countries], months=(JANUARY, APRIL), selection=[bad]
        )
    assert state(warehouse) == before


def test_history_is_required_of_a_run(warehouse: Warehouse):
    @dg.asset(name="customer_rfm", **PARTITIONED)
    def rfm(context: dg.AssetExecutionContext, cleaned_transactions: ibis.Table) -> ibis.Table:
        cleaned = cleaned_transactions
        customers = cleaned.group_by("customer_id").agg(
            monetary=cleaned.revenue.sum().cast("decimal(18, 4)")
        )
        return customers.mutate(snapshot_month=ibis.literal(APRIL))

    assets = [raw_transactions, cleaned_transactions, rfm]
    with pytest.raises(UserError, match="not there yet: 2011-01, 2011-02"):
        materialize(warehouse, assets, months=(APRIL, APRIL))
    materialize(warehouse, assets, months=(JANUARY, MARCH), selection=[cleaned_transactions])
    assert materialize(warehouse, assets, months=(APRIL, APRIL)).success
    assert content(warehouse, RFM) == [(APRIL, "C1", Decimal("12.5000"))]


# --- what the UI shows


def test_metadata_of_a_materialization(warehouse: Warehouse):
    result = materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    shown = metadata_of(result, CLEANED.table)

    assert shown["rows_published"] == 4
    assert shown["dagster/table_name"] == CLEANED.table
    assert shown["changed_months"] == "2011-01 to 2011-02, 2011-04"
    assert "raw_transactions" in shown["sql"]
    assert "SELECT" in shown["sql"]
    assert shown["raw_version"] == ledger_of(warehouse, RAW)[JANUARY].raw_version


def test_each_month_of_a_range_has_figures_of_its_own(warehouse: Warehouse):
    result = materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    events = [
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(CLEANED.table)
    ]
    assert [
        (
            event.partition,
            event.metadata["dagster/row_count"].value,
            event.metadata["revenue"].value if "revenue" in event.metadata else None,
            event.metadata["is_changed"].value,
        )
        for event in events
    ] == [
        ("2011-01-01", 2, 3.75, True),
        ("2011-02-01", 1, 3.75, True),
        ("2011-03-01", 0, None, False),
        ("2011-04-01", 1, 5.0, True),
    ]
    # What holds for all of them is stored once.
    assert ["sql" in event.metadata for event in events] == [False, False, False, True]


def test_a_table_whose_months_are_no_partitions_shows_them(warehouse: Warehouse):
    result = materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    months = metadata_of(result, RAW.table)["months"]
    assert [record.data["month"] for record in months.records] == ["2011-01", "2011-02", "2011-04"]
    assert [record.data["changed"] for record in months.records] == [True, True, True]


def test_months_that_did_not_change_are_not_shown_as_changed(warehouse: Warehouse):
    materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    result = materialize(warehouse, SPINE, months=(FEBRUARY, APRIL))
    shown = metadata_of(result, CLEANED.table)
    assert shown["changed_months"] == "none"
    assert shown["rows_published"] == 2


def test_the_schema_shown_is_that_of_the_contract(warehouse: Warehouse):
    result = materialize(warehouse, SPINE, months=(JANUARY, JANUARY))
    made = metadata_of(result, CLEANED.table)["dagster/column_schema"]
    of_asset = cleaned_transactions.metadata_by_key[cleaned_transactions.key]
    for schema in (made, of_asset["dagster/column_schema"]):
        assert [
            (each.name, each.type, each.description, each.constraints.nullable)
            for each in schema.columns
        ] == [
            ("month", "date", "Month of the line.", False),
            ("row_number", "int64", "Row as Excel shows it.", False),
            ("customer_id", "string", "Customer's id.", False),
            ("note", "string", "The clerk's \"note\"; it's optional.", True),
            ("quantity", "int64", "Units.", False),
            ("revenue", "decimal(18, 4)", "Quantity times price.", False),
        ]
        assert schema.constraints.other == [
            "key: month, row_number",
            "quantity is positive: quantity > 0",
            "revenue is not negative: revenue >= 0",
        ]
        assert [each.name for each in schema.columns if "pii" in each.tags] == ["customer_id"]


def lineage_of(result: dg.ExecuteInProcessResult, table: str) -> dict[str, set[tuple[str, str]]]:
    lineage = metadata_of(result, table)["dagster/column_lineage"]
    return {
        column: {(dep.asset_key.to_user_string(), dep.column_name) for dep in deps}
        for column, deps in lineage.deps_by_column.items()
    }


def test_column_lineage_names_the_columns_a_column_is_made_of(warehouse: Warehouse):
    result = materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    raw = RAW.table
    assert lineage_of(result, CLEANED.table) == {
        "month": {(raw, "month")},
        "row_number": {(raw, "row_number")},
        "customer_id": {(raw, "customer_id")},
        "note": set(),
        "quantity": {(raw, "quantity")},
        "revenue": {(raw, "quantity"), (raw, "price")},
    }
    assert lineage_of(result, COUNTRIES.table)["country"] == {(CLEANED.table, "customer_id")}
    # As the UI shows it, in order of the columns.
    shown = [record.data for record in metadata_of(result, CLEANED.table)["columns"].records]
    assert [each["column"] for each in shown] == [*CLEANED.columns]
    assert shown[-1]["made_of"] == f"{raw}.price, {raw}.quantity"


def test_column_lineage_goes_through_joins_and_windows(warehouse: Warehouse):
    @dg.asset(name="customer_rfm", **PARTITIONED)
    def rfm(cleaned_transactions: ibis.Table, countries: ibis.Table) -> ibis.Table:
        cleaned = cleaned_transactions
        running = cleaned.mutate(
            total=cleaned.revenue.cumsum(order_by="row_number", group_by="customer_id")
        )
        joined = running.join(countries, running.customer_id == countries.country)
        customers = joined.group_by(customer_id=joined.country).agg(
            monetary=joined.total.max().cast("decimal(18, 4)")
        )
        return customers.mutate(snapshot_month=ibis.literal(APRIL))

    materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    result = materialize(warehouse, [*SPINE, rfm], months=(APRIL, APRIL), selection=[rfm])
    assert content(warehouse, RFM) == [(APRIL, "C1", Decimal("12.5000"))]
    lineage = lineage_of(result, RFM.table)
    assert lineage["customer_id"] == {(COUNTRIES.table, "country")}
    parts = {(CLEANED.table, name) for name in ("customer_id", "row_number", "revenue")}
    assert lineage["monetary"] == parts
    assert lineage["snapshot_month"] == set()


def test_a_list_joined_in_python_is_no_upstream_of_a_column(warehouse: Warehouse):
    @dg.asset(name="countries")
    def labelled(raw_transactions: ibis.Table) -> ibis.Table:
        labels = ibis.memtable(pa.table({"id": ["c1"], "label": [3]}))
        raw = raw_transactions.filter(raw_transactions.row_number == 0)
        joined = raw.join(labels, raw.customer_id == labels.id)
        return joined.select(country="customer_id", customers="label")

    result = materialize(warehouse, [raw_transactions, labelled])
    assert content(warehouse, COUNTRIES) == [("c1", 3)]
    assert lineage_of(result, COUNTRIES.table) == {
        "country": {(RAW.table, "customer_id")},
        "customers": set(),
    }


def test_data_that_was_made_in_python_has_no_lineage(warehouse: Warehouse):
    result = materialize(warehouse, [raw_transactions])
    shown = metadata_of(result, RAW.table)
    assert "dagster/column_lineage" not in shown
    assert shown["dagster/row_count"] == 4


def test_a_table_without_months_shows_none(warehouse: Warehouse):
    result = materialize(warehouse, SPINE, months=(JANUARY, APRIL))
    shown = metadata_of(result, COUNTRIES.table)
    assert shown["dagster/row_count"] == 1
    assert "months" not in shown
    assert "changed_months" not in shown


def test_an_empty_table_is_shown_too(warehouse: Warehouse):
    @dg.asset(name="raw_transactions")
    def nothing() -> pa.Table:
        return arrow(RAW, [])

    shown = metadata_of(materialize(warehouse, [nothing]), RAW.table)
    assert shown["dagster/row_count"] == 0
    assert shown["changed_months"] == "none"
    assert shown["months"].records == []


def test_sql_that_cannot_be_followed_has_no_lineage_and_fails_nothing():
    query, sources = sge.select("b.c").from_("raw"), {"raw": {"a": "int64"}}
    publication = Publication("t", [], {}, query, query.sql(), sources)
    assert column_lineage(publication) is None
