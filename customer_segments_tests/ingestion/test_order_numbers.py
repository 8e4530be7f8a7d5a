"""Order numbers under a heading that nobody knows, told by the cells; money in hundredths."""

import pytest

from customer_segments.doubt import Change
from customer_segments_tests.ingestion.taken import take


def orders(path, heading: str, number, has_products: bool = True) -> None:
    """Write two orders a day of each of 20 customers, of two lines each where it has products."""
    lines = [f"{heading},City,Customer,Date,Price" + (",SKU" if has_products else "")]
    for n in range(40):
        for line in range(2 if has_products else 1):
            said = f"{number(n, line)},Rome,C{n // 2},2024-03-{1 + n // 2:02},{9 + n}.5"
            lines.append(said + (f",P{line}" if has_products else ""))
    path.write_text("\n".join(lines))


SAID: Change = {"layout": [{"columns": {"invoice": "Zettel"}}]}


@pytest.mark.parametrize(
    ("heading", "number", "has_products", "level"),
    [
        ("Zettel", lambda n, line: f"Z{n}", True, "stops"),
        ("Invoice", lambda n, line: f"Z{n}", True, None),
        ("Zettel", lambda n, line: f"Z{n // 2}", True, "warns"),
        ("Zettel", lambda n, line: f"Z{n}-{line}", True, "warns"),
        ("Zettel", lambda n, line: f"Z{n % 3}", True, "warns"),
    ],
    ids=["orders", "known", "as many as days", "lines", "restarting"],
)
def test_a_column_that_tells_orders_apart_is_proposed(
    tmp_path, heading, number, has_products, level
):
    orders(tmp_path / "a.csv", heading, number, has_products)
    found = take(tmp_path / "a.csv")
    assert [each.level for each in found.doubts] == ([level] if level else [])
    if level == "stops":
        assert found.doubts[0].change == SAID
        assert take(tmp_path / "a.csv", columns={"invoice": "Zettel"}).doubts == []
    assert "other_" not in str(found.read_as)


def test_without_products_rows_are_orders(tmp_path):
    orders(tmp_path / "a.csv", "Zettel", lambda n, line: f"Z{n}", has_products=False)
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "a.csv").write_text(text + text.partition("\n")[2].replace("Z", "Y"))
    (found,) = take(tmp_path / "a.csv").doubts
    assert (found.level, found.change) == ("stops", SAID)


@pytest.mark.parametrize(
    ("headings", "prices", "price", "level"),
    [
        ("Amount,Currency", [f"{1000 + 37 * n},EUR" for n in range(60)], 1000, "stops"),
        ("Amount,Currency", [f"{1000 + 37 * n},JPY" for n in range(60)], 1000, None),
        ("Amount", [f"{1000 + 37 * n}" for n in range(60)], 1000, "warns"),
        ("Amount,Currency", [f"{10 + n},EUR" for n in range(60)], 10, None),
        ("Amount,Currency", [f"{1000 + 37 * n}.50,EUR" for n in range(60)], 1000.5, None),
        ("price_cents,Currency", [f"{1000 + 37 * n},EUR" for n in range(60)], 10, None),
    ],
    ids=["cents", "yen", "no currency", "whole euros", "decimals", "said"],
)
def test_money_that_may_be_in_hundredths_is_doubted(tmp_path, headings, prices, price, level):
    lines = [f"{n},C{n},2024-03-{1 + n % 28:02},{said}" for n, said in enumerate(prices)]
    (tmp_path / "a.csv").write_text("\n".join([f"Order,Customer,Date,{headings}", *lines]))
    found = take(tmp_path / "a.csv")
    assert [each.level for each in found.doubts] == ([level] if level else [])
    assert float(found.column("price")[0]) == price
    if level == "stops":
        (layout,) = found.doubts[0].change["layout"]
        assert take(tmp_path / "a.csv", **layout).column("price")[0] == price / 100
