"""A warehouse that another version of a contract wrote: nothing is mixed, the way out is told."""

from dataclasses import replace
from decimal import Decimal

import duckdb
import ibis
import pandas as pd
import pytest

from customer_segments.errors import UserError
from customer_segments.storage import Contract, Warehouse, WriteMode
from customer_segments.storage.audit import ContractBreach
from customer_segments.storage.catalog import Catalog
from customer_segments.storage.ledger import PUBLICATIONS
from customer_segments.storage.requirements import ContractMismatch, require_contract
from customer_segments_tests.storage.samples import (
    CLEANED,
    COUNTRIES,
    FEBRUARY,
    JANUARY,
    MARCH,
    MODEL,
    RAW,
    arrow,
    cleaned_row,
    content,
    raw_row,
    rows_of,
    state,
)

YEAR = (JANUARY, MARCH)
WAY_OUT = (
    "Nothing was changed. `customer-segments migrate` brings the warehouse up, after a backup."
)

COLUMN_CHANGES: dict[str, tuple[dict[str, tuple[str, str]], str]] = {
    "added": (
        {**CLEANED.columns, "store": ("string", "Store of the line.")},
        "column store is missing",
    ),
    "removed": (
        {name: said for name, said in CLEANED.columns.items() if name != "note"},
        "column note is not in the contract",
    ),
    "other type": (
        {**CLEANED.columns, "quantity": ("!int32", "Units.")},
        "column quantity is int64, the contract says int32",
    ),
}

FIRST_RULE = next(iter(CLEANED.rules))
RULE_CHANGES: dict[str, Contract] = {
    "stricter rule": replace(CLEANED, rules={**CLEANED.rules, "a dozen": "quantity >= 12"}),
    "laxer rule": replace(CLEANED, rules={FIRST_RULE: CLEANED.rules[FIRST_RULE]}),
    "other rule of the same name": replace(
        CLEANED, rules={**CLEANED.rules, FIRST_RULE: "quantity > 1"}
    ),
    "key": replace(CLEANED, key=("month", "row_number", "quantity")),
    "nullability": replace(
        CLEANED,
        columns={**CLEANED.columns, "customer_id": ("string", "Customer's id.")},
    ),
}


def good_rows(contract: Contract) -> ibis.Table:
    row = {**cleaned_row(5, quantity=20), "store": None}
    return ibis.memtable(arrow(contract, [{name: row[name] for name in contract.columns}]))


def refused(warehouse: Warehouse, contract: Contract) -> str:
    """Return what a refused write says; it must leave everything as it was."""
    before = state(warehouse)
    with pytest.raises(ContractMismatch) as error:
        warehouse.publish(contract, good_rows(contract), months=YEAR)
    assert state(warehouse) == before
    return str(error.value)


@pytest.mark.parametrize("change", COLUMN_CHANGES)
def test_other_columns_are_named_with_the_way_out(warehouse: Warehouse, change: str):
    columns, difference = COLUMN_CHANGES[change]
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(1)]), months=YEAR)
    assert refused(warehouse, replace(CLEANED, columns=columns)) == (
        "cleaned_transactions in the warehouse was written by another version of its contract: "
        f"{difference}. {WAY_OUT}"
    )


@pytest.mark.parametrize("change", RULE_CHANGES)
def test_other_rules_alone_are_noticed_too(warehouse: Warehouse, change: str):
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(1)]), months=YEAR)
    message = refused(warehouse, RULE_CHANGES[change])
    assert "its rules, its key, its nullability or its write mode changed. Nothing" in message


def test_other_rules_are_noticed_on_an_empty_table(warehouse: Warehouse):
    """The constraints in the database are the old ones, whatever the table holds."""
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(1)]), months=YEAR)
    warehouse.publish(CLEANED, arrow(CLEANED, []), months=YEAR)
    assert "its rules" in refused(warehouse, RULE_CHANGES["laxer rule"])


def test_other_rules_are_noticed_after_a_publication_that_added_nothing(warehouse: Warehouse):
    row = {"model_version": "a", "cluster": 0, "centre": 1.0}
    for _ in range(2):
        warehouse.publish(MODEL, arrow(MODEL, [row]))
    stricter = replace(MODEL, rules={"centre is large": "centre > 10"})
    with pytest.raises(ContractMismatch, match="its rules"):
        warehouse.publish(stricter, arrow(stricter, [row | {"centre": 11.0, "cluster": 1}]))
    with warehouse.reading() as con, pytest.raises(ContractMismatch, match="its rules"):
        require_contract(con, Catalog.of(con), stricter)


def test_descriptions_and_order_of_reading_are_no_other_version(warehouse: Warehouse):
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(1)]), months=YEAR)
    reworded = {name: (kind, "Other words.") for name, (kind, _) in CLEANED.columns.items()}
    same = replace(CLEANED, columns=reworded, grain="in other words", is_big=True)
    warehouse.publish(same, arrow(same, [cleaned_row(2)]), months=YEAR)
    assert len(content(warehouse, CLEANED)) == 1


