"""Each doubt speaks where it should, names its way out, and is silent where all is well."""

import json
import tomllib
from types import SimpleNamespace
from typing import Any

import ibis
import pytest

from customer_segments.doubt import Doubt, doubt, each_once, layout_for
from customer_segments.doubts import evidence, files
from customer_segments.doubts.doubts import DOUBTED, doubts, require_none_stops
from customer_segments.doubts.evidence import Evidence
from customer_segments.errors import UserError
from customer_segments.policy import Policy
from customer_segments.policy.rules import Cleaning
from customer_segments.tables import RAW_TRANSACTIONS, SOURCE_SHEETS

# A shop of 400 customers with six lines in three orders each; n is the line.
SHOP = """
SELECT 'orders.csv' AS workbook, 'orders' AS sheet, n + 2 AS row_number,
    (500000 + n // 2)::VARCHAR AS invoice, 'P' || n % 50 AS stock_code, 'RED MUG' AS description,
    1 + n % 12 AS quantity, TIMESTAMP '2024-01-01 09:00' + INTERVAL (n // 8) DAY AS invoice_date,
    2.5 + n % 7 AS price, (12000 + n // 2 % 400)::VARCHAR AS customer_id, 'France' AS country,
    date_trunc('month', invoice_date)::DATE AS month, NULL AS unreadable_column,
    NULL AS unreadable_text, NULL AS status, false AS is_superseded, false AS is_negative_prefix,
    false AS is_uci
FROM range(2400) AS lines (n)
"""


def doubted(
    policy: Policy | None = None,
    sheet: dict[str, Any] | None = None,
    bounds: tuple[str | None, str | None] = (None, None),
    further: tuple[Doubt, ...] = (),
    by_file: dict[str, dict[str, Any]] | None = None,
    sheet_name: str = "",
    only: str = "",
    **columns: str,
) -> list[Doubt]:
    """Doubt the shop, with other columns by SQL; by one doubt ``only``, in a fifth of the time."""
    columns |= {"sheet": sheet_name} if sheet_name else {}
    con = ibis.duckdb.connect(threads=1)
    con.raw_sql(RAW_TRANSACTIONS.ddl())
    replaced = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    rows = SHOP.replace("SELECT ", "SELECT n, ", 1)
    con.raw_sql(
        f"INSERT INTO raw_transactions BY NAME SELECT * EXCLUDE n "
        f"{f'REPLACE ({replaced})' if replaced else ''} FROM ({rows})"
    )
    raw = con.table(RAW_TRANSACTIONS.table)
    files = con.to_pyarrow(raw.select("workbook", "sheet").distinct()).to_pylist()
    nothing = dict.fromkeys(SOURCE_SHEETS.schema.names) | {"headings": {}, "ignored": []}
    own = by_file or {}
    sheets = [nothing | file | (sheet or {}) | own.get(file["workbook"], {}) for file in files]
    for each in sheets:
        headings = each.pop("headings").items()
        read_as = {column: {"heading": heading, "form": ""} for column, heading in headings}
        each["read_as"] = json.dumps(read_as)
        each["ignored_columns"] = json.dumps(each.pop("ignored"))
    sheets = SOURCE_SHEETS.arrow(sheets)
    found = Evidence.of(con, raw, sheets, policy or Policy(), bounds)
    if only:
        return list(next(each for each in DOUBTED if each.__name__ == only)(found))
    return doubts(found, further)


def toml_of(advice: str) -> dict:
    """Return what the lines below the first of an advice say."""
    return tomllib.loads(advice.partition("\n")[2])


def test_nothing_is_doubted_of_a_shop_without_fault():
    assert doubted() == []


