"""CSV files as spreadsheets and databases write them."""

import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments.errors import UserError
from customer_segments.ingestion.files.reading import grids
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments.ingestion.intake import taken_in
from customer_segments.policy import Policy
from customer_segments.policy.layout import Layout
from customer_segments.settings import Settings
from customer_segments_tests.examples import costly
from customer_segments_tests.ingestion.ingested import ask, ingest_metadata, of_file
from customer_segments_tests.ingestion.taken import take
from customer_segments_tests.ingestion.workbooks import HEADER, line, write_csv
from customer_segments_tests.installations import install

TEXT = ",".join(HEADER)
GOOD = "489434,85048,CHRISTMAS LIGHTS,12,2011-03-01 07:45,6.95,13085,United Kingdom"


FORMS = [(",", "utf-8"), (";", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-8"), (",", "utf-8-sig")]
QUOTED = [
    TEXT,
    GOOD.replace("CHRISTMAS LIGHTS", '"two\r\nlines, ""quoted""; and 6\' more"'),
    "",
    "  , ,,,",
    GOOD.removesuffix(",United Kingdom"),
    "489435,85048",
    GOOD,
]


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Settings:
    """Files of several kinds, ingested at once."""
    folder = tmp_path_factory.mktemp("together")
    settings = install(folder, folder)
    for number, (delimiter, encoding) in enumerate(FORMS):
        rows = [HEADER, line(Description=described(encoding))]
        write_csv(folder / f"form{number}.csv", rows, delimiter=delimiter, encoding=encoding)
    (folder / "quoted.csv").write_bytes("\r\n".join(QUOTED).encode())
    frame = pd.DataFrame([line(), line(Customer_ID=None, Price=0.1 + 0.2)], columns=HEADER)
    frame["Quantity"] = frame["Quantity"].astype(float)
    frame.to_csv(folder / "pandas.csv")
    assert "13085.0" in (folder / "pandas.csv").read_text()
    assert "ignored_columns" not in ingest_metadata(settings)
    return settings


def described(encoding: str) -> str:
    return "GRÖẞE" if encoding != "cp1252" else "GRÖSSE £5 “5”"


def test_separators_and_encodings(together):
    columns = "sheet, row_number, invoice, description, price, customer_id"
    for number, (_, encoding) in enumerate(FORMS):
        assert of_file(together, f"form{number}.csv", columns) == [
            (f"form{number}", 2, "489434", described(encoding), Decimal("6.95"), "13085")
        ]


def test_quoted_cells_blank_lines_and_short_rows(together):
    columns = "row_number, description, country, unreadable_column"
    assert of_file(together, "quoted.csv", columns) == [
        (2, 'two\r\nlines, "quoted"; and 6\' more', "United Kingdom", None),
        (5, "CHRISTMAS LIGHTS", None, None),
        (6, None, None, "quantity"),
        (7, "CHRISTMAS LIGHTS", "United Kingdom", None),
    ]
    counted = "SELECT row_count, blank_rows FROM source_sheets WHERE sheet = 'quoted'"
    assert ask(together, counted) == [(4, 2)]


def test_numbers_as_pandas_writes_them(together):
    assert of_file(together, "pandas.csv", "quantity, invoice_date, price, customer_id") == [
        (12, datetime(2011, 3, 1, 7, 45), Decimal("6.95"), "13085"),
        (12, datetime(2011, 3, 1, 7, 45), Decimal("0.3"), None),
    ]


@pytest.mark.parametrize("between", ["", "\n"], ids=["by the engine", "one by one"])
def test_an_endless_text_is_refused(tmp_path, between):
    text = GOOD.replace("CHRISTMAS", "x" * 131_073)
    # Beyond the rows in which a header is looked for.
    rows = f"{GOOD}\n" * 40
    (tmp_path / "a.csv").write_text(f"{TEXT}\n{rows}{between}{text}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.csv.*(131,072|field limit)"):
        take(tmp_path / "a.csv")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("said", ["sep=|", '"sep=|"'])
def test_a_first_line_that_names_the_separator_is_no_row(tmp_path, mark, said):
    text = f"{mark}{said}\n{TEXT}\n{GOOD}".replace(",", "|")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert take(tmp_path / "a.csv").column("row_number") == [3]


def test_rows_that_are_numbered_in_a_column_without_a_heading_are_read(tmp_path):
    lines = [TEXT, *(f"{number},{GOOD}" for number in range(1, 40))]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    taken = take(tmp_path / "a.csv")
    assert {*taken.column("customer_id")} == {"13085"}
    assert {*taken.column("unreadable_column")} == {None}
    assert len(taken.rows) == 39


@pytest.mark.parametrize(
    ("last", "names"), [("489435,85048,CHRIST", ["cut_off"]), ("Total", []), (GOOD, [])]
)
def test_a_last_line_that_breaks_off_is_said(tmp_path, last, names):
    (tmp_path / "a.csv").write_text("\n".join([TEXT, GOOD, last]), encoding="utf-8")
    assert [doubt.name for doubt in take(tmp_path / "a.csv").doubts] == names


def test_row_numbers_hold_in_long_files(tmp_path):
    rows = [GOOD, ""] * 60_000
    (tmp_path / "a.csv").write_text("\n".join([TEXT, *rows]), encoding="utf-8")
    assert take(tmp_path / "a.csv").column("row_number") == list(range(2, 120_002, 2))


def test_lines_in_quotation_marks_are_one_row_in_long_files(tmp_path):
    rows = [
        GOOD.replace("CHRISTMAS", f'"a\nb {number}').replace("LIGHTS", 'LIGHTS"')
        for number in range(90_000)
    ]
    (tmp_path / "a.csv").write_text("\n".join([TEXT, *rows]), encoding="utf-8")
    taken = take(tmp_path / "a.csv")
    assert taken.column("row_number") == list(range(2, 90_002))
    assert taken.column("description") == [f"a\nb {number} LIGHTS" for number in range(90_000)]


@pytest.mark.parametrize(
    ("prices", "currencies"),
    [
        (["$5.00", "$6.50", "0"], {"$"}),
        (["$5.00", "6.50", "7.00"], {"$", "none named"}),
        (["$5.00", "€6.50"], {"$", "€"}),
        (["5.00", "6.50"], set()),
    ],
)
def test_money_without_a_sign_beside_money_with_one_is_of_another_currency(
    tmp_path, prices, currencies
):
    path = write_csv(tmp_path / "a.csv", [HEADER, *(line(Price=price) for price in prices)])
    with taken_in(fingerprinted([path]), Policy()) as intake:
        assert {*intake.sheets[0].currencies} == currencies


# In the order of the header.
COLUMNS = [
    *("invoice", "stock_code", "description", "quantity", "invoice_date", "price"),
    *("customer_id", "country"),
]
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@given(
    rows=st.lists(
        st.one_of(st.just([]), st.lists(st.sampled_from(["", " ", "x"]), min_size=2, max_size=9))
        | st.lists(CELLS, min_size=2, max_size=9)
    ),
    delimiter=st.sampled_from(",;\t"),
)
@costly(15)
def test_every_row_is_kept_as_it_stands_or_counted_as_blank(rows, delimiter):
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(Path(folder, "a.csv"), [[*HEADER, "x"], *rows], delimiter=delimiter)
        con = ibis.duckdb.connect()
        ((grid,), _) = grids(con, *fingerprinted([path]), Layout(), Path(folder))
        ordered = con.con.sql(f"SELECT * FROM ({grid.sql}) ORDER BY row_number")
        cells = ordered.to_arrow_table().to_pylist()
        con.disconnect()
    kept = {
        number: [cell if cell.strip() else None for cell in row + [""] * (9 - len(row))][:8]
        for number, row in enumerate(rows, 2)
        if any(cell.strip() for cell in row)
    }
    assert [row["row_number"] for row in cells] == list(kept)
    assert [[row[name] for name in COLUMNS] for row in cells] == list(kept.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace(",", "\t") + "\n" + GOOD.replace(",", "\t"), 'CHRISTMAS "XL" 12"'),
        (TEXT + "\n" + GOOD, r'"12\" \\ CHRISTMAS, ""XL"""'),
        (TEXT + "\n" + GOOD.replace("489434", '"489434"'), '12" CHRISTMAS'),
        (TEXT + "\n" + GOOD, '"12 CHRISTMAS'),
    ],
    ids=["any character", "backslash", "beside others", "never closed"],
)
def test_marks_that_other_programs_write_are_read(tmp_path, text, said):
    first, good = text.splitlines()
    broken = good.replace("CHRISTMAS LIGHTS", said).replace("13085", r"\N")
    (tmp_path / "a.csv").write_text("\n".join([first, good, broken, good]) + "\n")
    found = take(tmp_path / "a.csv")
    assert found.column("customer_id") == ["13085", None, "13085"]
    plain = said.strip('"').replace(r"\"", '"').replace('""', '"').replace(r"\\", "\\")
    assert found.rows[1]["description"].strip('"') == plain.strip('"')
    assert {row["price"] for row in found.rows} == {Decimal("6.95")}
