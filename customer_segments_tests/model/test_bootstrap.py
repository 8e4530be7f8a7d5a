"""Resampling against scikit-learn's index, by hand, and on clouds whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from customer_segments.model.clustering import Points, bootstrap, nearest, weighted_points
from customer_segments.model.measures import adjusted_rand_index, contingency, jaccard_indices

CENTROIDS = np.array([(0.0, 0.0, 3.0), (4.0, 0.0, 0.0), (0.0, 4.0, -3.0)])


@pytest.fixture(scope="module")
def clouds() -> Points:
    """Three clouds that nobody could mistake."""
    random = np.random.default_rng(5)
    at = np.vstack([random.normal(centroid, 0.4, (60, 3)) for centroid in CENTROIDS])
    return weighted_points(at)


@pytest.fixture(scope="module")
def cloud() -> Points:
    """A single cloud: clusters of it are the sample's."""
    return weighted_points(np.random.default_rng(1).normal(size=(300, 3)))


def stability(points, centroids, resamples=5, seed=2):
    (found,) = bootstrap(points, [centroids], resamples=resamples, seed=seed)
    return found


def six_of(cloud: Points) -> np.ndarray:
    return KMeans(6, n_init=10, random_state=1).fit(cloud.at).cluster_centers_


def test_it_is_high_for_clouds_and_low_for_a_single_one(clouds, cloud):
    high, low = stability(clouds, CENTROIDS), stability(cloud, six_of(cloud))
    assert high.adjusted_rand_index == 1
    assert high.cluster_jaccard == (1, 1, 1)
    assert low.adjusted_rand_index < 0.8
    assert len(low.cluster_jaccard) == 6
    assert min(low.cluster_jaccard) < 0.75


def test_resamples_differ_from_one_another_and_the_same_seed_draws_the_same(cloud):
    six = six_of(cloud)
    one, two = (stability(cloud, six, resamples=number) for number in (1, 2))
    assert one != two
    assert two == stability(cloud, six, resamples=2)
    assert two != stability(cloud, six, resamples=2, seed=3)


def test_a_cluster_that_splits_two_clouds_is_the_one_that_is_not_stable(clouds):
    # Two clouds as they are, the third cut in halves: a resample cuts it elsewhere, or another.
    halves = CENTROIDS[2] + np.array([(0.2, 0, 0), (-0.2, 0, 0)])
    jaccard = stability(clouds, np.vstack([CENTROIDS[:2], halves]), 20).cluster_jaccard
    assert max(jaccard[2:]) < 0.75 < min(jaccard[:2])


def test_clusterings_share_resamples(clouds, cloud):
    together = bootstrap(cloud, [six_of(cloud), cloud.at[:2]], resamples=3, seed=4)
    assert together[0] == stability(cloud, six_of(cloud), resamples=3, seed=4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_the_index_is_scikit_learns(pairs):
    labels, others = map(np.array, zip(*pairs, strict=True))
    shared = contingency(labels, others, np.ones(len(pairs)), 4)
    assert adjusted_rand_index(shared) == pytest.approx(adjusted_rand_score(labels, others))
    # Weights are customers: one of three is three of one.
    tripled = contingency(labels, others, np.full(len(pairs), 3.0), 4)
    repeated = adjusted_rand_score(np.repeat(labels, 3), np.repeat(others, 3))
    assert adjusted_rand_index(tripled) == pytest.approx(repeated)


def test_the_best_jaccard_by_hand():
    # Cluster 0 has 8 customers, of whom 6 are found again in one of 7; cluster 2 has none.
    shared = np.array([[6.0, 2.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert jaccard_indices(shared).max(axis=1) == pytest.approx([6 / 9, 1 / 4, 0])


def test_bins_hold_all_customers_and_their_mean(cloud):
    points = weighted_points(cloud.at, most_exact=10)
    assert len(points.at) < len(cloud.at)
    assert points.customers.sum() == len(cloud.at)
    mean = np.average(points.at, axis=0, weights=points.customers)
    assert mean == pytest.approx(cloud.at.mean(axis=0))
    # No customer is farther from the mean of its bin than a bin is wide, along any axis.
    distances = np.abs(cloud.at[:, None] - points.at).max(axis=2).min(axis=1)
    assert distances.max() <= 0.1


def test_the_lower_number_wins_a_tie():
    assert nearest(np.zeros((1, 1)), np.array([[2.0], [1.0], [-1.0]])).tolist() == [1]