EVERY = "n % {} = 0"
MANY = [
    (
        "lost_digits",
        {"customer_id": "'5.8382' || n % 3 || 'E+12'"},
        ["column 'customer_id': 2,400 rows", "5.83820E+12 in row 2", "3 such numbers"],
        {},
    ),
    (
        "lost_digits",
        {"customer_id": "(5838210000000000 + n // 2 % 400 * 10)::VARCHAR"},
        ["all of 400 ids", "end in zero", "5838210000000000 in row 2"],
        {},
    ),
    (
        "padded_ids",
        {
            "customer_id": "if(n < 1200, lpad(customer_id, 8, '0'), customer_id)",
            "workbook": "if(n < 1200, 'a.csv', 'b.csv')",
        },
        ["a.csv and b.csv", "800 ids are 400 customers", "00012000 and 12000"],
        {"source": {"leading_zeros": "drop"}},
    ),
    (
        "padded_ids",
        {"customer_id": "if(n < 1200, 'k', 'K') || customer_id"},
        ["800 ids are 400 customers if capital letters", "K12000 and k12000"],
        {"source": {"letter_case": "ignore"}},
    ),
    (
        "padded_ids",
        {"customer_id": "if(n < 1200, 'C000', 'C') || customer_id"},
        ["800 ids are 400 customers if zeros", "C00012000 and C12000"],
        {"source": {"leading_zeros": "drop"}},
    ),
    (
        "padded_ids",
        {"customer_id": "if(n < 1200, format('{:t.}', customer_id::INT), customer_id)"},
        ["800 ids are 400 customers if signs", "12.000 and 12000"],
        {"source": {"id_signs": "drop"}},
    ),
    (
        "padded_ids",
        {"customer_id": "if(n < 1200, 'CUST-0', '') || customer_id"},
        ["800 ids are 400 customers if letters", "12000 and CUST-012000"],
        {"source": {"id_signs": "drop"}},
    ),
    (
        "padded_ids",
        {"customer_id": "if(n < 1200, '010-', '010') || customer_id || '77'"},
        ["800 ids are 400 customers if signs", "010-1200077 and 0101200077"],
        {"source": {"id_signs": "drop"}},
    ),
    (
        "padded_ids",
        {"customer_id": "if(n < 1200, 'Ann S' || customer_id, 'S' || customer_id || ', Ann')"},
        [
            "800 ids are 400 customers if accents, signs and the order of names",
            "Ann S12000 and S12000, Ann",
        ],
        {},
    ),
    (
        "padded_ids",
        {"customer_id": "if(n % 1200 = n, 'René O''Ha', 'Rene O’Ha') || customer_id"},  # noqa: RUF001
        ["800 ids are 400 customers if accents", "Rene O’Ha12000 and René O'Ha12000"],  # noqa: RUF001
        {},
    ),
    (
        "padded_ids",
        {"customer_id": "customer_id || if(n % 3 = 0, ' - Smith & Co', '')"},
        ["800 ids are 400 customers if names", "12000 and 12000 - Smith & Co"],
        {"source": {"customer_names": "drop"}},
    ),
    (
        "lost_digits",
        {"customer_id": "'5.8382' || n % 3 || 'E12'"},
        ["5.83820E12 in row 2"],
        {},
    ),
    (
        "placeholder_dates",
        {
            "invoice_date": "if(n % 20 = 0, TIMESTAMP '1970-01-01', invoice_date)",
            "month": "if(n % 20 = 0, DATE '1970-01-01', month)",
        },
        ["120 rows are of 1970-01-01", "row 2, say"],
        {},
    ),
    (
        "totals",
        {
            "price": "if(n % 4 = 3, 600, 100)",
            "quantity": "if(n % 4 = 3, 1, 2)",
            "invoice": "(500000 + n // 4)::VARCHAR",
            "customer_id": "(12000 + n // 4 % 400)::VARCHAR",
        },
        ["in 600 of 600 orders one line is the sum of the others (row 5, say)"],
        {
            "layout": [{"columns": {"status": "HEADING"}}],
            "cleaning": {"statuses": ["what a line says there"]},
        },
    ),
    (
        "repeated_lines",
        {"stock_code": "'P' || n // 2 % 50", "quantity": "2", "price": "2.5 + n // 2 % 7"},
        ["1,200 of 2,400 lines", "row 3, say"],
        {"cleaning": {"drop_repeated_lines": True}},
    ),
    (
        "totals",
        {"price": "10 + n // 2", "quantity": "1"},
        ["in 1,200 of 1,200 orders all lines have the same money"],
        {"layout": [{"columns": {"amount": "HEADING"}}]},
    ),
    (
        "sold_twice",
        {
            '"sheet"': "if(n % 2 = 0, 'Lines', 'Orders')",
            "price": "10 + n // 2",
            "quantity": "1",
            "stock_code": "'P'",
        },
        ["sheet 'Lines' and orders.csv, sheet 'Orders'", "1,200 of 1,200 days"],
        {"layout": [{"sheets": ["Lines"]}]},
    ),
    (
        "totals",
        {"customer_id": "if(n // 2 % 7 = 0, customer_id || ' Total', customer_id)"},
        ["172 customers are called like a total", "12000 Total in row 2"],
        {"source": {"no_customer": [*Policy().source.no_customer, "* Total"]}},
    ),
    (
        "outlying_customer",
        {"customer_id": "if(n // 2 % 4 = 0, '99999', customer_id)"},
        ["99999 has 300 of 1,200 orders and 600 of 2,400 lines, 100 times"],
        {"source": {"no_customer": [*Policy().source.no_customer, "99999"]}},
    ),
    (
        "outlying_customer",
        {"customer_id": "if(n // 2 % 40 = 0, 'Web Shop', customer_id)"},
        ["Web Shop has 30 of 1,200 orders"],
        {"source": {"no_customer": [*Policy().source.no_customer, "Web Shop"]}},
    ),
    (
        "one_order_each",
        {"customer_id": "invoice"},
        ["1,200 of 1,200 customers have one order"],
        {"layout": [{"columns": {"customer_id": "HEADING"}}]},
    ),
    (
        "unnetted_returns",
        {"quantity": "if(n % 20 = 0, -1, quantity)"},
        ["column quantity: 120 lines", "invoice 500000 in row 2"],
        {"cleaning": {"credit": "sign"}},
    ),
    (
        "unnetted_returns",
        {"price": "if(n % 20 = 0, -price, price)"},
        ["column price: 120 lines"],
        {"cleaning": {"credit": "price"}},
    ),
    (
        "unnetted_returns",
        {"price": "if(n % 20 = 0, price, -price)"},
        ["column price: 2,280 lines"],
        {},
    ),
    (
        "unnetted_returns",
        {"price": "if(n % 2 = 0, -price / 10, price)"},
        ["column price: 1,200 lines"],
        {"cleaning": {"credit": "price"}},
    ),
    (
        "unnetted_returns",
        {
            "quantity": "if(n // 2 % 20 = 0, -1, quantity)",
            "invoice": "if(n // 2 % 20 = 0, 'r-', '') || invoice",
        },
        ["120 lines", "invoice R-500000 in row 2"],
        {"cleaning": {"credit": "prefix", "credit_prefix": "R-"}},
    ),
    (
        "outlying_reason",
        {"customer_id": "if(n // 2 % 5 < 3, NULL, customer_id)"},
        ["missing_customer rejects 1,440 of 2,400 rows (60.0%)", "row 2 (500000)"],
        {"layout": [{"columns": {"customer_id": "HEADING"}}]},
    ),
    (
        "outlying_reason",
        {
            "unreadable_column": "if(n % 3 = 0, 'price', NULL)",
            "unreadable_text": "if(n % 3 = 0, '1.234,50', NULL)",
            "price": "if(n % 3 = 0, NULL, price)",
        },
        ["unreadable_value rejects 800 of 2,400", "row 2 (1.234,50)"],
        {},
    ),
    (
        "fill_down",
        {
            name: f"if(n % 2 = 0, {name}, NULL)"
            for name in ("invoice", "invoice_date", "customer_id")
        }
        | {"unreadable_column": "if(n % 2 = 0, NULL, 'invoice_date')"},
        ["1,200 of 2,400 rows", "row 3 of orders.csv", "invoice, date and customer"],
        {"layout": [{"fill_down": True}]},
    ),
    (
        "fill_down",
        {"customer_id": "if(n % 2 = 0, customer_id, NULL)"},
        ["1,200 of 2,400 rows", "the customer may stand on the first line"],
        {"layout": [{"fill_down": True}]},
    ),
]


