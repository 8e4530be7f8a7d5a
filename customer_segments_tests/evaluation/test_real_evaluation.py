"""The evaluation of the real workbook: what passes, what foretells, and where KMeans loses."""

from datetime import date

import pytest

from customer_segments.evaluation.findings import findings, means
from customer_segments.storage import Warehouse
from customer_segments.tables import ALGORITHM_COMPARISON, SEGMENT_BACKTEST
from customer_segments_tests.installations import execute, install

DATES = [date(2010, 12, 1), date(2011, 3, 1), date(2011, 6, 1)]
# Enough to tell who passes; 20 take half a minute.
RESAMPLES = {"ops": {"algorithm_comparison": {"config": {"resamples": 4}}}}


@pytest.fixture(scope="module")
def evaluated(real_warehouse, tmp_path_factory) -> Warehouse:
    settings = install(tmp_path_factory.mktemp("evaluated"), source_dir=real_warehouse.source_dir)
    settings.warehouse_path.write_bytes(real_warehouse.warehouse_path.read_bytes())
    settings.months_path.write_bytes(real_warehouse.months_path.read_bytes())
    execute(settings, "evaluate", run_config=RESAMPLES)
    return Warehouse(settings.warehouse_path)


@pytest.fixture(scope="module")
def backtest(evaluated):
    return evaluated.load(SEGMENT_BACKTEST)


def test_only_four_clusters_of_kmeans_pass_every_gate(evaluated):
    comparison = evaluated.load(ALGORITHM_COMPARISON).set_index("labelling")
    assert list(comparison.index[comparison["passes"]]) == ["KMeans, 4 clusters"]
    assert set(comparison["algorithm"]) == {
        *("KMeans", "Gaussian mixture", "Ward", "BIRCH", "HDBSCAN", "DBSCAN", "Quintiles")
    }
    assert set(comparison["training_customers"]) == {5_824}
    assert comparison.loc["RFM grid", "n_clusters"] == 11
    assert "no cluster" in comparison.loc["HDBSCAN", "reason"]
    assert comparison.loc["KMeans, 4 clusters", "silhouette"] == pytest.approx(0.367, abs=0.001)


def test_three_dates_each_with_two_horizons_are_looked_back_to(backtest):
    assert sorted(set(backtest["as_of"].dt.date)) == DATES
    assert set(backtest["horizon_months"]) == {3, 6}
    assert len(backtest) == len(DATES) * 2 * 10
    assert set(backtest["customers"]) == {4_239, 4_512, 4_908}


@pytest.mark.parametrize(
    ("labelling", "explained"),
    [
        ("KMeans, 4 clusters", 0.29),
        ("KMeans, 8 clusters", 0.32),
        ("RFM grid", 0.29),
        ("Quintile sum", 0.34),
        ("Gradient boosting", 0.36),
    ],
)
def test_variance_explained_at_six_months(backtest, labelling, explained):
    figures = means(backtest[backtest["horizon_months"] == 6]).set_index("labelling")
    assert figures.loc[labelling, "explained_variance"] == pytest.approx(explained, abs=0.005)


def test_the_findings_say_that_the_plain_sum_is_not_beaten(backtest):
    said = [sentence for sentence in findings(backtest) if "KMeans with" in sentence]
    assert len(said) == 6
    assert sum("it does not beat the plain sum" in sentence for sentence in said) == 3
    assert not any("it beats the plain sum" in sentence for sentence in said)
