"""Who takes part where customers are many: as many as said, the same whatever stands beside."""

import duckdb
import ibis
import pytest

from customer_segments.model.sampling import parts_of, some_customers

MOST = 1_000


def drawn(sizes: dict[str, int]) -> dict[str, set[str]]:
    """Return who takes part of months with customers ``0`` to as many as each has."""
    rows = [(f"{n:06}", month) for month, size in sizes.items() for n in range(size)]
    table = ibis.memtable(rows, columns=["customer_id", "month"])
    con = ibis.duckdb.from_connection(duckdb.connect())
    found = con.to_pyarrow(some_customers(table, "month", most=MOST)).to_pylist()
    return {m: {row["customer_id"] for row in found if row["month"] == m} for m in sizes}


@pytest.mark.parametrize(("customers", "parts"), [(0, 1), (1_000, 1), (1_001, 2), (2_001, 3)])
def test_all_take_part_up_to_so_many(customers: int, parts: int):
    assert parts_of(customers, MOST) == parts
    took = drawn({"a": customers})["a"]
    if parts == 1:
        assert len(took) == customers
    else:
        # Five standard deviations of a draw.
        assert abs(len(took) - customers / parts) < 5 * (customers / parts) ** 0.5


def test_a_month_draws_the_same_alone_and_beside_others():
    alone = drawn({"a": 1_500})["a"]
    beside = drawn({"a": 1_500, "b": 1_900, "c": 900})
    assert beside["a"] == alone
    assert beside["a"] <= beside["b"]
    assert len(beside["c"]) == 900
