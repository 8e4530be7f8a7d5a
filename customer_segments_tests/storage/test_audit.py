"""Every kind of breach is named, counted and shown, and leaves the last good table in place."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import pandas as pd
import pytest

from customer_segments.storage import Contract, Warehouse, WriteMode
from customer_segments.storage.audit import Breach, ContractBreach, column_breaches, row_breaches
from customer_segments_tests.storage.samples import (
    APRIL,
    CLEANED,
    COUNTRIES,
    FEBRUARY,
    JANUARY,
    MARCH,
    MODEL,
    RAW,
    arrow,
    cleaned_row,
    ledger_of,
    raw_row,
    state,
)

MONTHS = (JANUARY, MARCH)

# What is done to the seven bad rows of ten, and the rule that must be named.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "null": ({"customer_id": None}, "customer_id is null"),
    "null month": ({"month": None}, "month is null"),
    "rule": ({"quantity": 0}, "quantity is positive"),
    "key": ({"row_number": 1}, "key (month, row_number) is unique"),
    "mid-month": ({"month": date(2011, 1, 15)}, "month is the first day of a month"),
    "month before": ({"month": date(2010, 12, 1)}, "month from 2011-01 to 2011-03"),
    "month after": ({"month": APRIL}, "month from 2011-01 to 2011-03"),
}


def ten_rows(**bad: Any) -> list[dict[str, Any]]:
    """Return ten rows of which the last seven are bad."""
    return [cleaned_row(n) | (bad if n >= 3 else {}) for n in range(10)]


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("kind", ["arrow", "expression"])
def test_a_breach_names_the_rule_counts_the_rows_and_shows_five(
    warehouse: Warehouse, case: str, kind: str
):
    bad, rule = BAD[case]
    good = arrow(CLEANED, [cleaned_row(77), cleaned_row(78, FEBRUARY)])
    warehouse.publish(CLEANED, good, months=MONTHS, run_id="the good one")
    before = state(warehouse)
    data = arrow(CLEANED, ten_rows(**bad))

    with pytest.raises(ContractBreach) as error:
        warehouse.publish(
            CLEANED, data if kind == "arrow" else ibis.memtable(data), months=MONTHS, run_id="bad"
        )

    (breach,) = error.value.breaches
    assert breach.rule == rule
    # Of rows that share a key, the one that was fine stands in the way as well.
    assert breach.rows == (8 if case == "key" else 7)
    message = str(error.value)
    assert "cleaned_transactions was not published" in message
    assert f"{rule}: {breach.rows} rows\n" in message
    assert "What was published before is still in place." in message
    if case == "key":
        assert breach.examples == [{"month": JANUARY, "row_number": 1, "rows": 8}]
    else:
        assert len(breach.examples) == 5
        ((column, value),) = bad.items()
        assert all(example[column] == value for example in breach.examples)
        assert all(set(example) == set(CLEANED.schema) for example in breach.examples)
        assert len({example["row_number"] for example in breach.examples}) == 5
        assert all(str(example) in message for example in breach.examples)

    assert state(warehouse) == before
    assert {line.run_id for line in ledger_of(warehouse, CLEANED).values()} == {"the good one"}


def test_all_breaches_are_told_at_once(warehouse: Warehouse):
    rows = [
        cleaned_row(1, quantity=-1, revenue=Decimal("-1")),
        cleaned_row(1, customer_id=None),
        cleaned_row(2, date(2011, 2, 2)),
        cleaned_row(3, APRIL),
    ]
    with pytest.raises(ContractBreach) as error:
        warehouse.publish(CLEANED, arrow(CLEANED, rows), months=MONTHS)

    assert {breach.rule: breach.rows for breach in error.value.breaches} == {
        "customer_id is null": 1,
        "quantity is positive": 1,
        "revenue is not negative": 1,
        "month is the first day of a month": 1,
        "month from 2011-01 to 2011-03": 1,
        "key (month, row_number) is unique": 2,
    }
    assert "quantity is positive: 1 row\n" in str(error.value)


def test_columns_come_before_rows(warehouse: Warehouse):
    data = arrow(CLEANED, ten_rows(quantity=0)).drop_columns("note")
    with pytest.raises(ContractBreach) as error:
        warehouse.publish(CLEANED, data, months=MONTHS)
    assert error.value.breaches == [Breach("column note is missing", 0)]


def test_a_rule_that_is_null_is_kept(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [None]}))


def test_a_month_is_judged_where_any_month_may_come(warehouse: Warehouse):
    with pytest.raises(ContractBreach, match="month is the first day of a month: 1 row\n"):
        warehouse.publish(RAW, arrow(RAW, [raw_row(1, date(2011, 1, 31)), raw_row(2, APRIL)]))


@pytest.mark.parametrize("write_mode", [WriteMode.REPLACE, WriteMode.INSERT_NEW])
def test_a_key_is_never_null_though_its_column_does_not_say_so(
    warehouse: Warehouse, write_mode: WriteMode
):
    contract = Contract("t", "a row", {"a": ("int64", "A.")}, key=("a",), write_mode=write_mode)
    warehouse.publish(contract, pd.DataFrame({"a": [1]}))
    with pytest.raises(ContractBreach, match="a is null: 2 rows"):
        warehouse.publish(contract, pd.DataFrame({"a": [None, 2, None]}, dtype="Int64"))


def test_a_month_column_is_never_null_though_it_does_not_say_so(warehouse: Warehouse):
    columns = {"a": ("!int64", "A."), "month": ("date", "Month.")}
    contract = Contract("t", "a row", columns, ("a",), WriteMode.REPLACE, month_column="month")
    with pytest.raises(ContractBreach, match="month is null: 1 row\n"):
        warehouse.publish(contract, pd.DataFrame({"a": [1, 2], "month": [None, JANUARY]}))


def test_a_key_that_repeats_in_new_rows_is_a_breach_also_when_inserting(warehouse: Warehouse):
    row = {"model_version": "a", "cluster": 0, "centre": 1.0}
    with pytest.raises(ContractBreach, match=r"key \(model_version, cluster\) is unique: 2 rows"):
        warehouse.publish(MODEL, arrow(MODEL, [row, row]))


def test_a_big_breach_is_counted_but_not_fetched(warehouse: Warehouse):
    number = ibis.range(0, 300_000).unnest().name("n").as_table().n
    data = number.as_table().select(country=number.cast("string"), customers=(-number) - 1)
    with pytest.raises(ContractBreach) as error:
        warehouse.publish(COUNTRIES, data.cast({"customers": "int64"}))
    assert "customers are counted: 300,000 rows\n" in str(error.value)
    assert len(error.value.breaches[0].examples) == 5


def test_a_published_table_can_be_judged_too(warehouse: Warehouse):
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(1), cleaned_row(2)]), months=MONTHS)
    with warehouse.reading() as con:
        assert column_breaches(CLEANED, con.get_schema(CLEANED.table)) == []
        assert row_breaches(con, CLEANED, CLEANED.table) == []
        (breach,) = row_breaches(con, CLEANED, CLEANED.table, (FEBRUARY, MARCH))
    assert (breach.rule, breach.rows) == ("month from 2011-02 to 2011-03", 2)


def test_values_are_shown_as_the_engine_gives_them(warehouse: Warehouse):
    columns = {
        "id": ("!int64", "Id."),
        "at": ("timestamp", "When."),
        "name": ("!string", "Name."),
    }
    contract = Contract("t", "a row", columns, key=("id",), write_mode=WriteMode.REPLACE)
    at = datetime(2011, 1, 4, 10)
    with pytest.raises(ContractBreach) as error:
        warehouse.publish(contract, arrow(contract, [{"id": 1, "at": at, "name": None}]))
    assert error.value.breaches == [Breach("name is null", 1, [{"id": 1, "at": at, "name": None}])]
