"""The ledger agrees with the tables: what is there, whether it changed, what it was made from."""

import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments.storage import Contract, Warehouse, WriteMode
from customer_segments.storage.audit import ContractBreach
from customer_segments.storage.content import Publication
from customer_segments.storage.publish import publish
from customer_segments_tests.examples import costly
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
    content,
    ledger_of,
    raw_row,
    rows_of,
    state,
)

YEAR = (JANUARY, date(2011, 12, 1))


def publish_cleaned(
    warehouse: Warehouse, rows: Iterable[dict[str, Any]], months: tuple[date, date] = YEAR
) -> Publication:
    return warehouse.publish(CLEANED, arrow(CLEANED, rows), months=months)


def publish_raw(warehouse: Warehouse, *rows: dict[str, Any]) -> Publication:
    return warehouse.publish(RAW, arrow(RAW, rows))


# --- numbers and dates


def test_publication_numbers_grow_over_all_tables(warehouse: Warehouse):
    publish_raw(warehouse, raw_row(1), raw_row(2, MARCH))
    publish_cleaned(warehouse, [cleaned_row(1)], (JANUARY, FEBRUARY))
    warehouse.publish(COUNTRIES, pd.DataFrame({"country": ["Eire"], "customers": [1]}))
    publish_raw(warehouse, raw_row(1), raw_row(2, MARCH))

    lines = rows_of(
        warehouse.path, "SELECT publication, table_name, month FROM publications ORDER BY 1"
    )
    assert lines == [
        (1, "raw_transactions", JANUARY),
        (2, "raw_transactions", MARCH),
        (3, "cleaned_transactions", JANUARY),
        (4, "cleaned_transactions", FEBRUARY),
        (5, "countries", None),
        (6, "raw_transactions", JANUARY),
        (7, "raw_transactions", MARCH),
    ]


def test_latest_is_the_newest_line_of_each_month_in_order(warehouse: Warehouse):
    publish_cleaned(warehouse, [cleaned_row(1, MARCH)], (FEBRUARY, MARCH))
    publish_cleaned(warehouse, [cleaned_row(1), cleaned_row(2)], (JANUARY, JANUARY))
    publish_cleaned(warehouse, [cleaned_row(n, MARCH) for n in range(3)], (MARCH, MARCH))

    lines = ledger_of(warehouse, CLEANED)
    assert [(month, line.publication, line.rows) for month, line in lines.items()] == [
        (JANUARY, 3, 2),
        (FEBRUARY, 1, 0),
        (MARCH, 4, 3),
    ]


def test_a_line_says_who_wrote_it_when_and_by_which_contract(warehouse: Warehouse):
    before = datetime.now(UTC).replace(tzinfo=None)
    publication = warehouse.publish(RAW, arrow(RAW, [raw_row(1)]), run_id="run 1")
    (line,) = publication.lines

    assert line == ledger_of(warehouse, RAW)[JANUARY]
    assert line.run_id == "run 1"
    assert timedelta(0) <= line.published_at - before < timedelta(minutes=1)
    assert line.contract == RAW.label
    assert line.code_version
    assert line.raw_version == publication.raw_version
    assert len(line.raw_version) == 12


# --- what changed


def test_the_same_content_again_is_no_change(warehouse: Warehouse):
    numbers = product(range(50), (JANUARY, APRIL))
    rows = [cleaned_row(n, month, note=f"note {n}") for n, month in numbers]
    first = publish_cleaned(warehouse, rows)
    again = publish_cleaned(warehouse, reversed(rows))

    assert first.changed_months == [JANUARY, APRIL]
    assert again.changed_months == []
    assert [line.digest for line in again.lines] == [line.digest for line in first.lines]
    assert [line.is_changed for line in again.lines] == [False] * 12


