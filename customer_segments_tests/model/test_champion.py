"""Refits, the gate and explicit choices, as real runs on copies of warehouses."""

from datetime import date, datetime

import pandas as pd
import pytest

from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.model import assets, comparison
from customer_segments.model.champion import decide, in_force
from customer_segments.model.exchange import import_version, to_json
from customer_segments.months import shift
from customer_segments.policy.model import Deciding
from customer_segments.storage import Warehouse
from customer_segments.storage.ledger import latest
from customer_segments.tables import (
    CHAMPION_MODEL,
    CUSTOMER_SEGMENTS,
    KMEANS_MODEL,
    MODEL_SELECTION,
)
from customer_segments_tests.installations import execute, materialize
from customer_segments_tests.machine import shop
from customer_segments_tests.model.versions import (
    champion,
    choose,
    decisions,
    frame,
    made_up,
    refit,
    shown,
    warehouse_of,
)
from customer_segments_tests.storage import processes

FIGURES = ["adjusted_rand_index", "moved_share", "stability", "silhouette", "champion_silhouette"]


@pytest.fixture
def installed(sample_warehouse, copy_of):
    return copy_of(sample_warehouse)


def digests(settings):
    with warehouse_of(settings).reading() as con:
        return {month: line.digest for month, line in latest(con, "customer_segments").items()}


def relabel(settings):
    """Label the newest months by the champion; each month costs the same."""
    newest = Installation.of(settings).months.newest
    execute(settings, "relabel", shift(newest, -2), newest)


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
    config = {
        "kmeans_model": {"config": {"n_clusters": 5, "training_month": "2024-11"}},
        "model_selection": {"config": {"resamples": 0}},
    }
    metadata = shown(execute(installed, "refit", run_config={"ops": config}))
    row = decisions(installed).iloc[-1]
    # The evidence is of the customers that the model was fitted on.
    evidence = warehouse_of(installed).load(MODEL_SELECTION)
    assert set(evidence["training_month"].dt.date) == {date(2024, 11, 1)}
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
    materialize(installed, ["customer_segments"], month, month, checks=False)
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

    choose(installed, version=row["challenger"], reason="eight read better")
    newest = decisions(installed).iloc[-1]
    assert (newest["verdict"], newest["reason"]) == ("chosen", "eight read better")
    assert (newest["version"], newest["previous_version"]) == (row["challenger"], old)
    # Deterministic: seeded.
    assert newest[FIGURES].to_dict() == row[FIGURES].to_dict()

    # Choosing what labels already is no decision.
    assert choose(installed, version=row["challenger"])["is_new_decision"] is False
    assert len(decisions(installed)) == 3


def test_the_gates_thresholds_come_from_the_launchpad(installed):
    """By the policy's the same fit is kept out, as above."""
    lenient = {"max_moved_share": 1.0, "max_silhouette_loss": 1.0}
    assert refit(installed, choice=lenient, n_clusters=8)["verdict"] == "promoted"


@pytest.mark.slow  # of the tiny shop test_cli has it; the pair that was judged is below
def test_rolling_back_brings_the_old_labels_back_to_the_byte(installed):
    old, before = champion(installed), digests(installed)
    refit(installed, training_month="2024-11")
    relabel(installed)
    assert digests(installed) != before
    choose(installed, version=old, reason="roll back")
    relabel(installed)
    assert digests(installed) == before

    # The gate has judged this pair and does not undo what somebody chose.
    refit(installed, training_month="2024-11")
    assert champion(installed) == old
    assert list(decisions(installed)["verdict"]) == ["first fit", "promoted", "chosen"]


def test_without_a_fit_that_dagster_knows_of_nothing_is_compared(installed):
    before = decisions(installed)
    assert choose(installed)["is_new_decision"] is False
    assert decisions(installed).equals(before)


def test_a_launch_of_promote_that_decides_nothing_is_an_error(installed):
    before = decisions(installed)
    with pytest.raises(UserError, match="names no version"):
        execute(installed, "promote")
    assert decisions(installed).equals(before)
    execute(installed, "promote", run_config=naming(champion(installed)))
    assert decisions(installed).equals(before)


def naming(version: str) -> dict:
    return {"ops": {"champion_model": {"config": {"version": version}}}}