def test_of_many_rows_some_customers_tell_and_it_is_said(monkeypatch):
    monkeypatch.setattr(evidence, "ENOUGH_ROWS", 1_000)
    (found,) = doubted(price="10 + n // 2", quantity="1")
    assert found.name == "totals"
    assert "1,200" not in found.said
    assert "One customer in 3 was looked at." in found.said


@pytest.mark.parametrize(("name", "columns", "words", "way_out"), MANY)
def test_what_looks_wrong_stops_and_names_its_way_out(name, columns, words, way_out):
    (found,) = doubted(only=name, **columns)
    assert (found.name, found.level) == (name, "stops")
    for word in words:
        assert word in found.said
    assert toml_of(found.advice) == way_out
    assert found.change == way_out
    with pytest.raises(UserError, match=name):
        require_none_stops([found])


TWO_FILES = {"workbook": "if(n < 1200, 'a.csv', 'b.csv')"}
KINDS = {name: columns for name, columns, *_ in MANY} | {
    "unsigned_credit_notes": {"invoice": "if(n % 20 = 0, 'CN-' || invoice, invoice)"},
    "wrong_code_page": {"description": "'KÃ¤se fÃ¼r alle'"},
    "services_sold": {"description": "if(stock_code = 'P7', 'Gift card 50', 'RED MUG')"},
    "other_scale": TWO_FILES | {"price": "(2.5 + n % 7) * if(n < 1200, 1, 100)"},
    "unused_money": {"sheet": {"ignored": ["Discount Amount"]}},
}


@pytest.mark.parametrize(("name", "shop"), KINDS.items())
def test_a_fault_of_one_kind_raises_no_other_doubt(name, shop):
    (found,) = doubted(**shop)
    assert found.accept == f'[source]\naccept = ["{name}"]'


@pytest.mark.parametrize(
    ("name", "others", "levels"),
    [("88321", 50, ["warns"]), ("88321", 20, []), ("99999", 50, ["stops"])],
)
def test_what_may_be_the_largest_customer_or_a_till_is_said(name, others, levels):
    customers = f"if(n // 2 % 9 = 0, '{name}', (n // 2 % {others})::VARCHAR)"
    found = doubted(only="outlying_customer", customer_id=customers)
    assert [each.level for each in found] == levels


def test_a_few_tills_are_no_customers():
    (found,) = doubted(customer_id="'Till ' || n // 2 % 6")
    assert (found.name, found.level) == ("outlying_customer", "stops")
    assert "all 1,200 orders are of Till 0, Till 1, Till 2 and 3 more" in found.said
    assert found.change == {"layout": [{"columns": {"customer_id": "HEADING"}}]}


SEVERAL = [
    pytest.param({"customer_id": "'12E' || n // 2 % 400"}, id="hexadecimal ids"),
    pytest.param({"customer_id": "(5838210000000000 + n // 2 % 400)::VARCHAR"}, id="long ids"),
    pytest.param(
        {"customer_id": "lpad(customer_id, 8, '0')", "description": "'CRÈME BRÛLÉE Ø 12, Â'"},
        id="all ids have zeros, and names accents",
    ),
    pytest.param({"customer_id": "if(n // 2 % 11 = 0, '9', customer_id)"}, id="a large customer"),
    pytest.param({"customer_id": "(n // 2 % 13)::VARCHAR"}, id="thirteen customers alike"),
    pytest.param({"customer_id": "if(n // 2 % 40 = 0, '9', customer_id)"}, id="a good customer"),
    pytest.param({"customer_id": "(n // 6)::VARCHAR"}, id="a few orders each"),
    pytest.param(
        {"quantity": "CASE WHEN n = 7 THEN -1 WHEN n % 30 = 0 THEN 0 ELSE quantity END"},
        id="one return, and lines of nothing",
    ),
    pytest.param(
        {
            "quantity": "if(n // 2 % 20 = 0, -1, quantity)",
            "invoice": "if(n // 2 % 20 = 0, 'C', '') || invoice",
            "is_negative_prefix": "n // 2 % 20 = 0",
        },
        id="credit notes that are netted",
    ),
    pytest.param({"customer_id": "if(n // 2 % 4 = 0, NULL, customer_id)"}, id="guests"),
    pytest.param({"is_superseded": "n < 800"}, id="an export of all with every file"),
    pytest.param(
        {"customer_id": "['', 'A', 'B'][1 + n // 2 % 400 % 3] || customer_id"}, id="shops' own ids"
    ),
    pytest.param({"customer_id": "'10-' || customer_id"}, id="ids of two numbers"),
    pytest.param({"invoice": "NULL"}, id="no invoice numbers"),
    pytest.param({"customer_id": "'Totality ' || customer_id"}, id="names like a total"),
    pytest.param({"price": "2", "quantity": "3"}, id="orders of two lines alike, no totals"),
]


@pytest.mark.parametrize("columns", SEVERAL)
def test_what_is_well_is_not_doubted(columns):
    assert doubted(**columns) == []


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({"cleaning": {"credit": "sign"}}, {"quantity": "if(n % 20 = 0, -1, quantity)"}),
        ({"cleaning": {"credit": "price"}}, {"price": "if(n % 20 = 0, -price, price)"}),
        (
            {"cleaning": {"credit_prefix": "R-"}},
            {
                "quantity": "if(n // 2 % 20 = 0, -1, quantity)",
                "invoice": "if(n // 2 % 20 = 0, 'R-', '') || invoice",
                "is_negative_prefix": "n // 2 % 20 = 0",
            },
        ),
    ],
)
def test_the_way_out_leads_out(settings, columns):
    assert doubted(Policy(**settings), **columns) == []


