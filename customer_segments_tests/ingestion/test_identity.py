"""Orders that stand in several files: by pair of files, which of them counts."""

import tomllib
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments.settings import project_root
from customer_segments_tests.examples import costly
from customer_segments_tests.ingestion.typed import Row, settled, settled_case

CASES = project_root().parent / "shared/cases"
START = datetime(2011, 3, 1, 8)
FEW_EXAMPLES = costly(4)


@pytest.mark.slow  # cases/ has them through the command
@pytest.mark.parametrize(
    "case",
    [
        "20-receipts-restart",
        "20b-receipts-restart-one-file",
        "21-corrected-copy",
        "21b-row-chunks",
        "29-sku-clash",
        "45-appended-twice",
    ],
)
def test_cases(case):
    if not (folder := CASES / case).is_dir():
        pytest.skip(f"{folder} is not there")
    standing = settled_case(folder).standing
    figures = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))["figures"]
    orders = {(row["invoice"], row["customer_id"], row["invoice_date"].date()) for row in standing}
    revenue = float(sum(row["quantity"] * row["price"] for row in standing))
    assert (len(standing), len(orders)) == (figures["rows"], figures["orders"])
    assert revenue == pytest.approx(figures["revenue"])
    assert not any(row["is_uci"] or row["is_negative_prefix"] for row in standing)


def order(number: int | None, customer: str = "1", day: int = 0, codes: str = "AB") -> list[Row]:
    """Lines of an order."""
    row = {
        "invoice": None if number is None else f"{number}",
        "customer_id": customer,
        "invoice_date": START + timedelta(days=day),
    }
    return [row | {"stock_code": code} for code in codes]


def places(found) -> list[tuple[str, int]]:
    return [(row["workbook"], row["row_number"]) for row in found.standing]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.data())
@FEW_EXAMPLES
def test_receipts_that_start_anew_in_each_file_are_all_there(sizes, data):
    files = [
        [
            row
            for number in range(size)
            for row in order(number, data.draw(st.sampled_from("ab")), 31 * n)
        ]
        for n, size in enumerate(sizes)
    ]
    assert len(settled(*files).standing) == 2 * sum(sizes)


@given(st.integers(1, 12), st.integers(1, 4), st.data())
@FEW_EXAMPLES
def test_of_exports_that_overlap_the_last_that_has_an_order_counts(size, files, data):
    """Each from its first to its last order, in whatever order."""
    bounds = [sorted(data.draw(st.tuples(*[st.integers(0, size)] * 2))) for _ in range(files)]
    # Nothing is cut in two: each order has all of its lines wherever it stands.
    made = [[row for n in range(*bound) for row in order(n, day=n)] for bound in bounds]
    found = settled(*made)
    last = {n: file for file, bound in enumerate(bounds) for n in range(*bound)}
    kept = {(int(row["invoice"]), int(row["workbook"][0])) for row in found.standing}
    assert kept == set(last.items())
    assert len(found.standing) == 2 * len(last)


def test_a_correction_replaces_customers_and_dates_by_the_number_alone():
    export = [row for n in range(6) for row in order(n, day=n)]
    corrected = [row for n in range(4) for row in order(n, day=n)]
    corrected += order(4, customer="other", day=4) + order(5, day=9)
    found = settled(export, corrected)
    assert {row["workbook"] for row in found.standing} == {"1.csv"}
    (said,) = found.said
    assert "share 6 invoice numbers, of which 4 agree: the same export again" in said


def test_between_receipts_that_start_anew_only_the_same_order_counts_once():
    january = [row for n in range(6) for row in order(n, day=n)]
    february = order(2, day=2) + [row for n in range(6) if n != 2 for row in order(n, day=31 + n)]
    found = settled(january, february)
    assert len(found.standing) == 2 * 11
    assert ("0.csv", 6) not in places(found)
    assert ("1.csv", 2) in places(found)
    assert "share 6 invoice numbers, of which 1 agree: other orders" in found.said[0]


