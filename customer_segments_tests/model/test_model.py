"""Fit, versions, names and the champion; scoring in the database equals scikit-learn's."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score

from customer_segments.errors import UserError
from customer_segments.model.clustering import best_kmeans, standardized
from customer_segments.model.features import training_customers
from customer_segments.model.fit import fit_version
from customer_segments.model.measures import silhouettes
from customer_segments.model.names import SEGMENTS, name_clusters
from customer_segments.months import is_complete
from customer_segments.storage import Warehouse
from customer_segments.tables import CUSTOMER_SEGMENTS, KMEANS_MODEL
from customer_segments_tests.installations import execute

TRAINING = date(2011, 11, 1)


@pytest.fixture(scope="module")
def customers(uci_warehouse):
    warehouse = Warehouse(uci_warehouse.warehouse_path)
    return training_customers(warehouse.query, TRAINING)


def test_the_newest_complete_month_is_trained_on(uci_warehouse):
    model = Warehouse(uci_warehouse.warehouse_path).load(KMEANS_MODEL)
    assert set(model["training_month"].dt.date) == {TRAINING}


def test_scoring_in_the_database_gives_scikit_learns_labels(uci_warehouse, customers):
    labelled = CUSTOMER_SEGMENTS.relation.filter(
        CUSTOMER_SEGMENTS.relation.snapshot_month == TRAINING
    ).order_by("customer_id")
    in_database = Warehouse(uci_warehouse.warehouse_path).query(labelled)
    assert list(in_database["customer_id"]) == list(customers["customer_id"])
    features, _, _ = standardized(customers)
    fitted = best_kmeans(features, n_clusters=4, seed=42)
    pairs = set(zip(fitted.predict(features), in_database["cluster"], strict=True))
    # One cluster of ours for each of scikit-learn's, and the other way round: no customer differs.
    assert len(pairs) == 4
    assert len({ours for _, ours in pairs}) == len({theirs for theirs, _ in pairs}) == 4


def test_a_second_fit_and_one_on_shuffled_rows_give_the_same_version(uci_warehouse, customers):
    stored = Warehouse(uci_warehouse.warehouse_path).load(KMEANS_MODEL)["version"].iloc[0]
    shuffled = customers.sample(frac=1, random_state=3)
    for rows in (customers, shuffled):
        (version,) = {
            row["version"] for row in fit_version(rows, n_clusters=4, seed=42, month=TRAINING)
        }
        assert version == stored


def test_silhouettes_are_scikit_learns(customers):
    features, _, _ = standardized(customers.head(2_500))
    labellings = [best_kmeans(features, k, seed=1).labels_ for k in (2, 4, 7)]
    expected = [silhouette_score(features, labels) for labels in labellings]
    assert silhouettes(features, labellings) == pytest.approx(expected, abs=1e-9)


def test_measured_silhouette_of_december_2011(uci_warehouse):
    warehouse = Warehouse(uci_warehouse.warehouse_path)
    snapshot = training_customers(warehouse.query, date(2011, 12, 1))
    rows = fit_version(snapshot, n_clusters=4, seed=42, month=date(2011, 12, 1))
    assert rows[0]["silhouette"] == pytest.approx(0.3622, abs=0.0005)
    assert len(snapshot) == 5_852


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
        execute(
            installed,
            "refit",
            run_config={"ops": {"champion_model": {"config": {"version": "nope"}}}},
        )
    with pytest.raises(UserError, match="takes 500 and 12"):
        execute(
            installed,
            "refit",
            run_config={"ops": {"kmeans_model": {"config": {"training_month": "2023-03"}}}},
        )
