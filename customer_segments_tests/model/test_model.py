"""Fit, versions, names and the champion; scoring in the database equals scikit-learn's."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from customer_segments.errors import UserError
from customer_segments.model.clustering import as_points, best_kmeans
from customer_segments.model.comparison import centroids_of
from customer_segments.model.features import FEATURES, Scaling
from customer_segments.model.fit import fit_version
from customer_segments.model.measures import silhouettes
from customer_segments.model.names import SEGMENTS, name_clusters
from customer_segments.model.training import Pool, training_pool
from customer_segments.months import is_complete, shift
from customer_segments.storage import Warehouse
from customer_segments.tables import CUSTOMER_SEGMENTS, KMEANS_MODEL, MODEL_SELECTION
from customer_segments_tests.installations import materialize

TRAINING = date(2011, 11, 1)


# The recipe's constants as they were found by experiment, with k = 7.
LOW, HIGH = [0.04349, 0.69315, 0.65878], [1.98023, 3.2581, 5.07658]
MEAN, SCALE = [0.89411, 1.44313, 2.51535], [0.57811, 0.72042, 1.11774]
SEVEN = {
    "Champions": (596, (-1.168, 2.105, 1.891)),
    "Loyal Customers": (903, (-0.849, 1.099, 1.068)),
    "Need Attention": (1_020, (-0.612, 0.311, 0.344)),
    "At Risk": (684, (0.626, 0.060, 0.228)),
    "Promising": (724, (-0.712, -0.687, -0.656)),
    "Hibernating": (789, (0.636, -0.742, -0.681)),
    "Lost": (1_108, (1.368, -0.992, -1.129)),
}


@pytest.fixture(scope="module")
def pool(uci_warehouse) -> Pool:
    return training_pool(Warehouse(uci_warehouse.warehouse_path).query, TRAINING)


@pytest.fixture(scope="module")
def model(uci_warehouse) -> pd.DataFrame:
    return Warehouse(uci_warehouse.warehouse_path).load(KMEANS_MODEL)


def test_the_newest_complete_month_is_trained_on(model):
    assert set(model["training_month"].dt.date) == {TRAINING}


def test_the_pool_is_a_year_and_sizes_are_judged_with_a_year_behind(pool):
    assert len(pool.fitted.values) == 59_836
    assert set(pool.fitted.month) == set(range(12))
    assert set(pool.sized.month) == set(range(13))
    assert pool.is_newest.sum() == 5_824
    assert pool.customer.max() + 1 == len(np.unique(pool.customer)) == 5_824


@pytest.mark.parametrize(
    ("months", "fitted", "sized"), [(3, 1, 1), (7, 2, 1), (13, 8, 2), (40, 12, 13)]
)
def test_snapshots_with_too_little_behind_them_are_not_in_the_pool(months, fitted, sized):
    values, back = np.ones((13, 3)), np.arange(13)
    pool = Pool(values, np.zeros(13, int), back, shift(TRAINING, 1 - months), TRAINING)
    assert (len(pool.fitted.values), len(pool.sized.values)) == (fitted, sized)


def test_seven_segments_are_those_of_the_experiment(model):
    model = model.set_index("segment")
    assert list(model.index) == list(SEVEN)
    for by, expected in (("low", LOW), ("high", HIGH), ("mean", MEAN), ("scale", SCALE)):
        found = model[[f"{name}_{by}" for name in FEATURES]].drop_duplicates()
        assert found.to_numpy()[0] == pytest.approx(expected, abs=0.0001)
    assert model["inertia"].iloc[0] == pytest.approx(50_256.5, abs=1)
    for segment, (customers, centroid) in SEVEN.items():
        row = model.loc[segment]
        assert row["customers"] == pytest.approx(customers, rel=0.03)
        at = row[[f"{name}_centroid" for name in FEATURES]].tolist()
        assert at == pytest.approx(centroid, abs=0.03)


def test_scoring_in_the_database_gives_scikit_learns_labels(uci_warehouse, pool, model):
    labels = CUSTOMER_SEGMENTS.relation
    labelled = labels.filter(labels.snapshot_month == TRAINING).order_by("customer_id")
    in_database = Warehouse(uci_warehouse.warehouse_path).query(labelled)
    centroids = centroids_of(model)
    kmeans = KMeans(len(centroids), init=centroids, n_init=1, max_iter=1).fit(centroids)
    features = Scaling.of(model).features(pool.values[pool.is_newest])
    assert in_database["cluster"].tolist() == kmeans.predict(features).tolist()


def test_four_segments_are_a_setting_away(pool):
    rows = fit_version(pool, n_clusters=4, seed=42)
    found = {row["segment"]: row["customers"] for row in rows}
    assert found == pytest.approx(
        {
            "Champions": 1_068,
            "Loyal Customers": 1_514,
            "About To Sleep": 1_573,
            "Hibernating": 1_669,
        },
        rel=0.03,
    )


def test_a_second_fit_and_one_on_shuffled_rows_give_the_same_version(pool, model):
    order = np.random.default_rng(3).permutation(len(pool.values))
    rows = {"values": pool.values[order], "customer": pool.customer[order]}
    shuffled = pool._replace(**rows, month=pool.month[order])
    for again in (pool, shuffled):
        row = fit_version(again, n_clusters=7, seed=42)[0]
        centroid = model["monetary_centroid"].iloc[0]
        assert row["monetary_centroid"] == pytest.approx(centroid, abs=1e-6)
    assert fit_version(pool, n_clusters=7, seed=42)[0]["version"] == model["version"].iloc[0]


def test_without_a_number_the_evidence_must_be_of_the_month(uci_warehouse, copy_of):
    installed = copy_of(uci_warehouse)
    with pytest.raises(UserError, match="is of 2011-11, not of 2011-06"):
        materialize(
            installed, ["kmeans_model"], config={"kmeans_model": {"training_month": "2011-06"}}
        )


def test_silhouettes_are_scikit_learns(pool, model):
    features = Scaling.of(model).features(pool.values[:2_500])
    points = as_points(features)
    labellings = [best_kmeans(points, k, seed=1).labels_ for k in (2, 4, 7)]
    expected = [silhouette_score(features, labels) for labels in labellings]
    assert silhouettes(features, labellings) == pytest.approx(expected, abs=1e-9)


def test_customers_who_are_alike_in_a_feature_are_told_apart_by_the_others():
    random = np.random.default_rng(4)
    values = np.column_stack([random.integers(1, 300, 200), np.ones(200), np.zeros(200)])
    scaling = Scaling.learned(values, np.ones(200))
    features = scaling.features(values)
    assert np.isfinite(features).all()
    assert features[:, 1:3] == pytest.approx(0, abs=1e-9)
    assert features[:, 0].std() == pytest.approx(1)


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=2, max_size=30))
@settings(deadline=None)
def test_names_are_unique_for_any_number_of_clusters(positions):
    names = name_clusters(np.array(positions))
    assert len(set(names)) == len(positions)


def test_a_cluster_at_the_point_of_a_name_gets_it():
    points = np.array([point for point, _ in SEGMENTS.values()])
    assert name_clusters(points) == list(SEGMENTS)


@pytest.mark.parametrize(
    ("last_sale", "today", "complete"),
    [
        (date(2011, 12, 9), date(2026, 1, 1), False),
        (date(2011, 12, 23), date(2026, 1, 1), False),
        (date(2011, 12, 28), date(2026, 1, 1), True),
        (date(2012, 1, 2), date(2026, 1, 1), True),
        (date(2011, 12, 30), date(2011, 12, 31), False),
    ],
)
def test_a_complete_month(last_sale, today, complete):
    assert is_complete(date(2011, 12, 1), last_sale, today) is complete


def test_an_unknown_version_and_too_little_history_are_clear_errors(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    with pytest.raises(UserError, match="no model version 'nope'"):
        materialize(installed, ["champion_model"], config={"champion_model": {"version": "nope"}})
    evidence = Warehouse(installed.warehouse_path).load(MODEL_SELECTION)
    for month, said in (("2023-03", "takes 500 and 12"), ("2023-13", "has no snapshot")):
        config = {"kmeans_model": {"training_month": month}}
        with pytest.raises(UserError, match=said):
            materialize(installed, ["model_selection", "kmeans_model"], config=config)
    # A fit that is refused leaves that of the champion.
    pd.testing.assert_frame_equal(
        Warehouse(installed.warehouse_path).load(MODEL_SELECTION), evidence
    )