def test_rows_that_a_setting_leaves_out_are_not_doubted():
    columns = {"month": "if(n < 2000, DATE '2024-09-01', month)"}
    (found,) = doubted(only="outlying_reason", **columns)
    assert found.said.startswith("outside_months rejects")
    assert doubted(bounds=("2024-09", None), **columns) == []


def test_columns_that_look_like_money_are_named_with_their_layout():
    headings = "Lineitem discount, Discount Code, Financial Status, Taxes, Shipping, Currency, Zip"
    found = doubted(only="unused_money", sheet={"ignored": headings.split(", ")})
    assert {(each.name, each.level) for each in found} == {("unused_money", "warns")}
    said = [each.said.partition(": ")[2].partition(" is ")[0] for each in found]
    named = ["'Lineitem discount'", "'Financial Status'", "'Currency'", "'Taxes'", "'Shipping'"]
    assert said == named
    layout = {"columns": {"discount": "Lineitem discount"}, "discount": "rate"}
    assert toml_of(found[0].advice) == {"layout": [layout]}
    assert Policy(**found[1].change).cleaning.statuses == ["paid"]


@pytest.mark.parametrize(
    ("heading", "change"),
    [
        ("Discount Amount", {"columns": {"discount": "Discount Amount"}, "discount": "amount"}),
        ("is_deleted", {"columns": {"status": "is_deleted"}}),
        ("Test Order", {"columns": {"status": "Test Order"}}),
        ("returned_quantity", None),
        ("Amount Refunded", None),
    ],
)
def test_what_is_proposed_of_a_column_can_be_followed(heading, change):
    (found,) = doubted(only="unused_money", sheet={"ignored": [heading]})
    assert found.change.get("layout") == ([change] if change else None)
    assert found.change.get("cleaning", {}).get("statuses") != ["paid"]


def test_what_was_given_back_is_taken_off_its_line_where_nothing_else_does():
    said = {"ignored": ["returned_quantity"], "headings": {"quantity": "Qty"}}
    (found,) = doubted(only="unused_money", sheet=said)
    assert found.change == {"layout": [{"columns": {"quantity": ["Qty", "returned_quantity"]}}]}


def test_columns_of_no_money_are_not_named():
    headings = "Order Number, Shipping Name, Shipping Method, Discount Code, State, Statuette"
    assert doubted(sheet={"ignored": headings.split(", ")}) == []


def test_files_of_another_retailer_are_doubted_unless_their_ids_are_written_anew():
    columns = {"workbook": "if(n < 1200, 'a.csv', 'b.csv')"}
    (found,) = doubted(**columns, customer_id="if(n < 1200, 'k', 'm') || customer_id")
    assert (found.name, found.level) == ("other_retailer", "stops")
    anew = "if(n < 1200, 'k', 'K') || customer_id"
    (found,) = doubted(**columns, customer_id=anew)
    assert found.name == "padded_ids"
    found = doubted(Policy(**tomllib.loads(found.accept)), **columns, customer_id=anew)
    assert {each.name: each.level for each in found} == {
        "padded_ids": "warns",
        "other_retailer": "stops",
    }


@pytest.mark.parametrize(
    ("invoice", "names"),
    [
        ("if(n % 20 = 0, 'CN-' || invoice, invoice)", ["unsigned_credit_notes"]),
        ("if(n % 20 = 0, 'gs' || invoice, 'RE' || invoice)", ["unsigned_credit_notes"]),
        ("if(n % 20 = 0, '2024-ST-', '2024-RG-') || invoice", ["unsigned_credit_notes"]),
        ("if(n % 20 = 0, invoice || '-R', invoice)", ["unsigned_credit_notes"]),
        ("'C' || invoice", []),
        ("if(n % 20 = 0, 'c4-f0a' || invoice, 'b7-' || invoice)", []),
        ("if(n % 20 = 0, 'WEB-' || invoice, invoice)", []),
    ],
)
def test_credit_notes_without_a_negative_number_are_said(invoice, names):
    found = doubted(only="unsigned_credit_notes", invoice=invoice)
    assert [each.name for each in found] == names


@pytest.mark.parametrize(
    "customer_id",
    [
        "customer_id || ' - Firm ' || customer_id",
        "customer_id || '-a1b' || n % 2",
        "'Mill ' || customer_id || ' (' || n % 2 || ')'",
    ],
)
def test_names_beside_ids_that_are_always_the_same_or_no_names_are_not_doubted(customer_id):
    assert doubted(customer_id=customer_id) == []


SAID = {"headings": {"status": "Document Type"}}


@pytest.mark.parametrize(
    ("status", "changed"),
    [
        ("'Credit Memo'", {"credit_statuses": ["Credit Memo"]}),
        ("'SC'", {"credit_statuses": ["SC"]}),
        ("'refunded'", None),
    ],
)
def test_unsigned_credit_memos_stop_and_the_setting_takes_them_off(status, changed):
    rows = {"status": f"if(n % 20 = 0, {status}, 'Invoice')"}
    stopping = [each for each in doubted(sheet=SAID, **rows) if each.level == "stops"]
    assert [each.change["cleaning"] for each in stopping] == ([changed] if changed else [])
    for each in stopping:
        found = doubted(Policy(**each.change), sheet=SAID, **rows)
        assert [each.name for each in found] == []


def test_a_mark_of_what_is_no_test_is_named_with_what_it_says_of_sales():
    found = doubted(sheet={"ignored": ["Livemode", "Live Chat"]})
    assert ["'Livemode' is not used" in each.said for each in found] == [True]
    assert found[0].change["cleaning"] == {"statuses": ["true"]}


