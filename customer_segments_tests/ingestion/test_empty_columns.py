"""Columns that are empty where another of the sheet is filled."""

from datetime import date

import ibis
import pytest

from customer_segments.doubt import Doubt
from customer_segments.errors import UserError
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments.ingestion.intake import taken_in
from customer_segments.ingestion.survey import survey
from customer_segments.policy import Policy

HEADINGS = "Order,SKU,Invoice Date,Order Date,Unit Price,Line Total,Email,Phone,Billing Name"


def written(path, rows: int = 40, **blank) -> None:
    """Write orders of two lines, of which some cells are blank."""
    lines = [HEADINGS]
    for n in range(rows):
        day, whose = f"2024-03-{1 + n % 28:02}", n // 4
        cells = {"order": n // 2, "sku": f"P{n % 3}", "invoiced": day, "ordered": day}
        cells |= {"price": 5 + n, "total": 5 + n, "email": f"c{whose}@example.com"}
        cells |= {"phone": f"0700-{whose}", "name": "Walk-in"}
        cells |= {name: "" for name, is_blank in blank.items() if is_blank(n)}
        lines.append(",".join(map(str, cells.values())))
    path.write_text("\n".join(lines))


def surveyed(*paths) -> list[Doubt]:
    with taken_in(fingerprinted([*paths]), Policy()) as intake:
        con = ibis.duckdb.connect()
        names = [path.name for path in paths]
        survey(con, intake, intake.load(con), names, date(2024, 6, 1))
        return intake.doubts


@pytest.mark.parametrize(
    ("blank", "level", "columns"),
    [
        ({"email": lambda n: n % 4}, "stops", {"customer_id": "Phone"}),
        ({"email": lambda n: n % 4 == 0}, "warns", {"customer_id": "Phone"}),
        (
            {"email": lambda n: n % 4, "phone": lambda n: n % 4 == 0},
            "stops",
            {"customer_id": ["Phone", "Email"]},
        ),
        # A name that all have is nobody's.
        ({"email": lambda n: n % 4, "phone": lambda n: True}, None, None),
        # An error in writing.
        ({"email": lambda n: n == 7}, None, None),
        ({"invoiced": lambda n: n % 3}, "stops", {"invoice_date": "Order Date"}),
        ({"price": lambda n: n % 3 == 0, "total": lambda n: n % 9}, None, None),
        ({"price": lambda n: n % 3}, "stops", {"amount": "Line Total"}),
    ],
    ids=["most", "some", "either", "one name", "one row", "dates", "both empty", "money"],
)
def test_what_stands_in_another_column_is_said(tmp_path, blank, level, columns):
    written(tmp_path / "a.csv", **blank)
    found = [each for each in surveyed(tmp_path / "a.csv") if each.name == "empty_column"]
    assert [each.level for each in found] == ([level] if level else [])
    for each in found:
        assert each.change == {"layout": [{"columns": columns}]}


def test_files_that_are_alike_are_said_once_and_customers_told_alike_in_all(tmp_path):
    written(tmp_path / "a-1.csv")
    for name in ("a-2.csv", "a-3.csv"):
        written(tmp_path / name, email=lambda n: True)
    (found,) = surveyed(*sorted(tmp_path.iterdir()))
    assert (found.level, found.workbook) == ("stops", "a-2.csv")
    assert found.change == {"layout": [{"columns": {"customer_id": "Phone"}}]}
    assert "a-2.csv, sheet 'a-2' and 1 more, column 'Email': 80 of 80 rows" in found.said


def test_where_no_row_has_a_date_the_way_out_names_the_column_that_has(tmp_path):
    written(tmp_path / "a.csv", invoiced=lambda n: True)
    with pytest.raises(UserError, match="not one readable date") as caught:
        surveyed(tmp_path / "a.csv")
    assert 'invoice_date = "Order Date"' in caught.value.remedy
