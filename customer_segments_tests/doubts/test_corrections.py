"""Orders that stand in several files: what a later one changed, lacks or has other lines of."""

import pytest

from customer_segments_tests.doubts.test_doubts import doubted

# The second file has the last 600 orders of the first again.
TWO_FILES = {
    "workbook": "if(n < 1200, 'a.csv', 'b.csv')",
    "invoice": "(500000 + n % 1200 // 2)::VARCHAR",
    "customer_id": "(12000 + n % 1200 // 2 % 400)::VARCHAR",
    "invoice_date": "TIMESTAMP '2024-01-01 09:00' + INTERVAL (n % 1200 // 8) DAY",
}
SAME = TWO_FILES | {"quantity": "1 + n % 1200 % 12", "price": "2.5 + n % 1200 % 7"}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, ""),
        (
            {"price": "2.5 + n % 1200 % 7 + if(n >= 1200 AND n % 20 = 0, 1, 0)"},
            "a.csv, sheet 'orders', and b.csv, sheet 'orders': 60 orders have other money",
        ),
        (
            {
                "invoice": "if(n BETWEEN 400 AND 419, 'x', '') || (n % 1200 // 2)",
                "is_superseded": "n < 400 OR n BETWEEN 420 AND 1199",
            },
            "a.csv, sheet 'orders': of 2024-01-01 to 2024-05-29, 590 orders stand in a later file "
            "or sheet, which counts, and 10 do not",
        ),
    ],
)
def test_what_a_later_file_changed_or_lacks_is_said(columns, said):
    superseded = {"is_superseded": "n < 1200"}
    found = doubted(only="corrected", **SAME | superseded | columns)
    assert [(each.level, each.said.startswith(said)) for each in found] == (
        [("warns", True)] if said else []
    )


@pytest.mark.parametrize(("parts", "names"), [(12, ["corrected"]), (9, [])])
def test_orders_of_which_each_file_has_other_products_are_said(parts, names):
    number = f"if(n % 1200 < {2 * parts}, 'x', 'x' || n // 1200) || (n % 1200 // 2)"
    columns = SAME | {"invoice": number, "stock_code": "'P' || n // 1200 || n % 50"}
    found = doubted(only="corrected", **columns)
    assert [each.name for each in found] == names
    assert all(f"{parts} orders stand in both" in each.said for each in found)
