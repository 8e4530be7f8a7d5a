"""The RFM grid: scores, cells and names."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from customer_segments.evaluation.rfm_grid import (
    GRID,
    GRID_NAMES,
    grid_cells,
    quintile_edges,
    quintile_scores,
)
from customer_segments.model.names import SEGMENTS

# As notebooks write it down: recency score, then the other.
TUTORIAL = {
    "[1-2][1-2]": "Hibernating",
    "[1-2][3-4]": "At Risk",
    "[1-2]5": "Cannot Lose Them",
    "3[1-2]": "About To Sleep",
    "33": "Need Attention",
    "[3-4][4-5]": "Loyal Customers",
    "41": "Promising",
    "51": "New Customers",
    "[4-5][2-3]": "Potential Loyalists",
    "5[4-5]": "Champions",
}
FEATURES = arrays.arrays(
    float,
    st.tuples(st.integers(1, 60), st.just(3)),
    elements=st.integers(-9, 9).map(float),
)


def name_of(recency: int, frequency: int, monetary: int) -> str:
    return GRID_NAMES[grid_cells(np.array([[recency, frequency, monetary]]))[0]]


def test_the_grid_is_the_one_of_tutorials_with_lost_in_the_lowest_cell():
    for recency in range(1, 6):
        for other in range(1, 6):
            (name,) = {name for p, name in TUTORIAL.items() if re.fullmatch(p, f"{recency}{other}")}
            expected = "Lost" if (recency, other) == (1, 1) else name
            assert name_of(recency, other, other) == expected == GRID[5 - recency][other - 1]


def test_its_names_are_the_fields_eleven():
    assert sorted(GRID_NAMES) == sorted(SEGMENTS)


def test_halves_round_up():
    assert name_of(5, 3, 4) == name_of(5, 4, 3) == name_of(5, 4, 4) == "Champions"
    assert name_of(5, 3, 3) == "Potential Loyalists"


def test_a_fifth_of_the_customers_has_each_score_and_the_most_recent_a_five():
    features = np.column_stack([np.arange(100.0)] * 3)
    scores = quintile_scores(features, quintile_edges(features))
    assert scores[0].tolist() == [5, 1, 1]
    assert scores[-1].tolist() == [1, 5, 5]
    for column in scores.T:
        assert np.bincount(column).tolist() == [0, 20, 20, 20, 20, 20]


def test_customers_who_are_all_the_same_share_the_score_of_the_lowest_of_them():
    bought = np.array([1.0] * 50 + [2.0] * 10 + [3.0] * 40)
    features = np.column_stack([bought] * 3)
    frequency = quintile_scores(features, quintile_edges(features))[:, 1]
    assert frequency.tolist() == [1] * 50 + [3] * 10 + [4] * 40


@given(FEATURES)
def test_scores_are_one_to_five_in_order_and_the_same_for_the_same(features):
    scores = quintile_scores(features, quintile_edges(features))
    assert scores.min() >= 1
    assert scores.max() <= 5
    for values, column, sign in zip(features.T, scores.T, (-1, 1, 1), strict=True):
        for one, other in zip(range(len(values) - 1), range(1, len(values)), strict=True):
            step, change = values[other] - values[one], sign * (column[other] - column[one])
            assert change == 0 if step == 0 else change * step >= 0


@given(FEATURES)
def test_logarithms_and_scaling_change_no_more_than_an_edge(features):
    plain = quintile_scores(features, quintile_edges(features))
    scaled = features * 2 + 1
    assert (quintile_scores(scaled, quintile_edges(scaled)) == plain).all()
