"""Evidence for the number of clusters: measured figures, gates, bins and samples against exact."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

from benchmarks.million import customers as generated
from customer_segments.model.clustering import (
    best_kmeans,
    fit_all,
    nearest,
    standardized,
    weighted_points,
)
from customer_segments.model.features import training_customers
from customer_segments.model.gates import conclusion, recommend
from customer_segments.model.measures import silhouettes
from customer_segments.model.selection import compare_n_clusters, null_silhouettes
from customer_segments.policy.model import Selection
from customer_segments.storage.ledger import latest
from customer_segments.tables import MODEL_SELECTION
from customer_segments_tests.installations import materialize
from customer_segments_tests.model.versions import warehouse_of

DECEMBER = date(2011, 12, 1)


@pytest.fixture(scope="module")
def december(uci_warehouse) -> pd.DataFrame:
    return training_customers(warehouse_of(uci_warehouse).query, DECEMBER)


def figures(rows: list[dict], *names: str) -> dict[int, tuple]:
    return {row["n_clusters"]: tuple(row[name] for name in names) for row in rows}


def test_measured_figures_of_december_2011(december):
    assert len(december) == 5_852
    rows = compare_n_clusters(december, resamples=50, seed=42, month=DECEMBER)
    found = figures(rows, "silhouette", "stability", "worst_jaccard")
    assert found[4] == pytest.approx((0.36, 0.94, 0.93), abs=0.02)
    assert found[5] == pytest.approx((0.34, 0.90, 0.89), abs=0.03)
    assert found[8][1] == pytest.approx(0.61, abs=0.07)
    assert found[8][2] < 0.5
    recommended = [row for row in recommend(rows, Selection()) if row["is_recommended"]]
    assert [row["n_clusters"] for row in recommended] == [4]


def test_december_2011_may_be_asked_for_and_speaks_for_four(uci_warehouse, copy_of):
    installed = copy_of(uci_warehouse)
    stored = selection(installed)
    assert set(stored["training_month"].dt.date) == {date(2011, 11, 1)}
    assert stored["training_customers"].unique().tolist() == [5_824]
    november = stored.set_index("n_clusters")
    assert november.loc[4, ["silhouette", "stability"]].tolist() == pytest.approx(
        [0.367, 0.960], abs=0.01
    )
    assert november.index[november["is_recommended"]].tolist() == [4]

    result = materialize(
        installed, ["model_selection"], config={"model_selection": {"training_month": "2011-12"}}
    )
    rows = selection(installed).set_index("n_clusters")
    columns = ["silhouette", "null_silhouette", "stability", "worst_jaccard"]
    assert rows.loc[4, columns].tolist() == pytest.approx([0.362, 0.298, 0.95, 0.94], abs=0.02)
    assert rows.index[rows["is_recommended"]].tolist() == [4]
    reason = rows.loc[4, "reason"]
    assert reason.startswith("4 segments: the most that stay the same under resampling (ARI 0.9")
    assert reason.endswith("none below 5.0% of the customers (smallest 20.5%).")
    (event,) = result.asset_materializations_for_node("model_selection")
    assert event.metadata["recommended"].value == 4
    assert event.metadata["recommendation"].value == reason
    shown = {record.data["n_clusters"]: record.data for record in event.metadata["figures"].records}
    assert shown[4]["silhouette"] == pytest.approx(0.362, abs=0.0005)
    assert [k for k, data in shown.items() if data["is_recommended"]] == [4]


def test_figures_are_scikit_learns(december):
    some = december.head(1_500)
    rows = compare_n_clusters(some, resamples=0, seed=3, month=DECEMBER)
    assert [row["n_clusters"] for row in rows] == list(range(2, 11))
    features, _, _ = standardized(some)
    for row in rows[::4]:
        fitted = best_kmeans(features, row["n_clusters"], seed=3)
        labels = fitted.labels_
        assert row["inertia"] == pytest.approx(fitted.inertia_)
        assert row["silhouette"] == pytest.approx(silhouette_score(features, labels))
        assert row["davies_bouldin"] == pytest.approx(davies_bouldin_score(features, labels))
        assert row["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(features, labels))
        assert row["smallest_share"] == pytest.approx(np.bincount(labels).min() / 1_500)


def test_clusters_are_in_the_models_order():
    centroids = fit_all(weighted_points(np.random.default_rng(3).normal(size=(400, 3))), [5], 1)[0]
    assert centroids[:, 2].tolist() == sorted(centroids[:, 2], reverse=True)


def test_clouds_beat_the_null_and_a_normal_cloud_is_the_null():
    random = np.random.default_rng(2)
    clouds = np.vstack([random.normal(at, 0.3, (300, 3)) for at in np.eye(3) * 4])
    (null,) = null_silhouettes(clouds, [3], seed=1)
    assert silhouettes(clouds, [np.repeat([0, 1, 2], 300)])[0] > null + 0.3
    covariance = [[1.0, 0.6, 0.0], [0.6, 1.0, 0.3], [0.0, 0.3, 1.0]]
    normal = random.multivariate_normal([5.0, 0.0, 0.0], covariance, size=1_500)
    labels = nearest(normal, fit_all(weighted_points(normal), [4], 1)[0])
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
    assert conclusion(rows) == "No number of segments is recommended: none passes every gate."


def test_without_resamples_there_is_no_recommendation(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    config = {"model_selection": {"resamples": 0}}
    result = materialize(installed, ["model_selection"], config=config)
    rows = selection(installed)
    assert rows[["stability", "cluster_jaccard", "worst_jaccard"]].isna().all(axis=None)
    assert not rows[["passes", "is_recommended"]].any(axis=None)
    (event,) = result.asset_materializations_for_node("model_selection")
    assert event.metadata["recommendation"].value == (
        "No number of segments is recommended: nothing was measured under resampling."
    )
    assert "recommended" not in event.metadata


def test_the_same_data_gives_the_same_rows_to_the_byte(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    before = digest(installed)
    materialize(installed, ["model_selection"])
    assert digest(installed) == before
    rows = selection(installed)
    assert [len(jaccard) for jaccard in rows["cluster_jaccard"]] == rows["n_clusters"].tolist()
    worst = [min(jaccard) for jaccard in rows["cluster_jaccard"]]
    assert rows["worst_jaccard"].tolist() == worst


def test_customers_who_are_all_alike_are_not_split_further():
    alike = pd.DataFrame(
        {
            "customer_id": [f"{number:03d}" for number in range(120)],
            "recency_days": [5, 50, 500] * 40,
            "frequency": [9, 3, 1] * 40,
            "monetary": [900.0, 30.0, 1.0] * 40,
        }
    )
    rows = compare_n_clusters(alike, resamples=2, seed=1, month=DECEMBER)
    assert [r["n_clusters"] for r in rows] == [2]


def test_bins_and_samples_come_close_to_the_exact_result():
    features, _, _ = standardized(generated(10_000))
    tried = [2, 4, 8]
    fits = {
        most_exact: fit_all(weighted_points(features, most_exact), tried, seed=42)
        for most_exact in (10_000, 9_999)
    }
    assert len(weighted_points(features, 9_999).at) < 6_000
    for exact, binned in zip(*fits.values(), strict=True):
        inertias = [
            ((features - centroids[nearest(features, centroids)]) ** 2).sum()
            for centroids in (exact, binned)
        ]
        assert inertias[1] == pytest.approx(inertias[0], rel=0.001)
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
