"""Figures of two versions against scikit-learn, and the gate that judges them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from customer_segments.model.comparison import (
    Comparison,
    compare,
    match_segments,
    nearest_clusters,
)
from customer_segments.model.gates import missed_by_challenger, verdict
from customer_segments.model.measures import silhouettes
from customer_segments.model.training import Pool
from customer_segments.policy.model import Gate
from customer_segments_tests.model.versions import frame, made_up

NAMES = ["Champions", "Promising", "Hibernating"]
CENTROIDS = [(1.0, 4.0, 9.0), (1.5, 1.0, 5.0), (6.0, 1.0, 5.0)]
GOOD = Comparison(0.9, moved_share=0.05, stability=0.95, silhouette=0.4, champion_silhouette=0.41)


@pytest.fixture(scope="module")
def customers() -> Pool:
    """Three clouds around ``CENTROIDS``, 60 customers each."""
    random = np.random.default_rng(5)
    logs = np.vstack([random.normal(centroid, 0.35, (60, 3)) for centroid in CENTROIDS])
    of, now = np.arange(180), np.zeros(180, int)
    return Pool(np.expm1(np.maximum(logs, 0.0)), of, now, date(2023, 1, 1), date(2024, 1, 1))


def logs_of(customers: Pool) -> np.ndarray:
    return np.log1p(customers.values)


def test_the_figures_are_scikit_learns(customers):
    old = frame(made_up(CENTROIDS, NAMES))
    shifted = [(1.0, 4.0, 9.0), (1.5, 1.0, 4.0), (3.0, 1.0, 5.2)]
    new = frame(made_up(shifted, ["Champions", "New Customers", "Hibernating"]))
    figures = compare(customers, old, new, Gate(bootstrap_resamples=3, seed=4))
    features = logs_of(customers)
    labels = [
        KMeans(3, init=np.array(start), n_init=1, max_iter=1).fit(features)
        for start in (CENTROIDS, shifted)
    ]
    for fitted, start in zip(labels, (CENTROIDS, shifted), strict=True):
        fitted.cluster_centers_ = np.array(start)
    before, after = (fitted.predict(features) for fitted in labels)
    assert figures.adjusted_rand_index == pytest.approx(adjusted_rand_score(before, after))
    assert figures.adjusted_rand_index < 0.99
    assert figures.champion_silhouette == pytest.approx(silhouette_score(features, before))
    assert figures.silhouette == pytest.approx(silhouette_score(features, after))
    # Of before there was the recipe that a refit goes by.
    assert figures.stability is None
    # By name: those of cluster 1 moved, renamed, though their cluster is the same.
    stayed = (before == after) & (before != 1)
    assert figures.moved_share == pytest.approx(1 - stayed.mean())


def test_numbering_does_not_matter_but_names_do(customers):
    old = frame(made_up(CENTROIDS, NAMES))
    turned = frame(made_up(CENTROIDS[::-1], NAMES[::-1]))
    gate = Gate(bootstrap_resamples=2, seed=1)
    figures = compare(customers, old, turned, gate)
    assert (figures.adjusted_rand_index, figures.moved_share) == (1.0, 0.0)
    renamed = frame(made_up(CENTROIDS[::-1], ["Lost", "Promising", "Champions"]))
    assert compare(customers, old, renamed, gate).moved_share == pytest.approx(1 / 3)


def test_each_version_labels_after_its_own_scaling(customers):
    plain = made_up(CENTROIDS, NAMES)
    scaled = [
        row
        | {"recency_mean": 2.0, "recency_scale": 4.0}
        | {"recency_centroid": (row["recency_centroid"] - 2.0) / 4.0}
        for row in plain
    ]
    features = logs_of(customers) / [4.0, 1.0, 1.0]
    expected = ((features[:, None] - np.array(CENTROIDS) / [4.0, 1.0, 1.0]) ** 2).sum(axis=2)
    assert list(nearest_clusters(customers.values, frame(scaled))) == list(expected.argmin(axis=1))
    # Rows in another order are the same version.
    assert list(nearest_clusters(customers.values, frame(scaled[::-1]))) == list(
        expected.argmin(axis=1)
    )


def test_silhouettes_of_labellings_with_empty_clusters(customers):
    features = logs_of(customers)
    labels = np.repeat([0, 2, 5], 60)
    scores = silhouettes(features, [labels, np.full(180, 3), labels % 2])
    expected = [silhouette_score(features, labels), 0.0, silhouette_score(features, labels % 2)]
    assert scores == pytest.approx(expected)


def test_which_segment_became_which():
    old = made_up(CENTROIDS, NAMES)
    new = made_up(CENTROIDS[::-1], ["Lost", "New Customers", "Champions"])
    versions = frame(old + new)
    became = match_segments(versions, old[0]["version"], new[0]["version"])
    assert became == "Champions -> Champions; Promising -> New Customers; Hibernating -> Lost"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, []),
        ({"stability": 0.85, "moved_share": 0.10, "silhouette": 0.39}, []),
        ({"stability": 0.8499}, ["min_stability 0.85"]),
        ({"moved_share": 0.101}, ["moved_share 10.1% is above max_moved_share 10.0%"]),
        ({"silhouette": 0.38}, ["max_silhouette_loss 0.02"]),
        (
            {"stability": 0.5, "moved_share": 0.6, "silhouette": 0.1},
            ["stability 0.500", "moved_share 60.0%", "silhouette 0.100 is 0.310 below"],
        ),
    ],
)
def test_the_gate_names_every_threshold_missed(changes, named):
    figures = replace(GOOD, **changes)
    missed = missed_by_challenger(figures, Gate())
    assert len(missed) == len(named)
    assert all(name in clause for name, clause in zip(named, missed, strict=True))
    outcome, reason = verdict("abc", figures, Gate())
    assert outcome == ("kept" if named else "promoted")
    assert all(name in reason for name in named)
    assert reason.startswith("abc ")


def test_thresholds_are_config():
    bad = replace(GOOD, stability=0.5, moved_share=0.6, silhouette=0.1)
    config = Gate(min_stability=0.5, max_moved_share=0.6, max_silhouette_loss=0.4)
    assert missed_by_challenger(bad, config) == []