CHANGES: dict[str, dict[str, Any]] = {
    "value": {"quantity": 3},
    "fourth decimal": {"revenue": Decimal("2.5001")},
    "null instead of empty": {"note": None},
    "the word NULL": {"note": "NULL"},
    "a blank": {"note": " "},
    "moved over a comma": {"customer_id": "c1, ", "note": ""},
    "letter case": {"customer_id": "C1"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_in_its_month_alone(warehouse: Warehouse, change: str):
    rows = [cleaned_row(1, note=""), cleaned_row(2, MARCH, note="")]
    publish_cleaned(warehouse, rows)
    publication = publish_cleaned(warehouse, [rows[0], rows[1] | CHANGES[change]])
    assert publication.changed_months == [MARCH]


def test_contents_that_read_alike_have_different_digests(warehouse: Warehouse):
    texts = ["NULL", "", "''", "a', 'b", "a, b", "a", "a ", "\\"]
    digests = set()
    with warehouse.writing() as con:
        for customer_id, note in product(texts, [*texts, None]):
            row = cleaned_row(1, customer_id=customer_id, note=note)
            (line,) = publish(con, CLEANED, arrow(CLEANED, [row]), months=(JANUARY, JANUARY)).lines
            digests.add(line.digest)
    assert len(digests) == 72


def test_a_repeated_row_changes_the_digest(warehouse: Warehouse):
    columns = {"id": ("!int64", "Id."), "v": ("string", "Value.")}
    contract = Contract("t", "a row", columns, key=("id",), write_mode=WriteMode.REPLACE)
    digests = [
        warehouse.publish(contract, pa.table({"id": ids, "v": ["x"] * len(ids)})).lines[0].digest
        for ids in ([1], [1, 2], [2], [1, 2, 3])
    ]
    assert len(set(digests)) == 4


def test_equal_content_has_equal_digests_in_another_warehouse(tmp_path: Path):
    digests, versions = [], []
    for name, rows in (("a", range(500)), ("b", reversed(range(500)))):
        warehouse = Warehouse(tmp_path / name)
        if name == "b":
            publish_raw(warehouse, raw_row(900, APRIL))
        publication = publish_raw(warehouse, *(raw_row(n, note_month(n)) for n in rows))
        digests.append([line.digest for line in publication.lines if line.rows])
        versions.append(publication.raw_version)
    assert digests[0] == digests[1]
    assert versions[0] == versions[1]


def note_month(number: int) -> date:
    return (JANUARY, FEBRUARY, MARCH)[number % 3]


def test_a_digest_of_another_version_of_the_engine_changes_no_month(warehouse: Warehouse):
    """DuckDB's hash may change with its version; the content has not, and the ledger says so."""
    rows = [cleaned_row(1, note="it's"), cleaned_row(2, revenue=Decimal("0.0001"))]
    publish_cleaned(warehouse, rows, (JANUARY, FEBRUARY))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("UPDATE publications SET digest = 'of another version'")
    assert publish_cleaned(warehouse, rows, (JANUARY, FEBRUARY)).changed_months == []


def test_months_without_rows_have_a_line(warehouse: Warehouse):
    publication = publish_cleaned(warehouse, [cleaned_row(1, MARCH)], (JANUARY, APRIL))
    lines = publication.lines
    assert [(line.month, line.rows, line.revenue, line.is_changed) for line in lines] == [
        (JANUARY, 0, None, False),
        (FEBRUARY, 0, None, False),
        (MARCH, 1, Decimal("2.5000"), True),
        (APRIL, 0, None, False),
    ]
    assert publish_cleaned(warehouse, [], (MARCH, MARCH)).changed_months == [MARCH]
    assert publish_cleaned(warehouse, [], (MARCH, MARCH)).changed_months == []


def test_a_range_over_the_turn_of_the_year_has_every_month(warehouse: Warehouse):
    publication = publish_cleaned(warehouse, [], (date(2010, 11, 1), date(2012, 2, 1)))
    months = [line.month for line in publication.lines]
    assert months == [date(2010 + (n + 10) // 12, (n + 10) % 12 + 1, 1) for n in range(16)]


def test_months_removed_from_a_replaced_table_are_told_once(warehouse: Warehouse):
    publish_raw(warehouse, raw_row(1), raw_row(2, FEBRUARY), raw_row(3, MARCH))
    removed = publish_raw(warehouse, raw_row(1), raw_row(3, MARCH))

    assert [(line.month, line.rows, line.is_changed) for line in removed.lines] == [
        (JANUARY, 1, False),
        (FEBRUARY, 0, True),
        (MARCH, 1, False),
    ]
    again = publish_raw(warehouse, raw_row(1), raw_row(3, MARCH))
    assert [line.month for line in again.lines] == [JANUARY, MARCH]
    assert again.changed_months == []
    assert ledger_of(warehouse, RAW)[FEBRUARY].rows == 0


def test_insert_only_tables_count_what_was_added(warehouse: Warehouse):
    rows = [{"model_version": "a", "cluster": n, "centre": n / 2} for n in range(3)]
    first = warehouse.publish(MODEL, arrow(MODEL, rows[:2])).lines[0]
    second = warehouse.publish(MODEL, arrow(MODEL, rows)).lines[0]
    third = warehouse.publish(MODEL, arrow(MODEL, rows)).lines[0]
    assert [(line.rows, line.is_changed) for line in (first, second, third)] == [
        (2, True),
        (1, True),
        (0, False),
    ]
    assert [line.model_version for line in (first, second, third)] == ["a", "a", None]


def test_insert_only_tables_with_months_tell_of_the_months_added_to(warehouse: Warehouse):
    columns = {"id": ("!int64", "Id."), "month": ("!date", "Month.")}
    contract = Contract("t", "a row", columns, ("id",), WriteMode.INSERT_NEW, month_column="month")
    warehouse.publish(contract, arrow(contract, [{"id": 1, "month": JANUARY}]))
    rows = [{"id": 1, "month": JANUARY}, {"id": 2, "month": MARCH}]
    lines = warehouse.publish(contract, arrow(contract, rows)).lines
    assert [(line.month, line.rows) for line in lines] == [(MARCH, 1)]
    assert ledger_of(warehouse, contract)[JANUARY].rows == 1


# --- money


def test_revenue_is_exact(warehouse: Warehouse):
    """A tenth and a ten-thousandth, many times: in floats the sum would drift."""
    rows = [raw_row(n, quantity=1, price=Decimal("0.1001")) for n in range(10_000)]
    rows.append(raw_row(10_000, FEBRUARY, quantity=10**9, price=Decimal("99999999999999.9999")))
    lines = ledger_of_publication(publish_raw(warehouse, *rows))
    assert lines == {
        JANUARY: Decimal("1001.0000"),
        FEBRUARY: Decimal("99999999999999999900000.0000"),
    }
    stored = {month: line.revenue for month, line in ledger_of(warehouse, RAW).items()}
    assert stored == lines
    assert all(isinstance(revenue, Decimal) for revenue in stored.values())


def ledger_of_publication(publication: Publication) -> dict[date | None, Decimal | None]:
    return {line.month: line.revenue for line in publication.lines}


# --- versions


def test_the_raw_version_is_handed_on(warehouse: Warehouse):
    first = publish_raw(warehouse, raw_row(1), raw_row(2, FEBRUARY)).raw_version
    publish_cleaned(warehouse, [cleaned_row(1)], (JANUARY, FEBRUARY))
    second = publish_raw(warehouse, raw_row(1), raw_row(3, FEBRUARY)).raw_version
    assert first != second

    assert publish_cleaned(warehouse, [], (FEBRUARY, FEBRUARY)).raw_version == second
    versions = {month: line.raw_version for month, line in ledger_of(warehouse, CLEANED).items()}
    assert versions == {JANUARY: first, FEBRUARY: second}

    snapshot = {"snapshot_month": FEBRUARY, "customer_id": "c1", "monetary": Decimal(1)}
    rfm = warehouse.publish(RFM, arrow(RFM, [snapshot]), months=(FEBRUARY, FEBRUARY))
    model = warehouse.publish(MODEL, arrow(MODEL, []))
    assert rfm.raw_version == model.raw_version == second


def test_the_raw_version_is_that_of_the_content(warehouse: Warehouse):
    rows = [raw_row(1), raw_row(2, FEBRUARY), raw_row(3, MARCH)]
    whole = publish_raw(warehouse, *rows).raw_version
    fewer = [publish_raw(warehouse, *rows[:2]).raw_version for _ in range(2)]
    assert publish_raw(warehouse, *reversed(rows)).raw_version == whole
    assert fewer[0] == fewer[1] != whole


def test_the_model_version_is_that_of_the_rows(warehouse: Warehouse):
    columns = {
        "month": ("!date", "Month."),
        "customer_id": ("!string", "Customer."),
        "model_version": ("!string", "Model."),
    }
    contract = Contract(
        "customer_segments",
        "a customer",
        columns,
        key=("month", "customer_id"),
        write_mode=WriteMode.REPLACE_MONTHS,
        month_column="month",
    )
    rows = [
        {"month": JANUARY, "customer_id": "1", "model_version": "b"},
        {"month": JANUARY, "customer_id": "2", "model_version": "a"},
        {"month": JANUARY, "customer_id": "3", "model_version": "b"},
        {"month": FEBRUARY, "customer_id": "1", "model_version": "c"},
    ]
    lines = warehouse.publish(contract, arrow(contract, rows), months=(JANUARY, MARCH)).lines
    assert [line.model_version for line in lines] == ["a, b", "c", None]


# --- random histories against a plain model

MONTHS = (JANUARY, FEBRUARY, MARCH, APRIL)
NOTES = st.one_of(st.none(), st.sampled_from(["", "NULL", "a, b", "'"]), st.text(max_size=3))


@st.composite
def publications(draw) -> tuple[tuple[int, int], dict[tuple[int, int], tuple], str]:
    """Draw first and last month, rows by month and number, and a way to break the contract."""
    first = draw(st.integers(0, 3))
    last = draw(st.integers(first, 3))
    rows = draw(
        st.dictionaries(
            st.tuples(st.integers(first, last), st.integers(0, 5)),
            st.tuples(
                NOTES.filter(lambda note: note is None or "\x00" not in note),
                st.integers(1, 9),
                st.decimals("0", "99999999999999", places=4),
            ),
            max_size=8,
        )
    )
    breach = draw(st.sampled_from(["", "", "", "rule", "key", "month", "null"]))
    return (first, last), rows, breach


def spoil(rows: list[dict[str, Any]], breach: str, last: int) -> list[dict[str, Any]]:
    bad = cleaned_row(6, MONTHS[last])
    return (
        rows
        + {
            "": [],
            "rule": [bad | {"quantity": 0}],
            "key": [bad, bad],
            "month": [bad | {"month": date(2012, 1, 1)}],
            "null": [bad | {"customer_id": None}],
        }[breach]
    )


@costly(5)
@given(history=st.lists(publications(), min_size=1, max_size=6))
def test_any_history_of_publications_is_what_a_dict_of_months_would_be(history):
    model: dict[date, list[tuple]] = {}
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder, "warehouse.duckdb"))
        for number, ((first, last), drawn, breach) in enumerate(history):
            rows = [
                cleaned_row(row, MONTHS[month], note=note, quantity=quantity, revenue=revenue)
                for (month, row), (note, quantity, revenue) in drawn.items()
            ]
            data = arrow(CLEANED, spoil(rows, breach, last))
            run: dict[str, Any] = {"months": (MONTHS[first], MONTHS[last]), "run_id": str(number)}
            if breach:
                existed = warehouse.path.exists()
                before = state(warehouse) if existed else {}
                with pytest.raises(ContractBreach):
                    warehouse.publish(CLEANED, data, **run)
                assert state(warehouse) == before
                continue

            publication = warehouse.publish(CLEANED, data, **run)
            changed = []
            for month in MONTHS[first : last + 1]:
                fresh = sorted(tuple(row.values()) for row in rows if row["month"] == month)
                if fresh != model.get(month, []):
                    changed.append(month)
                model[month] = fresh
            assert publication.changed_months == changed
            check_against(warehouse, model)


def check_against(warehouse: Warehouse, model: dict[date, list[tuple]]) -> None:
    everything = [row for month in sorted(model) for row in model[month]]
    assert content(warehouse, CLEANED) == everything
    lines = ledger_of(warehouse, CLEANED)
    assert set(lines) == set(model)
    for month, rows in model.items():
        revenue = sum((row[-1] for row in rows), Decimal(0)) if rows else None
        assert (lines[month].rows, lines[month].revenue) == (len(rows), revenue)
