"""Evidence for the number of clusters: measured figures, gates, bins and samples against exact."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

from benchmarks.million import customers as generated
from customer_segments.model.clustering import as_points, best_kmeans, fit_all, nearest
from customer_segments.model.features import Scaling, values_of
from customer_segments.model.gates import chosen_number, conclusion, recommend
from customer_segments.model.measures import silhouettes
from customer_segments.model.selection import (
    compare_n_clusters,
    null_silhouettes,
    smallest_share,
)
from customer_segments.model.training import Pool, training_pool
from customer_segments.months import shift
from customer_segments.policy.model import Selection
from customer_segments.storage.ledger import latest
from customer_segments.tables import MODEL_SELECTION
from customer_segments_tests.installations import materialize
from customer_segments_tests.model.versions import warehouse_of

NOVEMBER = date(2011, 11, 1)


@pytest.fixture(scope="module")
def stored(uci_warehouse) -> pd.DataFrame:
    return selection(uci_warehouse).set_index("n_clusters")


@pytest.fixture(scope="module")
def pool(uci_warehouse) -> Pool:
    return training_pool(warehouse_of(uci_warehouse).query, NOVEMBER)


def test_seven_are_the_most_that_pass_on_ucis_data(stored):
    assert list(stored.index) == list(range(2, 11))
    assert set(stored["training_month"].dt.date) == {NOVEMBER}
    assert set(stored["training_customers"]) == {5_824}
    assert stored.index[stored["is_recommended"]].tolist() == [7]
    assert 0.92 <= stored.loc[7, "stability"] == pytest.approx(0.945, abs=0.015)
    assert stored.loc[7, "worst_jaccard"] == pytest.approx(0.93, abs=0.03)
    assert stored.loc[4, "stability"] == pytest.approx(0.968, abs=0.015)
    # In 2010-11, the first month with a year behind it; 5 % is the gate.
    assert stored.loc[7, "smallest_share"] == pytest.approx(0.053, abs=0.002)
    assert stored.loc[8, "smallest_share"] == pytest.approx(0.049, abs=0.001)
    reason = stored.loc[7, "reason"]
    assert reason.startswith("7 segments: the most that stay the same under resampling (ARI 0.9")
    assert reason.endswith("none below 5.0% of the customers (smallest 5.3%).")


def test_what_has_a_segment_that_is_too_small_is_not_resampled(stored):
    assert stored.loc[8:, ["stability", "worst_jaccard", "cluster_jaccard"]].isna().all(axis=None)
    assert stored.loc[8, "reason"] == (
        "8 segments: the smallest has 4.9% of the customers, below min_share 5.0%."
    )


def test_figures_are_scikit_learns(pool):
    newest = pool.fitted.is_newest
    rows = compare_n_clusters(pool, resamples=0, seed=3)
    values = pool.fitted.values
    features = Scaling.learned(values, np.ones(len(values))).features(values)
    points = as_points(features, 20_000)
    for row in rows[::8]:
        fitted = best_kmeans(points, row["n_clusters"], seed=3)
        labels = fitted.predict(features)
        inertia = ((features - fitted.cluster_centers_[labels]) ** 2).sum()
        assert row["inertia"] == pytest.approx(inertia)
        at, labels = features[newest], labels[newest]
        assert row["silhouette"] == pytest.approx(silhouette_score(at, labels))
        assert row["davies_bouldin"] == pytest.approx(davies_bouldin_score(at, labels))
        assert row["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(at, labels))


def test_the_smallest_share_is_of_the_month_in_which_it_is_least():
    # A month ago one in ten is far away, now one in four.
    far, near = (300.0, 1.0, 1.0), (1.0, 9.0, 900.0)
    values = np.array([far, *[near] * 9, far, *[near] * 3])
    pool = Pool(values, np.arange(14), np.array([1] * 10 + [0] * 4), NOVEMBER, NOVEMBER)
    scaling = Scaling.learned(values, np.ones(14))
    centroids = scaling.features(np.array([near, far]))
    assert smallest_share(pool, scaling, centroids) == pytest.approx(0.1)


def test_clusters_are_in_the_models_order():
    centroids = fit_all(as_points(np.random.default_rng(3).normal(size=(400, 4))), [5], 1)[0]
    assert centroids[:, -1].tolist() == sorted(centroids[:, -1], reverse=True)


def test_clouds_beat_the_null_and_a_normal_cloud_is_the_null():
    random = np.random.default_rng(2)
    clouds = np.vstack([random.normal(at, 0.3, (300, 3)) for at in np.eye(3) * 4])
    (null,) = null_silhouettes(clouds, [3], seed=1)
    assert silhouettes(clouds, [np.repeat([0, 1, 2], 300)])[0] > null + 0.3
    covariance = [[1.0, 0.6, 0.0], [0.6, 1.0, 0.3], [0.0, 0.3, 1.0]]
    normal = random.multivariate_normal([5.0, 0.0, 0.0], covariance, size=1_500)
    labels = nearest(normal, fit_all(as_points(normal), [4], 1)[0])
    (null,) = null_silhouettes(normal, [4], seed=1)
    assert silhouettes(normal, [labels])[0] == pytest.approx(null, abs=0.02)


def row(n_clusters: int, **changes) -> dict:
    good = {"stability": 0.92, "worst_jaccard": 0.75, "smallest_share": 0.05, "resamples": 50}
    return good | {"n_clusters": n_clusters} | changes


def test_the_largest_that_passes_all_gates_is_recommended():
    rows = recommend(
        [
            row(2, stability=0.99),
            row(3),
            row(4, stability=0.919),
            row(5, worst_jaccard=0.749),
            row(6, smallest_share=0.049),
            row(7, stability=0.5, worst_jaccard=0.2, smallest_share=0.01),
        ],
        Selection(),
    )
    assert [r["passes"] for r in rows] == [True, True, False, False, False, False]
    assert [r["n_clusters"] for r in rows if r["is_recommended"]] == [3]
    reasons = [r["reason"] for r in rows]
    assert conclusion(rows) == reasons[1]
    assert reasons[0] == "2 segments: pass every gate, but so do 3."
    assert "ARI 0.919 under resampling is below min_stability 0.92" in reasons[2]
    assert "Jaccard 0.749 is below min_jaccard 0.75" in reasons[3]
    assert "smallest has 4.9% of the customers, below min_share 5.0%" in reasons[4]
    assert reasons[5].count(";") == 2


def test_gates_are_config():
    config = Selection(min_stability=0.5, min_jaccard=0.2, min_share=0.01)
    lenient = recommend([row(7, stability=0.5, worst_jaccard=0.2, smallest_share=0.01)], config)
    assert lenient[0]["is_recommended"]


def test_where_none_passes_none_is_recommended():
    rows = recommend([row(2, stability=0.4), row(3, stability=0.3)], Selection())
    assert not any(r["is_recommended"] or r["passes"] for r in rows)
    assert conclusion(rows).endswith("none passes every gate. auto takes 4.")
    assert chosen_number(rows) == 4


def test_without_resamples_there_is_no_recommendation(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    config = {"model_selection": {"resamples": 0}}
    result = materialize(installed, ["model_selection"], config=config)
    rows = selection(installed)
    assert rows[["stability", "cluster_jaccard", "worst_jaccard"]].isna().all(axis=None)
    assert not rows[["passes", "is_recommended"]].any(axis=None)
    (event,) = result.asset_materializations_for_node("model_selection")
    assert event.metadata["recommendation"].value == (
        "No number of segments is recommended: nothing was measured under resampling. auto takes 4."
    )
    assert "recommended" not in event.metadata


@pytest.mark.slow  # test_bootstrap draws the same by the same seed, test_model fits the same
def test_the_same_data_gives_the_same_rows_to_the_byte(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    before = digest(installed)
    materialize(installed, ["model_selection"])
    assert digest(installed) == before


def test_the_worst_jaccard_is_the_least_of_the_clusters(sample_warehouse):
    rows = selection(sample_warehouse).dropna(subset="stability")
    assert [len(jaccard) for jaccard in rows["cluster_jaccard"]] == rows["n_clusters"].tolist()
    worst = [min(jaccard) for jaccard in rows["cluster_jaccard"]]
    assert rows["worst_jaccard"].tolist() == worst


def test_customers_who_are_all_alike_are_not_split_further():
    values = np.array([(5, 9, 900.0), (50, 3, 30.0), (500, 1, 1.0)] * 40)
    pool = Pool(values, np.arange(120), np.zeros(120, int), shift(NOVEMBER, -12), NOVEMBER)
    assert [r["n_clusters"] for r in compare_n_clusters(pool, resamples=2, seed=1)] == [2]


def test_bins_and_samples_come_close_to_the_exact_result():
    values = values_of(generated(10_000))
    features = Scaling.learned(values, np.ones(10_000)).features(values)
    tried = [2, 4, 8]
    fits = {
        most_exact: fit_all(as_points(features, most_exact), tried, seed=42)
        for most_exact in (10_000, 9_999)
    }
    assert len(as_points(features, 9_999).at) < 6_000
    for exact, binned in zip(*fits.values(), strict=True):
        inertias = [
            ((features - centroids[nearest(features, centroids)]) ** 2).sum()
            for centroids in (exact, binned)
        ]
        assert inertias[1] == pytest.approx(inertias[0], rel=0.002)
    labellings = [nearest(features, centroids) for centroids in fits[10_000]]
    sampled = silhouettes(features, labellings, most_exact=4_000)
    # Four standard errors.
    assert sampled == pytest.approx(silhouettes(features, labellings), abs=4 * 0.25 / 4_000**0.5)
    assert sampled != silhouettes(features, labellings)


def selection(settings) -> pd.DataFrame:
    return warehouse_of(settings).load(MODEL_SELECTION)


def digest(settings) -> str:
    with warehouse_of(settings).reading() as con:
        return latest(con, "model_selection")[None].digest
