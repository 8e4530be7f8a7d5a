"""What a cell's text means: exactly what it says, or unreadable with the column and the text."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import ibis
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from customer_segments.ingestion.casting import LARGEST_LINE, typed_rows

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
# In layout order: the first that is unreadable is named.
REQUIRED = ("invoice", "stock_code", "quantity", "invoice_date", "price")
UNREADABLE = (None, " ", "six", "3.5", "1/3/2011", "2,55")
ENGINE = ibis.duckdb.connect()


def typed(*rows: Mapping[str, str | None]) -> list[dict]:
    """Type rows that are good but for the cells given."""
    cells = pa.Table.from_pylist(
        [GOOD | dict(row) for row in rows], schema=pa.schema([(name, pa.string()) for name in GOOD])
    ).append_column("row_number", pa.array(range(2, len(rows) + 2)))
    relation = typed_rows(ibis.memtable(cells)).order_by("row_number")
    return ENGINE.to_pyarrow(relation).to_pylist()


def values(column: str, texts: list[str]) -> list:
    return [row[column] for row in typed(*({column: text} for text in texts))]


def said(text: str) -> Decimal | None:
    """The number that a text is, in plain or scientific notation; none if it is not one."""
    text = text.strip(" \t\n\r\v\f")
    number = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
    return Decimal(text) if number else None


def is_plain(text: str) -> bool:
    """A number with no exponent and no more decimals than anybody writes: read if it fits."""
    return re.fullmatch(r"[+-]?[0-9]+(\.[0-9]{0,18})?", text) is not None


def is_multiple(number: Decimal | None, unit: str) -> bool:
    return number is not None and (Fraction(number) / Fraction(unit)).denominator == 1


def is_unreadable(row: dict, column: str, text: str | None) -> bool:
    return (row[column], row["unreadable_column"], row["unreadable_text"]) == (None, column, text)


PADDING = st.sampled_from(["", " ", "\t", "\n"])
NUMBERS = st.one_of(
    st.integers(-(2**66), 2**66).map(str),
    st.integers(2**63 - 3, 2**63 + 3).map(str),
    st.integers(-20, 20).map("{}.0".format),
    st.decimals(-(10**15), 10**15, places=4).map("{:f}".format),
    st.decimals(-(10**11), 10**11, places=6).map("{:f}".format),
    st.decimals(-2, 2, places=22).map("{:f}".format),
    st.floats().map(repr),
    st.floats(-100, 100).map(lambda number: repr(round(number, 2) + 0.1)),
    st.from_regex(r"[+-]?[0-9]{0,21}(\.[0-9]{0,23})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
JUNK = st.text("0123456789+-.,_eExXfni #£'\u00a0\u0663\uff11\u2212", max_size=12)
TEXTS = st.one_of(st.tuples(PADDING, NUMBERS, PADDING).map("".join), JUNK)
KNOWN = [
    *("1_000", "1e3", "+5", " 12 ", "0x10", "0b11", "15e-1", "10e-1", "nan", "inf", "-Infinity"),
    *(
        "12.34567",
        "12.3400000000001",
        "\u0663",
        "\uff11\uff12",
        "six",
        "",
        "3.5",
        "2.9999999999999999",
        "5.",
    ),
    *("9223372036854775807", "9223372036854775806.5", "9223372036854775808", "1e300", "1e-400"),
    *("99999999999999.9999", "1000000000.00005", "10000000000.00011", "1_0.5", "+-6", "5 000"),
    *(
        "30e4.",
        "3e1.",
        "1e-20",
        "30000000000000000001e-19",
        "0.00000000000000000000001",
        "1" + "0" * 30,
        "-0",
    ),
]


@given(st.lists(TEXTS, min_size=20, max_size=80))
@example(KNOWN)
@settings(max_examples=60, deadline=None)
def test_a_quantity_is_the_whole_number_that_the_text_says_or_unreadable(texts):
    for text, row in zip(texts, typed(*({"quantity": text} for text in texts)), strict=True):
        number = said(text)
        if row["quantity"] is not None:
            assert number == row["quantity"], text
            continue
        assert is_unreadable(row, "quantity", text)
        fits = is_multiple(number, "1") and -(2**63) <= Decimal(text) < 2**63
        assert not (is_plain(text) and fits), text


@given(st.lists(TEXTS, min_size=20, max_size=80))
@example(KNOWN)
@settings(max_examples=60, deadline=None)
def test_a_price_is_the_amount_that_the_text_says_or_unreadable(texts):
    for text, row in zip(texts, typed(*({"price": text} for text in texts)), strict=True):
        number = said(text)
        if row["price"] is not None:
            # Beyond the ninth decimal is a float's noise: 0.30000000000000004 is .3
            assert number is not None, text
            assert abs(number - row["price"]) <= Decimal("1e-9"), text
            continue
        assert is_unreadable(row, "price", text)
        fits = is_multiple(number, "0.0001") and abs(Decimal(text)) <= LARGEST_LINE
        assert not (is_plain(text) and fits), text


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "invoice": st.sampled_from([None, " ", "A1"]),
                "stock_code": st.sampled_from([None, "POST"]),
                "quantity": st.sampled_from([None, "six", "-6", "3.5"]),
                "invoice_date": st.sampled_from([None, "1/3/2011", "2011-03-02"]),
                "price": st.sampled_from([None, "2,55", "2.55"]),
                "customer_id": st.sampled_from([None, "AB-17"]),
                "description": st.none(),
                "country": st.none(),
            },
        ),
        min_size=10,
    )
)
@settings(max_examples=30, deadline=None)
def test_a_row_names_the_first_of_its_unreadable_cells(rows):
    for given_cells, row in zip(rows, typed(*rows), strict=True):
        texts = GOOD | given_cells
        bad = [column for column in REQUIRED if texts[column] in UNREADABLE]
        assert row["unreadable_column"] == (bad[0] if bad else None)
        assert row["unreadable_text"] == (texts[bad[0]] if bad else None)
        assert [column for column in REQUIRED if row[column] is None] == bad


@pytest.mark.parametrize(
    "text", ["1_000", "0x10", "15e-1", "nan", "inf", "\u0663", "\uff11\uff12", "3.5", "+-6"]
)
def test_spellings_that_are_no_quantity(text):
    assert values("quantity", [text]) == [None]


def test_spellings_that_are_quantities():
    texts = ["12", " 12 ", "+5", "-6", "6.0", "6.", "007", "1e3", "-0"]
    assert values("quantity", texts) == [12, 12, 5, -6, 6, 6, 7, 1000, 0]


def test_spellings_of_prices():
    texts = ["6.95", ".5", "-0.1234", "0.30000000000000004", "12.34560000000001", "1.5e1", "0E-10"]
    read = [Decimal(text) for text in ("6.95", ".5", "-.1234", ".3", "12.3456", "15", "0")]
    assert values("price", texts) == read
    texts = [
        "12.34567",
        "0.00005",
        "2,55",
        "£5",
        "1_0.5",
        "nan",
        "inf",
        "1e300",
        "1000000000.00005",
    ]
    assert values("price", texts) == [None] * len(texts)


def test_a_line_beyond_all_reason_is_a_misread_price():
    largest = {"quantity": "-10000", "price": "9999999999"}
    fine, huge = typed(largest, largest | {"price": "10000000000"})
    assert fine["unreadable_column"] is None
    assert is_unreadable(huge, "price", "10000000000")


@given(st.datetimes(datetime(1900, 1, 1), datetime(2111, 12, 31, 23, 59, 59)))
@settings(max_examples=30, deadline=None)
def test_iso_dates_are_read_in_each_of_their_spellings(moment):
    texts = [moment.isoformat(sep) for sep in " T"] + [f" {moment}\n", f"{moment:%Y-%m-%d %H:%M}"]
    to_minute = moment.replace(second=0, microsecond=0)
    midnight = to_minute.replace(hour=0, minute=0)
    texts += [f"{moment:%Y-%m-%d}", f"{moment.year}-{moment.month}-{moment.day}"]
    assert values("invoice_date", texts) == [*[moment] * 3, to_minute, midnight, midnight]


@pytest.mark.parametrize(
    "text",
    [
        "12/1/2010 8:26",
        "01.12.2010",
        "2011/12/09",
        "9 Dec 2011",
        "40513",
        "2011-02-30",
        "2011-13-01",
        "2011-12-09 24:00",
        "2011-12-09 12",
        "2011-12-09 01:50 PM",
        "2011-12-09 12:50:00Z",
        "2011-12-09T12:50:00+02:00",
        "2011-12-09 12:50 Europe/London",
        "2011-12-09 (BC)",
        "2011-12",
        "epoch",
        "infinity",
        "\uff12\uff10\uff11\uff11-12-09",
    ],
)
def test_what_is_no_iso_date_without_time_zone_is_unreadable(text):
    (row,) = typed({"invoice_date": text})
    assert is_unreadable(row, "invoice_date", text)


def test_identifiers_are_text_without_the_zeros_of_a_number():
    same = ["13085", "13085.0", "13085.0000", " 13085 ", "13085\t"]
    other = ["AB-17", "0013085", "v1.0", "13085.5", "1e5", "C489449", "Müller & Söhne", "nan"]
    for column in ("customer_id", "invoice", "stock_code"):
        assert values(column, same) == ["13085"] * len(same)
        assert values(column, other) == other
    assert values("customer_id", ["", "  "]) == [None, None]


# Unicode's white space, and the characters without width.
BLANKS = [c for c in map(chr, range(0x10000)) if c.isspace()] + list("\u180e\u200b\u200d\ufeff")


@pytest.mark.parametrize("column", ["customer_id", "invoice", "stock_code"])
def test_no_kind_of_blank_around_an_identifier_makes_another(column):
    padded = [before + "POST" + before * 2 for before in BLANKS] + ["\xa0\u200b 13085.0\u3000\t"]
    assert values(column, padded) == ["POST"] * len(BLANKS) + ["13085"]
    assert values(column, ["BANK\xa0CHARGES", "a\nb"]) == ["BANK\xa0CHARGES", "a\nb"]
    assert values("customer_id", BLANKS) == [None] * len(BLANKS)
