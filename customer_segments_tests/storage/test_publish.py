"""What a publication leaves in the file, for each write mode and each kind of data.

Also what it leaves when it fails half way: everything as it was, the ledger too.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from customer_segments.errors import UserError
from customer_segments.storage import Contract, Warehouse, WriteMode
from customer_segments.storage.audit import ContractBreach
from customer_segments.storage.publish import publish
from customer_segments.storage.relations import kept
from customer_segments_tests.storage.samples import (
    APRIL,
    CLEANED,
    COUNTRIES,
    FEBRUARY,
    JANUARY,
    MARCH,
    MODEL,
    RAW,
    RFM,
    arrow,
    cleaned_row,
    constraints,
    content,
    ledger_of,
    raw_row,
    rows_of,
    state,
)

YEAR = (JANUARY, date(2011, 12, 1))


def cleaned_expression() -> ibis.Table:
    """Cleaned transactions as an asset would make them, from the raw ones."""
    raw = RAW.relation
    return raw.filter(raw.customer_id.notnull()).select(
        "row_number",
        "quantity",
        "customer_id",
        revenue=(raw.quantity * raw.price).cast("decimal(18, 4)"),
        note=ibis.null("string"),
        month=raw.month,
    )


# --- write modes


def test_replace_holds_exactly_what_was_published_last(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["France", "Eire"], "customers": [3, 4]}))
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire", "Spain"], "customers": [5, 6]}))

    assert content(warehouse, COUNTRIES) == [("Eire", 5), ("Spain", 6)]


@pytest.mark.parametrize("is_handed_over", [True, False])
def test_replace_leaves_the_months_as_they_are_that_did_not_change(
    warehouse: Warehouse, is_handed_over
):
    def place(month: date) -> list[tuple]:
        return rows_of(
            warehouse.path, f"SELECT rowid FROM raw_transactions WHERE month = '{month}'"
        )

    rows = [raw_row(2), raw_row(3, FEBRUARY), raw_row(4, MARCH)]
    warehouse.publish(RAW, arrow(RAW, rows))
    january = place(JANUARY)
    later = [raw_row(2), raw_row(3, FEBRUARY, quantity=5), raw_row(5, APRIL), raw_row(6, APRIL)]
    with warehouse.writing() as con:
        rows = ibis.memtable(arrow(RAW, reversed(later)))
        published = publish(con, RAW, rows if is_handed_over else kept(con, rows, "later"))
    assert published.changed_months == [FEBRUARY, MARCH, APRIL]
    assert place(JANUARY) == january
    assert content(warehouse, RAW) == [tuple(row[name] for name in RAW.columns) for row in later]


def test_a_row_without_a_month_is_refused_where_months_stay_as_they_are(warehouse: Warehouse):
    warehouse.publish(RAW, arrow(RAW, [raw_row(2)]))
    with warehouse.writing() as con:
        rows = kept(con, ibis.memtable(arrow(RAW, [raw_row(2)])), "rows")
        nowhere = rows.mutate(row_number=rows.row_number + 1, month=ibis.null("date"))
        with pytest.raises(ContractBreach, match="month is null"):
            publish(con, RAW, rows.union(nowhere))


def test_replace_months_touches_only_the_months_written(warehouse: Warehouse):
    first = [cleaned_row(1, JANUARY), cleaned_row(2, FEBRUARY), cleaned_row(3, MARCH)]
    warehouse.publish(CLEANED, arrow(CLEANED, first), months=YEAR)

    february = [cleaned_row(2, FEBRUARY, quantity=9), cleaned_row(7, FEBRUARY)]
    warehouse.publish(CLEANED, arrow(CLEANED, february), months=(FEBRUARY, FEBRUARY))

    assert content(warehouse, CLEANED) == [
        (JANUARY, 1, "c1", None, 2, Decimal("2.5000")),
        (FEBRUARY, 2, "c1", None, 9, Decimal("2.5000")),
        (FEBRUARY, 7, "c1", None, 2, Decimal("2.5000")),
        (MARCH, 3, "c1", None, 2, Decimal("2.5000")),
    ]


def test_replace_months_empties_months_of_the_range_without_rows(warehouse: Warehouse):
    rows = [cleaned_row(n, month) for n, month in enumerate((JANUARY, FEBRUARY, MARCH, APRIL))]
    warehouse.publish(CLEANED, arrow(CLEANED, rows), months=YEAR)

    march = arrow(CLEANED, [cleaned_row(9, MARCH)])
    warehouse.publish(CLEANED, march, months=(FEBRUARY, APRIL))

    assert [row[:2] for row in content(warehouse, CLEANED)] == [(JANUARY, 0), (MARCH, 9)]


def test_insert_new_adds_new_keys_and_leaves_the_others_alone(warehouse: Warehouse):
    def model(centres: dict[tuple[str, int], float]) -> pa.Table:
        rows = [
            {"model_version": version, "cluster": cluster, "centre": centre}
            for (version, cluster), centre in centres.items()
        ]
        return arrow(MODEL, rows)

    warehouse.publish(MODEL, model({("a", 0): 0.5, ("a", 1): 1.5}))
    added = warehouse.publish(MODEL, model({("a", 1): 1.5, ("b", 0): 2.5, ("a", 0): 0.5}))

    assert content(warehouse, MODEL) == [("a", 0, 0.5), ("a", 1, 1.5), ("b", 0, 2.5)]
    assert added.rows == 1
    assert warehouse.publish(MODEL, model({("b", 0): 2.5})).rows == 0
    with pytest.raises(ContractBreach, match="there already with other values"):
        warehouse.publish(MODEL, model({("b", 0): 97.0, ("c", 0): 3.5}))
    assert content(warehouse, MODEL) == [("a", 0, 0.5), ("a", 1, 1.5), ("b", 0, 2.5)]


@pytest.mark.parametrize(
    ("contract", "months"), [(CLEANED, None), (RAW, YEAR), (MODEL, YEAR)], ids=lambda v: str(v)[:30]
)
def test_months_go_with_replace_months_alone(warehouse: Warehouse, contract: Contract, months):
    with pytest.raises(ValueError, match=f"{contract.table}: months go with"):
        warehouse.publish(contract, arrow(contract, []), months=months)


# --- kinds of data


def test_an_expression_runs_over_the_published_tables(warehouse: Warehouse):
    raw = [
        raw_row(1, JANUARY, quantity=3),
        raw_row(2, JANUARY, customer_id=None),
        raw_row(3, MARCH, customer_id="c2"),
    ]
    warehouse.publish(RAW, arrow(RAW, raw))
    publication = warehouse.publish(CLEANED, cleaned_expression(), months=YEAR)

    assert content(warehouse, CLEANED) == [
        (JANUARY, 1, "c1", None, 3, Decimal("3.7500")),
        (MARCH, 3, "c2", None, 2, Decimal("2.5000")),
    ]
    assert publication.rows == 2
    assert "raw_transactions" in publication.sql
    assert publication.sources["raw_transactions"]["quantity"] == "int64"


def test_arrow_dataframe_and_expression_make_the_same_table(tmp_path):
    rows = [cleaned_row(1, note="a"), cleaned_row(2, MARCH, note='it\'s "b", c')]
    table = arrow(CLEANED, rows)
    kinds = {
        "arrow": table,
        "frame": pd.DataFrame(rows).astype({"revenue": pd.ArrowDtype(pa.decimal128(18, 4))}),
        "expression": ibis.memtable(table).filter(ibis._.quantity > 0),
    }
    tables, digests = [], []
    for name, data in kinds.items():
        warehouse = Warehouse(tmp_path / name)
        publication = warehouse.publish(CLEANED, data, months=YEAR)
        tables.append(content(warehouse, CLEANED))
        digests.append([line.digest for line in publication.lines])

    assert tables[0] == tables[1] == tables[2] == [tuple(row.values()) for row in rows]
    assert digests[0] == digests[1] == digests[2]


def test_a_table_may_be_made_from_itself(warehouse: Warehouse):
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire", "Spain"], "customers": [1, 2]}))
    doubled = COUNTRIES.relation.mutate(customers=COUNTRIES.relation.customers * 2)
    warehouse.publish(COUNTRIES, doubled.cast({"customers": "int64"}))

    assert content(warehouse, COUNTRIES) == [("Eire", 2), ("Spain", 4)]


def test_null_from_an_outer_join_may_stand_where_the_contract_allows_it(warehouse: Warehouse):
    # To Ibis the joined column is still not null, as it was before the join.
    left = ibis.memtable(pa.table({"country": ["Eire", "Spain"]}))
    right = ibis.table({"country": "!string", "customers": "!int64"}, name="known")
    known = Contract(
        "known",
        "a country",
        {"country": ("!string", "Name."), "customers": ("!int64", "Number.")},
        key=("country",),
        write_mode=WriteMode.REPLACE,
    )
    warehouse.publish(known, pd.DataFrame({"country": ["Eire"], "customers": [3]}))
    warehouse.publish(COUNTRIES, left.left_join(right, "country").select("country", "customers"))

    assert content(warehouse, COUNTRIES) == [("Eire", 3), ("Spain", None)]


# --- columns


def test_columns_go_in_by_name_whatever_their_order(warehouse: Warehouse):
    swapped = Contract(
        "pairs",
        "a pair",
        {"a": ("!int64", "First."), "b": ("!int64", "Second.")},
        key=("a",),
        write_mode=WriteMode.REPLACE,
    )
    warehouse.publish(swapped, pa.table({"b": [20, 21], "a": [10, 11]}))
    assert rows_of(warehouse.path, "SELECT a, b FROM pairs ORDER BY a") == [(10, 20), (11, 21)]

    relation = swapped.relation
    warehouse.publish(swapped, relation.select(b=relation.b + 1, a=relation.a).select("b", "a"))
    assert rows_of(warehouse.path, "SELECT a, b FROM pairs ORDER BY a") == [(10, 21), (11, 22)]


def wrong_columns() -> dict[str, tuple[pa.Table, str]]:
    good = arrow(CLEANED, [cleaned_row(1)])
    quantity = good.schema.get_field_index("quantity")
    return {
        "added": (
            good.append_column("discount", pa.array([0.5])),
            "column discount is not in the contract",
        ),
        "missing": (good.drop_columns("quantity"), "column quantity is missing"),
        "text for int": (
            good.set_column(quantity, "quantity", pa.array(["2"])),
            "column quantity is string, the contract says int64",
        ),
        "float for int": (
            good.set_column(quantity, "quantity", pa.array([2.0])),
            "column quantity is float64, the contract says int64",
        ),
        "renamed": (
            good.rename_columns({"quantity": "Quantity"}),
            "column quantity is missing\n  column Quantity is not in the contract",
        ),
    }


@pytest.mark.parametrize("case", wrong_columns())
def test_wrong_columns_are_named_and_nothing_is_written(warehouse: Warehouse, case: str):
    data, message = wrong_columns()[case]
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(5)]), months=YEAR)
    before = state(warehouse)

    with pytest.raises(ContractBreach) as breach:
        warehouse.publish(CLEANED, data, months=YEAR)

    assert str(breach.value) == (
        f"cleaned_transactions was not published, its contract is broken:\n  {message}\n"
        "What was published before is still in place."
    )
    assert state(warehouse) == before


@pytest.mark.parametrize(
    "notes",
    [pa.nulls(2), pa.nulls(2, pa.string())],
    ids=["of no type", "of the contract's type"],
)
def test_a_column_of_nulls_is_taken_where_null_is_allowed(warehouse: Warehouse, notes: pa.Array):
    good = arrow(CLEANED, [cleaned_row(1, note="x"), cleaned_row(2, note="y")])
    at = good.schema.get_field_index("note")
    warehouse.publish(CLEANED, good.set_column(at, "note", notes), months=YEAR)
    assert rows_of(warehouse.path, "SELECT note FROM cleaned_transactions") == [(None,), (None,)]

    frame = pd.DataFrame({"country": ["Eire"], "customers": [None]})
    warehouse.publish(COUNTRIES, frame)
    assert content(warehouse, COUNTRIES) == [("Eire", None)]


def test_a_column_of_nulls_breaks_a_contract_that_forbids_them(warehouse: Warehouse):
    rows = arrow(CLEANED, [cleaned_row(1), cleaned_row(2)])
    at = rows.schema.get_field_index("quantity")
    with pytest.raises(ContractBreach, match="quantity is null: 2 rows"):
        warehouse.publish(CLEANED, rows.set_column(at, "quantity", pa.nulls(2)), months=YEAR)


def test_nan_of_a_dataframe_is_null(warehouse: Warehouse):
    frame = pd.DataFrame({"model_version": ["a"], "cluster": [0], "centre": [np.nan]})
    with pytest.raises(ContractBreach, match="centre is null: 1 row\n"):
        warehouse.publish(MODEL, frame)


def test_a_timestamp_needs_no_precision_in_the_contract(warehouse: Warehouse):
    contract = Contract(
        "visits",
        "a visit",
        {"visit": ("!int64", "Number."), "at": ("timestamp", "When.")},
        key=("visit",),
        write_mode=WriteMode.INSERT_NEW,
    )
    frame = pd.DataFrame({"visit": [1], "at": pd.to_datetime(["2011-01-04 10:00:00.000001"])})
    for data in (frame, contract.relation):
        warehouse.publish(contract, data)
    assert len(content(warehouse, contract)) == 1


def test_a_row_that_is_there_with_other_values_is_an_error_and_does_not_vanish(warehouse):
    old, new = ({"model_version": "a", "cluster": n, "centre": 0.5} for n in (0, 1))
    warehouse.publish(MODEL, arrow(MODEL, [old]))
    before = state(warehouse)
    with pytest.raises(ContractBreach, match=r"\('a', 0\) is there already with other values"):
        warehouse.publish(MODEL, arrow(MODEL, [old | {"centre": 0.6}, new]))
    assert state(warehouse) == before
    warehouse.publish(MODEL, arrow(MODEL, [old, new]))
    assert [row[1] for row in content(warehouse, MODEL)] == [0, 1]


# --- empty results


@pytest.mark.parametrize("contract", [RAW, COUNTRIES, MODEL], ids=lambda c: c.table)
def test_an_empty_first_result_makes_the_table(warehouse: Warehouse, contract: Contract):
    for _ in range(2):
        publication = warehouse.publish(contract, arrow(contract, []))
        assert publication.rows == 0
        assert publication.changed_months == []
        assert [(line.month, line.rows) for line in publication.lines] == [(None, 0)]

    assert content(warehouse, contract) == []
    assert constraints(warehouse, contract)


def test_an_empty_first_range_makes_the_table(warehouse: Warehouse):
    publication = warehouse.publish(CLEANED, arrow(CLEANED, []), months=(JANUARY, MARCH))
    assert content(warehouse, CLEANED) == []
    assert publication.rows == 0
    assert list(ledger_of(warehouse, CLEANED)) == [JANUARY, FEBRUARY, MARCH]


def test_an_empty_later_result_empties_the_months(warehouse: Warehouse):
    rows = [cleaned_row(n, month) for n, month in enumerate((JANUARY, FEBRUARY, MARCH))]
    warehouse.publish(CLEANED, arrow(CLEANED, rows), months=YEAR)
    warehouse.publish(CLEANED, arrow(CLEANED, []), months=(FEBRUARY, MARCH))
    assert [row[0] for row in content(warehouse, CLEANED)] == [JANUARY]

    warehouse.publish(RAW, arrow(RAW, [raw_row(1), raw_row(2, MARCH)]))
    publication = warehouse.publish(RAW, arrow(RAW, []))
    assert content(warehouse, RAW) == []
    assert publication.changed_months == [JANUARY, MARCH]

    warehouse.publish(RAW, arrow(RAW, [raw_row(3)]))
    assert [row[0] for row in content(warehouse, RAW)] == [3]


# --- what the database itself holds


def test_descriptions_are_comments_in_the_database(warehouse: Warehouse):
    warehouse.publish(CLEANED, arrow(CLEANED, []), months=YEAR)
    columns = rows_of(
        warehouse.path,
        "SELECT column_name, comment, is_nullable FROM duckdb_columns() "
        "WHERE table_name = 'cleaned_transactions' ORDER BY column_index",
    )
    assert columns == [
        (name, description, name == "note") for name, (_, description) in CLEANED.columns.items()
    ]
    tables = "SELECT comment FROM duckdb_tables() WHERE table_name = 'cleaned_transactions'"
    assert rows_of(warehouse.path, tables) == [("a kept line",)]


@pytest.mark.parametrize("publications", [1, 2])
@pytest.mark.parametrize("contract", [CLEANED, COUNTRIES, RAW], ids=lambda c: c.table)
def test_constraints_are_in_the_database(warehouse: Warehouse, contract: Contract, publications):
    months = YEAR if contract.write_mode is WriteMode.REPLACE_MONTHS else None
    for _ in range(publications):
        warehouse.publish(contract, arrow(contract, []), months=months)

    kinds = [kind for kind, _ in constraints(warehouse, contract)]
    assert kinds.count("CHECK") == len(contract.rules)
    assert kinds.count("PRIMARY KEY") == contract.is_indexed
    assert kinds.count("NOT NULL") == len(contract.required)


@pytest.mark.parametrize(
    "values",
    [
        "(DATE '2011-01-01', 2, NULL, NULL, 1, 1)",
        "(NULL, 2, 'c', NULL, 1, 1)",
        "(DATE '2011-01-01', 2, 'c', NULL, 0, 1)",
        "(DATE '2011-01-01', 2, 'c', NULL, 1, -1)",
        "(DATE '2011-01-01', 1, 'c', NULL, 1, 1)",
    ],
    ids=["null", "null month", "first rule", "second rule", "key"],
)
def test_the_database_refuses_a_bad_row_by_itself(warehouse: Warehouse, values: str):
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(1)]), months=YEAR)
    with duckdb.connect(str(warehouse.path)) as connection:
        with pytest.raises(duckdb.ConstraintException):
            connection.execute(f"INSERT INTO cleaned_transactions VALUES {values}")
        good = "(DATE '2011-01-01', 2, 'c', NULL, 1, 1)"
        connection.execute(f"INSERT INTO cleaned_transactions VALUES {good}")
    assert len(content(warehouse, CLEANED)) == 2


def test_names_that_are_keywords_or_have_quotes_work(warehouse: Warehouse):
    contract = Contract(
        "order",
        "an 'order'",
        {"group": ("!int64", 'It\'s a "group".'), "Füße": ("int64", "Feet.")},
        key=("group",),
        rules={'a "foot" isn\'t negative': '"Füße" >= 0'},
        write_mode=WriteMode.REPLACE,
    )
    warehouse.publish(contract, pa.table({"Füße": [2], "group": [1]}))
    assert rows_of(warehouse.path, 'SELECT "group", "Füße" FROM "order"') == [(1, 2)]
    with pytest.raises(ContractBreach, match='a "foot" isn\'t negative: 1 row\n'):
        warehouse.publish(contract, pa.table({"Füße": [-2], "group": [1]}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ()},
        {"key": ("nowhere",)},
        {"month_column": "nowhere"},
        {"write_mode": WriteMode.REPLACE_MONTHS},
    ],
    ids=lambda wrong: str(wrong),
)
def test_a_contract_that_contradicts_itself_is_refused(wrong: dict):
    fine: dict[str, Any] = {"key": ("a",), "write_mode": WriteMode.REPLACE}
    Contract("t", "a row", {"a": ("int64", "A.")}, **fine)
    with pytest.raises(ValueError, match="t: "):
        Contract("t", "a row", {"a": ("int64", "A.")}, **{**fine, **wrong})


# --- failures half way


def failing_in_the_engine() -> ibis.Table:
    """Cast text to a number: 'oops' is met only as the rows are made."""
    expression = cleaned_expression()
    return expression.mutate(quantity=expression.customer_id.cast("int64"))


def test_an_error_in_the_engine_leaves_everything_as_it_was(warehouse: Warehouse):
    raw = [raw_row(n, customer_id=str(n + 1)) for n in range(10_000)]
    warehouse.publish(RAW, arrow(RAW, raw))
    warehouse.publish(CLEANED, failing_in_the_engine(), months=YEAR)
    warehouse.publish(RAW, arrow(RAW, [*raw, raw_row(10_000, customer_id="oops")]))
    before = state(warehouse)

    with pytest.raises(duckdb.ConversionException, match="oops"):
        warehouse.publish(CLEANED, failing_in_the_engine(), months=YEAR)

    assert state(warehouse) == before
    assert len(before["cleaned_transactions"]) == 10_000


def test_an_error_in_the_first_publication_leaves_a_file_that_works(warehouse: Warehouse):
    text = ibis.memtable(pa.table({"country": ["oops"]}))
    with pytest.raises(duckdb.ConversionException):
        warehouse.publish(COUNTRIES, text.mutate(customers=text.country.cast("int64")))

    assert state(warehouse) == {}
    with warehouse.reading() as con:
        assert con.raw_sql("SELECT 1").fetchall() == [(1,)]
    assert ledger_of(warehouse, COUNTRIES) == {}
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
    assert content(warehouse, COUNTRIES) == [("Eire", 1)]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"revenue": Decimal("-1.0000")}, "CHECK constraint"),
        ({"quantity": None}, "NOT NULL constraint failed: cleaned_transactions.quantity"),
        ({"row_number": 1}, "key .* is unique: 2 rows"),
    ],
    ids=["rule", "null", "key"],
)
def test_first_rows_of_a_large_table_are_held_to_its_contract(warehouse: Warehouse, bad, said):
    large = replace(CLEANED, is_indexed=False)
    with pytest.raises(ContractBreach, match=said):
        warehouse.publish(
            large, arrow(CLEANED, [cleaned_row(1), cleaned_row(2) | bad]), months=YEAR
        )
    assert state(warehouse) == {}

    warehouse.publish(large, arrow(CLEANED, [cleaned_row(1)]), months=YEAR)
    warehouse.publish(large, arrow(CLEANED, [cleaned_row(2, MARCH)]), months=(MARCH, APRIL))
    assert [row[1] for row in content(warehouse, large)] == [1, 2]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_after_the_swap_takes_it_back(warehouse: Warehouse, error):
    warehouse.publish(CLEANED, arrow(CLEANED, [cleaned_row(1)]), months=YEAR)
    before = state(warehouse)

    def write_two_tables_and_fail() -> None:
        with warehouse.writing() as con:
            publish(con, CLEANED, arrow(CLEANED, [cleaned_row(2)]), months=YEAR)
            publish(con, COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
            raise error

    with pytest.raises(error):
        write_two_tables_and_fail()
    assert state(warehouse) == before


def test_two_tables_written_in_one_transaction_are_both_there(warehouse: Warehouse):
    with warehouse.writing() as con:
        publish(con, RAW, arrow(RAW, [raw_row(1, quantity=7)]))
        publish(con, CLEANED, cleaned_expression(), months=YEAR)
    assert [row[4] for row in content(warehouse, CLEANED)] == [7]


# --- what a table is made from


def test_a_missing_upstream_is_named(warehouse: Warehouse):
    with pytest.raises(UserError, match="cleaned_transactions reads raw_transactions, which"):
        warehouse.publish(CLEANED, cleaned_expression(), months=YEAR)
    assert state(warehouse) == {}


def test_reading_a_table_never_published_names_it(warehouse: Warehouse):
    warehouse.publish(RAW, arrow(RAW, []))
    with pytest.raises(UserError, match=r"reads cleaned_transactions.*Materialize"):
        warehouse.query(CLEANED.relation.count().as_table())


def test_a_small_table_is_loaded_whole_in_order_of_its_key(warehouse: Warehouse):
    nothing = warehouse.load(COUNTRIES)
    assert (len(nothing), list(nothing.columns)) == (0, ["country", "customers"])
    warehouse.publish(RAW, arrow(RAW, []))
    assert len(warehouse.load(COUNTRIES)) == 0

    frame = pd.DataFrame({"customers": [4, 3], "country": ["France", "Eire"]})
    warehouse.publish(COUNTRIES, frame)
    assert warehouse.load(COUNTRIES).to_dict("list") == {
        "country": ["Eire", "France"],
        "customers": [3, 4],
    }


def snapshots(last: date) -> ibis.Table:
    cleaned = CLEANED.relation
    return (
        cleaned.filter(cleaned.month <= last)
        .group_by(customer_id=cleaned.customer_id)
        .agg(monetary=cleaned.revenue.sum().cast("decimal(18, 4)"))
        .mutate(snapshot_month=ibis.literal(last))
    )


def test_history_that_is_missing_names_the_months(warehouse: Warehouse):
    months = (JANUARY, FEBRUARY, MARCH, APRIL)
    raw = [raw_row(n, month) for n, month in enumerate(months)]
    warehouse.publish(RAW, arrow(RAW, raw))
    written = arrow(CLEANED, [cleaned_row(2, MARCH)])
    warehouse.publish(CLEANED, written, months=(MARCH, MARCH))
    before = state(warehouse)

    with pytest.raises(UserError) as error:
        warehouse.publish(RFM, snapshots(APRIL), months=(APRIL, APRIL))
    assert str(error.value) == (
        "customer_rfm up to 2011-04 needs all months of cleaned_transactions; "
        "not there yet: 2011-01, 2011-02, 2011-04. Materialize cleaned_transactions for them first."
    )
    assert state(warehouse) == before


def test_history_up_to_the_month_written_is_enough(warehouse: Warehouse):
    raw = [raw_row(n, month) for n, month in enumerate((JANUARY, MARCH, APRIL))]
    warehouse.publish(RAW, arrow(RAW, raw))
    # February has no raw row and is not missed; April comes after the snapshot.
    for month in (JANUARY, MARCH):
        row = arrow(CLEANED, [cleaned_row(1, month)])
        warehouse.publish(CLEANED, row, months=(month, month))

    warehouse.publish(RFM, snapshots(MARCH), months=(MARCH, MARCH))
    assert content(warehouse, RFM) == [(MARCH, "c1", Decimal("5.0000"))]


def test_a_month_published_without_rows_is_not_missing(warehouse: Warehouse):
    warehouse.publish(RAW, arrow(RAW, [raw_row(1, customer_id=None), raw_row(2, FEBRUARY)]))
    warehouse.publish(CLEANED, cleaned_expression(), months=(JANUARY, FEBRUARY))
    warehouse.publish(RFM, snapshots(FEBRUARY), months=(FEBRUARY, FEBRUARY))
    assert content(warehouse, RFM) == [(FEBRUARY, "c1", Decimal("2.5000"))]
