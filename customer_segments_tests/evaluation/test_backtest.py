"""How predictions are judged, on outcomes whose answer is known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments.evaluation.backtest import (
    backtest_at,
    grouped,
    judge,
    predictors,
    split,
    top_revenue,
)
from customer_segments.evaluation.findings import findings
from customer_segments.evaluation.ways import BEFORE, BOUND, GRID, QUINTILE_SUM
from customer_segments.model.training import Pool
from customer_segments.months import shift
from customer_segments.tables import SEGMENT_BACKTEST

CUSTOMERS = 1_000
AS_OF = date(2011, 6, 1)
LAST = shift(AS_OF, -1)


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Customers of one snapshot, recency, frequency and money of each drawn by itself."""
    values = np.random.default_rng(1).lognormal(3, 1, size=(CUSTOMERS, 3))
    of, now = np.arange(CUSTOMERS), np.zeros(CUSTOMERS, int)
    return Pool(values, of, now, shift(LAST, -12), LAST)


def did(revenue: np.ndarray, is_back: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"revenue": revenue, "is_back": is_back})


def figures_of(pool: Pool, learn, outcome: pd.DataFrame) -> dict:
    halves = split(pool, 0)
    return judge(grouped(learn, pool.values, halves), outcome, halves)


def by_recency(half: Pool):
    middle = np.median(half.values[:, 0])
    return lambda values: (values[:, 0] > middle).astype(int)


def is_high(pool: Pool, index: int) -> np.ndarray:
    return pool.values[:, index] > np.median(pool.values[:, index])


def test_halves_are_all_customers_with_all_of_their_snapshots(pool):
    values, customer = np.vstack([pool.values] * 2), np.concatenate([pool.customer] * 2)
    twice = pool._replace(values=values, customer=customer, month=np.repeat([1, 0], CUSTOMERS))
    one, other = split(twice, 0)
    assert sorted([*one.train, *other.train]) == list(range(CUSTOMERS))
    assert one.train.tolist() == other.test.tolist()
    assert len(one.known.values) == 2 * len(one.train) == CUSTOMERS
    assert one.known.values[one.known.is_newest].tolist() == pool.values[one.train].tolist()


def test_groups_that_know_everything_explain_everything(pool):
    spent = np.where(is_high(pool, 0), 99.0, 0.0)
    figures = figures_of(pool, by_recency, did(spent, spent > 0))
    # Almost: each half has a middle of its own.
    assert figures["explained_variance"] > 0.8
    assert figures["repurchase_auc"] > 0.9
    # A tenth of the customers are a fifth of the half that spends, all of them the same.
    assert figures["top_tenth_share"] == pytest.approx(0.2, abs=0.02)


def test_groups_that_know_nothing_explain_nothing(pool):
    spent = np.where(is_high(pool, 1), 99.0, 0.0)
    figures = figures_of(pool, by_recency, did(spent, spent > 0))
    # Not above: what a group is worth is learned from others than those it is judged on.
    assert -0.02 < figures["explained_variance"] < 0.005
    assert figures["repurchase_auc"] == pytest.approx(0.5, abs=0.05)
    assert figures["top_tenth_share"] == pytest.approx(0.1, abs=0.02)


def test_a_group_for_each_customer_learns_nothing_by_heart(pool):
    spent = np.log(pool.values[:, 0]) ** 4
    each = figures_of(pool, lambda _: lambda at: np.arange(len(at)), did(spent, spent > 1))
    assert each["explained_variance"] < 0.005


def test_the_sum_and_the_bound_see_what_is_in_the_values(pool):
    spent = pool.values[:, 2] / pool.values[:, 0]
    outcome, halves = did(spent, spent > 1), split(pool, 0)
    figures = {
        name: judge(predict, outcome, halves)
        for name, _, predict in predictors(pool, halves, [4], 0)
    }
    assert figures[BOUND]["explained_variance"] > figures[QUINTILE_SUM]["explained_variance"] > 0.4
    assert figures["KMeans, 4 clusters"]["explained_variance"] > 0.3
    assert figures[BOUND]["repurchase_auc"] > 0.9


@pytest.mark.parametrize("spent", [0.0, 5.0], ids=["nobody came back", "all did"])
def test_where_there_is_nothing_to_tell_apart_figures_are_null(pool, spent):
    outcome = did(np.full(CUSTOMERS, spent), np.full(CUSTOMERS, spent > 0))
    rows = backtest_at(pool, {3: outcome}, [4], as_of=AS_OF, seed=0)
    for row in rows:
        assert row["explained_variance"] is None
        assert row["repurchase_auc"] is None
        # A tenth of customers who are all the same.
        assert row["top_tenth_share"] == (pytest.approx(0.1) if spent else None)
        assert row["repurchase_share"] == (spent > 0)
    assert findings(SEGMENT_BACKTEST.arrow(rows).to_pandas()) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=40))
def test_the_top_tenth_is_what_a_random_order_of_ties_has_on_average(customers):
    predicted = np.array([float(group) for group, _ in customers])
    revenue = np.array([float(money) for _, money in customers])
    left, expected = len(customers) / 10, 0.0
    for group in sorted(set(predicted), reverse=True):
        members = revenue[predicted == group]
        taken = min(left, len(members))
        expected += taken * members.mean()
        left -= taken
    assert top_revenue(predicted, revenue) == pytest.approx(expected)


def test_findings_say_where_kmeans_does_not_beat_the_sum():
    def row(labelling: str, kind: str, explained: float, as_of: date) -> dict:
        return {
            "labelling": labelling,
            "as_of": as_of,
            "horizon_months": 6,
            "customers": 9,
            "explained_variance": explained,
            "repurchase_auc": 0.7,
            "top_tenth_share": explained + 0.1,
            "repurchase_share": 0.5,
            "kind": kind,
        }

    rows = []
    for as_of, by in ((date(2011, 3, 1), -0.1), (AS_OF, 0.1)):
        rows += [
            row("KMeans, 4 clusters", "segments", 0.300 + by, as_of),
            row("KMeans, 8 clusters", "segments", 0.350 + by, as_of),
            row(GRID, "segments", 0.298 + by, as_of),
            row(BEFORE, "segments", 0.29 + by, as_of),
            row(QUINTILE_SUM, "score", 0.330 + by, as_of),
            row(BOUND, "bound", 0.370 + by, as_of),
        ]
    four, eight, tenth = findings(SEGMENT_BACKTEST.arrow(rows).to_pandas())
    assert four == (
        "Over 6 months KMeans with 4 clusters explains 30.0% of the variance of log revenue: it "
        "does not beat the plain sum of quintile scores (33.0%), equals the classic RFM grid "
        "(29.8%), beats four clusters of log1p (29.0%). Gradient boosting gets 37.0% out of these "
        "features."
    )
    assert "KMeans with 8 clusters explains 35.0%" in eight
    assert "it beats the plain sum of quintile scores (33.0%), beats" in eight
    assert "45.0% of the revenue by KMeans with 8 clusters, 43.0% by the plain sum" in tenth
