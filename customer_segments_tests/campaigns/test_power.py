"""The figures of the formula, worked out by hand."""

import pytest

from customer_segments.campaigns.groups import customers_needed, smallest_difference


@pytest.mark.parametrize(
    ("rate", "customers", "control_share", "difference"),
    [(0.5, 1_000, 0.5, 0.0886), (0.5, 1_000, 0.2, 0.1107), (0.1, 625, 0.2, 0.0840)],
)
def test_the_smallest_difference(rate, customers, control_share, difference):
    found = smallest_difference(rate, customers, control_share)
    assert found == pytest.approx(difference, abs=5e-5)


def test_so_many_customers_as_are_needed_show_five_points_and_no_fewer():
    needed = customers_needed(0.3, 0.2)
    assert needed == 4_121
    assert smallest_difference(0.3, needed, 0.2) <= 0.05 < smallest_difference(0.3, needed - 1, 0.2)


def test_customers_who_all_do_the_same_tell_nothing():
    assert smallest_difference(0, 500, 0.2) is smallest_difference(1, 500, 0.2) is None
    assert smallest_difference(0.7, 6, 0.2) is None
    assert smallest_difference(0.7, 25, 0.2) < 0.7
    assert customers_needed(1, 0.2) is None
