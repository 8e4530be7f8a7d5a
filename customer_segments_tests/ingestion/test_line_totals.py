"""A total beside the price: held against quantity times price, used where it is named."""

from decimal import Decimal

import pytest

from customer_segments_tests.ingestion.taken import take

# An order of two lines for each n; the total is after a discount on every third order.
HEADINGS = "Order,Customer,Date,SKU,Qty,Unit Price,{}"


def written(path, heading: str, total) -> None:
    lines = [HEADINGS.format(heading)]
    for n in range(30):
        for line in (1, 2):
            price = Decimal(10 + n + line)
            lines.append(
                f"{n},C{n % 7},2024-03-{1 + n % 28:02},P{line},2,{price},{total(n, price)}"
            )
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("total", "level", "is_proposed"),
    [
        (lambda n, price: 2 * price, None, False),
        (lambda n, price: 2 * price * (Decimal("0.8") if n % 3 == 0 else 1), "warns", True),
        (lambda n, price: 2 * price * Decimal("1.2"), "warns", False),
        (lambda n, price: 4 * price, "stops", True),
        (lambda n, price: 50 + 4 * n, None, False),
        (lambda n, price: "" if price % 2 else 99, None, False),
    ],
    ids=["alike", "discounts", "taxes", "what goods cost", "the order's", "hardly any"],
)
def test_a_total_that_says_another_thing_is_doubted(tmp_path, total, level, is_proposed):
    written(tmp_path / "a.csv", "Line Total", total)
    found = take(tmp_path / "a.csv")
    assert [each.level for each in found.doubts] == ([level] if level else [])
    assert "line_total" not in str(found.read_as)
    for each in found.doubts:
        assert each.name == "other_totals"
        assert "'Line Total'" in each.said
        assert bool(each.change) == is_proposed


def test_an_amount_that_is_named_counts_and_the_price_does_not(tmp_path):
    written(tmp_path / "a.csv", "Line Total", lambda n, price: 4 * price)
    found = take(tmp_path / "a.csv", columns={"amount": "Line Total"})
    assert found.doubts == []
    assert found.rows[0]["price"] == 22