def test_two_decisions_at_once_are_made_one_after_the_other(installed, monkeypatch):
    """While a refit is judged, another process promotes: it waits, and then sees the refit."""
    old, others = champion(installed), []
    imported = made_up([(1.0, 4.0, 9.0), (6.0, 1.0, 5.0)], ["Champions", "Hibernating"])
    measure = assets.compare

    def meanwhile(*versions, **options):
        text = to_json(imported[0]["version"], imported)
        tried = processes.CONTEXT.Event()
        others.append(processes.start(promote_meanwhile, installed.warehouse_path, text, tried))
        assert tried.wait(processes.PATIENCE)
        return measure(*versions, **options)

    monkeypatch.setattr(assets, "compare", meanwhile)
    refit(installed, training_month="2024-11")
    others[0].join(processes.PATIENCE)
    assert others[0].exitcode == 0
    log = decisions(installed)
    assert log["verdict"].tolist() == ["first fit", "promoted", "imported"]
    assert log["decision"].tolist() == [1, 2, 3]
    assert log["previous_version"].tolist()[1:] == [old, log["version"].iloc[1]]


def promote_meanwhile(path, text: str, tried) -> None:
    """Promote by an import, in a process of its own; tell that it was tried while others write."""
    try:
        import_version(Warehouse(path, 0), text, promote=True)
    except UserError:
        tried.set()
        import_version(Warehouse(path, processes.PATIENCE), text, promote=True)
    tried.set()


def test_a_pair_of_versions_is_judged_once_and_another_pair_again():
    """Whatever was said of a challenger beside another champion says nothing beside this one."""
    names = ["Champions", "Hibernating"]
    fits = [made_up([(1.0, 4.0, money), (6.0, 1.0, 5.0)], names) for money in (9.0, 9.5, 8.5)]
    first, challenger, third = (rows[0]["version"] for rows in fits)
    bad = comparison.Comparison(0.5, 0.6, stability=0.5, silhouette=0.1, champion_silhouette=0.4)
    log, compared = [], []

    def compare(*pair):
        compared.append(pair)
        return bad

    def decided(fitted=None, version=""):
        so_far = CHAMPION_MODEL.arrow(log).to_pandas(date_as_object=False)
        row, is_new = decide(
            frame([row for rows in fits for row in rows]),
            so_far,
            Deciding(version=version),
            fitted=fitted,
            compare=compare,
            run_id="",
        )
        log.extend([row] * is_new)
        return row["verdict"], is_new

    assert decided(fitted=first) == ("first fit", True)
    assert decided(fitted=challenger) == ("kept", True)
    assert decided(fitted=challenger) == ("kept", False)
    assert decided(version=third) == ("chosen", True)
    assert decided(fitted=challenger) == ("kept", True)
    assert decided(version=first) == ("chosen", True)
    assert decided(fitted=challenger) == ("kept", False)
    judged = [pair for pair in compared if pair[1] == challenger]
    assert judged == [(first, challenger), (third, challenger)]
    assert [row["version"] for row in log] == [first, first, third, third, first]


def test_on_the_real_workbook_a_month_moves_few(uci_warehouse, copy_of):
    installed = copy_of(uci_warehouse)
    refit(installed, training_month="2011-10")
    row = decisions(installed).iloc[-1]
    assert row["verdict"] == "promoted"
    measured = {
        "adjusted_rand_index": 0.942,
        "moved_share": 0.025,
        "stability": 0.942,
        "silhouette": 0.371,
        "champion_silhouette": 0.373,
    }
    assert row[FIGURES].to_dict() == pytest.approx(measured, abs=0.002)
    pairs = [pair.split(" -> ") for pair in row["matching"].split("; ")]
    assert len(pairs) == 7
    assert all(before == after for before, after in pairs)


@pytest.mark.slow  # the gate's limit has its own test, and eight clusters are kept out above
def test_on_the_real_workbook_half_a_year_moves_many(uci_warehouse, copy_of):
    installed = copy_of(uci_warehouse)
    refit(installed, training_month="2011-06")
    row = decisions(installed).iloc[-1]
    assert row["verdict"] == "kept"
    assert row["moved_share"] == pytest.approx(0.120, abs=0.002)
    assert "is above max_moved_share 10.0%" in row["reason"]


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


@pytest.mark.slow  # refits are judged above, and by commands in test_cli
def test_a_full_refresh_over_months_judges_its_fit_as_well(world):
    config = {"ops": {"kmeans_model": {"config": {"n_clusters": 3}}}}
    world.launch("full_refresh", (shop.month(2), shop.month(2)), config=config)
    log = decisions(world.settings)
    assert log["verdict"].tolist() == ["first fit", "kept"]
    assert log["challenger"].iloc[1] != log["version"].iloc[0]
