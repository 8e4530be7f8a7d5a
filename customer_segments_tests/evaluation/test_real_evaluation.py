"""The evaluation of UCI's customers: what passes, what foretells, and where KMeans loses."""

from datetime import date

import pandas as pd
import pytest

from customer_segments.evaluation.findings import findings, means
from customer_segments.settings import Settings
from customer_segments.storage import Contract, Warehouse
from customer_segments.tables import ALGORITHM_COMPARISON, REFIT_AGREEMENT, SEGMENT_BACKTEST
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


@pytest.mark.slow  # a figure of the documentation; gates have a table of their own
def test_no_other_algorithm_passes_every_gate(uci_warehouse, copies):
    # Resamples enough to tell who passes; 20 take half a minute.
    comparison = made(copies(uci_warehouse), ALGORITHM_COMPARISON, resamples=4)
    comparison = comparison.set_index("labelling")
    assert set(comparison.loc[comparison["passes"], "algorithm"]) == {"KMeans"}
    assert set(comparison["algorithm"]) == {
        *("KMeans", "Gaussian mixture", "Ward", "BIRCH", "HDBSCAN", "DBSCAN", "Quintiles")
    }
    assert set(comparison["training_customers"]) == {5_824}
    assert comparison.loc["RFM grid", "n_clusters"] == 11
    assert "cluster" in comparison.loc["HDBSCAN", "reason"]


def test_three_dates_each_with_two_horizons_are_looked_back_to(backtest):
    assert sorted(set(backtest["as_of"].dt.date)) == DATES
    assert set(backtest["horizon_months"]) == {3, 6}
    assert len(backtest) == len(DATES) * 2 * 6
    assert set(backtest["customers"]) == {4_239, 4_512, 4_908}


@pytest.mark.parametrize(
    ("labelling", "explained"),
    [
        ("KMeans, 7 clusters", 0.336),
        ("KMeans, 4 clusters", 0.316),
        ("log1p, 4 clusters", 0.291),
        ("RFM grid", 0.29),
        ("Quintile sum", 0.335),
        ("Gradient boosting", 0.357),
    ],
)
def test_variance_explained_at_six_months(backtest, labelling, explained):
    figures = means(backtest[backtest["horizon_months"] == 6]).set_index("labelling")
    assert figures.loc[labelling, "explained_variance"] == pytest.approx(explained, abs=0.008)


def test_the_findings_say_that_seven_segments_equal_the_plain_sum_and_do_not_beat_it(backtest):
    said = [sentence for sentence in findings(backtest) if "KMeans with 7" in sentence]
    at_six = next(sentence for sentence in said if sentence.startswith("Over 6 months KMeans"))
    assert "it equals the plain sum" in at_six
    assert "beats four clusters of log1p" in at_six


@pytest.mark.slow  # a figure of the documentation; test_champion has a month later
def test_a_refit_a_month_later_labels_alike(uci_warehouse, copies):
    agreement = made(copies(uci_warehouse), REFIT_AGREEMENT).set_index(
        ["labelling", "months_before"]
    )["adjusted_rand_index"]
    assert agreement["KMeans, 7 clusters", 1] == pytest.approx(0.947, abs=0.015)
    assert agreement["KMeans, 4 clusters", 1] == pytest.approx(0.970, abs=0.015)
    assert agreement["KMeans, 7 clusters", 6] == pytest.approx(0.72, abs=0.03)
    assert set(agreement.index.get_level_values("months_before")) == {1, 3, 6, 12}