def test_an_order_that_the_end_of_a_file_cuts_in_two_is_all_there():
    rows = [row for n in range(9) for row in order(n, day=n, codes="ABCDE")]
    for at in (12, 17):
        found = settled(rows[:at], rows[at:])
        assert len(found.standing) == len(rows)
        assert "that go on in the later one" in found.said[0]
    newest_first = settled(rows[17:], rows[:17])
    assert len(newest_first.standing) == len(rows)
    # An export that comes after the pieces counts in place of both.
    assert {name for name, _ in places(settled(rows[:17], rows[17:], rows))} == {"2.csv"}


def test_files_of_a_kind_of_products_each_have_parts_of_the_same_orders():
    rows = [row for n in range(30) for row in order(n, day=n, codes="AB" if n % 3 else "ABC")]
    kinds = [[row for row in rows if row["stock_code"] == code] for code in "ABC"]
    found = settled(*kinds)
    assert len(found.standing) == len(rows)
    # Nearly all of an export, once more: a product was taken out of it.
    assert len(settled(rows, kinds[0] + kinds[1]).standing) == 60


@pytest.mark.parametrize("few", [1, 12])
def test_of_orders_corrected_by_hand_the_correction_counts_whatever_is_in_it(few):
    rows = [row for n in range(200) for row in order(n, day=n, codes="AB")]
    numbers = range(5, 5 + 10 * few, 10)
    corrected = [row for n in numbers for row in order(n, day=n, codes="XYZ")]
    assert len(settled(rows, corrected).standing) == len(rows) + few


@pytest.mark.parametrize(("first", "last"), [(11, 60), (20, 49), (20, 60)])
def test_of_exports_of_so_many_rows_the_orders_at_the_ends_are_whole(first, last):
    rows = [row for n in range(20) for row in order(n, day=n, codes="ABC")]
    assert len(settled(rows, rows[first:last]).standing) == len(rows)


def test_an_order_of_a_file_of_its_own_corrects_the_last_of_the_file_before():
    rows = [row for n in range(9) for row in order(n, day=n, codes="ABC")]
    corrected = [row | {"price": 5} for row in rows[-3:]]
    assert len(settled(rows, corrected).standing) == len(rows)
    assert len(settled(rows, corrected[:2]).standing) == len(rows) - 1


def test_without_numbers_the_days_of_customers_are_orders():
    log = [row for n in range(9) for row in order(None, f"{n % 3}", n)]
    grown = log + order(None, "1", 9)
    assert {name for name, _ in places(settled(log, grown))} == {"1.csv"}
    # Two shops of one retailer, and a log that was cut on a day: other lines.
    elsewhere = [row | {"price": 9} for row in log]
    assert len(settled(log, elsewhere).standing) == 2 * len(log)
    day = [row for n in range(9) for row in order(None, f"{n % 3}", codes="ABCDEFGHI"[n])]
    assert len(settled(day[:4], day[4:]).standing) == len(day)


def test_without_number_and_customer_there_is_no_order():
    anonymous = [row | {"customer_id": None} for row in order(None)]
    assert len(settled(anonymous, anonymous).standing) == 4


def test_a_pair_of_sources_in_between_is_a_correction_whatever_comes_last():
    first = [row for n in range(6) for row in order(n, day=n)]
    again = [row for n in range(6) for row in order(n, "other" if n == 3 else "1", n)]
    restarted = [row for n in range(6) for row in order(n, day=99)]
    found = settled(first, again, restarted)
    assert [name for name, _ in places(found)] == ["1.csv"] * 12 + ["2.csv"] * 12


@pytest.mark.parametrize("refunds_first", [True, False])
@pytest.mark.parametrize(
    ("codes", "says"),
    [("AB", {"quantity": -1}), ("A", {"price": -1}), ("A", {"status": "Refund"})],
    ids=["by quantity", "by price", "by status"],
)
def test_refunds_that_name_the_orders_they_are_of_are_no_corrections_of_them(
    refunds_first, codes, says
):
    sales = [row for n in range(30) for row in order(n, day=n)]
    back = [row | says for n in range(12) for row in order(n, day=n, codes=codes)]
    files = [back, sales] if refunds_first else [sales, back]
    assert len(settled(*files).standing) == len(sales + back)
    # A later export of both counts for both, and takes along what is not taken back any more.
    both = sales + back[: len(codes)]
    found = settled(sales + back, both)
    assert places(found) == [("1.csv", number) for number in range(2, len(both) + 2)]
