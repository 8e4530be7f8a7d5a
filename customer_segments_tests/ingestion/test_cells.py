"""What a row's cells mean: exactly what they say, or unreadable with the column and the text.

The forms of whole columns are tested beside this (``test_forms``).
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments.ingestion.cells.casting import typed_rows
from customer_segments.ingestion.cells.forms import counting, settled
from customer_segments.ingestion.files.grid import CELLS
from customer_segments.policy.layout import Layout
from customer_segments.policy.rules import Source
from customer_segments_tests.examples import costly

TODAY = date(2026, 7, 1)
GOOD: dict[str, str | None] = {
    "invoice": "489434",
    "stock_code": "85048",
    "description": "CHRISTMAS LIGHTS",
    "quantity": "1",
    "invoice_date": "2011-03-01 07:45:00",
    "price": "1",
    "customer_id": "13085",
    "country": "United Kingdom",
}
# The first that is unreadable is named.
REQUIRED = ("quantity", "invoice_date", "price")
UNREADABLE = (None, "six", "soon", "?", "1_000")
ENGINE = ibis.duckdb.connect()


def typed(*rows: Mapping[str, str | None]) -> list[dict]:
    """Type rows that are good but for the cells given."""
    cells = pa.Table.from_pylist(
        [GOOD | dict(row) for row in rows], schema=pa.schema([(name, pa.string()) for name in GOOD])
    )
    cells = cells.append_column("row_number", pa.array(range(2, len(rows) + 2)))
    cells = cells.append_column("overfull", pa.nulls(len(rows), pa.string()))
    ENGINE.con.register(CELLS, cells)
    # Unbound, so that what reads it is compiled once.
    table = ibis.table(ENGINE.table(CELLS).schema(), CELLS)
    counted = ENGINE.raw_sql(counting(table.schema())).df()
    counts = counted.iloc[0].to_dict()
    forms, _ = settled(counts, Layout(), "a.csv", {name: name for name in GOOD}, TODAY)
    relation = typed_rows(table, forms, Layout(), Source(time_zone="UTC")).order_by("row_number")
    return ENGINE.to_pyarrow(relation).to_pylist()


def values(column: str, texts: list[str]) -> list:
    return [row[column] for row in typed(*({column: text} for text in texts))]


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "invoice": st.sampled_from([None, "A1"]),
                "stock_code": st.sampled_from([None, "POST"]),
                "quantity": st.sampled_from([None, "six", "-6", "1_000"]),
                "invoice_date": st.sampled_from([None, "soon", "2011-03-02"]),
                "price": st.sampled_from([None, "?", "2.55"]),
                "customer_id": st.sampled_from([None, "AB-17"]),
                "description": st.none(),
                "country": st.none(),
            },
        ),
        min_size=10,
    )
)
@costly(4)
def test_a_row_names_the_first_of_its_unreadable_cells(rows):
    for given_cells, row in zip(rows, typed(*rows), strict=True):
        texts = GOOD | given_cells
        bad = [column for column in REQUIRED if texts[column] in UNREADABLE]
        assert row["unreadable_column"] == (bad[0] if bad else None)
        assert row["unreadable_text"] == (texts[bad[0]] if bad else None)
        assert [column for column in REQUIRED if row[column] is None] == bad


def test_spellings_that_are_no_number():
    texts = ["1_000", "0x10", "nan", "inf", "\u09e9", "six", "+-6", "1e300"]
    for column in ("quantity", "price"):
        # Beside numbers, as most cells of a column are.
        assert values(column, [*texts, "5"]) == [None] * len(texts) + [5]


def test_spellings_that_are_quantities():
    texts = ["12", " 12 ", "+5", "-6", "6.0", "6.", "007", "1e3", "-0", "0.35"]
    read = [12, 12, 5, -6, 6, 6, 7, 1000, 0, Decimal("0.35")]
    assert values("quantity", texts) == read


def test_prices_are_rounded_half_up_to_six_decimals():
    texts = ["6.95", ".5", "-0.1234", "0.30000000000000004", "5.6083335", "1.5e1", "0E-10"]
    read = [Decimal(text) for text in ("6.95", ".5", "-.1234", ".3", "5.608334", "15", "0")]
    assert values("price", texts) == read


def test_a_line_beyond_all_reason_is_a_misread_price():
    largest = {"quantity": "-10000", "price": "9999999999"}
    fine, huge = typed(largest, largest | {"price": "10000000000"})
    assert fine["unreadable_column"] is None
    assert (huge["price"], huge["unreadable_column"]) == (None, "price")
    assert huge["unreadable_text"] == "10000000000"


@given(st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2111, 12, 31, 23, 59, 59))))
@costly(5)
def test_iso_dates_are_read_in_each_of_their_spellings(moments):
    texts: list[str] = []
    said: list[datetime] = []
    for moment in moments:
        texts += [moment.isoformat(sep) for sep in " T"] + [f" {moment}\n"]
        texts += [f"{moment:%Y-%m-%d %H:%M}", f"{moment:%Y-%m-%d}"]
        texts += [f"{moment.year}-{moment.month}-{moment.day}"]
        to_minute = moment.replace(second=0, microsecond=0)
        said += [*[moment] * 3, to_minute, *[to_minute.replace(hour=0, minute=0)] * 2]
    assert values("invoice_date", texts) == said


# Unicode's white space, and the characters without width.
BLANKS = [c for c in map(chr, range(0x10000)) if c.isspace()] + list("\u180e\u200b\u200d\ufeff")


def test_identifiers_are_text_without_the_zeros_of_a_number():
    same = ["13085", "13085.0", "13085.0000", "13085,0", " 13085 ", "13085\t"]
    other = ["AB-17", "0013085", "v1.0", "13085.5", "1e5", "C489449", "Müller & Söhne"]
    for column in ("customer_id", "invoice", "stock_code"):
        assert values(column, same) == ["13085"] * len(same)
        assert values(column, other) == other
    nobody = ["", "  ", "nan", "NULL", "guest", "0", "#N/A", "-", *BLANKS]
    assert values("customer_id", nobody) == [None] * len(nobody)
    assert values("customer_id", ["A.B@Example.com"]) == ["a.b@example.com"]
    assert values("customer_id", ["gid://shopify/Customer/13085"]) == ["13085"]
    guid = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
    assert values("customer_id", [guid, f"{{{guid}}}", "{7}"]) == [guid, guid, "{7}"]
    assert values("customer_id", ["mailto:a@b.com", "'K17'", "'17"]) == ["a@b.com", "K17", "17"]


@pytest.mark.parametrize("column", ["customer_id", "invoice", "stock_code"])
def test_no_kind_of_blank_around_an_identifier_makes_another(column):
    padded = [before + "POST" + before * 2 for before in BLANKS] + ["\xa0\u200b 13085.0\u3000\t"]
    assert values(column, padded) == ["POST"] * len(BLANKS) + ["13085"]
    # Of a customer, blanks inside are written in one way as well.
    inside = ["BANK CHARGES", "a b"] if column == "customer_id" else ["BANK\xa0CHARGES", "a\nb"]
    assert values(column, ["BANK\xa0CHARGES", "a\nb"]) == inside