@pytest.mark.parametrize(
    ("heading", "is_one"),
    [("current_state", True), ("Ship State", False), ("Пометка удаления", True), ("Статья", False)],
)
def test_headings_of_other_programs_that_may_say_what_counts(heading, is_one):
    found = doubted(sheet={"ignored": [heading]})
    assert [each.name for each in found] == ["unused_money"] * is_one


def test_of_several_columns_the_one_that_is_read_is_named():
    sheet = {"headings": {"status": "order status"}, "ignored": ["item_refunded"]}
    rows = {"status": "if(n % 20 = 0, 'failed', 'paid')"}
    found = [each.change for each in doubted(sheet=sheet, **rows) if "status" in each.said]
    assert found == [{"cleaning": {"statuses": ["paid"]}}]


def test_refunds_and_payouts_are_told_apart_by_what_they_are_called():
    rows = {
        "price": "if(n % 20 < 2, -price, price)",
        "status": "case n % 20 when 0 then 'Payment Refund' when 1 then 'Payout' else 'Sale' end",
    }
    found = {each.name: each.change for each in doubted(sheet=SAID, **rows)}
    assert found["unnetted_returns"] == {
        "cleaning": {"statuses": ["Sale"], "credit_statuses": ["Payment Refund"]}
    }


def test_returns_that_are_called_returned_are_netted_by_their_sign():
    rows = {
        "quantity": "if(n % 20 = 0, -1, quantity)",
        "status": "if(n % 20 = 0, 'returned', 'completed')",
    }
    found = {each.name: each.change for each in doubted(sheet=SAID, **rows)}
    assert found["unnetted_returns"] == {"cleaning": {"credit": "sign"}}


def test_addresses_that_differ_by_zeros_are_those_of_others():
    for name in ("if(n < 1200, 'anna0', 'anna')", "if(n < 1200, 'an.na', 'anna')"):
        rows = {"customer_id": f"{name} || customer_id || '@example.com'"}
        assert "padded_ids" not in {each.name for each in doubted(**rows)}


def test_flags_in_words_are_told_by_what_they_say():
    rows = {"status": "if(n % 20 = 0, 'Ja', 'Nein')"}
    sheet = {"headings": {"status": "Storniert"}, "ignored": ["Storniert"]}
    (found, *_) = doubted(sheet=sheet, **rows)
    assert (found.name, found.change) == ("unused_money", {"cleaning": {"statuses": ["Nein"]}})


def test_negative_fees_are_left_out_by_their_kind():
    rows = {"status": "if(n % 2 = 0, 'SALE', 'FEE')", "price": "if(n % 2 = 0, 5 + n % 7, -1)"}
    (found, _) = doubted(sheet=SAID, **rows)
    assert (found.name, found.change) == ("unnetted_returns", {"cleaning": {"statuses": ["SALE"]}})


NOTES = {name: f"if(n % 2 = 0, NULL, {name})" for name in ("quantity", "price")} | {
    "unreadable_column": "if(n % 2 = 0, 'quantity', NULL)"
}


def test_fees_of_most_orders_are_no_returns():
    fees = {"price": "if(n % 2 = 0, -price / 10, price)"}
    found = doubted(sheet={"ignored": ["Colour", "Amount Type"]}, **fees)
    (returns,) = (each for each in found if each.name == "unnetted_returns")
    assert returns.change == {
        "layout": [{"columns": {"status": "Amount Type"}}],
        "cleaning": {"statuses": ["what a line says there"]},
    }


@pytest.mark.parametrize("columns", [{"price": "if(n % 2 = 0, 0, price)"}, NOTES])
def test_gifts_and_notes_beside_sales_do_not_stop(columns):
    assert [(each.name, each.level) for each in doubted(**columns)] == [
        ("outlying_reason", "warns")
    ]
    alone = {"invoice": "if(n % 2 = 0, 'F', '') || invoice"}
    assert [each.level for each in doubted(**columns, **alone)] == ["stops"]


def test_guests_of_a_till_whose_receipts_begin_anew_are_not_filled_down():
    columns = {
        "invoice": "(n // 2 % 4)::VARCHAR",
        "customer_id": "if(n % 8 < 2, NULL, customer_id)",
    }
    assert doubted(**columns) == []


def test_cells_that_none_can_read_have_no_money():
    columns = dict.fromkeys(("quantity", "price"), "NULL") | {"unreadable_column": "'price'"}
    (found,) = doubted(**columns, invoice="if(n % 9 = 0, 'CN-', '') || invoice")
    assert found.name == "outlying_reason"


@pytest.mark.parametrize("code", ["'GIFT'", "NULL"])
def test_gift_cards_under_a_code_of_the_shops_own_are_said(code):
    rows = {
        "stock_code": f"if(n % 30 = 0, {code}, 'P' || n % 50)",
        "description": "if(n % 30 = 0, 'Gift card 50', 'RED MUG')",
    }
    (found,) = doubted(only="services_sold", **rows)
    assert (found.name, found.level) == ("services_sold", "warns")
    assert "80 lines of GIFT" in found.said
    assert doubted(Policy(**found.change), **rows) == []


def test_discounts_that_are_taken_off_are_no_services():
    rows = {
        "description": "if(n % 6 = 0, 'Discount', 'RED MUG')",
        "stock_code": "if(n % 6 = 0, 'DISC10', 'P' || n % 50)",
        "price": "if(n % 6 = 0, -1, 2.5 + n % 7)",
    }
    assert doubted(Policy(cleaning=Cleaning(credit="price")), **rows) == []


def test_money_of_several_currencies_stops():
    (found,) = doubted(sheet={"currencies": "EUR, USD"})
    assert (found.name, found.level) == ("several_currencies", "stops")
    assert "EUR in orders.csv" in found.said
    assert doubted(sheet={"currencies": "EUR"}) == []