def test_months_a_replaced_table_lost_under_an_older_contract_do_not_matter(warehouse: Warehouse):
    warehouse.publish(RAW, arrow(RAW, [raw_row(1), raw_row(2, FEBRUARY)]))
    warehouse.publish(RAW, arrow(RAW, [raw_row(1)]))
    newer = replace(RAW, rules={"quantity is positive": "quantity > 0"})
    warehouse.publish(newer, arrow(newer, [raw_row(1)]))
    with warehouse.reading() as con:
        require_contract(con, Catalog.of(con), newer)
        with pytest.raises(ContractMismatch):
            require_contract(con, Catalog.of(con), RAW)


def test_a_replaced_table_is_simply_made_anew(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
    newer = Contract(
        table="countries",
        grain="a country",
        columns={"code": ("!string", "Code."), "share": ("float64", "Share.")},
        key=("code",),
        rules={"a share": "share BETWEEN 0 AND 1"},
        write_mode=WriteMode.REPLACE,
    )
    warehouse.publish(newer, pd.DataFrame({"code": ["IE"], "share": [0.5]}))
    assert content(warehouse, newer) == [("IE", 0.5)]
    with (
        duckdb.connect(str(warehouse.path)) as connection,
        pytest.raises(duckdb.ConstraintException),
    ):
        connection.execute("INSERT INTO countries VALUES ('ES', 2)")


def test_a_refused_new_version_leaves_the_old_table(warehouse: Warehouse):
    """The old table is dropped inside the transaction; a breach must bring it back."""
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
    before = state(warehouse)
    newer = replace(COUNTRIES, rules={"many customers": "customers > 100"})
    with pytest.raises(ContractBreach, match="many customers: 1 row"):
        warehouse.publish(newer, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
    assert state(warehouse) == before
    with (
        duckdb.connect(str(warehouse.path)) as connection,
        pytest.raises(duckdb.ConstraintException),
    ):
        connection.execute("INSERT INTO countries VALUES ('Spain', -1)")


def test_an_upstream_that_differs_from_what_is_declared_is_named(warehouse: Warehouse):
    older = replace(
        RAW,
        columns={
            name: ("int32" if name == "quantity" else kind, said)
            for name, (kind, said) in RAW.columns.items()
            if name != "customer_id"
        },
    )
    warehouse.publish(older, arrow(older, []))
    before = state(warehouse)
    raw = RAW.relation
    lines = raw.select(
        "month",
        "row_number",
        "customer_id",
        "quantity",
        note=ibis.null("string"),
        revenue=ibis.literal(Decimal(1), "decimal(18, 4)"),
    )
    with pytest.raises(ContractMismatch) as error:
        warehouse.publish(CLEANED, lines, months=YEAR)
    assert str(error.value) == (
        "raw_transactions in the warehouse was written by another version of its contract: "
        "column customer_id is missing, cleaned_transactions expects string; "
        "column quantity is int32, cleaned_transactions expects int64. " + WAY_OUT
    )
    assert state(warehouse) == before
    with pytest.raises(ContractMismatch, match="customer_id is missing"):
        warehouse.query(raw)


def test_an_upstream_with_more_columns_than_declared_is_fine(warehouse: Warehouse):
    warehouse.publish(RAW, arrow(RAW, [raw_row(1, customer_id="Eire")]))
    part = ibis.table({"customer_id": "string", "quantity": "int64"}, name=RAW.table)
    warehouse.publish(COUNTRIES, part.select(country="customer_id", customers="quantity"))
    assert content(warehouse, COUNTRIES) == [("Eire", 2)]


def test_another_version_of_the_ledger_is_refused(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("ALTER TABLE publications DROP COLUMN code_version")
    before = state(warehouse)
    with pytest.raises(ContractMismatch, match=r"publications in.*column code_version is missing"):
        warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [2]}))
    assert state(warehouse) == before


def test_the_ledger_is_written_by_name(warehouse: Warehouse):
    """A ledger whose columns stand in another order is still the same ledger."""
    reordered = replace(PUBLICATIONS, columns=dict(reversed(PUBLICATIONS.columns.items())))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(reordered.ddl())
    (line,) = warehouse.publish(
        COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}), run_id="me"
    ).lines
    stored = rows_of(warehouse.path, "SELECT table_name, run_id, digest FROM publications")
    assert stored == [("countries", "me", line.digest)]


@pytest.mark.parametrize("contract", [CLEANED, MODEL], ids=lambda contract: contract.table)
def test_a_table_that_nobody_published_is_not_written_into(
    warehouse: Warehouse, contract: Contract
):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(contract.ddl())
    months = YEAR if contract is CLEANED else None
    with pytest.raises(ContractMismatch, match="the ledger has no line of it"):
        warehouse.publish(contract, arrow(contract, []), months=months)
    with warehouse.reading() as con, pytest.raises(ContractMismatch, match="no line of it"):
        require_contract(con, Catalog.of(con), contract)


def test_requiring_a_table_never_published_says_so(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
    with warehouse.reading() as con:
        with pytest.raises(UserError, match="no table cleaned_transactions yet"):
            require_contract(con, Catalog.of(con), CLEANED)
        require_contract(con, Catalog.of(con), COUNTRIES)
