"""Refits, the gate and explicit choices, as real runs on copies of warehouses."""

from datetime import date, datetime

import pandas as pd
import pytest

from customer_segments.installation import Installation
from customer_segments.model.champion import in_force
from customer_segments.storage.ledger import latest
from customer_segments.tables import CUSTOMER_SEGMENTS, KMEANS_MODEL
from customer_segments_tests.installations import execute
from customer_segments_tests.model.versions import (
    champion,
    choose,
    decisions,
    refit,
    warehouse_of,
)

FIGURES = ["adjusted_rand_index", "moved_share", "stability", "silhouette", "champion_silhouette"]


@pytest.fixture
def installed(sample_warehouse, copy_of):
    return copy_of(sample_warehouse)


def digests(settings):
    with warehouse_of(settings).reading() as con:
        return {month: line.digest for month, line in latest(con, "customer_segments").items()}


def score_all(settings):
    covered = Installation.of(settings).months
    execute(settings, "score", covered.first, covered.last)


def test_the_first_fit_promotes_itself(sample_warehouse):
    first = decisions(sample_warehouse)
    assert first[["verdict", "reason"]].to_numpy().tolist() == [["first fit", "first fit"]]
    assert first[["previous_version", "challenger", *FIGURES]].isna().all(axis=None)


def test_the_same_refit_again_adds_no_version_and_no_decision(installed):
    before = decisions(installed)
    versions = warehouse_of(installed).load(KMEANS_MODEL)
    metadata = refit(installed)
    assert decisions(installed).equals(before)
    assert warehouse_of(installed).load(KMEANS_MODEL).equals(versions)
    assert metadata["is_new_decision"] is False
    assert metadata["champion_version"] == champion(installed)
    assert metadata["verdict"] == "first fit"


def test_a_refit_that_moves_few_is_promoted_and_labels_from_then_on(installed):
    old = champion(installed)
    metadata = refit(installed, training_month="2024-10")
    row = decisions(installed).iloc[-1]
    assert (row["verdict"], row["previous_version"]) == ("promoted", old)
    assert row["version"] == row["challenger"] == champion(installed) != old
    assert 0 < row["moved_share"] <= 0.10
    assert 0.85 <= row["stability"] <= 1
    assert 0.85 < row["adjusted_rand_index"] < 1
    assert row["silhouette"] == pytest.approx(
        warehouse_of(installed)
        .load(KMEANS_MODEL)
        .set_index("version")
        .loc[row["version"], "silhouette"]
        .iloc[0]
    )
    assert row["champion_silhouette"] - row["silhouette"] <= 0.02
    assert "Champions -> Champions" in row["matching"]
    assert metadata["champion_version"] == row["version"]
    assert metadata["is_new_decision"] is True
    assert metadata["verdict"] == "promoted"
    assert {name: metadata[name] for name in FIGURES} == row[FIGURES].to_dict()
    assert "| Champions | Champions |" in metadata["matching"]

    month = date(2024, 12, 1)
    execute(installed, "score", month, month)
    labels = CUSTOMER_SEGMENTS.relation.select("snapshot_month", "model_version").distinct()
    by_month = warehouse_of(installed).query(labels)
    newest = by_month["snapshot_month"] == by_month["snapshot_month"].max()
    assert set(by_month.loc[newest, "model_version"]) == {row["version"]}
    assert set(by_month.loc[~newest, "model_version"]) == {old}