@pytest.mark.parametrize("text", ["Käse für alle", "10 £ off", "naïve café"])
def test_text_of_another_code_page_is_named(text):
    misread = text.encode().decode("cp1252")
    (found,) = doubted(only="wrong_code_page", description=f"'{misread}'")
    assert found.level == "warns"
    assert misread in found.said
    assert "2,400 rows" in found.said
    assert doubted(description=f"'{text}'") == []


def test_what_others_doubt_is_accepted_alike():
    other = Doubt("other_retailer", "stops", "b.csv: nobody is known.", "Keep it apart.", "")
    (found,) = doubted(further=(other,))
    assert found.level == "stops"
    both = Policy(**tomllib.loads('[source]\naccept = ["padded_ids", "other_retailer"]'))
    (found,) = doubted(both, further=(other,))
    assert found.level == "warns"
    assert tomllib.loads(found.accept)["source"]["accept"] == ["padded_ids", "other_retailer"]


def test_what_files_are_alike_in_is_told_once():
    def full(file: int) -> Doubt:
        return doubt("cut_off", where=f"{file}.csv", rows=65_536, what="a sheet")

    # Of another level, or with another way out: apart.
    apart = [full(7)._replace(level="warns"), doubt("cut_off.line", where="8.csv", line="1")]
    first, *others = each_once([full(1), full(1), *map(full, range(2, 7)), *apart])
    assert first.said == f"{full(1).said} So it is in 2.csv; 3.csv; 4.csv and 2 more."
    assert others == apart
    with pytest.raises(UserError) as error:
        require_none_stops([full(1), full(2)])
    assert error.value.problem.count("cut_off") == 1


def test_an_error_lists_all_that_stop_and_how_to_accept_them_together():
    found = doubted(customer_id="invoice", quantity="if(n % 20 = 0, -1, quantity)")
    with pytest.raises(UserError) as error:
        require_none_stops(found)
    assert "- one_order_each: " in error.value.problem
    assert 'credit = "sign"' in error.value.problem
    assert 'accept = ["one_order_each", "unnetted_returns"]' in error.value.remedy


def test_a_layout_holds_for_files_to_come():
    months = ["sales_2023-10.csv", "sales_2023-11.csv"]
    assert layout_for(months, months, dates="dmy") == {"layout": [{"dates": "dmy"}]}
    beside = {"layout": [{"files": "sales_*-*.csv", "dates": "dmy"}]}
    assert layout_for(months, [*months, "web.csv"], dates="dmy") == beside
    (layout,) = layout_for(months[:1], months, dates="dmy")["layout"]
    assert layout["files"] == "sales_2023-10.csv"


@pytest.mark.parametrize(
    ("headings", "unused", "names"),
    [
        ({"price": "Unit Price"}, ["Qtity", "Colour"], ["no_quantity"]),
        ({"price": "Price"}, ["Colour", "Quanity"], ["no_quantity"]),
        ({"price": "Price"}, ["Quality", "Account", "Country of Unit"], []),
        ({"price": "Unit Price", "quantity": "Qty"}, ["Quantity refunded"], []),
        ({"price": "Unit Price"}, ["Colour"], ["no_quantity"]),
        ({"price": "Unit Price"}, [], []),
        ({"price": "Price"}, ["Colour"], []),
        ({"amount": "Total"}, ["Quantities"], []),
    ],
)
def test_a_price_without_the_quantity_beside_it_is_doubted(headings, unused, names):
    found = doubted(only="no_quantity", sheet={"headings": headings, "ignored": unused})
    assert [each.name for each in found] == names
    for each in found:
        named = next((name for name in unused if name in ("Qtity", "Quanity")), "HEADING")
        assert each.level == ("warns" if named == "HEADING" else "stops")
        assert each.change == {"layout": [{"columns": {"quantity": named}}]}


def test_prices_that_grow_with_the_quantity_are_doubted():
    prices = {"price": "(1 + n % 50) * (1 + n // 50 % 4)", "quantity": "1 + n // 50 % 4"}
    (found,) = doubted(sheet={"headings": {"price": "Price"}}, **prices)
    assert (found.name, found.level) == ("line_prices", "stops")
    assert "column 'Price': of 50 of 50 products" in found.said
    assert found.change == {"layout": [{"columns": {"price": "", "amount": "Price"}}]}
    assert doubted(sheet={"headings": {"amount": "Total"}}, **prices) == []
    falling = prices | {"price": "(1 + n % 50) * (1 - (n // 50 % 4) / 10)"}
    assert doubted(sheet={"headings": {"price": "Price"}}, **falling) == []


def test_lines_that_some_orders_repeat_are_said_and_not_proposed():
    columns = {"stock_code": "if(n % 8 < 2, 'P', stock_code)"}
    columns |= {"quantity": "if(n % 8 < 2, 1, quantity)", "price": "if(n % 8 < 2, 3, price)"}
    (found,) = doubted(**columns)
    assert (found.name, found.level, found.change) == ("repeated_lines", "warns", {})


def test_sales_that_two_files_have_under_other_numbers_are_doubted():
    workbook = {"workbook": "if(n < 1200, 'a.csv', 'b.csv')"}
    invoice = "if(n < 1200, '#', '') || (500000 + n % 1200 // 2)"
    day = "TIMESTAMP '2024-01-01 09:00' + INTERVAL (n % 1200 // 8) DAY"
    same = {"invoice": invoice, "invoice_date": day, "price": "2.5 + n % 1200 % 7"}
    same |= {"month": f"date_trunc('month', {day})::DATE"}
    found = doubted(**workbook, **same, customer_id="(12000 + n % 1200 // 2 % 400)::VARCHAR")
    assert [(each.name, each.level) for each in found] == [("sold_twice", "stops")]
    assert "a.csv and b.csv: from 2024-01-01" in found[0].said
    assert doubted(**workbook) == []


