"""Sheets that are not whole, whose days are no days of sales, or that are no sales."""

import pytest

from customer_segments.doubts.sheets import left_out
from customer_segments.policy import Policy
from customer_segments_tests.doubts.test_doubts import doubted

ALL_ONE_DAY = {"invoice_date": "TIMESTAMP '2024-05-31 09:00'"}
EACH_MONTH = {
    "workbook": "'m' || n // 800 || '.csv'",
    "invoice_date": "TIMESTAMP '2024-01-31' + INTERVAL (n // 800) MONTH",
}
BESIDE = {
    "workbook": "if(n < 400, 'new.csv', 'old.csv')",
    "invoice_date": "if(n < 400, TIMESTAMP '2024-12-31', invoice_date)",
}
EACH_DAY = {"workbook": "'day' || n // 8 || '.csv'"}
BUSY_DAY = {
    "invoice_date": "if(n < 40, TIMESTAMP '2024-12-31', invoice_date)",
    "workbook": "if(n < 40, 'new.csv', 'old.csv')",
}
# A file of each month, one with its first days as months; and boxes that are sent each month.
SWAPPED = {
    "workbook": "month(invoice_date) || '.csv'",
    "invoice_date": "if(month(invoice_date) = 5, TIMESTAMP '2024-01-05' + INTERVAL (n % 8) MONTH, "
    "invoice_date)",
}
BOXES = {
    "workbook": "if(n % 10 = 0, 'boxes.csv', 'orders.csv')",
    "invoice_date": "if(n % 10 = 0, TIMESTAMP '2024-01-05' + INTERVAL (n // 10 % 8) MONTH, "
    "invoice_date)",
}


@pytest.mark.parametrize(("columns", "levels"), [(SWAPPED, ["stops"]), (BOXES, [])])
def test_days_that_were_taken_for_months_stop(columns, levels):
    found = doubted(only="swapped_days", **columns)
    assert [each.level for each in found] == levels
    assert all(each.said.startswith("5.csv, sheet 'orders': all 248 dates") for each in found)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (ALL_ONE_DAY, ["one_day"]),
        (EACH_MONTH, ["one_day"]),
        (BESIDE, ["one_day"]),
        (EACH_DAY, []),
        (BUSY_DAY, []),
    ],
)
def test_days_of_the_export_are_told_from_days_of_sales(columns, names):
    sheet = {"headings": {"invoice_date": "Date"}}
    found = doubted(only="one_day", sheet=sheet, **columns)
    assert [each.name for each in found] == names
    assert all("column 'Date'" in each.said and "HEADING" in each.advice for each in found)


@pytest.mark.parametrize(
    ("row_number", "level"),
    [("65536 - n", "stops"), ("1048576 - n", "stops"), ("1048577 - n", None)],
)
def test_as_many_rows_as_fit_are_doubted(row_number, level):
    found = doubted(only="cut_off", row_number=row_number)
    assert [each.level for each in found] == ([level] if level else [])


@pytest.mark.parametrize(
    ("sheet", "names"),
    [
        *(("Refunds_2024", ["unsigned_credit_notes"]), ("Budget 2025", ["planned_sales"])),
        *(("Sales returns", ["unsigned_credit_notes"]), ("cancelled_orders", ["planned_sales"])),
        *(("Sales and returns", []), ("Mugs", [])),
    ],
)
def test_a_sheet_that_is_called_credit_notes_or_a_plan_and_bears_no_minus_stops(sheet, names):
    named = f"if(n % 10 = 0, '{sheet}', 'Sales')"
    found = doubted(sheet={"row_count": 240}, sheet_name=named)
    assert [each.name for each in found] == names
    # Whose orders stand in sales as well.
    columns = {"sheet_name": named, "is_superseded": "n % 10 = 0"}
    found = doubted(sheet={"row_count": 240}, only="unsigned_credit_sheets", **columns)
    assert [each.name for each in found] == names


@pytest.mark.parametrize(
    ("heading", "back", "sold"), [("Status", "refunded", "'completed'"), ("Refund", "Y", "NULL")]
)
def test_lines_that_take_back_what_stands_beside_them_are_credit_lines(heading, back, sold):
    said = {"headings": {"status": heading}}
    # Each fifth line is the one before it again, refunded.
    rows = {
        name: f"{expression.format('(n - (n % 5 = 4)::INT)')}"
        for name, expression in {
            "customer_id": "(12000 + {0} // 5 % 400)::VARCHAR",
            "stock_code": "'P' || {0} % 50",
            "quantity": "1 + {0} % 12",
            "price": "2.5 + {0} % 7",
        }.items()
    } | {"status": f"if(n % 5 = 4, '{back}', {sold})", "invoice": "n::VARCHAR"}
    (found,) = [each for each in doubted(sheet=said, **rows) if each.name == "sold_twice"]
    assert found.change == {"cleaning": {"credit_statuses": [back]}}
    taken = doubted(Policy(**found.change), sheet=said, **rows)
    assert [each.name for each in taken if each.level == "stops"] == []


def test_files_that_may_have_sales_and_are_not_read_are_said():
    (found,) = left_out(["b.jsonl", "notes.pdf", "2023.ZIP"])
    assert (found.name, found.level) == ("passed_over", "warns")
    assert found.said.startswith("b.jsonl, 2023.ZIP: passed over")
    assert "2023.ZIP: unpack it there" in found.advice
    assert not [*left_out(["notes.pdf", "README.md"])]


@pytest.mark.parametrize(
    ("other", "names"), [("2024.xlsx", ["unsigned_credit_notes"]), ("Returns 2.xlsx", [])]
)
def test_a_file_that_is_called_credit_notes_beside_others_is_one(other, names):
    files = f"if(n % 10 = 0, 'Returns.xlsx', '{other}')"
    said = {"sheet": {"row_count": 240}, "sheet_name": "'Sheet1'", "workbook": files}
    found = doubted(only="unsigned_credit_sheets", **said)
    assert [each.name for each in found] == names
