"""The assets on the sample: little history, named dates, gates, many customers, the command."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from customer_segments.errors import UserError
from customer_segments.evaluation.comparison import compare_labellings
from customer_segments.evaluation.labellings import (
    MOST_CUSTOMERS,
    NOISE,
    Labelling,
    all_labellings,
    evaluated,
)
from customer_segments.model.training import Pool
from customer_segments.policy.model import Algorithms
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import latest
from customer_segments.tables import ALGORITHM_COMPARISON, SEGMENT_BACKTEST
from customer_segments_tests.console import start
from customer_segments_tests.installations import execute, materialize

FEW_RESAMPLES = {"ops": {"algorithm_comparison": {"config": {"resamples": 2}}}}


def backtest_of(installed, **config) -> pd.DataFrame:
    materialize(installed, ["segment_backtest"], config={"segment_backtest": config})
    return Warehouse(installed.warehouse_path).load(SEGMENT_BACKTEST)


def test_with_too_little_history_the_backtest_is_empty(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    assert backtest_of(installed, min_months=19).empty
    assert not backtest_of(installed, min_months=18, n_clusters=[2]).empty


def test_a_date_that_is_not_followed_by_its_months_is_refused(sample_warehouse, copy_of):
    with pytest.raises(UserError, match="not followed by 6 complete months"):
        backtest_of(copy_of(sample_warehouse), as_of=["2024-11-01"])


@pytest.mark.slow  # evaluates twice
def test_the_same_data_gives_the_same_evaluation(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    digests = []
    for _ in range(2):
        execute(installed, "evaluate", run_config=FEW_RESAMPLES)
        with Warehouse(installed.warehouse_path).reading() as con:
            tables = (ALGORITHM_COMPARISON.table, SEGMENT_BACKTEST.table)
            digests.append([latest(con, table)[None].digest for table in tables])
    assert digests[0] == digests[1]


def judged(features: np.ndarray, fit, **gates) -> dict:
    labelling = Labelling("ours", "ours", "", fit)
    config = Algorithms(resamples=3, **gates)
    (row,) = compare_labellings(features, [labelling], config, month=date(2024, 1, 1))
    ALGORITHM_COMPARISON.arrow([row])
    return row


@pytest.fixture
def features() -> np.ndarray:
    """Two clouds far apart, a third of the customers in the second."""
    cloud = np.random.default_rng(0).normal(size=(300, 3))
    cloud[200:] += 20
    return cloud


def test_what_is_there_is_stable_and_passes(features):
    row = judged(features, lambda _at, _seed: lambda at: (at[:, 0] > 10).astype(int))
    assert row["passes"]
    assert (row["stability"], row["worst_jaccard"], row["n_clusters"]) == (1, 1, 2)
    assert row["smallest_share"] == pytest.approx(1 / 3)
    assert row["reason"].startswith("Passes every gate: ARI 1.000")


def test_numbers_of_clusters_do_not_matter_only_who_is_together(features):
    def fit(_at, seed):
        return lambda at: ((at[:, 0] > 10) ^ (seed % 2 == 0)).astype(int)

    assert judged(features, fit)["stability"] == 1


def test_chance_is_not_stable(features):
    def fit(_at, seed):
        return lambda at: np.random.default_rng(seed).integers(0, 2, len(at))

    row = judged(features, fit)
    assert abs(row["stability"]) < 0.05
    assert "is below min_stability 0.92" in row["reason"]
    assert not row["passes"]


def test_refits_see_a_resample(features):
    def fit(at, _seed):
        return lambda others: (others[:, 0] > at[:200, 0].mean()).astype(int)

    assert judged(features, fit)["stability"] < 0.98


@pytest.mark.parametrize(("label", "found"), [(0, "one cluster"), (NOISE, "no cluster")])
def test_one_cluster_or_none_is_no_segmentation(features, label, found):
    row = judged(features, lambda _at, _seed: lambda at: np.full(len(at), label))
    assert row["silhouette"] is None
    assert not row["passes"]
    assert row["reason"].startswith(f"Finds {found}: nothing to tell apart.")


def test_customers_in_no_cluster_are_counted_and_told(features):
    def fit(_at, _seed):
        return lambda at: np.where(at[:, 1] > 21, NOISE, (at[:, 0] > 10).astype(int))

    row = judged(features, fit)
    assert 0 < row["noise_share"] < 0.2
    assert row["worst_jaccard"] == 1
    assert row["reason"].endswith(f"{row['noise_share']:.1%} of the customers are in no cluster.")


def test_customers_lost_to_no_cluster_count_against_the_cluster_they_were_in(features):
    def fit(_at, seed):
        # The first fit has the seed of the config, 0; refits leave out half of the first cloud.
        return lambda at: np.where(
            at[:, 0] > 10, 1, np.where((at[:, 1] > 0) | (seed == 0), 0, NOISE)
        )

    row = judged(features, fit, seed=0)
    assert row["worst_jaccard"] == pytest.approx((features[:200, 1] > 0).mean())


def test_every_algorithm_finds_what_everybody_sees(features):
    found = {
        labelling.name: labelling.labels(features, 0) for labelling in all_labellings(features, [2])
    }
    assert len(found) == 7
    for name, labels in found.items():
        if name != "RFM grid":
            clusters = [set(part[part != NOISE]) for part in (labels[:200], labels[200:])]
            assert not clusters[0] & clusters[1], name


def test_of_many_customers_a_sample_is_taken_the_same_each_time():
    many = MOST_CUSTOMERS + 5_000
    of, now = np.arange(many), np.zeros(many, int)
    values = np.column_stack([of % 365 + 1, of % 7 + 1, of * 1.5])
    pool = Pool(values, of, now, date(2010, 1, 1), date(2011, 1, 1))
    features = evaluated(pool, 42)
    assert features.shape == (MOST_CUSTOMERS, 4)
    assert (features == evaluated(pool, 42)).all()


def test_the_command_prints_both_tables_in_80_columns(sample_warehouse, copy_of):
    installed = copy_of(sample_warehouse)
    installed.config.write_text(
        "[algorithms]\nresamples = 1\nn_clusters = [4]\n"
        "[backtest]\nas_of = ['2024-05-01']\nhorizons = [3]\n"
    )
    done = start(installed.warehouse_path.parent, "evaluate", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    for words in ("KMeans, 4 clusters", "RFM grid", "Quintile sum", "the plain sum of"):
        assert words in done.stdout
    found = Warehouse(installed.warehouse_path).load(SEGMENT_BACKTEST)
    assert set(found["as_of"].dt.date) == {date(2024, 5, 1)}
    assert set(found["horizon_months"]) == {3}
    assert "…" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