PAID = {
    "invoice": "(500000 + n % 1200 // 2)::VARCHAR",
    "customer_id": "(12000 + n % 1200 // 2 % 400)::VARCHAR",
    "price": "2.5 + n % 1200 % 7",
    "quantity": "1",
    "invoice_date": "TIMESTAMP '2024-01-01' + INTERVAL (n % 1200 // 8 + n // 1200 * 23) DAY",
}
QUOTED = PAID | {
    "invoice": "if(n < 1200, 'Q', '') || (500000 + n % 1200 // 2)",
    "stock_code": "'P' || n % 50",
    "invoice_date": "TIMESTAMP '2024-01-01' + INTERVAL (n % 1200 // 8 + n // 1200 * 6) DAY",
}
LISTED = {
    "stock_code": "if(n < 1200, stock_code, NULL)",
    "description": "if(n < 1200, description, NULL)",
    "customer_id": "(12000 + n % 1200 // 2 % 400)::VARCHAR",
}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (QUOTED, "1,200 of 1,200 lines stand in b.csv as well"),
        (PAID, "600 of 600 orders have the same number, customer and money in both, on other days"),
        (
            LISTED | {"invoice_date": PAID["invoice_date"]},
            "1,200 of 1,200 rows are of customers",
        ),
    ],
)
def test_payments_and_lists_beside_the_sales_are_doubted(columns, said):
    month = f"date_trunc('month', {columns['invoice_date']})::DATE"
    by_file = {"a.csv": {"headings": {"invoice": "Order", "stock_code": "SKU"}}}
    (found,) = doubted(only="sold_twice", by_file=by_file, **TWO_FILES, **columns, month=month)
    assert (found.name, found.level) == ("sold_twice", "stops")
    assert said in found.said


def test_a_list_of_customers_from_before_the_sales_is_doubted():
    by_file = {"a.csv": {"headings": {"invoice": "Order", "stock_code": "SKU"}}}
    columns = {
        "workbook": "if(n < 2000, 'a.csv', 'b.csv')",
        "customer_id": "(12000 + if(n < 2000, n // 2 % 400, n - 2000))::VARCHAR",
        "invoice_date": "if(n < 2000, invoice_date, TIMESTAMP '2023-01-05')",
        "stock_code": "if(n < 2000, stock_code, NULL)",
        "description": "if(n < 2000, description, NULL)",
    }
    month = f"date_trunc('month', {columns['invoice_date']})::DATE"
    found = doubted(only="sold_twice", by_file=by_file, **columns, month=month)
    assert any("400 of 400 rows are of customers who buy there" in each.said for each in found)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(LISTED, id="orders without products after those with them"),
        pytest.param(
            LISTED | {"customer_id": "if(n % 2 = 0, customer_id, 'B' || n // 4 % 300)"},
            id="a channel without products and with customers of its own",
        ),
    ],
)
def test_orders_without_products_are_no_list(columns):
    by_file = {"a.csv": {"headings": {"invoice": "Order", "stock_code": "SKU"}}}
    assert doubted(only="sold_twice", by_file=by_file, **TWO_FILES, **columns) == []


@pytest.mark.parametrize(
    ("unused", "level", "change"),
    [
        (
            ["Colour, dark", "E-mail"],
            "stops",
            {"layout": [{"files": "b.csv", "columns": {"customer_id": "E-mail"}}]},
        ),
        (["Colour"], "warns", {}),
    ],
)
def test_customers_of_other_columns_are_no_others(unused, level, change):
    by_file = {
        "a.csv": {"headings": {"customer_id": "E-mail"}},
        "b.csv": {"headings": {"customer_id": "Customer No"}, "ignored": unused},
    }
    email = "if(n < 1200, customer_id || '@example.org', customer_id)"
    found = doubted(only="several_ids", by_file=by_file, **TWO_FILES, customer_id=email)
    assert [(each.level, each.change) for each in found] == [(level, change)]
    assert doubted(by_file=by_file, **TWO_FILES) == []


def test_files_that_tell_customers_by_another_kind_of_id_are_doubted():
    by_file = {file: {"headings": {"customer_id": "Customer"}} for file in ("a.csv", "b.csv")}
    email = "if(n < 1200, customer_id || '@example.org', customer_id)"
    found = doubted(by_file=by_file, **TWO_FILES, customer_id=email)
    assert [(each.name, each.level) for each in found] == [("several_ids", "stops")]


@pytest.mark.parametrize(("is_swapped", "names"), [(True, ["several_ids"]), (False, [])])
def test_a_file_whose_order_numbers_are_customers_in_others_is_doubted(is_swapped, names):
    headings = {"headings": {"invoice": "Order", "customer_id": "Customer"}}
    both = {"invoice": "customer_id", "customer_id": "invoice"} if is_swapped else {}
    swapped = {name: f"if(n < 1200, {name}, {other})" for name, other in both.items()}
    by_file = dict.fromkeys(("a.csv", "b.csv"), headings)
    # Many orders of few customers.
    few = {"customer_id": "(12000 + n // 2 % 90)::VARCHAR"} if not is_swapped else {}
    found = doubted(only="swapped_ids", by_file=by_file, **TWO_FILES, **(swapped | few))
    assert [each.name for each in found] == names
    change = {
        "layout": [
            {"files": "b.csv", "columns": {"customer_id": "Order"} | {"invoice": "Customer"}}
        ]
    }
    assert all(each.change == change for each in found)


def test_order_numbers_of_lines_are_doubted():
    sheet = {"headings": {"invoice": "Line", "customer_id": "Customer"}}
    assert [each.name for each in doubted(sheet=sheet, invoice="n::VARCHAR")] == ["order_numbers"]
    assert doubted(sheet=sheet) == []


