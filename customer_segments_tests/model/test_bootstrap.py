"""Resampling against scikit-learn's index, by hand, and on clouds whose answer is known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from customer_segments.model.clustering import (
    BIN_WIDTH,
    as_points,
    best_kmeans,
    bootstrap,
    nearest,
)
from customer_segments.model.features import Scaling
from customer_segments.model.measures import jaccard_indices
from customer_segments.model.training import Pool
from customer_segments.months import shift

# Of recency, frequency and monetary: champions, those who left, and those who are new.
KINDS = np.array([(5.0, 40.0, 9_000.0), (300.0, 9.0, 900.0), (9.0, 1.0, 20.0)])
FIRST, MONTH = date(2023, 1, 15), date(2024, 6, 1)


def pool_of(values: np.ndarray, months: int = 1) -> Pool:
    """Customers who are the same in each of the months up to ``MONTH``."""
    columns = dict(zip(("recency_days", "frequency", "monetary"), values.T, strict=True))
    snapshot = pd.DataFrame(
        columns | {"customer_id": np.arange(len(values)), "first_purchase_date": FIRST}
    )
    of_months = [pd.Timestamp(shift(MONTH, -back)) for back in range(months)]
    return Pool.of(pd.concat([snapshot.assign(snapshot_month=m) for m in of_months]), MONTH)


@pytest.fixture(scope="module")
def clouds() -> Pool:
    """Three clouds that nobody could mistake."""
    random = np.random.default_rng(5)
    return pool_of(np.vstack([kind * random.lognormal(0, 0.15, (60, 3)) for kind in KINDS]))


@pytest.fixture(scope="module")
def cloud() -> Pool:
    """A single cloud: clusters of it are the sample's."""
    return pool_of(np.random.default_rng(1).lognormal((3, 1, 5), 0.5, size=(300, 3)))


def stability(pool, n_clusters, resamples=5, seed=2):
    scaling = Scaling.learned(pool.values, np.ones(len(pool.values)))
    points = as_points(scaling.features(pool.values))
    centroids = best_kmeans(points, n_clusters, 1).cluster_centers_
    (found,) = bootstrap(pool, scaling, [centroids], resamples=resamples, seed=seed)
    return found


def test_it_is_high_for_clouds_and_low_for_a_single_one(clouds, cloud):
    high, low = stability(clouds, 3), stability(cloud, 6)
    assert high["stability"] == 1
    assert high["cluster_jaccard"] == [1, 1, 1]
    assert low["stability"] < 0.8
    assert len(low["cluster_jaccard"]) == 6
    assert low["worst_jaccard"] < 0.75


def test_resamples_differ_from_one_another_and_the_same_seed_draws_the_same(cloud):
    one, two = (stability(cloud, 6, resamples=number) for number in (1, 2))
    assert one != two
    assert two == stability(cloud, 6, resamples=2)
    assert two != stability(cloud, 6, resamples=2, seed=3)


def test_a_cloud_of_its_own_is_stable_beside_others_that_are_not(cloud):
    apart = np.tile((2_000.0, 1.0, 1.0), (60, 1))
    jaccard = sorted(stability(pool_of(np.vstack([cloud.values, apart])), 6)["cluster_jaccard"])
    assert jaccard[0] < 0.75
    assert jaccard[-1] > 0.95


def test_customers_are_drawn_and_not_their_snapshots(cloud):
    # Twelve snapshots of each are no more customers: drawn by rows, refits would hardly differ.
    once, twelve_times = stability(cloud, 6), stability(pool_of(cloud.values, 12), 6)
    assert twelve_times["stability"] == pytest.approx(once["stability"], abs=0.1)


def test_clusterings_share_resamples(cloud):
    scaling = Scaling.learned(cloud.values, np.ones(len(cloud.values)))
    features = scaling.features(cloud.values)
    together = bootstrap(cloud, scaling, [features[:6], features[:2]], resamples=3, seed=4)
    (alone,) = bootstrap(cloud, scaling, [features[:6]], resamples=3, seed=4)
    assert together[0] == alone


def test_the_best_jaccard_by_hand():
    # Cluster 0 has 8 customers, of whom 6 are found again in one of 7; cluster 2 has none.
    shared = np.array([[6.0, 2.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert jaccard_indices(shared).max(axis=1) == pytest.approx([6 / 9, 1 / 4, 0])


def test_bins_hold_all_rows_and_their_mean(cloud):
    at = Scaling.learned(cloud.values, np.ones(300)).features(cloud.values)
    points = as_points(at, most_exact=10)
    assert len(points.at) < len(at)
    assert points.weights.sum() == len(at)
    assert np.average(points.at, axis=0, weights=points.weights) == pytest.approx(at.mean(axis=0))
    # No row is farther from the mean of its bin than a bin is wide, along any feature.
    distances = np.abs(at[:, None, :3] - points.at[:, :3]).max(axis=2).min(axis=1)
    assert distances.max() <= BIN_WIDTH


def test_the_lower_number_wins_a_tie():
    assert nearest(np.zeros((1, 1)), np.array([[2.0], [1.0], [-1.0]])).tolist() == [1]
