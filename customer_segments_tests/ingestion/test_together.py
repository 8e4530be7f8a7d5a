"""What stands in several columns, or above the lines, is read together, or its way out is named."""

from datetime import date
from decimal import Decimal

import pytest

from customer_segments.errors import UserError
from customer_segments_tests.ingestion.taken import take

GROUPED = """Acme
,Date,Num,Product,Qty,Price,Amount
Anna Smith 1
,2024-05-01,17,Mug,2,2.50,5.00
,2024-05-02,18,Plate,1,3.00,3.00
Total for Anna Smith 1,,,,3,,8.00
Ben Jones
,2024-05-03,19,Mug,1,2.50,2.50
Total for Ben Jones,,,,1,,2.50
TOTAL,,,,4,,10.50
"""


def written(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return tmp_path / "a.csv"


@pytest.mark.parametrize(
    ("headings", "cells", "column", "value"),
    [
        ("Customer,Year,Month,Day,Price", "7,2024,5,31,2", "day", date(2024, 5, 31)),
        ("Customer,Year,Month,Day,Price", "7,2024,May,31,2", "day", date(2024, 5, 31)),
        ("Kundennr,Tag,Monat,Jahr,Preis", "7,31,5,2024,2", "day", date(2024, 5, 31)),
        ("Customer,Date,Year,Month,Day,Price", "7,2024-05-31,1,1,1,2", "day", date(2024, 5, 31)),
        ("First Name,Last Name,Date,Price", "Anna,Smith,2024-05-31,2", "customer_id", "Anna Smith"),
        ("Prénom,Nom,Date,Prix", "Zoë,,2024-05-31,2", "customer_id", "Zoë"),
        ("Customer,First Name,Last Name,Date,Price", "7,A,B,2024-05-31,2", "customer_id", "7"),
    ],
)  # fmt: skip
def test_dates_and_names_in_several_columns(tmp_path, headings, cells, column, value):
    (row,) = take(written(tmp_path, f"{headings}\n{cells}\n"), dates="dmy").rows
    row["day"] = row["invoice_date"].date()
    assert row[column] == value


@pytest.mark.parametrize(
    ("cells", "price"),
    [
        ("5.00,", 5),
        (",5.00", -5),
        ("5.00,0.00", 5),
        ("0.00,5.00", -5),
        ("5.00,2.00", 3),
        ('"5,50","0,25"', Decimal("5.25")),
        ("5,2x", None),
    ],
)
def test_debit_less_credit(tmp_path, cells, price):
    file = written(tmp_path, f"Customer,Date,Debit,Credit\n7,2024-05-31,{cells}\n")
    with pytest.raises(UserError) as told:
        take(file)
    assert 'amount = ["Debit", "Credit"]' in told.value.remedy
    (row,) = take(file, columns={"amount": ["Debit", "Credit"]}).rows
    assert row["price"] == price
    assert row["unreadable_text"] == (None if price else "5 - 2x")


def test_money_that_was_given_back_needs_no_quantity(tmp_path):
    lines = ["2,10.00", ",-3.00", "0,-4.00", ",5.00", "x,-5.00"]
    text = "".join(f"7,2024-05-31,{line}\n" for line in lines)
    taken = take(written(tmp_path, f"Customer,Date,Qty,Amount\n{text}"))
    assert taken.column("price") == [5, -3, -4, None, None]
    assert taken.column("quantity") == [2, 1, 1, None, None]


@pytest.mark.parametrize(("before", "column"), [(0, "column A"), (26, "column AA")])
def test_customers_above_their_lines(tmp_path, before, column):
    heading, *lines = GROUPED.splitlines()
    others = "".join(f"x{n}," for n in range(before))
    text = "\n".join([others + heading, *("," * before + line for line in lines), ""])
    file = written(tmp_path, text)
    with pytest.raises(UserError, match="Anna Smith 1") as told:
        take(file)
    assert f'customer_id = "{column}"' in told.value.remedy
    rows = take(file, columns={"customer_id": column}, fill_down=True).rows
    assert [(row["customer_id"], row["invoice"], row["price"]) for row in rows] == [
        ("Anna Smith 1", "17", Decimal("2.5")),
        ("Anna Smith 1", "18", Decimal("3")),
        ("Ben Jones", "19", Decimal("2.5")),
    ]


@pytest.mark.parametrize(
    ("headings", "words"),
    [
        ("Customer ID,2024-01,2024-02,2024-03", "side by side ('2024-01', say)"),
        ("Customer ID,Month,Amount", "'Month' is no day"),
        ("Order,Date,Customer,Item 1,Price 1,Item 2,Price 2", "'Item 2', say"),
        ("Customer,Date,Points earned", "'Points earned' is no money"),
        ("Order ID,SKU,Quantity,Price", "customers and dates stand elsewhere"),
        ("Order ID,Order Date,Customer ID,Status", "orders without money"),
    ],
)
def test_exports_that_lack_a_column_name_what_to_do(tmp_path, headings, words):
    with pytest.raises(UserError) as told:
        take(written(tmp_path, f"{headings}\n{','.join('1' for _ in headings.split(','))}\n"))
    assert words in told.value.remedy


def ids(shops, name):
    lines = "".join(
        f"{shop},{number},{name(shop, number)},2024-05-{1 + number % 9},5\n"
        for shop in shops
        for number in range(100, 140)
    )
    return f"Shop,Customer ID,Customer Name,Date,Price\n{lines}"


@pytest.mark.parametrize(
    ("shops", "name", "names"),
    [
        ("NS", lambda shop, number: f"{shop}{'abcd'[number % 4]}n Li{shop}", ["several_names"]),
        ("NS", lambda shop, number: f"{'ann LI' if shop == 'N' else 'Li, Ann'}", []),
        ("N", lambda shop, number: f"Ann{number}", []),
    ],
)
def test_ids_of_people_with_several_names(tmp_path, shops, name, names):
    found = [
        each for each in take(written(tmp_path, ids(shops, name))).doubts if "names" in each.name
    ]
    assert [each.name for each in found] == names
    for each in found:
        assert each.change["layout"] == [{"columns": {"customer_id": ["Shop", "Customer ID"]}}]
        rows = take(tmp_path / "a.csv", **each.change["layout"][0])
        assert len(set(rows.column("customer_id"))) == 80
        assert not rows.stopped