@pytest.mark.parametrize(("times", "names"), [(100, ["other_scale"]), (2, [])])
def test_prices_of_another_scale_than_in_other_files_are_doubted(times, names):
    price = f"(2.5 + n % 7) * if(n < 1200, 1, {times})"
    found = doubted(only="other_scale", **TWO_FILES, price=price)
    assert [each.name for each in found] == names
    for each in found:
        assert "b.csv: 50 of 50 products" in each.said
        assert each.change == {"layout": [{"files": "b.csv", "minor_units": True}]}


@pytest.mark.parametrize(
    ("times", "names"), [("1.2", ["other_scale"]), ("(1 + n % 50 % 3 / 5)", [])]
)
def test_prices_with_tax_in_one_file_alone_are_doubted(times, names):
    price = f"(2.5 + n % 50 % 7) * if(n < 1200, 1, {times})"
    found = doubted(only="other_scale", **TWO_FILES, price=price)
    assert [each.name for each in found] == names


@pytest.mark.parametrize(
    ("invoice", "customer", "names"),
    [("Customer ID", "Invoice No", ["other_headings"]), ("Invoice No", "Customer ID", [])],
)
def test_headings_in_another_order_among_the_rows_are_doubted(invoice, customer, names):
    own = {"invoice": "Invoice No", "customer_id": "Customer ID", "quantity": "Quantity"}
    rows = {
        "invoice": f"if(n = 99, '{invoice}', (n // 2)::VARCHAR)",
        "customer_id": f"if(n = 99, '{customer}', (12000 + n // 2 % 400)::VARCHAR)",
        "quantity": "if(n = 99, NULL, 1 + n % 12)",
        "unreadable_column": "if(n = 99, 'quantity', NULL)",
        "unreadable_text": "if(n = 99, 'Quantity', NULL)",
    }
    found = doubted(only="other_headings", sheet={"headings": own}, **rows)
    assert [each.name for each in found] == names


def test_documents_of_one_sale_count_once():
    line, sheet = "n // 4", {"headings": {"status": "Belegart"}}
    columns = {
        "status": "['Angebot', 'Auftrag', 'Lieferschein', 'Rechnung'][1 + n % 4]",
        "invoice": f"n % 4 || '-' || {line} // 2",
        "customer_id": f"(12000 + {line} // 2 % 100)::VARCHAR",
        "stock_code": f"'P' || {line} % 50",
        "quantity": f"1 + {line} % 12",
        "price": f"2.5 + {line} % 7",
    }
    found = {each.name: each for each in doubted(sheet=sheet, **columns)}
    assert found["sold_twice"].level == "stops"
    assert (
        "lines that are called 'Angebot' (row 2, say) stand as 'Auftrag'"
        in found["sold_twice"].said
    )
    sales = {"cleaning": {"statuses": ["Rechnung"]}}
    assert found["sold_twice"].change == found["unused_money"].change == sales
    assert doubted(Policy(**sales), sheet, **columns) == []
    # What is sold again, or otherwise, is no other document.
    again = columns | {"stock_code": "'P' || n % 50"}
    assert [each.name for each in doubted(sheet=sheet, **again)] == ["unused_money"]


def test_lines_that_head_their_orders_are_no_products():
    columns = {name: f"if(n % 3 = 0, NULL, {name})" for name in ("stock_code", "description")}
    order = {
        "invoice": "(500000 + n // 3)::VARCHAR",
        "customer_id": "(12000 + n // 3 % 400)::VARCHAR",
    }
    columns |= order
    columns["price"] = "if(n % 3 = 0, 40 + n // 3, if(n % 3 = 1, 10 + n // 3, 6))"
    columns["quantity"] = "[6, 1, 5][1 + n % 3]"
    (found,) = doubted(**columns)
    assert (found.name, found.level) == ("totals", "stops")
    assert "in 800 of 800 orders a line without a product" in found.said
    left_out = doubted(Policy(**found.change), **columns)
    assert [(each.name, each.level) for each in left_out] == [("outlying_reason", "warns")]


def test_orders_that_others_of_their_number_put_out_of_count_are_doubted():
    columns = {"invoice": "(n % 1200 // 2)::VARCHAR", "is_superseded": "n < 1200"}
    (found,) = doubted(**columns)
    assert (found.name, found.level) == ("lost_orders", "stops")
    assert found.change == {"layout": [{"columns": {"invoice": ""}}]}


def test_a_line_that_has_as_much_as_all_others_is_doubted():
    columns = {"customer_id": "if(n = 9, 'All customers', customer_id)", "quantity": "1"}
    (found,) = doubted(**columns, price="if(n = 9, 13192.5, 2.5 + n % 7)")
    assert (found.name, found.level) == ("totals", "stops")
    assert "row 11: 13,192.50 of All customers" in found.said


@pytest.mark.parametrize(
    ("headings", "said"),
    [
        (["Price excl. VAT", "Price incl. VAT"], ["without tax in a.csv", "with tax in b.csv"]),
        (["Nettopreis", "Preis brutto"], []),
        (["Net Price", "Net Price"], []),
        (["Net Price", "Net price incl. delivery"], []),
    ],
)
def test_money_with_tax_and_without_is_told_apart_by_file(headings, said):
    sheets = [
        {"workbook": f"{name}.csv", "sheet": name, "headings": {"price": heading}}
        for name, heading in zip("ab", headings, strict=True)
    ]
    found = list(files.several_measures(SimpleNamespace(sheets=sheets)))
    assert [each.level for each in found] == ["stops"] * bool(said)
    for words in said:
        assert words in found[0].said


def test_currencies_of_headings_are_told_apart():
    sheet = {"headings": {"price": "Price (EUR)"}}
    assert doubted(sheet=sheet, **TWO_FILES) == []
    sheet["currencies"] = "GBP, EUR"
    assert len(doubted(only="several_currencies", sheet=sheet)) == 1