def test_eight_clusters_are_kept_out_once_and_may_be_chosen(installed):
    old = champion(installed)
    metadata = refit(installed, n_clusters=8)
    row = decisions(installed).iloc[-1]
    assert (row["verdict"], row["version"], row["previous_version"]) == ("kept", old, old)
    assert row["moved_share"] > 0.10
    assert f"moved_share {row['moved_share']:.1%} is above max_moved_share 10.0%" in row["reason"]
    assert row["reason"].startswith(row["challenger"])
    assert metadata["champion_version"] == old
    assert (metadata["verdict"], metadata["is_new_decision"]) == ("kept", True)

    # The same pair again: no new row, and the UI still says what was judged.
    again = refit(installed, n_clusters=8)
    assert len(decisions(installed)) == 2
    assert (again["verdict"], again["is_new_decision"]) == ("kept", False)
    assert again["reason"] == row["reason"]

    chosen = {"version": row["challenger"], "reason": "eight read better"}
    refit(installed, choice=chosen, n_clusters=8)
    newest = decisions(installed).iloc[-1]
    assert (newest["verdict"], newest["reason"]) == ("chosen", "eight read better")
    assert (newest["version"], newest["previous_version"]) == (row["challenger"], old)
    # Deterministic: seeded.
    assert newest[FIGURES].to_dict() == row[FIGURES].to_dict()

    # Choosing what labels already is no decision.
    assert choose(installed, version=row["challenger"])["is_new_decision"] is False
    assert len(decisions(installed)) == 3


def test_the_gates_thresholds_come_from_the_launchpad(installed):
    lenient = {"max_moved_share": 1.0, "max_silhouette_loss": 1.0}
    assert refit(installed, choice=lenient, n_clusters=8)["verdict"] == "promoted"
    strict = {"min_stability": 1.0}
    metadata = refit(installed, choice=strict, seed=1, n_clusters=8)
    assert metadata["verdict"] == "kept"
    assert "is below min_stability 1" in metadata["reason"]


def test_rolling_back_brings_the_old_labels_back_to_the_byte(installed):
    old, before = champion(installed), digests(installed)
    refit(installed, training_month="2024-10")
    score_all(installed)
    assert digests(installed) != before
    choose(installed, version=old, reason="roll back")
    score_all(installed)
    assert digests(installed) == before

    # The gate has judged this pair and does not undo what somebody chose.
    refit(installed, training_month="2024-10")
    assert champion(installed) == old
    assert list(decisions(installed)["verdict"]) == ["first fit", "promoted", "chosen"]


def test_without_a_fit_that_dagster_knows_of_nothing_is_compared(installed):
    before = decisions(installed)
    assert choose(installed)["is_new_decision"] is False
    assert decisions(installed).equals(before)


def test_on_the_real_workbook_half_a_year_moves_three_percent(real_warehouse, copy_of):
    installed = copy_of(real_warehouse)
    refit(installed, training_month="2011-06")
    row = decisions(installed).iloc[-1]
    assert row["verdict"] == "promoted"
    measured = {
        "adjusted_rand_index": 0.9310,
        "moved_share": 0.0293,
        "stability": 0.9301,
        "silhouette": 0.3711,
        "champion_silhouette": 0.3719,
    }
    assert row[FIGURES].to_dict() == pytest.approx(measured, abs=0.0005)
    assert row["matching"].count(" -> ") == 4
    pairs = [pair.split(" -> ") for pair in row["matching"].split("; ")]
    assert all(before == after for before, after in pairs)

    # December 2011 ends on the 9th: a refit on it would move two customers in five.
    refit(installed, choice={"version": row["previous_version"], "reason": "back"})
    refit(installed, training_month="2011-12")
    row = decisions(installed).iloc[-1]
    assert row["verdict"] == "kept"
    assert row["moved_share"] == pytest.approx(0.4024, abs=0.0005)
    assert "moved_share 40.2% is above" in row["reason"]


def test_a_decision_to_keep_does_not_change_since_when():
    log = pd.DataFrame(
        {
            "version": ["a", "b", "b", "a", "a"],
            "decided_at": pd.to_datetime([f"2024-0{month}-01" for month in range(1, 6)]),
        }
    )
    assert in_force(log) == ("a", datetime(2024, 4, 1))
    assert in_force(log.head(3)) == ("b", datetime(2024, 2, 1))
    assert in_force(log.head(0)) == (None, None)


def test_a_full_refresh_over_months_judges_its_fit_as_well(installed):
    covered = Installation.of(installed).months
    config = {"kmeans_model": {"config": {"n_clusters": 8}}}
    execute(installed, "full_refresh", covered.newest, covered.newest, {"ops": config})
    assert list(decisions(installed)["verdict"]) == ["first fit", "kept"]
