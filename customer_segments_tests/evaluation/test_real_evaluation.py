"""The evaluation of UCI's customers: what passes, what foretells, and where KMeans loses."""

from datetime import date

import pandas as pd
import pytest

from customer_segments.evaluation.findings import findings, means
from customer_segments.settings import Settings
from customer_segments.storage import Contract, Warehouse
from customer_segments.tables import ALGORITHM_COMPARISON, SEGMENT_BACKTEST
from customer_segments_tests.installations import install, materialize

DATES = [date(2010, 12, 1), date(2011, 3, 1), date(2011, 6, 1)]


@pytest.fixture(scope="module")
def backtest(real_warehouse, copies) -> pd.DataFrame:
    return made(copies(real_warehouse), SEGMENT_BACKTEST)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    def copy(original: Settings) -> Settings:
        settings = install(tmp_path_factory.mktemp("evaluated"), source_dir=original.source_dir)
        settings.warehouse_path.write_bytes(original.warehouse_path.read_bytes())
        settings.months_path.write_bytes(original.months_path.read_bytes())
        return settings

    return copy


def made(settings: Settings, contract: Contract, **config) -> pd.DataFrame:
    materialize(settings, [contract.table], config={contract.table: config})
    return Warehouse(settings.warehouse_path).load(contract)


def test_only_four_clusters_of_kmeans_pass_every_gate(uci_warehouse, copies):
    # Resamples enough to tell who passes; 20 take half a minute.
    comparison = made(copies(uci_warehouse), ALGORITHM_COMPARISON, resamples=4)
    comparison = comparison.set_index("labelling")
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
